// Private to *.cc of this folder: owners of OpenSSL's objects, and its errors as ours.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <memory>
#include <string>

#include "base/result.h"

namespace posthorn::crypto {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
using KeyHandle = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using BufferHandle = std::unique_ptr<BIO, Freer<BIO_free>>;

// "what: <the oldest error of this thread>"; forgets the others.
inline std::unexpected<Error> openssl_failed(const char* what, Errc code = Errc::io) {
  char text[256] = "";
  ERR_error_string_n(ERR_get_error(), text, sizeof text);
  ERR_clear_error();
  return fail(code, std::string(what) + ": " + text);
}

// The text that `write` puts into a BIO; empty when it fails.
template <class Write>
std::string to_pem(Write write) {
  const BufferHandle buffer(BIO_new(BIO_s_mem()));
  if (!buffer || write(buffer.get()) != 1) return {};
  char* data = nullptr;
  const long size = BIO_get_mem_data(buffer.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

}  // namespace posthorn::crypto
