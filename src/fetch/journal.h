// What has been fetched from one account into one place. [docs/formats/fetch.md]
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "mailfile/file.h"

namespace posthorn::fetch {

using Seconds = std::chrono::sys_seconds;
Seconds this_second();

// A message that is about to appear in its place.
struct Prepared {
  std::string key;
  Seconds when{};
  std::string boot;   // which start of this machine; another one: what was not synced may be lost
  std::string where;  // for the place that wrote it; printable, without spaces
  friend bool operator==(const Prepared&, const Prepared&) = default;
};

// By what the message of a key is recognised, printable, without spaces.
struct Fingerprinted {
  std::string key, fingerprint;
};

// A message that was stored.
struct Kept {
  Seconds since{};
  std::string fingerprint;         // empty: it has none
  std::optional<Seconds> doubted;  // since then its key may have become that of another message
  std::optional<Seconds> unseen;   // since then the server has not listed it
};

// What a listing says of a key that is never given to another message.
enum class Sight : std::uint8_t {
  seen,
  unseen,  // it may be listed again
  gone,    // forgotten
};

// A key that stands for what was stored under this or another one.
struct Recognised {
  std::string key;
  Kept as;
};

// Keys are of printable bytes without spaces, at most 300.
//
// INVARIANT 1: stored() is true of what remember() or append_stored() said once the latter was synced, until
// doubt(), keep() or keep_only() drops it. INVARIANT 2: what was cut off in the middle of a line, by a crash or a full disk, is
// as if it had not been written; so is all behind a
//              damaged line, of which a copy is kept beside ("PATH.damaged").
// INVARIANT 3: one process at a time.
// Blocking.  Threads: one at a time; append_...() and undo() touch nothing that stored() reads.
class Journal {
 public:
  // Makes the file and its directory.  `owner`: whose mail it is, printable, without spaces; a file without
  // one gets it.  busy: another process has it.  corrupt: it is no journal, or that of another owner.
  enum class IfOfAnother : std::uint8_t { fail, adopt };
  static Result<Journal> open(std::string path, std::string owner = {}, IfOfAnother = IfOfAnother::fail);
  const std::string& path() const { return path_; }

  std::optional<Seconds> stored(const std::string& key) const;
  // Also what is in doubt; null: never stored, or forgotten.
  const Kept* find(const std::string& key) const;
  const std::unordered_map<std::string, Kept>& all() const { return kept_; }
  std::size_t size() const { return kept_.size(); }
  // Is any of what is stored known by a key of this kind (its first letter)?
  bool has_kind(char kind) const;
  bool any_key(const std::function<bool(const std::string& key)>&) const;
  bool was_refused(const std::string& key) const { return refused_.contains(key); }
  // Its number, which ascends; 0: it was not refused.
  std::uint64_t last_refusal(const std::string& key) const;
  // Those of what is listed, which have waited longest first.
  std::vector<std::string> refused_in_order(const std::function<bool(const std::string& key)>& is_listed) const;
  using Keys = std::unordered_set<std::string>;
  // Prepared by an earlier process, and not known to be stored.
  const std::vector<Prepared>& pending() const { return pending_; }
  void pending_is_settled() { pending_.clear(); }
  bool was_damaged() const { return damaged_; }

  // Lines at the end of the file; on the disk after a sync of fd().  no_space leaves the file as it was.
  Result<void> append_prepared(std::span<const Prepared>);
  Result<void> append_stored(std::span<const std::string> keys, Seconds when);
  // Neither stored nor prepared.
  Result<void> append_forgotten(std::span<const std::string> keys, Seconds when);
  // The place has refused it, or has not said what became of it.
  Result<void> append_refused(std::span<const std::string> keys, Seconds when);
  // append_stored() and append_refused() in memory.
  void remember(std::span<const std::string> keys, Seconds when);
  void remember_refused(std::span<const std::string> keys);
  // Takes back what was appended since `mark`.
  std::uint64_t mark() const { return length_; }
  Result<void> undo(std::uint64_t mark);
  int fd() const { return file_.fd(); }
  Result<void> sync();

  // --- what is stored may be in doubt: then stored() does not count it.  Each is on the disk when it returns.
  // REQUIRES: all of them are stored, but for believe().
  Result<void> add_fingerprints(std::span<const Fingerprinted>);
  // Of these only those that have a fingerprint: nothing else could settle it.
  Result<void> doubt(std::span<const std::string> keys, Seconds when);
  Result<void> believe(std::span<const Recognised>);

  // The server lists no others.  Those that have a fingerprint come into doubt, and are forgotten after
  // kVanished: a maildrop may seem empty for a while.  Others are forgotten now, and so is what was `removed`.
  // Writes the file anew when most of it is of no use.
  static constexpr std::chrono::days kVanished{90};
  static constexpr std::size_t kMostVanished = 100'000;  // the latest
  Result<void> keep_only(const Keys& keys, const Keys& removed = {}, Seconds when = this_second());
  // The same where no key is ever given to another message: what is unseen stays stored for kVanished.
  static constexpr std::size_t kMostUnseen = 1'000'000;  // with more, what earlier listings had not is forgotten
  Result<void> keep(const std::function<Sight(const std::string& key)>&, Seconds when = this_second());

 private:
  explicit Journal(std::string path) : path_(std::move(path)) {}
  Result<void> lock();
  Result<void> read();
  Result<void> own(std::string owner, IfOfAnother);
  using Open = std::unordered_map<std::string, std::vector<Prepared>>;  // by their keys
  bool take_line(std::string_view line, Open&);
  bool take_mark(char kind, Seconds when, std::string_view rest);
  Result<void> append_keys(char kind, std::span<const std::string> keys, Seconds when);
  Result<void> append_marks(const std::string& lines, std::size_t count);
  Result<void> become_version_2();
  Result<void> append(const std::string& lines);
  std::vector<std::string> find_forgettable(const Keys& keys, const Keys& removed, Seconds when) const;
  Result<void> rewrite();

  std::string path_, owner_;
  mailfile::File lock_, file_;
  std::uint64_t length_ = 0;
  std::size_t lines_ = 0;
  bool damaged_ = false;
  bool is_version_1_ = false;  // has no lines that builds of its time would not understand
  std::unordered_map<std::string, Kept> kept_;
  std::unordered_map<std::string, std::uint64_t> refused_;  // the number of their last refusal
  std::uint64_t refusals_ = 0;
  std::vector<Prepared> pending_;
};

}  // namespace posthorn::fetch
