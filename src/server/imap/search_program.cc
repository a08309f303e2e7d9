#include "server/imap/search_program.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "store/object_id.h"
#include "text/ascii.h"
#include "text/casemap.h"
#include "text/charset.h"

namespace posthorn::imap {
namespace {

constexpr auto kEver = std::numeric_limits<std::int64_t>::max();

// The number in an object id; 0: it is none that `make` would have made.
template <class Id>
std::uint64_t number_of(const std::string& text, std::string (*make)(Id)) {
  std::uint64_t number = 0;
  if (!text.empty()) std::from_chars(text.data() + 1, text.data() + text.size(), number, 16);
  return make(Id(number)) == text ? number : 0;
}

// From the parser's tree to ours.  Recursion is as deep as ParserLimits::search_depth.
class Compiler {
 public:
  Compiler(std::string_view charset, const Selected& selected, const store::MailboxState& state, SysTime now)
      : charset_(charset), selected_(selected), state_(state), now_(std::chrono::floor<std::chrono::seconds>(now)) {}

  SearchNode compile(const SearchKey& key) {
    return std::visit([&](const auto& k) { return make(k); }, key.key);
  }
  SearchProgram program(SearchNode root) const {
    return {.root = std::move(root), .wants_mod_seq = wants_mod_seq_, .wants_threads = wants_threads_, .wants_summaries = wants_summaries_};
  }

 private:
  SearchNode make(const SearchAll&) { return {}; }
  SearchNode make(const SearchAnd& k) { return group(SearchOp::all_of, k.keys); }
  SearchNode make(const SearchOr& k) { return group(SearchOp::any_of, k.keys); }
  SearchNode make(const SearchNot& k) { return group(SearchOp::none_of, k.keys); }
  SearchNode make(const SearchSequence& k) {
    return {.op = SearchOp::indexes, .ranges = resolve_for_search(k.set, Numbers(k.uid), selected_)};
  }
  SearchNode make(const SearchFlag& k) {
    if (k.flag != SystemFlag::recent) return {.op = SearchOp::flags, .want = k.set, .number = static_cast<std::uint8_t>(k.flag)};
    SearchNode recent{.op = SearchOp::indexes, .ranges = indexes_of(selected_.recent, *selected_.told)};
    if (k.set) return recent;
    SearchNode old{.op = SearchOp::none_of};
    old.children.push_back(std::move(recent));
    return old;
  }
  SearchNode make(const SearchKeyword& k) {
    for (std::size_t i = 0; i < state_.keywords.size(); ++i)
      if (text::iequals(state_.keywords[i], k.keyword)) return {.op = SearchOp::keywords, .want = k.set, .number = std::uint64_t{1} << i};
    return {.want = !k.set};
  }
  SearchNode make(const SearchDate& k) {
    const std::int64_t day = std::chrono::sys_seconds(k.date).time_since_epoch().count(), next_day = day + 86400;
    SearchNode node{.op = SearchOp::internal_date, .from = -kEver, .until = kEver};
    if (k.op != SearchDate::Op::before) node.from = day;
    if (k.op != SearchDate::Op::since) node.until = k.op == SearchDate::Op::on ? next_day : day;
    if (k.field == SearchDate::Field::save_date) node.op = SearchOp::save_date;
    if (k.field == SearchDate::Field::sent) {
      node.op = SearchOp::sent_date;
      node.cost = Cost::summary;
      wants_summaries_ = true;
    }
    return node;
  }
  // [RFC5032 2] Both include the target time.
  SearchNode make(const SearchWithin& k) {
    const auto target = now_.time_since_epoch().count() - std::int64_t{k.seconds};
    if (k.younger) return {.op = SearchOp::internal_time, .from = target, .until = kEver};
    return {.op = SearchOp::internal_time, .from = -kEver, .until = target + 1};
  }
  SearchNode make(const SearchObjectId& k) {
    const auto number = k.thread ? number_of(k.id, &store::thread_object_id) : number_of(k.id, &store::email_object_id);
    if (number == 0) return {.want = false};
    if (!k.thread) return {.op = SearchOp::email, .number = number};
    wants_threads_ = wants_summaries_ = true;
    return {.op = SearchOp::thread, .cost = Cost::summary, .number = number};
  }
  SearchNode make(const SearchSize& k) {
    return {.op = k.op == SearchSize::Op::larger ? SearchOp::larger : SearchOp::smaller, .number = k.size};
  }
  SearchNode make(const SearchHeader& k) {
    return {.op = SearchOp::header, .cost = Cost::header, .name = text::to_lower(k.name), .needle = needle_of(k.value)};
  }
  SearchNode make(const SearchText& k) {
    SearchNode node{.op = SearchOp::text, .cost = Cost::text, .needle = needle_of(k.value)};
    node.scope = k.scope == SearchText::Scope::body ? message::SearchScope::body : message::SearchScope::text;
    if (node.needle.empty()) return {};  // every text contains it
    return node;
  }
  SearchNode make(const SearchModSeq& k) {
    wants_mod_seq_ = true;
    return {.op = SearchOp::mod_seq, .number = k.mod_seq};
  }

  SearchNode group(SearchOp op, const std::vector<SearchKey>& keys) {
    SearchNode node{.op = op};
    for (const auto& key : keys) {
      node.children.push_back(compile(key));
      node.cost = std::max(node.cost, node.children.back().cost);
    }
    // Numbers first: they leave the least to look at.
    std::ranges::sort(node.children, {}, [](const SearchNode& child) { return std::pair(child.cost, child.op != SearchOp::indexes); });
    return node;
  }

  std::string needle_of(const std::string& value) const { return text::casemap(text::to_utf8(charset_, value)); }

  std::string_view charset_;
  const Selected& selected_;
  const store::MailboxState& state_;
  std::chrono::sys_seconds now_;
  bool wants_mod_seq_ = false, wants_threads_ = false, wants_summaries_ = false;
};

// Recursion is as deep as ParserLimits::search_depth.
struct NamesNumbers {
  bool any(const std::vector<SearchKey>& keys) const { return std::ranges::any_of(keys, &names_sequence_numbers); }
  bool operator()(const SearchAnd& k) const { return any(k.keys); }
  bool operator()(const SearchOr& k) const { return any(k.keys); }
  bool operator()(const SearchNot& k) const { return any(k.keys); }
  bool operator()(const SearchSequence& k) const { return !k.uid && !k.set.is_saved_result(); }
  bool operator()(const auto&) const { return false; }
};

}  // namespace

bool names_sequence_numbers(const SearchKey& key) { return std::visit(NamesNumbers{}, key.key); }

Result<SearchProgram> compile_search(const Search& search, const Selected& selected, const store::MailboxState& state, SysTime now) {
  const std::string_view charset = search.charset.empty() ? std::string_view("UTF-8") : std::string_view(search.charset);
  if (!text::is_known_charset(charset)) return fail(Errc::unsupported, "unknown charset");
  Compiler compiler(charset, selected, state, now);
  auto root = compiler.compile(search.key);
  return compiler.program(std::move(root));
}

}  // namespace posthorn::imap
