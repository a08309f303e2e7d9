#include "search/match.h"

#include <algorithm>
#include <limits>

namespace posthorn::search {
namespace {

Verdict verdict(bool yes) { return yes ? Verdict::yes : Verdict::no; }

bool is_within(const SearchNode& node, std::int64_t seconds) { return node.from <= seconds && seconds < node.until; }

// [RFC3501 6.4.4] The date as it was given, disregarding time and zone.
std::int64_t local_seconds(const store::InternalDate& date) { return date.seconds + 60 * std::int64_t{date.zone_minutes}; }

// Of Cost::entry, but the ones with children and `indexes`.
bool match_entry(const SearchNode& node, const store::Entry& entry) {
  switch (node.op) {
    case SearchOp::flags: return ((entry.flags & node.number) != 0) == node.want;
    case SearchOp::keywords: return ((entry.keywords & node.number) != 0) == node.want;
    case SearchOp::internal_date: return is_within(node, local_seconds(entry.internal_date));
    case SearchOp::internal_time: return is_within(node, entry.internal_date.seconds);
    case SearchOp::save_date: return is_within(node, entry.save_date);
    case SearchOp::larger: return entry.size > node.number;
    case SearchOp::smaller: return entry.size < node.number;
    case SearchOp::mod_seq: return entry.mod_seq.value() >= node.number;
    case SearchOp::email: return entry.message.value() == node.number;
    default: return node.want;  // constant
  }
}

// What a whole page answers alike, as its sums tell.
std::optional<bool> match_page(const SearchNode& node, const store::Page& page) {
  switch (node.op) {
    case SearchOp::flags:
      if (!(page.any_flags & node.number)) return !node.want;
      if (page.all_flags & node.number) return node.want;
      return {};
    case SearchOp::keywords:
      if (!(page.any_keywords & node.number)) return !node.want;
      return {};
    case SearchOp::mod_seq:
      if (page.highest_mod_seq.value() < node.number) return false;
      return {};
    case SearchOp::constant: return node.want;
    default: return {};
  }
}

// One loop for each key, so that the compiler sees what is compared.
template <class F>
void add_matching(const store::Page& page, std::uint32_t first, IndexBits& out, F matches) {
  for (std::uint32_t index = first; const auto& entry : page.entries) {
    if (matches(entry)) out.set(index);
    ++index;
  }
}

// Of the pages of the domain; in those it may set more than the domain has.
IndexBits match_leaf(const SearchNode& node, const store::View& view, const IndexBits& domain) {
  IndexBits out(view.size());
  if (node.op == SearchOp::indexes) {
    for (const auto& range : node.ranges) out.set(range.from, range.to);
    return out;
  }
  for (std::size_t p = 0; p < view.pages().size(); ++p) {
    const auto& page = *view.pages()[p];
    const auto first = view.first_index(p), end = first + static_cast<std::uint32_t>(page.entries.size());
    if (!domain.any(first, end)) continue;
    if (const auto all = match_page(node, page)) {
      if (*all) out.set(first, end);
    } else if (node.op == SearchOp::flags) {
      add_matching(page, first, out, [&](const auto& e) { return ((e.flags & node.number) != 0) == node.want; });
    } else if (node.op == SearchOp::internal_date) {
      add_matching(page, first, out, [&](const auto& e) { return is_within(node, local_seconds(e.internal_date)); });
    } else {
      add_matching(page, first, out, [&](const auto& e) { return match_entry(node, e); });
    }
  }
  return out;
}

}  // namespace

SearchAnswer match_entries(const SearchNode& node, const store::View& view, const IndexBits& domain) {
  SearchAnswer out{IndexBits(view.size()), IndexBits(view.size())};
  switch (node.op) {
    case SearchOp::all_of: {
      out.yes = domain;
      for (const auto& child : node.children) {
        auto answer = match_entries(child, view, out.yes);
        out.open |= answer.open;
        out.yes = std::move(answer.yes);
        out.yes |= answer.open;  // still in the running
        out.open &= out.yes;
        if (!out.yes.any()) break;
      }
      out.yes -= out.open;
      return out;
    }
    case SearchOp::any_of: {
      auto left = domain;
      for (const auto& child : node.children) {
        const auto answer = match_entries(child, view, left);
        out.yes |= answer.yes;
        out.open |= answer.open;
        left -= answer.yes;
        if (!left.any()) break;
      }
      out.open -= out.yes;
      return out;
    }
    case SearchOp::none_of: {
      auto answer = match_entries(node.children.front(), view, domain);
      out.yes = domain;
      out.yes -= answer.yes;
      out.yes -= answer.open;
      out.open = std::move(answer.open);
      return out;
    }
    default:
      if (node.cost != Cost::entry) {
        out.open = domain;
        return out;
      }
      out.yes = match_leaf(node, view, domain);
      out.yes &= domain;
      return out;
  }
}

bool match_sent_date(const SearchNode& node, const std::optional<text::DateTime>& sent) {
  return sent && is_within(node, std::chrono::sys_seconds(text::local_date(*sent)).time_since_epoch().count());
}

Verdict Candidate::match(const SearchNode& node) {
  switch (node.op) {
    case SearchOp::all_of:
    case SearchOp::any_of:
    case SearchOp::none_of: return match_children(node);
    case SearchOp::indexes: {
      const auto range = std::ranges::upper_bound(node.ranges, index_, {}, &store::IndexRange::from);
      return verdict(range != node.ranges.begin() && index_ < std::prev(range)->to);
    }
    case SearchOp::sent_date:
      return summary_ ? verdict(match_sent_date(node, summary_->sent())) : Verdict::unknown;
    case SearchOp::thread: return summary_ ? verdict(thread_.value() == node.number) : Verdict::unknown;
    case SearchOp::header:
      return header_ ? verdict(message::header_contains(*header_, node.name, node.needle)) : Verdict::unknown;
    case SearchOp::text: return match_text(node);
    default: return verdict(match_entry(node, *entry_));
  }
}

// Of all_of and any_of the cheap ones come first and may decide alone.
Verdict Candidate::match_children(const SearchNode& node) {
  const auto deciding = node.op == SearchOp::all_of ? Verdict::no : Verdict::yes;
  bool unknown = false;
  for (const auto& child : node.children) {
    const auto v = match(child);
    if (v == deciding) return verdict(node.op == SearchOp::any_of);
    unknown |= v == Verdict::unknown;
  }
  return unknown ? Verdict::unknown : verdict(node.op != SearchOp::any_of);
}

Verdict Candidate::match_text(const SearchNode& node) {
  if (read_ == nullptr && !message_) return Verdict::unknown;
  if (!decoded_) {
    auto whole = summary_->decode();
    if (!whole) return Verdict::no;
    decoded_ = *std::move(whole);
  }
  if (message_) return verdict(message::search_text_contains(*decoded_, node.scope, node.needle, *message_));
  const auto found = message::search_text_contains(*decoded_, node.scope, node.needle, *read_);
  return verdict(found && *found);
}

}  // namespace posthorn::search
