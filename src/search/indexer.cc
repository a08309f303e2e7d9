#include "search/indexer.h"

namespace posthorn::search {

struct Indexer::Impl {};

Indexer::Indexer(store::MailStore&) {}
Indexer::~Indexer() = default;
void Indexer::hint(AccountId, MailboxId) {}
void Indexer::wait_until_idle() {}

}  // namespace posthorn::search
