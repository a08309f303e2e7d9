// SEARCH. [SMAP1 9]
#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "base/clock.h"
#include "proto/smap/flags.h"
#include "proto/smap/message_set.h"
#include "search/program.h"
#include "search/run.h"
#include "server/smap/session.h"
#include "text/ascii.h"
#include "text/casemap.h"
#include "text/date.h"

namespace posthorn::smap {
namespace {

using search::Cost;
using search::SearchNode;
using search::SearchOp;

constexpr std::size_t kRangesALine = 100;
constexpr auto kEver = std::numeric_limits<std::int64_t>::max();

SearchNode flag(std::uint8_t bit, bool set = true) { return {.op = SearchOp::flags, .want = set, .number = bit}; }
SearchNode nothing() { return {.want = false}; }

SearchNode header(std::string_view name, std::string_view value) {
  return {.op = SearchOp::header, .cost = Cost::header, .name = text::to_lower(name), .needle = text::casemap(value)};
}

SearchNode content(message::SearchScope scope, std::string_view value) {
  if (value.empty()) return {};  // every text contains it
  return {.op = SearchOp::text, .cost = Cost::text, .scope = scope, .needle = text::casemap(value)};
}

// Exact case, unlike IMAP [SMAP1 9.2].
SearchNode keyword(const store::MailboxState& state, std::string_view word) {
  const auto at = std::ranges::find(state.keywords, stored_keyword(word));
  if (at == state.keywords.end()) return nothing();
  return {.op = SearchOp::keywords, .number = std::uint64_t{1} << (at - state.keywords.begin())};
}

// What does not parse matches nothing [SMAP1 9.2].
SearchNode size(SearchOp op, std::string_view digits) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return nothing();
  return {.op = op, .number = number};
}

enum class Day { before, on, since };
SearchNode date(bool sent, Day when, std::string_view word) {
  const auto parsed = text::parse_imap_date(word);
  if (!parsed) return nothing();
  const std::int64_t day = std::chrono::sys_seconds(*parsed).time_since_epoch().count();
  SearchNode node{.op = sent ? SearchOp::sent_date : SearchOp::internal_date, .cost = sent ? Cost::summary : Cost::entry};
  node.from = when == Day::before ? -kEver : day;
  node.until = when == Day::since ? kEver : when == Day::on ? day + 86400 : day;
  return node;
}

// nullopt: no such criterion.  An argument that is not there is empty, and may be.
std::optional<SearchNode> take_criterion(Words& words, const store::MailboxState& state) {
  using message::SearchScope;
  const auto name = text::to_upper(words.take());
  if (name == "REPLIED") return flag(store::kAnswered);
  if (name == "DELETED") return flag(store::kDeleted);
  if (name == "DRAFT") return flag(store::kDraft);
  if (name == "SEEN") return flag(store::kSeen);
  if (name == "KEYWORD") return keyword(state, words.take());
  for (const std::string_view field : {"FROM", "TO", "CC", "BCC", "SUBJECT"})
    if (name == field) return header(field, words.take());
  if (name == "HEADER") {
    const auto field = words.take();
    return header(field, words.take());
  }
  if (name == "BODY") return content(SearchScope::body, words.take());
  if (name == "TEXT") return content(SearchScope::text, words.take());
  if (name == "BEFORE") return date(false, Day::before, words.take());
  if (name == "ON") return date(false, Day::on, words.take());
  if (name == "SINCE") return date(false, Day::since, words.take());
  if (name == "SENTBEFORE") return date(true, Day::before, words.take());
  if (name == "SENTON") return date(true, Day::on, words.take());
  if (name == "SENTSINCE") return date(true, Day::since, words.take());
  if (name == "LARGER") return size(SearchOp::larger, words.take());
  if (name == "SMALLER") return size(SearchOp::smaller, words.take());
  return std::nullopt;
}

// Ranges of messages in any order, for a view of so many.
store::IndexRanges ranges_of(const SearchScope& scope, const store::View& told) { return indexes_of(scope.numbers, told); }

SearchNode scope_node(const SearchScope& scope, const store::View& told) {
  switch (scope.kind) {
    case SearchScope::Kind::all: break;
    case SearchScope::Kind::marked: return flag(store::kFlagged);
    case SearchScope::Kind::unmarked: return flag(store::kFlagged, false);
    case SearchScope::Kind::numbers: return {.op = SearchOp::indexes, .ranges = ranges_of(scope, told)};
  }
  return {};
}

}  // namespace

Session::Outcome Session::cmd_search(Words& words) {
  CO_TRY(const auto scope, parse_search_scope(words.take()));
  const auto state = folder_->state();
  if (!state) co_return fail(Errc::not_found);
  const bool negated = text::iequals(words.peek(), "NOT");
  if (negated) words.take();
  auto criterion = take_criterion(words, *state);
  if (!criterion) co_return err("SEARCH needs one criterion, and that is none");
  if (negated) {
    SearchNode none{.op = SearchOp::none_of, .cost = criterion->cost};
    none.children.push_back(*std::move(criterion));
    criterion = std::move(none);
  }
  search::SearchProgram program{.root{.op = SearchOp::all_of, .cost = criterion->cost}};
  program.wants_summaries = criterion->cost == Cost::summary;
  program.root.children.push_back(scope_node(scope, *folder_->told));
  program.root.children.push_back(*std::move(criterion));

  const search::SearchPlace place{folder_->account, folder_->id, folder_->told};
  // Nobody waits for the answer any more: it ends.
  const search::StillWorking still_working = [this]() { return still_wanted(); };
  CO_TRY(const auto found, co_await search::run_search(place, program, still_working));
  co_return co_await put_found(found.indexes());
}

Task<Result<void>> Session::still_wanted() {
  if (connection().is_shut_down()) co_return fail(Errc::cancelled);
  co_return Result<void>{};
}

// Long results in several lines [SMAP1 9.3].
Session::Outcome Session::put_found(std::vector<std::uint32_t> indexes) {
  std::size_t ranges = 0;
  for (std::size_t i = 0; i < indexes.size();) {
    auto end = i + 1;
    while (end < indexes.size() && indexes[end] == indexes[end - 1] + 1) ++end;
    if (ranges++ % kRangesALine == 0) {
      if (i > 0) end_line();
      CO_TRY_OK(co_await flush_if_large());
      output() += "* SEARCH";
    }
    output() += ' ';
    put_range(output(), indexes[i] + 1, indexes[end - 1] + 1);
    i = end;
  }
  if (!indexes.empty()) end_line();
  co_return ok("Search completed.");
}

}  // namespace posthorn::smap
