// APPEND [RFC3501 6.3.11] [RFC7888] [RFC4315 3] of one or several messages [RFC3502]; REPLACE goes the same way.
#include <algorithm>
#include <chrono>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "config/core_settings.h"
#include "proto/imap/writer.h"
#include "server/imap/append_job.h"
#include "server/imap/encode_binary.h"
#include "server/imap/imap_settings.h"

namespace posthorn::imap {
namespace {

using Event = CommandReader::Event;

constexpr std::size_t kPiece = 64 * 1024;
// Of the messages of one command: what is above stands in the store until the command ends.
constexpr std::size_t kBytesHeld = 4 << 20;
constexpr std::size_t kMostHeld = 64 << 20;
constexpr std::size_t kMessageOverhead = 1024;  // of one message, beside its bytes, its summary and its keywords

store::InternalDate internal_date(const std::optional<text::DateTime>& given) {
  if (given) return {given->time.time_since_epoch().count(), static_cast<std::int16_t>(given->offset_minutes)};
  return {std::chrono::floor<std::chrono::seconds>(now()).time_since_epoch().count(), 0};
}

}  // namespace

Reply append_failed(const Error& error, std::string_view mailbox) {
  // TRYCREATE would be false hope where only the owner makes mailboxes.
  const bool could_create = !mailbox.starts_with(kOtherUsers) && !mailbox.starts_with(kShared);
  if (error.code == Errc::not_found) return no("There is no such mailbox", could_create ? "TRYCREATE" : "NONEXISTENT");
  return response_for(error);
}

// Called when the reader stands before the first message.
Task<> Session::append() {
  ++commands_;
  commands_done.add();
  AppendJob job;
  job.tag = reader_.append().tag;
  auto event = Event::append;
  while (event == Event::append) event = co_await take_message(job);
  if (lost_ || event == Event::fatal) co_return;
  if (event == Event::rejected) {
    put_rejection();
    co_return;
  }
  auto reply = job.failure ? *job.failure : Reply{};
  if (!job.failure) reply = co_await store_messages(job);
  if (selected_) {
    auto told = co_await sync(Expunges::tell, WithUid::no);
    if (lost_) co_return;
    (void)told;  // it will be told another time
  }
  conclude(job.tag, std::move(reply));
}

// One message, and what stands behind it: the end of the command, or Event::append before the next message.
Task<Event> Session::take_message(AppendJob& job) {
  const auto info = reader_.append();
  if (!job.failure) job.failure = co_await refuse_message(job, info);
  if (job.failure) {
    reader_.refuse_append();
    if (info.synchronising) co_return Event::append_refused;
    co_return co_await append_end();
  }
  reader_.accept_append();
  if (info.synchronising) output() += "+ OK\r\n";
  auto received = co_await receive_message(job, info);
  if (lost_) co_return Event::fatal;
  if (!received) {
    log::warning("imap.append_failed", {{"session", context_.session_id}, {"error", received.error()}});
    job.failure = response_for(received.error());
  }
  reader_.append_streamed();
  co_return co_await append_end();
}

// What can be refused before a byte of the message has been sent.
Task<std::optional<Reply>> Session::refuse_message(AppendJob& job, const CommandReader::AppendInfo& info) {
  const auto& append = info.append;
  if (!account_) co_return bad("Sign in first");
  if (is_nobody()) co_return no("The account has been removed", "UNAVAILABLE");
  // [RFC6855 4] Departure: without UTF8 a message may have 8-bit octets in its header all the same, old mail does.
  if (append.utf8 && !utf8_) co_return bad("UTF8=ACCEPT has not been enabled");
  if (append.uid != 0 && (append.replaced || !offers(kRestoring))) co_return bad("XUID is not for this command, or not for you");
  if (append.binary && !append.utf8 && !offers("BINARY")) co_return bad("BINARY is switched off here");
  if (info.number == 0) {
    if (append.replaced) {
      auto refusal = co_await refuse_replace(job, append);
      if (refusal) co_return refusal;
    }
    auto target = co_await access_.locate(append.mailbox, store::kInsert);
    if (!target) co_return append_failed(target.error(), append.mailbox);
    job.target = *std::move(target);
    job.frees = job.replaced && job.target.account == selected_->account;
    if (!job.frees) job.freed = 0;
  } else if (!offers("MULTIAPPEND")) {
    co_return bad("Unexpected text behind the message");
  }
  if (info.size == 0) co_return no("Cancelled: the message is empty");  // [RFC3502] 6.3.11
  if (info.size > static_cast<std::uint64_t>(config::kMaxMessageSize.get())) co_return response_for({Errc::too_large, {}});
  if (job.held > kMostHeld) co_return no("Too many messages in one command", "LIMIT");
  if (!job.target.account->quota().has_room(job.bytes + info.size, job.messages.size() + 1, job.freed, job.frees ? 1 : 0))
    co_return response_for({Errc::over_quota, {}});
  co_return std::nullopt;
}

// Takes exactly its octets from the stream, whatever happens to them: a full disk must not break the framing.
Task<Result<void>> Session::receive_message(AppendJob& job, const CommandReader::AppendInfo& info) {
  auto incoming = context_.services.store.begin_incoming();
  Result<void> outcome;
  bool has_nul = false;
  for (auto left = info.size; left > 0;) {
    if (connection().input().empty()) {
      CO_TRY_OK(co_await flush());
      CO_TRY_OK(co_await read_more(after(kTransferTimeout.get())));
    }
    const auto piece = connection().input().substr(0, std::min<std::uint64_t>(left, kPiece));
    has_nul = has_nul || (info.append.binary && piece.find('\0') != piece.npos);
    if (outcome) outcome = co_await incoming.write(piece);
    left -= piece.size();
    connection().consume(piece.size());
  }
  CO_TRY_OK(std::move(outcome));
  if (has_nul) {
    CO_TRY(auto encoded, co_await encode_binary(context_.services.store, std::move(incoming)));
    co_return co_await keep_message(job, std::move(encoded), info.append);
  }
  co_return co_await keep_message(job, std::move(incoming), info.append);
}

Task<Result<void>> Session::keep_message(AppendJob& job, store::Incoming incoming, const Append& append) {
  // [RFC4314 4] Flags that the user may not set are left out, the message comes all the same.
  const auto rights = job.target.rights;
  store::NewMessage message{.incoming = std::move(incoming),
                            .flags = static_cast<std::uint8_t>(append.flags.system & store::changeable_flags(rights)),
                            .keywords = {},
                            .internal_date = internal_date(append.date),
                            .uid = Uid(append.uid),
                            .uid_validity = UidValidity(append.uid_validity)};
  if (rights.contains(store::kWrite)) message.keywords = append.flags.keywords;
  job.bytes += message.incoming.size();
  job.held += kMessageOverhead + message.incoming.conclude();
  for (const auto& keyword : message.keywords) job.held += keyword.size();
  const auto in_memory = std::min<std::uint64_t>(message.incoming.size(), blob::kChunkSize);
  if (job.held + in_memory > kBytesHeld) {
    CO_TRY_OK(co_await message.incoming.write_ahead());
  } else {
    job.held += in_memory;
  }
  job.messages.push_back(std::move(message));
  co_return Result<void>{};
}

// Reads up to the end of the command, or to the next message of it.
Task<Event> Session::append_end() {
  while (true) {
    auto input = connection().input();
    const auto before = input.size();
    const auto event = input.empty() ? Event::need_more : reader_.feed(input);
    connection().consume(before - input.size());
    if (event == Event::fatal) say_bye(reader_.rejection().code, reader_.rejection().text, "too_large");
    if (event != Event::need_more) co_return event;
    if (!connection().input().empty()) continue;
    auto flushed = co_await flush();
    if (!flushed) co_return Event::fatal;
    connection().acknowledge_now();  // imaplib sends the last CRLF by itself
    auto read = co_await read_more(after(kTransferTimeout.get()));
    if (!read) co_return Event::fatal;
  }
}

// All of them, or none.
Task<Reply> Session::store_messages(AppendJob& job) {
  // [RFC4314 4] The messages may have taken long to come: what counts is what the user may do now.
  auto target = co_await access_.locate(job.target.name, store::kInsert);
  if (!target) co_return append_failed(target.error(), job.target.name);
  if (target->state->id != job.target.state->id || target->account != job.target.account)
    co_return append_failed({Errc::not_found, {}}, job.target.name);
  for (auto& message : job.messages) {
    message.flags &= store::changeable_flags(target->rights);
    if (!target->rights.contains(store::kWrite)) message.keywords.clear();
  }
  job.target = *std::move(target);
  if (job.replaced && !may_replace()) co_return response_for({Errc::denied, {}});
  const auto count = job.messages.size();
  std::optional<store::Replaced> replaced;
  if (job.replaced) replaced = {selected_->id, *job.replaced, selected_->account};
  auto stored =
      co_await context_.services.store.append_all(job.target.account, job.target.state->id, std::move(job.messages), replaced);
  if (!stored) {
    log::warning("imap.append_failed", {{"session", context_.session_id}, {"error", stored.error()}});
    if (job.replaced && stored.error().code == Errc::not_found && job.target.account->mailbox(job.target.state->id))
      co_return no("The message to replace no longer exists", "EXPUNGEISSUED");
    co_return append_failed(stored.error(), job.target.name);
  }
  messages_appended.add(static_cast<std::int64_t>(count));
  log::info("imap.appended", {{"session", context_.session_id},
                              {"mailbox", job.target.state->name},
                              {"uid", stored->uids.front()},
                              {"messages", count},
                              {"size", job.bytes}});
  std::string code;
  // [RFC9051 6.3.12] Who may not read the mailbox is not told what is in it.
  if (job.target.rights.contains(store::kRead) && offers("UIDPLUS")) {
    code = "APPENDUID " + std::to_string(stored->uid_validity.value()) + " ";
    Writer(code).uids(stored->uids);
  }
  if (!job.replaced) co_return ok("APPEND completed", std::move(code));
  // [RFC8508 4.3] In an untagged OK, before the EXPUNGE response.
  if (!code.empty()) Writer(output()).untagged_status("OK", code, "The new message is there");
  auto reply = ok("REPLACE completed");
  reply.expunged = true;
  co_return reply;
}

}  // namespace posthorn::imap
