#include "copy/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace posthorn::copy {
namespace {

constexpr std::size_t kPiece = 64 << 10;

Result<mailfile::File> temporary_file() {
  const char* given = ::getenv("TMPDIR");
  const std::string directory = given && *given ? given : "/tmp";
  const int fd = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0) return mailfile::File(fd);
  std::string name = directory + "/posthorn-XXXXXX";  // a file system without O_TMPFILE
  const int made = ::mkostemp(name.data(), O_CLOEXEC);
  if (made < 0) return mailfile::errno_failure("make a temporary file in", directory);
  ::unlink(name.c_str());
  return mailfile::File(made);
}

}  // namespace

Result<void> Spool::write(std::string_view octets) {
  sha_.update(octets);
  const auto before = [&](std::size_t at, std::size_t by) { return at >= by ? octets[at - by] : at + 1 == by ? last_ : one_before_; };
  for (std::size_t at = octets.find('\n'); at != octets.npos && plain_; at = octets.find('\n', at + 1)) plain_ = before(at, 1) == '\r' && before(at, 2) != '\r';
  if (octets.size() > 1) one_before_ = octets[octets.size() - 2];
  else if (!octets.empty()) one_before_ = last_;
  if (!octets.empty()) last_ = octets.back();
  size_ += octets.size();
  if (!file_.is_open() && memory_.size() + octets.size() <= kInMemory) {
    memory_ += octets;
    return {};
  }
  if (!file_.is_open()) {
    TRY(file_, temporary_file());
    TRY_OK(mailfile::write_all(file_.fd(), std::exchange(memory_, {}), "a temporary file"));
  }
  return mailfile::write_all(file_.fd(), octets, "a temporary file");
}

crypto::Sha256Digest Spool::digest() { return sha_.finish(); }

Result<std::string_view> Spool::read(std::uint64_t offset) {
  if (offset >= size_) return std::string_view();
  if (!file_.is_open()) return std::string_view(memory_).substr(offset, kPiece);
  if (!piece_) piece_ = std::make_unique<char[]>(kPiece);
  for (;;) {
    const auto n = ::pread(file_.fd(), piece_.get(), kPiece, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return mailfile::errno_failure("read", "a temporary file");
    if (n == 0) return fail(Errc::io, "a temporary file is shorter than what was written");
    return std::string_view(piece_.get(), static_cast<std::size_t>(n));
  }
}

Result<crypto::Sha256Digest> text_digest(Spool& octets) {
  crypto::Sha256 sha;
  char last = 0;
  for (std::uint64_t at = 0;;) {
    TRY(auto piece, octets.read(at));
    if (piece.empty()) break;
    at += piece.size();
    while (!piece.empty()) {
      const auto run = piece.substr(0, piece.find('\r'));
      if (!run.empty()) last = run.back();
      sha.update(run);
      piece.remove_prefix(std::min(run.size() + 1, piece.size()));
    }
  }
  if (last != '\n') sha.update("\n");
  return sha.finish();
}

Task<Result<std::string_view>> SpoolSource::next() {
  auto piece = spool_.read(at_);
  if (piece) at_ += piece->size();
  co_return piece;
}

}  // namespace posthorn::copy
