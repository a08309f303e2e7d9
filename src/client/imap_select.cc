// SELECT, EXAMINE and what they tell. [RFC3501 6.3.1] [RFC7162 3.2.5]
#include "client/imap_connection.h"
#include "client/imap_state.h"

namespace posthorn::client {
namespace {

using imap::StatusResponse;

constexpr std::size_t kMostChanges = 1'000'000;

void take_code(SelectedMailbox& out, const imap::ResponseCode& code) {
  if (code.name == "UIDVALIDITY" && code.number <= 0xFFFFFFFF) out.uid_validity = static_cast<std::uint32_t>(code.number);
  if (code.name == "UIDNEXT" && code.number <= 0xFFFFFFFF) out.uid_next = static_cast<std::uint32_t>(code.number);
  if (code.name == "HIGHESTMODSEQ") out.high_mod_seq = code.number;
  if (code.name == "NOMODSEQ") out.high_mod_seq = 0;
  if (code.name == "READ-ONLY") out.read_only = true;
  if (code.name == "MAILBOXID" && code.argument.size() > 2) out.mailbox_id = code.argument.substr(1, code.argument.size() - 2);
  if (code.name != "PERMANENTFLAGS") return;
  out.permanent = {};
  out.any_keyword = false;
  for (const auto& word : code.words) {
    if (word == "\\*") out.any_keyword = true;
    else if (const auto flag = imap::find_system_flag(word)) out.permanent.set(*flag);
    else if (!word.starts_with('\\')) out.permanent.keywords.push_back(word);
  }
}

std::string known_text(const SelectWants::Known& known) {
  std::string out = " (QRESYNC (" + std::to_string(known.uid_validity) + " " + std::to_string(known.mod_seq);
  const auto sets = split_set(known.uids, 4000);
  // A list that does not fit is left out: it only saves the server work.
  if (sets.size() == 1 && !sets.front().ends_with('*')) out += " " + sets.front();
  return out + "))";
}

}  // namespace

Task<Result<SelectedMailbox>> ImapConnection::select(std::string mailbox, SelectWants wants) {
  auto& s = *state_;
  CO_TRY_OK(s.check_usable());
  CO_TRY(const auto name, s.wire_name(mailbox));
  SelectedMailbox out;
  out.name = mailbox;
  out.permanent.system = 0x1F;  // [RFC3501 6.3.1] without PERMANENTFLAGS all can be changed
  bool flags_told = false, too_many = false;
  std::vector<imap::NumberRange> gone;
  const bool resync = wants.known && s.qresync && wants.known->uid_validity != 0 && wants.known->mod_seq != 0;
  const Taker take = [&](imap::Response& response) {
    if (const auto* status = std::get_if<StatusResponse>(&response)) {
      // [RFC7162 3.2.11] What came before CLOSED was about the mailbox that was selected until now.
      if (status->code.name == "CLOSED") {
        const auto kept = out.name;
        out = {};
        out.name = kept;
        out.permanent.system = 0x1F;
        gone.clear();
      }
      take_code(out, status->code);
      flags_told |= status->code.name == "PERMANENTFLAGS";
      return true;
    }
    if (const auto* exists = std::get_if<imap::ExistsResponse>(&response)) {
      out.messages = exists->count;
      return true;
    }
    if (auto* vanished = std::get_if<imap::VanishedResponse>(&response); vanished && vanished->earlier) {
      const auto& more = vanished->uids.ranges();
      if (gone.size() + more.size() < kMostChanges) gone.insert(gone.end(), more.begin(), more.end());
      else too_many = true;
      return true;
    }
    if (auto* fetch = std::get_if<imap::FetchResponse>(&response); fetch && resync && fetch->uid) {
      if (out.changed.size() < kMostChanges) out.changed.push_back(std::move(*fetch));
      else too_many = true;
      return true;
    }
    return std::holds_alternative<imap::FlagsResponse>(response) || std::holds_alternative<imap::RecentResponse>(response);
  };
  std::string line = (wants.read_only ? "EXAMINE " : "SELECT ") + name;
  if (resync) line += known_text(*wants.known);
  else if (s.options.qresync && !s.condstore && s.has("CONDSTORE")) line += " (CONDSTORE)";
  s.selecting = true;
  s.uid_validity = 0;  // [RFC3501 6.3.1] whatever comes of it, the other mailbox is selected no more
  s.validity_changed = false;
  s.selected.clear();
  s.unsolicited = {};
  auto status = co_await run_command(s, line, take);
  s.selecting = false;
  if (!status) co_return std::unexpected(status.error());
  take_code(out, status->code);
  if (out.uid_validity == 0) co_return s.failure(Errc::unsupported, mailbox + " has no UIDVALIDITY: its messages cannot be told apart");
  s.selected = mailbox;
  s.uid_validity = out.uid_validity;
  if (s.has("CONDSTORE") && s.options.qresync && out.high_mod_seq != 0) s.condstore = true;
  // Then everything is asked for.
  if (too_many) out.changed.clear();
  else out.vanished = imap::NumberSet(std::move(gone));
  out.resynced = !too_many && resync && wants.known->uid_validity == out.uid_validity && out.high_mod_seq != 0;
  if (!flags_told) out.any_keyword = true;
  co_return out;
}

Task<Result<void>> ImapConnection::unselect() {
  auto& s = *state_;
  CO_TRY_OK(s.check_usable());
  if (s.uid_validity == 0) co_return Result<void>{};
  s.uid_validity = 0;
  s.validity_changed = false;
  s.selected.clear();
  // EXAMINE of nothing is the old way to leave a mailbox without expunging [RFC3691 1]; its NO is what is wanted.
  if (s.has("UNSELECT") || s.has("IMAP4REV2")) {
    CO_TRY_OK(co_await run_command(s, "UNSELECT"));
  } else {
    auto left = co_await run_command(s, "EXAMINE \" no such mailbox \"");
    if (!left && !is_usable()) co_return std::unexpected(left.error());
  }
  co_return Result<void>{};
}

}  // namespace posthorn::client
