#include "search/drop.h"

#include "base/log.h"
#include "kv/store.h"
#include "search/keys.h"
#include "store/mail_store.h"

namespace posthorn::search {

Task<> drop_index(store::AccountPtr account, MailboxId mailbox) {
  auto& kv = account->store().kv();
  const auto partition = account->id().value();
  auto lock = co_await kv.lock_partition(partition);
  if (!lock) co_return;
  kv::Batch batch;
  batch.erase_range(kv::Space::column, partition, mailbox_key(mailbox), after_mailbox_key(mailbox));
  batch.erase(kv::Space::index_state, partition, mailbox_key(mailbox));
  const auto done = co_await kv.write_ahead(std::move(batch));
  log::warning("search.index_damaged", {{"account", account->id()}, {"mailbox", mailbox}, {"dropped", done.has_value()}});
}

}  // namespace posthorn::search
