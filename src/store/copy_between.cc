// COPY and MOVE from one account to another.
#include <algorithm>
#include <map>
#include <set>

#include "store/mail_store.h"
#include "store/threads.h"

namespace posthorn::store {
namespace {

using kv::Space;
constexpr std::size_t kMaxCopied = 50'000;  // in one commit
constexpr std::size_t kRowsAtOnce = 64;
constexpr std::size_t kMostRowBytes = 256 << 20;  // of the messages that the target does not have, in one commit

// Gives the target account what entries of the source refer to: rows and links of messages that it does not have, references to those
// that it has.
class Adoption {
 public:
  Adoption(Change& source, Change& target) : source_(source), target_(target), threads_(target) {}

  Task<Result<void>> run(const std::vector<Entry>& entries) {
    std::map<MessageId, std::uint64_t> wanted;  // entries of each
    for (const Entry& e : entries) ++wanted[e.message];
    std::vector<MessageId> ids;
    for (auto it = wanted.begin(); it != wanted.end();) {
      for (ids.clear(); it != wanted.end() && ids.size() < kRowsAtOnce; ++it) ids.push_back(it->first);
      CO_TRY_OK(co_await adopt(ids));
    }
    std::vector<Entry> more;  // those beyond the first entry of a new message
    for (const Entry& e : entries)
      if (!adopted_.erase(e.message)) more.push_back(e);
    if (!more.empty()) CO_TRY_OK(co_await retain_messages(target_, more));
    co_return Result<void>{};
  }

 private:
  struct New {
    MessageId id;
    std::string row;  // of the source
    std::vector<std::string> thread_keys;
  };

  Task<Result<void>> adopt(const std::vector<MessageId>& ids) {
    auto& kv = target_.account().store().kv();
    std::vector<std::string> keys;
    for (MessageId id : ids) keys.push_back(message_key(id));
    CO_TRY(auto rows, co_await kv.multi_get(Space::message, source_.account().id().value(), keys));
    CO_TRY(const auto there, co_await kv.multi_get(Space::message, target_.account().id().value(), keys));
    std::vector<New> messages;
    std::vector<std::string> thread_keys;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (there[i]) continue;
      if (!rows[i]) co_return fail(Errc::corrupt, "message " + std::to_string(ids[i].value()) + " has no row");
      CO_TRY(const auto row, decode_message(ids[i], *rows[i]));
      CO_TRY(const auto summary, message::decode_summary(row.summary));
      const New& m = messages.emplace_back(ids[i], *std::move(rows[i]), store::thread_keys(summary));
      thread_keys.insert(thread_keys.end(), m.thread_keys.begin(), m.thread_keys.end());
    }
    CO_TRY_OK(co_await threads_.look_up(std::move(thread_keys)));
    for (const New& m : messages) {
      row_bytes_ += m.row.size();
      CO_TRY_OK(put(m));
    }
    if (row_bytes_ > kMostRowBytes) co_return fail(Errc::limit, "too much for one copy to another account");
    co_return Result<void>{};
  }

  Result<void> put(const New& m) {
    TRY(const auto row, decode_message(m.id, m.row));
    target_.batch().put(Space::message, target_.account().id().value(), message_key(m.id),
                        encode_message(threads_.assign(m.id, m.thread_keys), row.summary));
    blob::Blobs::put_link(target_.batch(), m.id, target_.account().id());
    adopted_.insert(m.id);
    return {};
  }

  Change& source_;
  Change& target_;
  Threads threads_;
  std::set<MessageId> adopted_;
  std::size_t row_bytes_ = 0;
};

Task<Result<CopyResult>> put_into(Change& source, const MailboxState& from, std::vector<Entry> entries, Change& target, MailboxId to,
                                  Rights at_target) {
  CopyResult result;
  result.uid_validity = target.edit(to)->uid_validity;
  if (entries.empty()) co_return result;
  if (entries.size() > kMaxCopied) co_return fail(Errc::limit, "too many messages for one copy to another account");
  std::uint64_t bytes = 0;
  for (const Entry& e : entries) {
    bytes += e.size;
    result.from.push_back(e.uid);
  }
  CO_TRY_OK(check_room(target.core().quota, bytes, entries.size()));
  CO_TRY_OK(check_uids(*target.edit(to), entries.size()));
  CO_TRY_OK(translate_flags(entries, from, *target.edit(to), at_target));
  Adoption adoption(source, target);
  CO_TRY_OK(co_await adoption.run(entries));
  result.to = add_entries(target, to, std::move(entries));
  co_return result;
}

}  // namespace

Task<Result<CopyResult>> MailStore::copy(AccountPtr from, MailboxId source, UidSet uids, AccountPtr to, MailboxId target,
                                         Rights at_target) {
  if (from == to) co_return co_await from->copy(source, std::move(uids), target, at_target);
  CO_TRY(auto both, co_await begin_both(from, to));
  const auto state = from->mailbox(source);
  if (!state || !both.target.edit(target)) co_return fail(Errc::not_found, "the mailbox has been deleted");
  CO_TRY(const auto view, co_await both.source.view(source));
  auto entries = entries_of(*view, uids);
  // The source's lock is held to the end: the bytes keep a link all the time.
  CO_TRY(auto result, co_await put_into(both.source, *state, std::move(entries), both.target, target, at_target));
  result.source_view = view;
  if (!result.to.empty()) CO_TRY_OK(co_await both.target.commit());
  co_return result;
}

Task<Result<CopyResult>> MailStore::move(AccountPtr from, MailboxId source, UidSet uids, AccountPtr to, MailboxId target,
                                         Rights at_target) {
  if (from == to) co_return co_await from->move(source, std::move(uids), target, at_target);
  CO_TRY(auto both, co_await begin_both(from, to));
  const auto state = from->mailbox(source);
  if (!state || !both.target.edit(target)) co_return fail(Errc::not_found, "the mailbox has been deleted");
  CO_TRY(auto taken, co_await take_entries(both.source, source, uids));
  CO_TRY_OK(co_await release_messages(both.source, taken));
  CO_TRY(auto result, co_await put_into(both.source, *state, std::move(taken), both.target, target, at_target));
  CO_TRY(result.source_view, co_await both.source.view(source));
  if (result.to.empty()) co_return result;
  kv::Batch batch = both.source.take_batch();
  batch.append(both.target.take_batch());
  auto outcome = co_await kv_.commit(std::move(batch));
  both.source.finish(outcome);
  both.target.finish(outcome);
  CO_TRY_OK(std::move(outcome));
  co_return result;
}

}  // namespace posthorn::store
