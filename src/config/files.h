// Looking at the files that the configuration names, as far as that goes without a TLS library.  Blocking.
#pragma once

#include <string>

#include "base/result.h"

namespace posthorn::config {

// The whole content of a regular file of at most `max` bytes.  Errc::io, Errc::not_found, Errc::too_large;
// the text is fit to follow the file's name: "cannot be read: Permission denied".
struct FileContent {
  std::string text;
  bool world_readable = false;
};
Result<FileContent> read_file(const std::string& path, std::size_t max);

// Whether PEM text holds what it should; Errc::invalid with what is wrong.
Result<void> check_certificate_pem(const std::string& pem);
Result<void> check_key_pem(const std::string& pem);

}  // namespace posthorn::config
