// What stands in a certificate, as text.
#pragma once

#include <openssl/x509.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace posthorn::net {

// A certificate is what a stranger wrote: printable ASCII, "?" for the rest, and at most `limit` of it.
std::string printable_text(std::string_view, std::size_t limit);
// "CN=mail.example.org,O=Example"
std::string text_of(const X509_NAME*, std::size_t limit);

}  // namespace posthorn::net
