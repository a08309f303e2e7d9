#include "client/imap_state.h"

#include <algorithm>

#include "text/ascii.h"
#include "text/utf7.h"
#include "text/utf8.h"

namespace posthorn::client {

using imap::Response;
using imap::ResponseEvent;
using imap::StatusResponse;
using Kind = StatusResponse::Kind;

bool ImapState::has(std::string_view capability) const { return std::ranges::binary_search(capabilities, text::to_upper(capability)); }

void ImapState::set_capabilities(std::vector<std::string> names) {
  std::ranges::sort(names);
  capabilities = std::move(names);
  capabilities_known = true;
}

std::unexpected<Error> ImapState::failure(Errc code, std::string_view what) const {
  if (channel) return channel->failure(code, what);
  return std::unexpected(Error{code, std::string(what)});
}

Result<void> ImapState::check_usable() const {
  if (!channel || !channel->is_open()) return failure(stopping ? Errc::cancelled : Errc::closed, "the connection is closed");
  return {};
}

Result<void> ImapState::check_selected() const {
  TRY_OK(check_usable());
  if (validity_changed) return failure(Errc::syntax, "the server has renumbered the messages of " + selected + " (another UIDVALIDITY)");
  if (uid_validity == 0) return failure(Errc::invalid, "no mailbox is selected");
  return {};
}

void ImapState::keep(Response response) {
  const bool of_interest = std::holds_alternative<imap::ExistsResponse>(response) || std::holds_alternative<imap::ExpungeResponse>(response) ||
                           std::holds_alternative<imap::VanishedResponse>(response) || std::holds_alternative<imap::FetchResponse>(response) ||
                           std::holds_alternative<imap::MailboxStatusResponse>(response) || (follows_all && std::holds_alternative<imap::ListResponse>(response));
  if (!of_interest) return;
  if (unsolicited.responses.size() >= options.unsolicited) unsolicited.overflow = true;
  else unsolicited.responses.push_back(std::move(response));
}

std::uint64_t Unsolicited::count_gone() const {
  std::uint64_t out = 0;
  for (const auto& one : responses) {
    if (std::holds_alternative<imap::ExpungeResponse>(one)) ++out;
    if (const auto* vanished = std::get_if<imap::VanishedResponse>(&one); vanished && !vanished->earlier) out += vanished->uids.size();
  }
  return out;
}

Result<std::string> ImapState::wire_name(const std::string& mailbox) const {
  if (const auto known = as_sent.find(mailbox); known != as_sent.end()) {
    std::string out;
    imap::Writer(out).quoted(known->second);
    return out;
  }
  for (const char c : mailbox)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return failure(Errc::invalid, "no mailbox can be called \"" + mailbox + "\"");
  if (mailbox.empty() || mailbox.size() > 1000 || !text::is_valid_utf8(mailbox))
    return failure(Errc::invalid, "no mailbox can be called \"" + mailbox + "\"");
  std::string out;
  imap::Writer(out).mailbox(mailbox, utf8 ? imap::Names::utf8 : imap::Names::utf7);
  return out;
}

std::string begin_command(ImapState& s, std::string_view line, std::string_view shown) {
  auto tag = s.channel->next_tag();
  s.channel->put_line(tag + " " + std::string(line), shown.empty() ? std::string() : tag + " " + std::string(shown));
  s.open_tags.push_back(tag);
  return tag;
}

namespace {

Errc errc_of(const StatusResponse& status) {
  const std::string_view code = status.code.name;
  struct Row {
    std::string_view name;
    Errc errc;
  };
  // [RFC5530 3] [RFC3501 7.1] [RFC4469 4.2]
  static constexpr Row kRows[] = {{"TRYCREATE", Errc::not_found},         {"NONEXISTENT", Errc::not_found},
                                  {"ALREADYEXISTS", Errc::exists},        {"OVERQUOTA", Errc::over_quota},
                                  {"AUTHENTICATIONFAILED", Errc::denied}, {"AUTHORIZATIONFAILED", Errc::denied},
                                  {"EXPIRED", Errc::denied},              {"NOPERM", Errc::denied},
                                  {"PRIVACYREQUIRED", Errc::denied},      {"INUSE", Errc::busy},
                                  {"UNAVAILABLE", Errc::busy},            {"SERVERBUG", Errc::busy},
                                  {"TOOBIG", Errc::too_large},            {"LIMIT", Errc::limit}};
  for (const auto& row : kRows)
    if (code == row.name) return row.errc;
  return Errc::invalid;
}

// What a tagged or untagged status means for the state.
void note_status(ImapState& s, const StatusResponse& status) {
  if (status.code.name == "CAPABILITY") s.set_capabilities(status.code.words);
  if (status.code.name == "NOTIFICATIONOVERFLOW" && status.tag.empty()) s.unsolicited.overflow = true;  // [RFC5465 5.8]
  if (status.kind == Kind::bye) s.channel->set_farewell(status.text);
  if (status.code.name == "UIDVALIDITY" && !s.selecting && s.uid_validity != 0 && status.code.number != s.uid_validity) s.validity_changed = true;
}

Task<Result<void>> take_response(ImapState& s, Response response, const Taker& take, MessageTaker* messages) {
  if (auto* status = std::get_if<StatusResponse>(&response)) {
    note_status(s, *status);
    if (!status->tag.empty()) {
      const auto open = std::ranges::find(s.open_tags, status->tag);
      if (open == s.open_tags.end()) co_return s.channel->end(s.failure(Errc::syntax, "an answer that belongs to no command").error());
      s.open_tags.erase(open);
      s.completed.emplace(status->tag, std::move(*status));
      co_return Result<void>{};
    }
  }
  if (auto* fetch = std::get_if<imap::FetchResponse>(&response); fetch && messages) {
    auto ours = co_await messages->end(*fetch);
    if (!ours && ours.error().code == Errc::syntax) co_return s.channel->end(s.failure(Errc::syntax, ours.error().text).error());
    if (!ours) co_return s.channel->end(ours.error());
    if (*ours) co_return Result<void>{};
  }
  if (take && take(response)) co_return Result<void>{};
  co_return take_aside(s, std::move(response));
}

}  // namespace

Result<void> take_aside(ImapState& s, Response response) {
  if (auto* capability = std::get_if<imap::CapabilityResponse>(&response)) s.set_capabilities(std::move(capability->names));
  else if (auto* status = std::get_if<imap::MailboxStatusResponse>(&response);
           status && status->mailbox == s.selected && s.uid_validity != 0 && !s.selecting && status->items.uid_validity.value_or(s.uid_validity) != s.uid_validity)
    s.validity_changed = true;
  else if (std::holds_alternative<imap::ContinuationResponse>(response))
    return s.channel->end(s.failure(Errc::syntax, "the server asks for more where nothing was to come").error());
  s.keep(std::move(response));
  return {};
}

Task<Result<void>> take_event(ImapState& s, ResponseEvent event, const Taker& take, MessageTaker* messages) {
  switch (event.kind) {
    case ResponseEvent::Kind::response: {
      auto response = imap::parse_response(event.text, s.channel->reader().limits());
      if (!response)
        co_return s.channel->end(
            s.failure(Errc::syntax, "what the server says is no IMAP (" + response.error().text + "): \"" + imap::for_people(event.text, 120) + "\"").error());
      co_return co_await take_response(s, *std::move(response), take, messages);
    }
    case ResponseEvent::Kind::message_begin: {
      if (!messages) co_return Result<void>{};
      auto front = imap::parse_fetch_front(event.text, s.channel->reader().limits());
      if (!front) co_return s.channel->end(s.failure(Errc::syntax, "a FETCH response of the server is damaged: " + front.error().text).error());
      auto begun = co_await messages->begin(*front, event.size);
      if (!begun) co_return s.channel->end(begun.error());
      break;
    }
    case ResponseEvent::Kind::message: {
      if (!messages) break;
      auto written = co_await messages->write(event.text);
      if (!written) co_return s.channel->end(written.error());
      break;
    }
    case ResponseEvent::Kind::message_end: break;
  }
  co_return Result<void>{};
}

Task<Result<void>> pump(ImapState& s, Deadline until, const Taker& take, MessageTaker* messages, Silence silence) {
  CO_TRY(const auto event, co_await s.channel->next_event(until, silence.value_or(s.options.timeouts.silence)));
  co_return co_await take_event(s, event, take, messages);
}

Task<Result<StatusResponse>> finish_command(ImapState& s, std::string tag, Deadline until, const Taker& take, MessageTaker* messages, Silence silence) {
  for (;;) {
    if (auto done = s.completed.find(tag); done != s.completed.end()) {
      auto out = std::move(done->second);
      s.completed.erase(done);
      co_return out;
    }
    CO_TRY_OK(co_await pump(s, until, take, messages, silence));
  }
}

Result<void> judge(const ImapState& s, const StatusResponse& status, std::string_view what) {
  if (status.kind == Kind::ok) return {};
  std::string text = "the server said " + std::string(status.kind == Kind::no ? "NO" : "BAD") + " to " + std::string(what);
  if (!status.text.empty()) text += ": " + status.text;
  return s.failure(status.kind == Kind::no ? errc_of(status) : Errc::invalid, text);
}

Task<Result<StatusResponse>> run_command(ImapState& s, std::string line, Taker take, std::optional<ImapTimeouts::Patience> patience) {
  CO_TRY_OK(s.check_usable());
  const Deadline until = after(patience.value_or(s.options.timeouts.command));
  const auto tag = begin_command(s, line);
  CO_TRY_OK(co_await s.channel->flush(until));
  CO_TRY(auto status, co_await finish_command(s, tag, until, take));
  CO_TRY_OK(judge(s, status, std::string_view(line).substr(0, 200)));
  co_return status;
}

Task<Result<std::string>> await_continuation(ImapState& s, std::string tag, Deadline until, std::string_view what) {
  const std::string name(what);
  std::optional<std::string> text;
  const Taker take = [&text](Response& response) {
    auto* go = std::get_if<imap::ContinuationResponse>(&response);
    if (!go || text) return false;
    text = std::move(go->text);
    return true;
  };
  for (;;) {
    CO_TRY_OK(co_await pump(s, until, take));
    if (text) co_return *std::move(text);
    const auto done = s.completed.find(tag);
    if (done == s.completed.end()) continue;
    auto status = std::move(done->second);
    s.completed.erase(done);
    CO_TRY_OK(judge(s, status, name));
    co_return s.channel->end(s.failure(Errc::syntax, "the server said OK in the middle of " + name).error());
  }
}

std::vector<std::string> split_set(const imap::NumberSet& set, std::size_t longest) {
  std::vector<std::string> out;
  for (const auto range : set.ranges()) {
    std::string item = std::to_string(range.first);
    if (range.last == 0xFFFFFFFF && range.first != range.last) item += ":*";
    else if (range.last != range.first) item += ":" + std::to_string(range.last);
    if (out.empty() || out.back().size() + item.size() >= longest) out.push_back(std::move(item));
    else out.back() += "," + item;
  }
  return out;
}

std::string flags_text(const imap::FlagList& flags) {
  imap::FlagList kept = flags;
  kept.system &= static_cast<std::uint8_t>(~static_cast<std::uint8_t>(imap::SystemFlag::recent));
  std::string out;
  imap::Writer(out).flags(kept);
  return out;
}

}  // namespace posthorn::client
