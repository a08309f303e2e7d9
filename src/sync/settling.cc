#include "sync/settling.h"

#include <sys/stat.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "async/reactor.h"

namespace posthorn::sync {
namespace {

constexpr int kMostTicks = 10;
constexpr std::chrono::milliseconds kTick{2};  // kernels count 1 to 10 ms

struct Time {
  dev_t device;
  std::int64_t ns;
};

// By the clock that the file system takes for changes, which is not this machine's where it is another's.
std::optional<Time> time_of(int probe) {
  struct stat at {};
  const timespec now[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, {.tv_sec = 0, .tv_nsec = UTIME_NOW}};
  if (::futimens(probe, now) != 0 || ::fstat(probe, &at) != 0) return std::nullopt;
  return Time{at.st_dev, std::int64_t{at.st_mtim.tv_sec} * 1'000'000'000 + at.st_mtim.tv_nsec};
}

bool is_on(const mailfile::MaildirFolder& folder, dev_t device) {
  struct stat cur {}, fresh {};
  return ::stat((folder.path() + "/cur").c_str(), &cur) == 0 && ::stat((folder.path() + "/new").c_str(), &fresh) == 0 && cur.st_dev == device &&
         fresh.st_dev == device;
}

}  // namespace

std::uint64_t digest_of(const mailfile::MaildirEntry& entry) { return std::hash<std::string>()((entry.is_new ? "new/" : "cur/") + entry.name.text()); }

std::uint64_t digest_of(const std::vector<mailfile::MaildirEntry>& entries) {
  std::uint64_t sum = 0;
  for (const auto& entry : entries) sum += digest_of(entry);
  return sum;
}

void Settling::add(std::string mailbox, mailfile::MaildirFolder folder, std::uint64_t digest) {
  if (const auto changed = folder.changed()) folders_.push_back({std::move(mailbox), std::move(folder), digest, *changed});
}

Task<> Settling::finish(KnownFolders& known, int probe) {
  std::int64_t latest = 0;
  for (const auto& one : folders_) latest = std::max({latest, one.changed.cur_ns, one.changed.new_ns});
  auto time = time_of(probe);
  for (int i = 0; i < kMostTicks && time && time->ns <= latest; ++i) {
    co_await sleep_for(kTick);
    time = time_of(probe);
  }
  for (const auto& one : folders_) {
    const auto at = known.find(one.mailbox);
    // One whose clock is coarser than our patience is looked at again by the next run.
    if (!time || at == known.end() || std::max(one.changed.cur_ns, one.changed.new_ns) >= time->ns || !is_on(one.folder, time->device)) continue;
    const auto entries = one.folder.list();
    if (!entries || digest_of(*entries) != one.digest) continue;
    const auto changed = one.folder.changed();
    if (changed && *changed == one.changed) at->second.changed = *changed;
  }
  folders_.clear();
}

}  // namespace posthorn::sync
