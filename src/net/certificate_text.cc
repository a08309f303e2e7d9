#include "net/certificate_text.h"

#include <openssl/bio.h>

#include <algorithm>
#include <memory>

namespace posthorn::net {

std::string printable_text(std::string_view text, std::size_t limit) {
  std::string out(text.substr(0, limit));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
  return out;
}

std::string text_of(const X509_NAME* name, std::size_t limit) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out.get(), &bytes);
  return printable_text({bytes, static_cast<std::size_t>(std::max(0L, size))}, limit);
}

}  // namespace posthorn::net
