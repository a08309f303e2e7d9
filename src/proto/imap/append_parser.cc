// What stands before the messages of APPEND [RFC3501 6.3.11] [RFC3502] [RFC3516 7] [RFC6855 4] and REPLACE
// [RFC8508 5].
#include <utility>

#include "proto/imap/grammar.h"

namespace posthorn::imap {
namespace {

// [flag-list SP] [date-time SP] ["XUID" SP uidvalidity SP uid SP] ["UTF8" SP "("], all that is left
Result<void> take_options(Cursor& in, LiteralKind next, Append& out, const ParserLimits& limits) {
  out.flags = {};
  out.date.reset();
  out.binary = next == LiteralKind::literal8;
  out.utf8 = false;
  out.uid = 0;
  if (in.peek() == '(') {
    TRY(out.flags, take_flag_list(in, limits));
    TRY_OK(in.take_space());
  }
  if (in.peek() == '"') {
    TRY(out.date, take_date_time(in));
    TRY_OK(in.take_space());
  }
  if (in.take_word("XUID")) {
    TRY_OK(in.take_space());
    TRY(out.uid_validity, in.take_nz_number());
    TRY_OK(in.take_space());
    TRY(out.uid, in.take_nz_number());
    TRY_OK(in.take_space());
  }
  if (in.take_word("UTF8")) {
    TRY_OK(in.take_space());
    TRY_OK(in.expect('('));
    if (next != LiteralKind::literal8) return fail(Errc::syntax, "UTF8 takes a literal8");
    out.utf8 = true;
  }
  return in.take_end();
}

// The one message that REPLACE names: seq-number
Result<SequenceSet> take_one_number(Cursor& in, const ParserLimits& limits) {
  TRY(auto set, take_sequence_set(in, limits));
  const auto& items = set.items();
  if (items.size() != 1 || items.front().first != items.front().last)
    return fail(Errc::syntax, "REPLACE takes one message");
  return set;
}

// Behind the tag; false: the literal is the name of the mailbox.
Result<bool> take_prefix(Cursor& in, LiteralKind next, Append& out, const ParserLimits& limits) {
  TRY_OK(in.take_space());
  out.replaced_by_uid = in.take_word("UID");
  if (out.replaced_by_uid) TRY_OK(in.take_space());
  if (in.take_word("REPLACE")) {
    TRY_OK(in.take_space());
    TRY(out.replaced, take_one_number(in, limits));
  } else if (out.replaced_by_uid || !in.take_word("APPEND")) {
    return fail(Errc::syntax, "Expected APPEND or REPLACE");
  }
  TRY_OK(in.take_space());
  if (in.at_end() && next == LiteralKind::literal) return false;
  TRY(out.mailbox, take_mailbox(in, limits));
  TRY_OK(in.take_space());
  TRY_OK(take_options(in, next, out, limits));
  return true;
}

}  // namespace

std::expected<AppendPrefix, ParseError> parse_append_prefix(std::string_view text, LiteralKind next,
                                                            const ParserLimits& limits) {
  Cursor in(text, limits);
  auto tag = take_tag(in, limits);
  if (!tag) return std::unexpected(ParseError{"*", std::move(tag.error().text)});
  AppendPrefix out;
  const auto whole = take_prefix(in, next, out.append, limits);
  if (!whole) return std::unexpected(ParseError{std::move(*tag), whole.error().text});
  out.next = *whole ? AppendPrefix::Next::message_literal : AppendPrefix::Next::mailbox_literal;
  out.tag = std::move(*tag);
  return out;
}

// append-message = [SP flag-list] [SP date-time] SP literal
Result<void> parse_append_options(std::string_view text, LiteralKind next, Append& append,
                                  const ParserLimits& limits) {
  Cursor in(text, limits);
  TRY_OK(in.take_space());
  return take_options(in, next, append, limits);
}

}  // namespace posthorn::imap
