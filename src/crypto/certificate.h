// A self-signed certificate for a server that was given none, and files that hold secrets.  Blocking.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace posthorn::crypto {

struct CertificatePem {
  std::string certificate;
  std::string key;
};

// ECDSA P-256, valid for ten years from yesterday, CN and SAN `hostname`, SAN also localhost, 127.0.0.1 and
// ::1. Errc::invalid: `hostname` is empty or longer than 253 bytes, or has other characters than a host name.
Result<CertificatePem> make_self_signed(std::string_view hostname);

enum class FileMode { secret = 0600, open = 0644 };

// Writes the whole file or nothing: a new file beside it, synced, renamed into place.  Errc::io,
// Errc::no_space.
Result<void> write_file_atomically(const std::string& path, std::string_view content, FileMode mode);

// make_self_signed() into two files, unless both exist; the key is 0600.  The key is written first.
Result<void> ensure_self_signed(const std::string& certificate_path, const std::string& key_path,
                                std::string_view hostname);

// SHA-256 of the public key (SubjectPublicKeyInfo, DER) of the first certificate in PEM text: what a TLSA record "3 1 1" holds [RFC6698 2.1].
// 32 bytes.  Errc::invalid.
Result<std::string> public_key_digest(const std::string& pem);

}  // namespace posthorn::crypto
