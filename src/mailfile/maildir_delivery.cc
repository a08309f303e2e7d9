// tmp, fsync, rename. [https://cr.yp.to/proto/maildir.html]
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "mailfile/maildir.h"

namespace posthorn::mailfile {

int rename_to_free(const std::string& from,
                   const std::string& to);  // maildir.cc; as rename(), but EEXIST where `to` exists

namespace {

constexpr std::size_t kBuffer = 64 * 1024;

std::string tmp_path(const MaildirFolder& folder, const MaildirName& name) {
  return folder.path() + "/tmp/" + name.unique;
}

Result<MaildirEntry> deliver_file(const MaildirFolder& folder, const std::string& from, MaildirName name,
                                  MaildirBatch::Into into) {
  const bool is_new = into == MaildirBatch::Into::new_mail && (!name.flags || name.flags->empty());
  if (is_new)
    name.flags.reset();
  else if (!name.flags)
    name.flags = MaildirFlags();
  MaildirEntry entry{.name = std::move(name), .is_new = is_new};
  if (rename_to_free(from, folder.path_of(entry)) != 0) return errno_failure("deliver", from);
  return entry;
}

}  // namespace

MaildirDraft::MaildirDraft(std::string path, MaildirName name, File file)
    : path_(std::move(path)), name_(std::move(name)), file_(std::move(file)) {}

Result<MaildirDraft> MaildirDraft::begin(const MaildirFolder& folder, MaildirName name) {
  auto path = tmp_path(folder, name);
  TRY(auto file, open_file(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW));
  return MaildirDraft(std::move(path), std::move(name), std::move(file));
}

MaildirDraft& MaildirDraft::operator=(MaildirDraft&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(name_, other.name_);
  std::swap(file_, other.file_);
  std::swap(size_, other.size_);
  std::swap(buffer_, other.buffer_);
  return *this;
}

// What was moved from has no file.
MaildirDraft::~MaildirDraft() {
  if (file_.is_open() && !path_.empty()) ::unlink(path_.c_str());
}

Result<void> MaildirDraft::put(std::string_view bytes) {
  size_ += bytes.size();
  if (buffer_.size() + bytes.size() < kBuffer) {
    buffer_.append(bytes);
    return {};
  }
  if (!buffer_.empty()) TRY_OK(write_all(file_.fd(), buffer_, path_));
  buffer_.clear();
  return write_all(file_.fd(), bytes, path_);
}

Result<void> MaildirDraft::finish(std::optional<SysTime> internal_date) {
  if (!buffer_.empty()) TRY_OK(write_all(file_.fd(), buffer_, path_));
  buffer_ = {};
  if (!internal_date) return {};
  const auto ms = internal_date->time_since_epoch().count();
  const timespec at{.tv_sec = static_cast<time_t>(ms / 1000),
                    .tv_nsec = static_cast<long>(ms % 1000) * 1'000'000};
  const timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, at};
  if (::futimens(file_.fd(), times) != 0) return errno_failure("set the time of", path_);
  return {};
}

void MaildirBatch::add(MaildirDraft draft, Into into) {
  drafts_.push_back({.draft = std::move(draft), .into = into});
}

Result<Synced> MaildirBatch::sync(int also) {
  std::vector<int> fds;
  for (const auto& one : drafts_) fds.push_back(one.draft.file_.fd());
  if (also >= 0) fds.push_back(also);
  if (fds.empty()) return Synced::files;
  return sync_files(fds, folder_.path() + "/tmp");
}

Result<void> MaildirBatch::deliver(std::vector<MaildirEntry>& delivered) {
  for (auto& [draft, into] : drafts_) {
    TRY(auto entry, deliver_file(folder_, draft.path_, draft.name_, into));
    draft.path_.clear();
    draft.file_.close();
    delivered.push_back(std::move(entry));
  }
  drafts_.clear();
  return {};
}

void MaildirBatch::leave_in_tmp() {
  for (auto& one : drafts_) one.draft.path_.clear();
}

Result<std::vector<MaildirEntry>> MaildirBatch::commit() {
  TRY_OK(sync());
  std::vector<MaildirEntry> delivered;
  TRY_OK(deliver(delivered));
  TRY_OK(folder_.sync());
  return delivered;
}

Result<MaildirEntry> deliver_left_over(const MaildirFolder& folder, const MaildirName& name,
                                       MaildirBatch::Into into) {
  return deliver_file(folder, tmp_path(folder, name), name, into);
}

}  // namespace posthorn::mailfile
