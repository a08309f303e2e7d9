// SEARCH [RFC3501 6.4.4] with return options [RFC4731 4] [RFC5182 5] [RFC9394 4], SORT and THREAD [RFC5256 5]
// [RFC5267 3].
#include <utility>

#include "proto/imap/grammar.h"

namespace posthorn::imap {
namespace {

Result<void> take_return_option(Cursor& in, SearchReturn& out) {
  if (in.take_word("MIN")) {
    out.min = true;
  } else if (in.take_word("MAX")) {
    out.max = true;
  } else if (in.take_word("ALL")) {
    out.all = true;
  } else if (in.take_word("COUNT")) {
    out.count = true;
  } else if (in.take_word("SAVE")) {
    out.save = true;
  } else if (in.take_word("PARTIAL") && !out.partial) {
    TRY_OK(in.take_space());
    TRY(out.partial, take_result_range(in));
  } else {
    return fail(Errc::syntax, "Unknown return option");
  }
  return {};
}

// ["RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")" SP]
Result<SearchReturn> take_return(Cursor& in) {
  SearchReturn out;
  if (!in.take_word("RETURN")) return out;
  out.given = true;
  TRY_OK(in.take_space());
  TRY_OK(in.expect('('));
  if (in.take(')')) {
    out.all = true;  // [RFC4731 3.1] An empty list is ALL.
    TRY_OK(in.take_space());
    return out;
  }
  do {
    TRY_OK(take_return_option(in, out));
  } while (in.take(' '));
  TRY_OK(in.expect(')'));
  TRY_OK(in.take_space());
  if (out.partial && out.all)
    return fail(Errc::syntax, "PARTIAL and ALL exclude each other");  // [RFC9394 3.1]
  return out;
}

// charset = atom / quoted.  Departure: a literal too.
Result<std::string> take_charset(Cursor& in) {
  TRY(const auto charset, in.take_astring());
  return text::to_upper(charset);
}

constexpr Named<SortKey> kSortKeys[] = {
    {"ARRIVAL", SortKey::arrival},
    {"CC", SortKey::cc},
    {"DATE", SortKey::date},
    {"FROM", SortKey::from},
    {"SIZE", SortKey::size},
    {"SUBJECT", SortKey::subject},
    {"TO", SortKey::to},
    {"DISPLAYFROM", SortKey::display_from},  // [RFC5957 5]
    {"DISPLAYTO", SortKey::display_to},
};

constexpr Named<ThreadAlgorithm> kThreadAlgorithms[] = {
    {"ORDEREDSUBJECT", ThreadAlgorithm::ordered_subject},
    {"REFERENCES", ThreadAlgorithm::references},
    {"REFS", ThreadAlgorithm::refs},
};

// sort-criteria
Result<std::vector<SortCriterion>> take_criteria(Cursor& in, const ParserLimits& limits) {
  std::vector<SortCriterion> out;
  TRY_OK(in.expect('('));
  do {
    if (out.size() >= limits.sort_criteria) return fail(Errc::limit, "Too many sort criteria");
    SortCriterion criterion;
    criterion.reverse = in.take_word("REVERSE");
    if (criterion.reverse) TRY_OK(in.take_space());
    TRY(const auto name, in.take_atom());
    const auto* key = find_named(kSortKeys, name);
    if (!key) return fail(Errc::syntax, "Unknown sort criterion");
    criterion.key = *key;
    out.push_back(criterion);
  } while (in.take(' '));
  TRY_OK(in.expect(')'));
  return out;
}

// search-criteria = charset 1*(SP search-key): the charset is mandatory here
Result<void> take_criteria_of_search(Cursor& in, Search& search, const ParserLimits& limits) {
  TRY(search.charset, take_charset(in));
  TRY_OK(in.take_space());
  TRY(search.key, take_search_keys(in, limits));
  return {};
}

}  // namespace

// "SEARCH" SP [return SP] ["CHARSET" SP charset SP] search-key *(SP search-key)
Outcome take_search(Cursor& in, const ParserLimits& limits) {
  Search out;
  TRY_OK(in.take_space());
  TRY(out.result, take_return(in));
  if (in.take_word("CHARSET")) {
    TRY_OK(in.take_space());
    TRY(out.charset, take_charset(in));
    TRY_OK(in.take_space());
  }
  TRY(out.key, take_search_keys(in, limits));
  return out;
}

// "SORT" SP [return SP] sort-criteria SP search-criteria [RFC5267 3.1]
Outcome take_sort(Cursor& in, const ParserLimits& limits) {
  Sort out;
  TRY_OK(in.take_space());
  TRY(out.search.result, take_return(in));
  // [RFC9394 3.1] PARTIAL is of SEARCH; a sorted one would need CONTEXT=SORT.
  if (out.search.result.partial) return fail(Errc::syntax, "SORT has no PARTIAL results");
  TRY(out.criteria, take_criteria(in, limits));
  TRY_OK(in.take_space());
  TRY_OK(take_criteria_of_search(in, out.search, limits));
  return out;
}

// "THREAD" SP thread-alg SP search-criteria
Outcome take_thread(Cursor& in, const ParserLimits& limits) {
  Thread out;
  TRY_OK(in.take_space());
  TRY(const auto name, in.take_atom());
  const auto* algorithm = find_named(kThreadAlgorithms, name);
  if (!algorithm) return fail(Errc::syntax, "Unknown threading algorithm");
  out.algorithm = *algorithm;
  TRY_OK(in.take_space());
  TRY_OK(take_criteria_of_search(in, out.search, limits));
  return out;
}

}  // namespace posthorn::imap
