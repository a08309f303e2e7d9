// Somewhere that mail is kept in folders: a server of IMAP or SMAP, an account of the local store, a Maildir, an mbox.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "copy/spool.h"
#include "mailfile/maildir_tree.h"
#include "proto/imap/flags.h"
#include "text/date.h"

namespace posthorn::copy {

using mailfile::FolderPath;  // from the top, in UTF-8; {"INBOX"} is the INBOX

struct FolderInfo {
  FolderPath path;
  std::uint8_t special_uses = 0;  // bits of imap::SpecialUse
  bool subscribed = true;
  std::uint32_t messages = 0;  // as far as it is known without looking closer
};
std::string to_string(const FolderPath&);  // "Archive/2024", for people

// What clients of a folder know it by; 0: the place has none.
struct FolderNumbers {
  std::uint32_t uid_validity = 0, uid_next = 0;
};

struct MessageInfo {
  std::uint32_t uid = 0;  // ascending; a place without UIDs gives its own, which hold while the folder is entered
  imap::FlagList flags;   // without \Recent
  std::optional<text::DateTime> date;
  std::uint64_t size = 0;  // octets, with CRLF
  std::string fields;      // a digest of what identifies a message in its header; empty: it was not asked for, or there is nothing
};

struct Letter {
  MessageInfo info;
  Spool octets;
};

// Takes messages, one after the other.
class LetterSink {
 public:
  virtual ~LetterSink() = default;
  virtual Task<Result<void>> take(Letter) = 0;
};

enum class Entering { to_read, to_write };

// What became of a message that was to be added.
struct Added {
  Result<void> outcome;
  std::string lost;  // what the place cannot keep of it, in words: "keywords $A $B"
};

// Threads: one reactor's; one call at a time.  Errors: those of client::ImapConnection and of mailfile; after closed, timed_out, io and
// syntax the place is of no use any more.
class MailPlace {
 public:
  virtual ~MailPlace() = default;
  virtual std::string name() const = 0;  // for people: "imaps://joe@mail.example.org"

  virtual Task<Result<std::vector<FolderInfo>>> folders() = 0;
  // Makes the folder when it is to be written and not there.  not_found: there is none to read.
  virtual Task<Result<FolderNumbers>> enter(FolderInfo, Entering) = 0;

  // --- of the folder that was entered last
  // Ascending by UID.
  virtual Task<Result<std::vector<MessageInfo>>> list(bool with_fields) = 0;
  // In this order, which is ascending; those that are not there any more, or may not be read, are left out.  busy: the list does not hold any
  // more, begin again.
  virtual Task<Result<void>> read(std::vector<std::uint32_t> uids, LetterSink&) = 0;

  // From here on add() gives messages the UIDs that they have (0: the next one), and clients see this UIDVALIDITY.  false: it cannot be so here, and
  // they get new ones.  Again at the end, for a UIDNEXT above the last message.  A UID that somebody has meanwhile is given to nobody else: that message gets a new one.
  virtual Task<Result<bool>> keep_numbers(FolderNumbers) = 0;
  // It can be so here at all: else two folders have the same UIDVALIDITY by chance, being made in one second.
  virtual bool can_keep_numbers() const { return false; }
  // Durably stored where the outcome says so.  The error is of the place, and then the fate of those without an outcome is not known.
  virtual Task<Result<void>> add(std::vector<Letter>&, std::vector<Added>& outcomes) = 0;
  virtual bool changes_flags() const { return true; }
  virtual bool has_flags() const { return true; }  // and dates
  // The octets come back as they were given, and sizes are of these.  false: only the lines are the same, and text_digest() of them.
  virtual bool keeps_octets() const { return true; }
  // REQUIRES: changes_flags().
  virtual Task<Result<void>> set_flags(std::vector<std::pair<std::uint32_t, imap::FlagList>>) = 0;
  // Something is said that changes nothing, so that the server stays: to be called every minute or so when nothing else is.
  virtual Task<> stay() { co_return; }
  virtual Task<> close() = 0;
};

// MESSAGE-ID, DATE, FROM and SUBJECT of a header, each without white space, as 16 octets; empty: it has none of them.
std::string identity_of(std::string_view header);
// Its fields are those of what a server gives in place of a message (client/stand_in.h); it has none then.
bool take_stand_in(MessageInfo&);
inline constexpr std::string_view kIdentityFields = "MESSAGE-ID DATE FROM SUBJECT";

}  // namespace posthorn::copy
