#include "delivery/mailbox.h"

#include <utility>

#include "proto/smtp/address.h"

namespace posthorn::delivery {
namespace {

using queue::State;

Verdict verdict(State state, smtp::EnhancedCode code, std::string text) {
  return {.state = state, .answer = {.code = 0, .enhanced = code, .text = std::move(text), .server = {}, .at = now()}};
}

// Bytes in pieces that a parser may see on a reactor.
constexpr std::size_t kPiece = 64 << 10;

// Writes the message as it would be sent.
template <class Sink>
Task<Result<void>> copy_content(blob::Blobs& blobs, queue::EntryId id, const queue::Entry& entry, Sink& sink) {
  for (std::uint64_t at = entry.prefix; at < entry.size;) {
    CO_TRY(const auto piece, co_await blobs.read(id, at, blob::kChunkSize));
    if (piece.empty()) co_return fail(Errc::corrupt, "a message is shorter than it was");
    std::string_view rest = piece;
    at += piece.size();
    for (; !rest.empty(); rest.remove_prefix(std::min(kPiece, rest.size()))) CO_TRY_OK(co_await sink.write(rest.substr(0, kPiece)));
  }
  co_return Result<void>{};
}

}  // namespace

Task<std::optional<Verdict>> room_for(store::MailStore& store, const std::vector<AccountId>& accounts, std::uint64_t size) {
  for (const auto id : accounts) {
    const auto account = co_await store.account(id);
    if (!account) co_return verdict(State::waiting, {4, 3, 0}, "the mailbox cannot be opened: " + account.error().text);
    if (!(*account)->find_mailbox("INBOX")) co_return verdict(State::waiting, {4, 2, 0}, "the account has no INBOX");
    if (!store::MailStore::fits(**account, size)) co_return verdict(State::waiting, {4, 2, 2}, "the mailbox is full");
  }
  co_return std::nullopt;
}

Task<LocalWay> find_local(auth::Directory& directory, store::MailStore& store, const Forwarder& forwarder, const queue::Entry& entry, std::string address) {
  LocalWay way;
  const auto mailbox = smtp::parse_mailbox(address);
  if (!mailbox) {
    way.verdict = verdict(State::failed, {5, 1, 3}, "no address can look like this");
    co_return way;
  }
  auto resolved = co_await directory.resolve(mailbox->local_part, mailbox->domain);
  if (!resolved && resolved.error().code == Errc::not_found) {
    // What comes back for forwarded mail.
    if (auto original = forwarder.original(mailbox->local_part, mailbox->domain)) {
      way.outside.push_back(*std::move(original));
      co_return way;
    }
  }
  if (!resolved) {
    switch (resolved.error().code) {
      case Errc::not_found: way.verdict = verdict(State::failed, {5, 1, 1}, "there is no such user here"); break;
      case Errc::limit: way.verdict = verdict(State::failed, {5, 4, 6}, "the alias leads in circles, or to too many"); break;
      default: way.verdict = verdict(State::waiting, {4, 3, 0}, "the directory cannot be read: " + resolved.error().text);
    }
    co_return way;
  }
  way.verdict = co_await room_for(store, resolved->accounts, entry.size);
  if (way.verdict) co_return way;
  way.accounts = std::move(resolved->accounts);
  way.outside = std::move(resolved->outside);
  co_return way;
}

Task<Result<store::Incoming>> copy_for_mailbox(store::MailStore& store, blob::Blobs& blobs, queue::EntryId id, const queue::Entry& entry) {
  auto incoming = store.begin_incoming();
  const std::string field = "Return-Path: <" + entry.reverse_path + ">\r\n";  // [RFC5321 4.4]
  CO_TRY_OK(co_await incoming.write(field));
  CO_TRY_OK(co_await copy_content(blobs, id, entry, incoming));
  co_return incoming;
}

Task<Result<queue::NewEntry>> copy_for_outside(blob::Blobs& blobs, queue::EntryId id, const queue::Entry& entry, const queue::Recipient& recipient,
                                               std::vector<std::string> outside, bool several) {
  auto draft = blobs.begin();
  CO_TRY_OK(co_await copy_content(blobs, id, entry, draft));
  queue::NewEntry out{.bytes = std::move(draft).seal(), .entry = entry, .recipients = {}};
  out.entry.shared = false;
  out.entry.prefix = 0;
  out.entry.options.hold_until.reset();
  for (auto& address : outside) {
    queue::Recipient to;
    to.forward_path = std::move(address);
    to.forwarded_for = recipient.forwarded_for.empty() ? recipient.forward_path : recipient.forwarded_for;
    to.options = recipient.options;
    // [RFC3461 5.2.7.3] Of several nobody reports success: that is told by us, as `expanded`.
    if (auto& notify = to.options.notify; several && notify && notify->success) {
      notify->success = false;
      notify->never = !notify->failure && !notify->delay;
    }
    out.recipients.push_back(std::move(to));
  }
  co_return out;
}

}  // namespace posthorn::delivery
