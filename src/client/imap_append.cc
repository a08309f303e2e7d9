// APPEND, one after the other without waiting where the server allows it, or all with one command. [RFC3501 6.3.11] [RFC7888] [RFC4315]
// [RFC3502]
#include <algorithm>

#include "client/imap_connection.h"
#include "client/imap_state.h"

namespace posthorn::client {
namespace {

constexpr std::size_t kMaxOpen = 64;               // commands without an answer
constexpr std::uint64_t kMaxUnderWay = 4 << 20;    // octets of theirs
constexpr std::uint64_t kLongestOfMinus = 4096;    // [RFC7888 5]
constexpr std::uint64_t kLargeLiteral = 1 << 20;

struct OpenAppend {
  std::string tag;
  std::uint64_t size = 0;
};

// Exactly as many octets as were announced, or the connection has to end: the server waits for them.
Task<Result<void>> send_octets(ImapState& s, const MessageToAppend& message, Deadline until) {
  const auto source = message.open();
  if (!source) co_return s.channel->end(Error{Errc::io, "the message cannot be read"});
  for (std::uint64_t left = message.size;;) {
    auto piece = co_await source->next();
    if (!piece) co_return s.channel->end(piece.error());
    if (piece->empty() ? left > 0 : piece->size() > left)
      co_return s.channel->end(s.failure(Errc::io, "a message has changed while it was being sent").error());
    if (piece->empty()) break;
    left -= piece->size();
    s.channel->put_octets(*piece);
    CO_TRY_OK(co_await s.channel->flush_if_large(until));
  }
  co_return Result<void>{};
}

// A literal of this size may be sent without asking; of a large one the server shall be able to say at once that it does not take it.
bool may_send_at_once(const ImapState& s, std::uint64_t size) {
  return (s.has("LITERAL+") && size <= kLargeLiteral) || ((s.has("LITERAL-") || s.has("IMAP4REV2")) && size <= kLongestOfMinus);
}

// What stands before the octets: " (\\Seen) "date" {310+}".
std::string front_of(const MessageToAppend& message, bool at_once) {
  std::string line = " " + flags_text(message.flags);
  if (message.internal_date) imap::Writer(line).sp().date_time(*message.internal_date);
  if (message.uid != 0) line += " XUID " + std::to_string(message.uid_validity) + " " + std::to_string(message.uid);
  return line + " {" + std::to_string(message.size) + (at_once ? "+}" : "}");
}

Result<AppendedMessage> result_of(const ImapState& s, const imap::StatusResponse& status) {
  TRY_OK(judge(s, status, "APPEND"));
  AppendedMessage out;
  const auto& code = status.code;
  if (code.name == "APPENDUID" && code.to.size() == 1 && code.to.front().first == code.to.front().last) {
    out.uid_validity = static_cast<std::uint32_t>(code.number);
    out.uid = code.to.front().first;
  }
  return out;
}

// [RFC4315 3] In the order of the messages; empty: it does not fit them.
std::vector<AppendedMessage> uids_of(const imap::ResponseCode& code, std::size_t messages) {
  std::vector<AppendedMessage> out;
  if (code.name != "APPENDUID") return out;
  for (const auto range : code.to)
    for (std::uint64_t uid = range.first; uid <= range.last && out.size() <= messages; ++uid)
      out.push_back({.uid_validity = static_cast<std::uint32_t>(code.number), .uid = static_cast<std::uint32_t>(uid)});
  if (out.size() != messages) out.clear();
  return out;
}

Task<Result<imap::StatusResponse>> await_answer(ImapState& s, std::string tag, Deadline until) {
  co_return co_await finish_command(s, std::move(tag), until, {}, nullptr, s.options.timeouts.answer);
}

// The answer to the oldest one.
Task<Result<void>> finish_oldest(ImapState& s, std::vector<OpenAppend>& open, std::vector<Result<AppendedMessage>>& results, Deadline until) {
  CO_TRY(const auto status, co_await await_answer(s, open.front().tag, until));
  open.erase(open.begin());
  results.push_back(result_of(s, status));
  co_return Result<void>{};
}

}  // namespace

Task<Result<void>> ImapConnection::append(std::string mailbox, std::span<MessageToAppend> messages, std::vector<Result<AppendedMessage>>& results) {
  auto& s = *state_;
  CO_TRY_OK(s.check_usable());
  CO_TRY(const auto name, s.wire_name(mailbox));
  const Deadline until = after(s.options.timeouts.transfer);
  std::vector<OpenAppend> open;
  std::uint64_t under_way = 0;
  for (auto& message : messages) {
    const bool at_once = may_send_at_once(s, message.size);
    while (!open.empty() && (open.size() >= kMaxOpen || under_way + message.size > kMaxUnderWay || !at_once)) {
      under_way -= open.front().size;
      CO_TRY_OK(co_await s.channel->flush(until));
      CO_TRY_OK(co_await finish_oldest(s, open, results, until));
    }
    const auto tag = begin_command(s, "APPEND " + name + front_of(message, at_once));
    if (!at_once) {
      CO_TRY_OK(co_await s.channel->flush(until));
      auto leave = co_await await_continuation(s, tag, until, "APPEND");
      if (!leave && !s.channel->is_open()) co_return std::unexpected(leave.error());
      if (!leave) {
        results.push_back(std::unexpected(leave.error()));
        continue;
      }
    }
    CO_TRY_OK(co_await send_octets(s, message, until));
    s.channel->put_line("");
    open.push_back({tag, message.size});
    under_way += message.size;
  }
  if (!open.empty()) CO_TRY_OK(co_await s.channel->flush(until));
  while (!open.empty()) CO_TRY_OK(co_await finish_oldest(s, open, results, until));
  co_return Result<void>{};
}

Task<Result<void>> ImapConnection::append_all(std::string mailbox, std::span<MessageToAppend> messages, std::vector<AppendedMessage>* told) {
  auto& s = *state_;
  CO_TRY_OK(s.check_usable());
  CO_TRY(const auto name, s.wire_name(mailbox));
  const Deadline until = after(s.options.timeouts.transfer);
  std::string tag;
  for (auto& message : messages) {
    const bool at_once = may_send_at_once(s, message.size);
    const auto front = front_of(message, at_once);
    if (tag.empty()) tag = begin_command(s, "APPEND " + name + front);
    else s.channel->put_line(front);
    if (!at_once) {
      CO_TRY_OK(co_await s.channel->flush(until));
      CO_TRY_OK(co_await await_continuation(s, tag, until, "APPEND"));
    }
    CO_TRY_OK(co_await send_octets(s, message, until));
  }
  s.channel->put_line("");
  CO_TRY_OK(co_await s.channel->flush(until));
  CO_TRY(const auto status, co_await await_answer(s, tag, until));
  CO_TRY_OK(judge(s, status, "APPEND"));
  if (told) *told = uids_of(status.code, messages.size());
  co_return Result<void>{};
}

}  // namespace posthorn::client
