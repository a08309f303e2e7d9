// search-key. [RFC3501 6.4.4], with [RFC5032 3] [RFC7162 3.1.5] [RFC8474 7] [RFC8514 5]
#include <algorithm>

#include "proto/imap/grammar.h"
#include "text/ascii.h"

namespace posthorn::imap {
namespace {

// Every NOT, OR and parenthesis goes one level down; the depth limit bounds the stack here and in whoever
// walks the tree.
class SearchParser {
 public:
  SearchParser(Cursor& in, const ParserLimits& limits) : in_(in), limits_(limits) {}

  Result<SearchKey> take_key();
  Result<SearchKey> take_keys();  // search-key *(SP search-key); a single one stays what it is

  // What a named key needs, beside its name.
  Result<SearchKey> take_flag(SystemFlag flag, bool set) { return SearchKey{SearchFlag{flag, set}}; }
  Result<SearchKey> take_keyword(bool set);
  Result<SearchKey> take_date(SearchDate::Field, SearchDate::Op);
  Result<SearchKey> take_size(SearchSize::Op);
  Result<SearchKey> take_field(std::string name);
  Result<SearchKey> take_header();
  Result<SearchKey> take_text(SearchText::Scope);
  Result<SearchKey> take_not();
  Result<SearchKey> take_or();
  Result<SearchKey> take_uid();
  Result<SearchKey> take_mod_seq();
  Result<SearchKey> take_within(bool younger);
  Result<SearchKey> take_object_id(bool thread);

 private:
  Result<SearchKey> take_named_key();

  Cursor& in_;
  const ParserLimits& limits_;
  std::size_t depth_ = 0;
  std::size_t count_ = 0;
};

struct NamedKey {
  std::string_view name;
  Result<SearchKey> (*take)(SearchParser&);
};

template <SystemFlag flag, bool set>
Result<SearchKey> flag_key(SearchParser& p) {
  return p.take_flag(flag, set);
}

template <SearchDate::Field field, SearchDate::Op op>
Result<SearchKey> date_key(SearchParser& p) {
  return p.take_date(field, op);
}

SearchKey negation(SearchKey key) {
  SearchNot out;
  out.keys.push_back(std::move(key));
  return SearchKey{std::move(out)};
}

using enum SearchDate::Field;
using enum SearchDate::Op;

constexpr NamedKey kKeys[] = {
    {"ALL", [](SearchParser&) -> Result<SearchKey> { return SearchKey{SearchAll{}}; }},
    {"ANSWERED", flag_key<SystemFlag::answered, true>},
    {"BCC", [](SearchParser& p) { return p.take_field("Bcc"); }},
    {"BEFORE", date_key<internal_date, before>},
    {"BODY", [](SearchParser& p) { return p.take_text(SearchText::Scope::body); }},
    {"CC", [](SearchParser& p) { return p.take_field("Cc"); }},
    {"DELETED", flag_key<SystemFlag::deleted, true>},
    {"DRAFT", flag_key<SystemFlag::draft, true>},
    {"EMAILID", [](SearchParser& p) { return p.take_object_id(false); }},
    {"FLAGGED", flag_key<SystemFlag::flagged, true>},
    {"FROM", [](SearchParser& p) { return p.take_field("From"); }},
    {"HEADER", [](SearchParser& p) { return p.take_header(); }},
    {"KEYWORD", [](SearchParser& p) { return p.take_keyword(true); }},
    {"LARGER", [](SearchParser& p) { return p.take_size(SearchSize::Op::larger); }},
    {"MODSEQ", [](SearchParser& p) { return p.take_mod_seq(); }},
    {"NEW",
     [](SearchParser&) -> Result<SearchKey> {
       SearchAnd both;
       both.keys.push_back({SearchFlag{SystemFlag::recent, true}});
       both.keys.push_back({SearchFlag{SystemFlag::seen, false}});
       return SearchKey{std::move(both)};
     }},
    {"NOT", [](SearchParser& p) { return p.take_not(); }},
    {"OLD",
     [](SearchParser&) -> Result<SearchKey> {
       return negation(SearchKey{SearchFlag{SystemFlag::recent, true}});
     }},
    {"OLDER", [](SearchParser& p) { return p.take_within(false); }},
    {"ON", date_key<internal_date, on>},
    {"OR", [](SearchParser& p) { return p.take_or(); }},
    {"RECENT", flag_key<SystemFlag::recent, true>},
    // [RFC8514 4.3] Every message has a save date here.
    {"SAVEDATESUPPORTED", [](SearchParser&) -> Result<SearchKey> { return SearchKey{SearchAll{}}; }},
    {"SAVEDBEFORE", date_key<save_date, before>},
    {"SAVEDON", date_key<save_date, on>},
    {"SAVEDSINCE", date_key<save_date, since>},
    {"SEEN", flag_key<SystemFlag::seen, true>},
    {"SENTBEFORE", date_key<sent, before>},
    {"SENTON", date_key<sent, on>},
    {"SENTSINCE", date_key<sent, since>},
    {"SINCE", date_key<internal_date, since>},
    {"SMALLER", [](SearchParser& p) { return p.take_size(SearchSize::Op::smaller); }},
    {"SUBJECT", [](SearchParser& p) { return p.take_field("Subject"); }},
    {"TEXT", [](SearchParser& p) { return p.take_text(SearchText::Scope::text); }},
    {"THREADID", [](SearchParser& p) { return p.take_object_id(true); }},
    {"TO", [](SearchParser& p) { return p.take_field("To"); }},
    {"UID", [](SearchParser& p) { return p.take_uid(); }},
    {"UNANSWERED", flag_key<SystemFlag::answered, false>},
    {"UNDELETED", flag_key<SystemFlag::deleted, false>},
    {"UNDRAFT", flag_key<SystemFlag::draft, false>},
    {"UNFLAGGED", flag_key<SystemFlag::flagged, false>},
    {"UNKEYWORD", [](SearchParser& p) { return p.take_keyword(false); }},
    {"UNSEEN", flag_key<SystemFlag::seen, false>},
    {"YOUNGER", [](SearchParser& p) { return p.take_within(true); }},
};

Result<SearchKey> SearchParser::take_named_key() {
  TRY(const auto name, in_.take_atom());
  for (const auto& key : kKeys)
    if (text::iequals(key.name, name)) return key.take(*this);
  return fail(Errc::syntax, "Unknown search key");
}

Result<SearchKey> SearchParser::take_key() {
  if (++count_ > limits_.search_keys) return fail(Errc::limit, "Too many search keys");
  if (text::is_digit(in_.peek()) || in_.peek() == '*' || in_.peek() == '$') {
    TRY(auto set, take_sequence_set(in_, limits_));
    return SearchKey{SearchSequence{std::move(set), false}};
  }
  if (++depth_ > limits_.search_depth) return fail(Errc::limit, "Search too deep");
  const bool group = in_.take('(');
  auto key = group ? take_keys() : take_named_key();
  --depth_;
  if (!key) return key;
  if (group) TRY_OK(in_.expect(')'));
  return key;
}

Result<SearchKey> SearchParser::take_keys() {
  TRY(auto first, take_key());
  if (in_.peek() != ' ') return first;
  SearchAnd all;
  all.keys.push_back(std::move(first));
  while (in_.take(' ')) {
    TRY(auto next, take_key());
    all.keys.push_back(std::move(next));
  }
  return SearchKey{std::move(all)};
}

Result<SearchKey> SearchParser::take_keyword(bool set) {
  TRY_OK(in_.take_space());
  TRY(const auto keyword, in_.take_atom());
  return SearchKey{SearchKeyword{std::string(keyword), set}};
}

// date = date-text / DQUOTE date-text DQUOTE
Result<SearchKey> SearchParser::take_date(SearchDate::Field field, SearchDate::Op op) {
  TRY_OK(in_.take_space());
  std::string word;
  if (in_.peek() == '"') {
    TRY(word, in_.take_quoted());
  } else {
    word = in_.take_while(kAtomChar);
  }
  const auto date = text::parse_imap_date(word);
  if (!date) return fail(Errc::syntax, "Bad date");
  return SearchKey{SearchDate{field, op, *date}};
}

Result<SearchKey> SearchParser::take_size(SearchSize::Op op) {
  TRY_OK(in_.take_space());
  TRY(const auto size, in_.take_number63());
  return SearchKey{SearchSize{op, size}};
}

Result<SearchKey> SearchParser::take_field(std::string name) {
  TRY_OK(in_.take_space());
  TRY(auto value, in_.take_astring());
  return SearchKey{SearchHeader{std::move(name), std::move(value)}};
}

Result<SearchKey> SearchParser::take_header() {
  TRY_OK(in_.take_space());
  TRY(auto name, in_.take_astring());
  return take_field(std::move(name));
}

Result<SearchKey> SearchParser::take_text(SearchText::Scope scope) {
  TRY_OK(in_.take_space());
  TRY(auto value, in_.take_astring());
  return SearchKey{SearchText{scope, std::move(value)}};
}

Result<SearchKey> SearchParser::take_not() {
  TRY_OK(in_.take_space());
  TRY(auto key, take_key());
  return negation(std::move(key));
}

Result<SearchKey> SearchParser::take_or() {
  SearchOr either;
  for (int i = 0; i < 2; ++i) {
    TRY_OK(in_.take_space());
    TRY(auto key, take_key());
    either.keys.push_back(std::move(key));
  }
  return SearchKey{std::move(either)};
}

Result<SearchKey> SearchParser::take_uid() {
  TRY_OK(in_.take_space());
  TRY(auto set, take_sequence_set(in_, limits_));
  return SearchKey{SearchSequence{std::move(set), true}};
}

// "MODSEQ" [SP entry-name SP entry-type-req] SP mod-sequence-valzer
Result<SearchKey> SearchParser::take_mod_seq() {
  TRY_OK(in_.take_space());
  SearchModSeq out;
  if (in_.peek() == '"') {
    constexpr std::string_view kPrefix = "/flags/";
    TRY(auto entry, in_.take_quoted());
    if (!text::istarts_with(entry, kPrefix) || entry.size() == kPrefix.size())
      return fail(Errc::syntax, "Bad entry name of MODSEQ");
    out.entry_flag = entry.substr(kPrefix.size());
    TRY_OK(in_.take_space());
    if (!in_.take_word("priv") && !in_.take_word("shared") && !in_.take_word("all"))
      return fail(Errc::syntax, "Bad entry type of MODSEQ");
    TRY_OK(in_.take_space());
  }
  TRY(out.mod_seq, in_.take_number63());
  return SearchKey{std::move(out)};
}

Result<SearchKey> SearchParser::take_within(bool younger) {
  TRY_OK(in_.take_space());
  TRY(const auto seconds, in_.take_nz_number());
  return SearchKey{SearchWithin{younger, seconds}};
}

// objectid = 1*255(ALPHA / DIGIT / "_" / "-").  The case counts.
Result<SearchKey> SearchParser::take_object_id(bool thread) {
  TRY_OK(in_.take_space());
  TRY(auto id, in_.take_astring());
  const bool well_formed = !id.empty() && id.size() <= 255 && std::ranges::all_of(id, [](char c) {
    return text::is_alpha(c) || text::is_digit(c) || c == '_' || c == '-';
  });
  if (!well_formed) return fail(Errc::syntax, "Bad object identifier");
  return SearchKey{SearchObjectId{thread, std::move(id)}};
}

}  // namespace

Result<SearchKey> take_search_keys(Cursor& in, const ParserLimits& limits) {
  return SearchParser(in, limits).take_keys();
}

}  // namespace posthorn::imap
