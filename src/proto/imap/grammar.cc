#include "proto/imap/grammar.h"

#include <algorithm>

#include "text/ascii.h"
#include "text/utf7.h"

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

Result<std::string> take_mailbox(Cursor& in, const ParserLimits& limits) {
  TRY(const auto encoded, in.take_astring());
  if (text::iequals(encoded, "INBOX")) return "INBOX";
  auto name = text::imap_utf7_to_utf8(encoded);
  if (!name) return fail(Errc::syntax, "Mailbox name is not valid modified UTF-7");
  if (name->size() > limits.mailbox_length) return fail(Errc::limit, "Mailbox name too long");
  return std::move(*name);
}

Result<SequenceSet> take_sequence_set(Cursor& in, const ParserLimits& limits) {
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
