#include "proto/imap/grammar.h"

#include <algorithm>
#include <utility>

#include "text/ascii.h"
#include "text/utf7.h"
#include "text/utf8.h"

namespace posthorn::imap {
namespace {

// [RFC3501 9] flag. Adds nothing for \Recent: it cannot be changed [RFC3501 2.3.2], and clients that copy the
// flags they were shown into APPEND send it.
Result<void> take_flag(Cursor& in, FlagList& flags, const ParserLimits& limits) {
  if (in.take('\\')) {
    TRY(const auto name, in.take_atom());
    const auto flag = find_system_flag("\\" + std::string(name));
    if (!flag) return fail(Errc::syntax, "Unknown system flag");
    if (*flag != SystemFlag::recent) flags.set(*flag);
    return {};
  }
  const auto keyword = in.take_while(kAtomChar);
  if (keyword.empty()) return fail(Errc::syntax, "Expected a flag");
  if (keyword.size() > limits.keyword_length) return fail(Errc::limit, "Keyword too long");
  const bool known = std::any_of(flags.keywords.begin(), flags.keywords.end(),
                                 [&](const auto& k) { return text::iequals(k, keyword); });
  if (known) return {};
  if (flags.keywords.size() >= limits.keywords) return fail(Errc::limit, "Too many keywords");
  flags.keywords.emplace_back(keyword);
  return {};
}

// [RFC3501 9] seq-number
Result<std::uint32_t> take_seq_number(Cursor& in) {
  if (in.take('*')) return SequenceSet::kStar;
  return in.take_nz_number();
}

}  // namespace

Result<std::string> decode_mailbox(std::string_view written, const ParserLimits& limits) {
  std::string name;
  if (limits.utf8) {
    // [RFC9051 5.1] "&" means itself now.
    if (!text::is_valid_utf8(written)) return fail(Errc::syntax, "Mailbox name is not valid UTF-8");
    name = written;
  } else {
    auto decoded = text::imap_utf7_to_utf8(written);
    if (!decoded) return fail(Errc::syntax, "Mailbox name is not valid modified UTF-7");
    name = std::move(*decoded);
  }
  if (name.size() > limits.mailbox_length) return fail(Errc::limit, "Mailbox name too long");
  return name;
}

Result<std::string> take_mailbox(Cursor& in, const ParserLimits& limits) {
  TRY(const auto written, in.take_astring());
  if (text::iequals(written, "INBOX")) return "INBOX";
  return decode_mailbox(written, limits);
}

// [RFC5182 5] "$" stands alone; the grammar of [RFC9051 9] would let it end a list of numbers, which nobody
// sends.
Result<SequenceSet> take_sequence_set(Cursor& in, const ParserLimits& limits) {
  if (in.take('$')) return SequenceSet::saved_result();
  std::vector<SequenceSet::Item> items;
  do {
    if (items.size() >= limits.set_items) return fail(Errc::limit, "Too many items in set");
    SequenceSet::Item item;
    TRY(item.first, take_seq_number(in));
    item.last = item.first;
    if (in.take(':')) {
      TRY(item.last, take_seq_number(in));
    }
    items.push_back(item);
  } while (in.take(','));
  return SequenceSet(std::move(items));
}

Result<SequenceSet> take_known_set(Cursor& in, const ParserLimits& limits) {
  TRY(auto set, take_sequence_set(in, limits));
  if (set.is_saved_result() || set.has_star()) return fail(Errc::syntax, "Only numbers are allowed here");
  return set;
}

Result<ResultRange> take_result_range(Cursor& in) {
  ResultRange out;
  out.from_end = in.take('-');
  TRY(out.first, in.take_nz_number());
  TRY_OK(in.expect(':'));
  if (out.from_end) TRY_OK(in.expect('-'));
  TRY(out.last, in.take_nz_number());
  if (out.last < out.first) std::swap(out.first, out.last);  // [RFC9394 4] "500:400 is the same as 400:500"
  return out;
}

Result<FlagList> take_bare_flags(Cursor& in, const ParserLimits& limits) {
  FlagList flags;
  do {
    TRY_OK(take_flag(in, flags, limits));
  } while (in.take(' '));
  return flags;
}

Result<FlagList> take_flag_list(Cursor& in, const ParserLimits& limits) {
  TRY_OK(in.expect('('));
  if (in.take(')')) return FlagList{};
  TRY(auto flags, take_bare_flags(in, limits));
  TRY_OK(in.expect(')'));
  return flags;
}

Result<text::DateTime> take_date_time(Cursor& in) {
  TRY(const auto quoted, in.take_quoted());
  auto date = text::parse_imap_date_time(quoted);
  if (!date) return fail(Errc::syntax, "Bad date-time");
  return *date;
}

}  // namespace posthorn::imap
