// What an ImapConnection knows, and the parts it is made of.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/imap_channel.h"
#include "client/imap_types.h"
#include "client/stand_in.h"
#include "proto/imap/writer.h"

namespace posthorn::client {

// Takes an untagged response that belongs to the command under way; false: it is none of it.
using Taker = std::function<bool(imap::Response&)>;

struct ImapState {
  explicit ImapState(ImapOptions o) : options(std::move(o)) {}

  ImapOptions options;
  std::unique_ptr<ImapChannel> channel;  // from the moment that there is a connection
  bool stopping = false;
  bool opened = false;

  std::string greeting, signed_in_by, tls_version;
  std::vector<std::string> capabilities;  // upper case, sorted
  bool capabilities_known = false;
  bool condstore = false, qresync = false, utf8 = false;  // enabled
  std::optional<char> delimiter;
  std::map<std::string, std::string> as_sent;  // names that the server writes otherwise than we would

  std::string selected;
  std::uint32_t uid_validity = 0;  // of the selected mailbox; 0: nothing is selected
  bool selecting = false;
  bool validity_changed = false;

  enum class Notify : std::uint8_t { untried, works, refused } notify = Notify::untried;
  bool follows_all = false;  // NOTIFY is on

  std::map<std::string, imap::StatusResponse> completed;  // tagged, and nobody has waited for them yet
  std::vector<std::string> open_tags;
  Unsolicited unsolicited;
  std::string prefix;  // of the personal mailboxes

  bool has(std::string_view capability) const;
  void set_capabilities(std::vector<std::string>);
  Deadline by(ImapTimeouts::Patience patience) const { return after(patience); }
  std::unexpected<Error> failure(Errc code, std::string_view what) const;
  Result<void> check_usable() const;
  Result<void> check_selected() const;
  Result<void> check_followed() const { return follows_all ? check_usable() : check_selected(); }
  void keep(imap::Response);  // as unsolicited
  // A name as it goes over the wire, quoted.  invalid: it cannot.
  Result<std::string> wire_name(const std::string& mailbox) const;
};

// The line behind a new tag; sent by the next flush.  Returns the tag.
std::string begin_command(ImapState&, std::string_view line, std::string_view shown = {});
struct MessageTaker;
// One event, or the next one; an error ends the connection.
Task<Result<void>> take_event(ImapState&, imap::ResponseEvent, const Taker& take, MessageTaker* messages);
using Silence = std::optional<ImapTimeouts::Patience>;  // how long it may last; nullopt: as in most
Task<Result<void>> pump(ImapState&, Deadline, const Taker& take, MessageTaker* messages = nullptr, Silence = {});
// To the tagged response of that command, whatever it says.  Messages go to `sink`, or nowhere.
Task<Result<imap::StatusResponse>> finish_command(ImapState&, std::string tag, Deadline, const Taker& take, MessageTaker* messages = nullptr, Silence = {});
// begin, flush, finish; NO and BAD are errors.  `what`: for people, "CREATE Work".
Task<Result<imap::StatusResponse>> run_command(ImapState&, std::string line, Taker take = {}, std::optional<ImapTimeouts::Patience> = {});
// An answer that is no OK, as an error.
Result<void> judge(const ImapState&, const imap::StatusResponse&, std::string_view what);
// What an event says that no command has asked for; ends the connection where it must.
Result<void> take_aside(ImapState&, imap::Response);
// Continues when the server says "+ ..."; its text.  An error: it said something else to `tag`.
Task<Result<std::string>> await_continuation(ImapState&, std::string tag, Deadline, std::string_view what);

// Hands messages to the sink, each that was asked for once.  imap_fetch.cc
struct MessageTaker {
  MessageSink& sink;
  const imap::NumberSet& wanted;
  std::vector<std::uint32_t> seen;  // all that came, sorted
  bool skipping = false;      // what comes is not for the sink
  bool gave_message = false;  // the sink has one that has not ended
  StandInWatch watch = {};    // on that one
  Task<Result<void>> begin(const imap::FetchResponse& front, std::uint64_t size);
  Task<Result<void>> write(std::string_view octets);
  // The response is whole; true: it was one of ours.
  Task<Result<bool>> end(const imap::FetchResponse& all);
  bool take_uid(std::uint32_t uid);
};

// "1:5,9", in pieces that fit into a command line.
std::vector<std::string> split_set(const imap::NumberSet&, std::size_t longest = 6000);
std::string flags_text(const imap::FlagList&);  // in parentheses, without \Recent

Task<Result<void>> open_session(ImapState&);     // imap_opening.cc
Task<Result<void>> sign_in(ImapState&);          // imap_sign_in.cc  REQUIRES: credentials
Task<Result<void>> ask_capabilities(ImapState&);

}  // namespace posthorn::client
