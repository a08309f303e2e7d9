#include "fetch/waiting_message.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "mailfile/maildir_name.h"

namespace posthorn::fetch {
namespace {

constexpr std::size_t kPiece = 64 * 1024;
constexpr const char* kWhat = "a message that waits";

class FileSource final : public client::MessageSource {
 public:
  FileSource(int fd, std::uint64_t size) : fd_(fd), size_(size) {}
  // From the page cache, mostly: it was written a moment ago.
  Task<Result<std::string_view>> next() override {
    piece_.resize(std::min<std::uint64_t>(kPiece, size_ - at_));
    if (piece_.empty()) co_return std::string_view();
    const auto n = ::pread(fd_, piece_.data(), piece_.size(), static_cast<off_t>(at_));
    if (n <= 0) co_return mailfile::errno_failure("read", kWhat);
    at_ += static_cast<std::uint64_t>(n);
    co_return std::string_view(piece_).substr(0, static_cast<std::size_t>(n));
  }

 private:
  const int fd_;
  const std::uint64_t size_;
  std::uint64_t at_ = 0;
  std::string piece_;
};

}  // namespace

Result<WaitingMessage> WaitingMessage::begin(const std::string& journal_path) {
  const auto path = journal_path + ".sending-" + mailfile::make_maildir_name().unique;
  WaitingMessage out;
  TRY(out.file_, mailfile::open_file(path, O_RDWR | O_CREAT | O_EXCL));
  ::unlink(path.c_str());
  return out;
}

Result<void> WaitingMessage::put(std::string_view bytes) {
  size_ += bytes.size();
  buffer_ += bytes;
  return buffer_.size() < kPiece ? Result<void>{} : write();
}

Result<void> WaitingMessage::finish() {
  TRY_OK(write());
  buffer_ = {};
  return {};
}

Result<void> WaitingMessage::write() {
  TRY_OK(mailfile::write_all(file_.fd(), buffer_, kWhat));
  buffer_.clear();
  return {};
}

std::unique_ptr<client::MessageSource> WaitingMessage::open() const {
  return std::make_unique<FileSource>(file_.fd(), size_);
}

}  // namespace posthorn::fetch
