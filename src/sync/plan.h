// What must be done so that both sides of a folder are alike: a function of what was, what is here, and what is there.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "proto/imap/sequence_set.h"
#include "sync/journal.h"

namespace posthorn::sync {

// There.
struct RemoteView {
  bool complete = true;  // all messages are in `flags`; else only those that are new or have changed, and `vanished` tells who is gone
  std::unordered_map<std::uint32_t, MaildirFlags> flags;
  imap::NumberSet vanished;
};
// Here: the flags of each file, by the first part of its name.
using LocalView = std::unordered_map<std::string, MaildirFlags>;

struct Plan {
  struct FlagsHere { std::uint32_t uid; MaildirFlags to; };
  struct FlagsThere { std::uint32_t uid; MaildirFlags add, remove; };
  struct Settled { std::uint32_t uid; MaildirFlags flags; };
  std::vector<std::uint32_t> downloads;     // ascending
  std::vector<std::string> uploads;         // ascending
  std::vector<std::uint32_t> delete_there;
  std::vector<std::uint32_t> delete_here;
  std::vector<FlagsHere> flags_here;
  std::vector<FlagsThere> flags_there;
  std::vector<std::uint32_t> forget;        // gone on both sides, or to be taken for new on the side that still has it
  std::vector<Settled> settled;             // what both sides have after the plan
  // Nothing, or messages from there: what comes of it is what the server has told.
  bool only_downloads() const { return uploads.empty() && delete_there.empty() && delete_here.empty() && flags_here.empty() && flags_there.empty(); }
};

// 1. A message that one side has deleted and the other has left alone is deleted; if the other has changed its flags, it is kept, and
//    comes back to the side that had deleted it.
// 2. A flag that one side has changed is changed on the other; flags outside `kept` are no concern of anybody.
// 3. Nothing is deleted anywhere that was not known on both sides before.
Plan make_plan(const FolderState&, const LocalView&, const RemoteView&, MaildirFlags kept);

MaildirFlags operator&(MaildirFlags, MaildirFlags);
MaildirFlags operator|(MaildirFlags, MaildirFlags);
MaildirFlags operator-(MaildirFlags, MaildirFlags);  // those of the first that are not in the second

}  // namespace posthorn::sync
