#include "store/threads.h"

#include <algorithm>

#include "crypto/digest.h"
#include "kv/key_codec.h"
#include "message/message_ids.h"
#include "store/mail_store.h"

namespace posthorn::store {
namespace {

using kv::Space;
constexpr std::size_t kMaxNamed = 50;  // the last ones of In-Reply-To and References

std::string key_of(std::string_view message_id) {
  const auto digest = crypto::sha256(message_id);
  return std::string(crypto::view(digest).substr(0, 8));
}

}  // namespace

std::vector<std::string> thread_keys(const message::Summary& summary) {
  const auto& envelope = summary.envelope();
  auto named = message::message_ids(envelope.in_reply_to.value_or(""));
  std::ranges::move(message::message_ids(summary.references.value_or("")), std::back_inserter(named));
  if (named.size() > kMaxNamed) named.erase(named.begin(), named.end() - kMaxNamed);
  if (auto own = message::message_ids(envelope.message_id.value_or("")); !own.empty()) named.push_back(std::move(own.front()));
  std::ranges::sort(named);
  named.erase(std::unique(named.begin(), named.end()), named.end());
  std::vector<std::string> keys;
  keys.reserve(named.size());
  for (const auto& id : named) keys.push_back(key_of(id));
  return keys;
}

Task<Result<void>> Threads::look_up(std::vector<std::string> keys) {
  if (keys.empty()) co_return Result<void>{};
  auto& kv = change_->account().store().kv();
  CO_TRY(const auto rows, co_await kv.multi_get(Space::thread, change_->account().id().value(), keys));
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (rows[i] && rows[i]->size() == 8) known_.emplace(std::move(keys[i]), kv::get_be64(*rows[i]));
  co_return Result<void>{};
}

ThreadId Threads::assign(MessageId id, const std::vector<std::string>& keys) {
  ThreadId thread(0);
  for (const auto& key : keys)
    if (auto it = known_.find(key); it != known_.end() && (thread == ThreadId(0) || it->second < thread)) thread = it->second;
  if (thread == ThreadId(0)) thread = ThreadId(id.value());
  std::string value;
  kv::put_be64(value, thread.value());
  for (const auto& key : keys)
    if (known_.emplace(key, thread).second)
      change_->batch().put(Space::thread, change_->account().id().value(), key, value);
  return thread;
}

Task<Result<std::vector<ThreadId>>> Account::threads(std::vector<MessageId> ids) {
  constexpr std::size_t kRows = 64;  // held at once: each has a summary
  std::vector<ThreadId> out;
  out.reserve(ids.size());
  for (std::size_t begin = 0; begin < ids.size(); begin += kRows) {
    const auto end = std::min(begin + kRows, ids.size());
    std::vector<std::string> keys;
    for (auto i = begin; i < end; ++i) keys.push_back(message_key(ids[i]));
    CO_TRY(const auto rows, co_await store_.kv().multi_get(Space::message, id_.value(), std::move(keys)));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (!rows[i]) {
        out.emplace_back(0);
        continue;
      }
      CO_TRY(const auto message, decode_message(ids[begin + i], *rows[i]));
      out.push_back(message.thread);
    }
  }
  co_return out;
}

}  // namespace posthorn::store
