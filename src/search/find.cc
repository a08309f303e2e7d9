#include "search/find.h"

#include <algorithm>

#include "search/column_reader.h"

namespace posthorn::search {

Task<Result<Found>> find_in_field(store::AccountPtr account, MailboxId mailbox, store::ViewPtr view, Column field, std::string needle,
                                  std::uint32_t from, std::uint32_t to) {
  Found found;
  ColumnReader reader(account, mailbox, view, field, from, to);
  for (;;) {
    CO_TRY(const auto rows, co_await reader.next());
    if (!rows) co_return found;
    rows->find(needle, [&](std::uint32_t i) { found.hits.push_back(i); }, [&](std::uint32_t i) { found.open.push_back(i); });
  }
}

Task<Result<Found>> find_text(store::AccountPtr, MailboxId, store::ViewPtr view, message::SearchScope, std::string needle, std::uint32_t from,
                              std::uint32_t to) {
  Found found;
  auto& list = needle.empty() ? found.hits : found.open;
  for (auto i = from; i < std::min(to, view->size()); ++i) list.push_back(i);
  co_return found;
}

}  // namespace posthorn::search
