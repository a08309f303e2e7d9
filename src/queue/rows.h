// The rows of the queue: docs/formats/queue.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "queue/entry.h"

namespace posthorn::queue {

// The partition of Space::queue.
constexpr std::uint64_t kPartition = 0;

// What a key begins with.
constexpr char kEntryRow = 'e', kDueRow = 'd', kBacklogRow = 'b', kHeldRow = 'h', kStateRow = 's';

std::string entry_key(EntryId);
std::string group_key(GroupId);
std::string after_entry_key(EntryId);  // behind the entry and its groups

std::string due_key(SysTime due, GroupId);
std::string due_from(SysTime due);  // before every row that is due then or later
std::string backlog_mark_key(SysTime, std::string_view destination);
std::string backlog_key(std::string_view destination, int priority, SysTime due, GroupId);
std::string backlog_from(std::string_view destination);   // of the destination, all backlog rows: from, and behind
std::string backlog_behind(std::string_view destination);
std::string held_key(GroupId);

// nullopt: not such a key.
struct EntryKey {
  EntryId id;
  std::optional<std::uint32_t> group;  // none: the entry row
};
std::optional<EntryKey> read_entry_key(std::string_view);
struct DueKey {
  SysTime due;
  std::optional<GroupId> group;   // none: there is a backlog
  std::string_view destination;   // of the backlog
};
std::optional<DueKey> read_due_key(std::string_view);
struct BacklogKey {
  std::string_view destination;
  int priority = 0;
  SysTime due;
  GroupId group;
};
std::optional<BacklogKey> read_backlog_key(std::string_view);
std::optional<GroupId> read_held_key(std::string_view);

std::string encode(const Entry&);
Result<Entry> decode_entry(std::string_view);
std::string encode(const Group&);
Result<Group> decode_group(std::string_view);

struct DueRow {
  bool held_by_sender = false;  // the due time is Entry::options.hold_until
  SysTime written;
  int priority = 0;
  std::string destination;
  friend bool operator==(const DueRow&, const DueRow&) = default;
};
std::string encode(const DueRow&);
Result<DueRow> decode_due(std::string_view);
std::string encode_mark(SysTime written);
Result<SysTime> decode_mark(std::string_view);

struct StateRow {
  SysTime latest;       // the clock has shown this
  bool closed = false;  // in order: the counters are exact
  std::uint64_t entries = 0, groups = 0, held = 0, bytes = 0;
  friend bool operator==(const StateRow&, const StateRow&) = default;
};
std::string encode(const StateRow&);
Result<StateRow> decode_state(std::string_view);

}  // namespace posthorn::queue
