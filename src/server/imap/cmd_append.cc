// APPEND. [RFC3501 6.3.11] [RFC7888] [RFC4315 3]
#include <algorithm>
#include <chrono>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "config/core_settings.h"
#include "proto/imap/writer.h"
#include "server/imap/imap_settings.h"
#include "server/imap/session.h"

namespace posthorn::imap {
namespace {

constexpr std::size_t kPiece = 64 * 1024;

store::InternalDate internal_date(const std::optional<text::DateTime>& given) {
  if (given) return {given->time.time_since_epoch().count(), static_cast<std::int16_t>(given->offset_minutes)};
  return {std::chrono::floor<std::chrono::seconds>(now()).time_since_epoch().count(), 0};
}

// not_found and the like name the mailbox here.
Reply append_failed(const Error& error) {
  if (error.code == Errc::not_found) return no("There is no such mailbox", "TRYCREATE");
  return response_for(error);
}

}  // namespace

// What can be refused before a byte of the message has been sent.
Result<void> Session::check_append(const CommandReader::AppendInfo& info) const {
  if (!account_) return fail(Errc::syntax, "Sign in first");
  if (!account_->find_mailbox(info.append.mailbox)) return fail(Errc::not_found);
  if (info.size == 0) return fail(Errc::syntax, "A message cannot be empty");
  if (info.size > static_cast<std::uint64_t>(config::kMaxMessageSize.get())) return fail(Errc::too_large);
  if (!store::MailStore::fits(*account_, info.size)) return fail(Errc::over_quota);
  return {};
}

// Called when the reader stands before the message.
Task<> Session::append() {
  ++commands_;
  commands_done.add();
  auto info = reader_.append();
  auto acceptable = check_append(info);
  if (!acceptable) {
    reader_.refuse_append();
    const auto event = info.synchronising ? CommandReader::Event::append_refused : co_await append_end();
    if (lost_ || event == CommandReader::Event::fatal) co_return;
    finish(info.tag, append_failed(acceptable.error()));
    if (!account_) count_bad();
    co_return;
  }
  reader_.accept_append();
  if (info.synchronising) output() += "+ OK\r\n";
  auto incoming = context_.services.store.begin_incoming();
  auto received = co_await receive_message(incoming, info.size);
  if (lost_) co_return;
  reader_.append_streamed();
  const auto event = co_await append_end();
  if (lost_ || event == CommandReader::Event::fatal) co_return;
  if (event == CommandReader::Event::rejected) {
    put_rejection();
    co_return;
  }
  const auto tag = info.tag;
  Result<Reply> reply = Reply{};
  if (received) reply = co_await store_appended(std::move(incoming), std::move(info));
  else reply = std::unexpected(received.error());
  if (!reply) log::warning("imap.append_failed", {{"session", context_.session_id}, {"error", reply.error()}});
  if (selected_) {
    auto told = co_await sync(Expunges::tell, WithUid::no);
    if (lost_) co_return;
    (void)told;  // it will be told another time
  }
  finish(tag, reply ? *reply : append_failed(reply.error()));
}

// Takes exactly `size` octets from the stream, whatever happens to them: a full disk must not break the framing.
Task<Result<void>> Session::receive_message(store::Incoming& incoming, std::uint64_t size) {
  Result<void> outcome;
  while (size > 0) {
    if (connection().input().empty()) {
      CO_TRY_OK(co_await flush());
      CO_TRY_OK(co_await read_more(after(kTransferTimeout.get())));
    }
    const auto piece = connection().input().substr(0, std::min<std::uint64_t>(size, kPiece));
    if (outcome) outcome = co_await incoming.write(piece);
    size -= piece.size();
    connection().consume(piece.size());
  }
  co_return outcome;
}

// Reads up to the end of the command.
Task<CommandReader::Event> Session::append_end() {
  using Event = CommandReader::Event;
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

Task<Result<Reply>> Session::store_appended(store::Incoming incoming, CommandReader::AppendInfo info) {
  const auto mailbox = account_->find_mailbox(info.append.mailbox);
  if (!mailbox) co_return fail(Errc::not_found);
  const auto message = incoming.id();
  store::Target target{.account = account_,
                       .mailbox = mailbox->id,
                       .flags = static_cast<std::uint8_t>(info.append.flags.system & store::kAllSystemFlags),
                       .keywords = std::move(info.append.flags.keywords),
                       .internal_date = internal_date(info.append.date)};
  std::vector<store::Target> targets;
  targets.push_back(std::move(target));
  CO_TRY(auto results, co_await context_.services.store.append(std::move(incoming), std::move(targets)));
  CO_TRY(const auto appended, std::move(results.front()));
  messages_appended.add();
  log::info("imap.appended", {{"session", context_.session_id},
                              {"message", message},
                              {"mailbox", mailbox->name},
                              {"uid", appended.uid},
                              {"size", info.size}});
  co_return ok("APPEND completed",
               "APPENDUID " + std::to_string(appended.uid_validity.value()) + " " + std::to_string(appended.uid.value()));
}

}  // namespace posthorn::imap
