#include "config/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/file_descriptor.h"

namespace posthorn::config {
namespace {

std::unexpected<Error> cannot_read() {
  const int code = errno;
  return fail(code == ENOENT ? Errc::not_found : Errc::io,
              "cannot be read: " + std::generic_category().message(code));
}

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

Result<FileContent> read_file(const std::string& path, std::size_t max) {
  // Not to wait for a writer should the path name a pipe.
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.fd() < 0) return cannot_read();
  struct stat info{};
  if (::fstat(file.fd(), &info) != 0) return cannot_read();
  if (!S_ISREG(info.st_mode)) return fail(Errc::io, "is not a regular file");
  FileContent out;
  out.world_readable = (info.st_mode & S_IROTH) != 0;
  char buffer[16384];
  while (true) {
    const ssize_t n = ::read(file.fd(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return cannot_read();
    if (n == 0) return out;
    out.text.append(buffer, static_cast<std::size_t>(n));
    if (out.text.size() > max) return fail(Errc::too_large, "is too large");
  }
}

Result<void> check_certificate_pem(const std::string& pem) {
  if (has(pem, "-----BEGIN CERTIFICATE-----") || has(pem, "-----BEGIN TRUSTED CERTIFICATE-----")) return {};
  return fail(Errc::invalid, "holds no certificate in PEM form");
}

Result<void> check_key_pem(const std::string& pem) {
  if (has(pem, "BEGIN ENCRYPTED PRIVATE KEY") || has(pem, "Proc-Type: 4,ENCRYPTED"))
    return fail(Errc::invalid,
                "is protected by a pass phrase, which nobody could type when the server starts");
  if (has(pem, "PRIVATE KEY-----")) return {};
  return fail(Errc::invalid, "holds no private key in PEM form");
}

}  // namespace posthorn::config
