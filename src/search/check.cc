#include "search/check.h"

#include "kv/key_codec.h"
#include "search/column.h"
#include "search/words.h"

namespace posthorn::search {
namespace {

constexpr std::size_t kMaxProblems = 100;
constexpr std::size_t kColumnAt = 4;  // in a key, behind the mailbox

Result<void> check_row(const kv::Row& row) {
  if (row.key.size() < kColumnAt + 5) return fail(Errc::corrupt, "a damaged key");
  switch (static_cast<Column>(row.key[kColumnAt])) {
    case Column::body_words:
    case Column::header_words: {
      TRY_OK(Dictionary::decode(row.value));
      return {};
    }
    case Column::body_postings:
    case Column::header_postings: {
      TRY_OK(Postings::decode(row.value));
      return {};
    }
    default: {
      TRY_OK(Block::decode(row.value));
      return {};
    }
  }
}

}  // namespace

Task<Result<std::vector<std::string>>> check_columns(kv::Store& store, AccountId account) {
  std::vector<std::string> problems;
  kv::Range range{kv::Space::column, account.value(), "", ""};
  for (bool more = true; more;) {
    CO_TRY(const auto found, co_await store.scan(range));
    for (const auto& row : found.rows) {
      range.from = row.key + '\0';
      const auto sound = check_row(row);
      if (sound || problems.size() >= kMaxProblems) continue;
      const auto mailbox = row.key.size() < 4 ? 0 : kv::get_be32(row.key);
      problems.push_back("mailbox " + std::to_string(mailbox) + ": " + sound.error().text);
    }
    more = found.more;
  }
  co_return problems;
}

}  // namespace posthorn::search
