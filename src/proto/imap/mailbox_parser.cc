// SELECT, EXAMINE, CREATE, RENAME, STATUS. [RFC3501 6.3] with the parameters of [RFC7162 7] and [RFC6154 6]
#include <utility>

#include "proto/imap/grammar.h"

namespace posthorn::imap {
namespace {

constexpr Named<StatusItem> kStatusItems[] = {
    {"MESSAGES", StatusItem::messages},
    {"RECENT", StatusItem::recent},
    {"UIDNEXT", StatusItem::uid_next},
    {"UIDVALIDITY", StatusItem::uid_validity},
    {"UNSEEN", StatusItem::unseen},
    {"HIGHESTMODSEQ", StatusItem::highest_mod_seq},
    {"SIZE", StatusItem::size},
    {"MAILBOXID", StatusItem::mailbox_id},
    {"DELETED", StatusItem::deleted},
    {"DELETED-STORAGE", StatusItem::deleted_storage},
    {"APPENDLIMIT", StatusItem::append_limit},
};

// seq-match-data, behind its "(": known-sequence-set SP known-uid-set ")"
Result<void> take_match_data(Cursor& in, QresyncParameter& out, const ParserLimits& limits) {
  TRY(out.match_numbers, take_known_set(in, limits));
  TRY_OK(in.take_space());
  TRY(out.match_uids, take_known_set(in, limits));
  if (out.match_numbers->resolve(0).size() != out.match_uids->resolve(0).size())
    return fail(Errc::syntax, "Message numbers and UIDs differ in number");
  return in.expect(')');
}

// SP "(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")" [RFC7162 3.2.5]
Result<QresyncParameter> take_qresync(Cursor& in, const ParserLimits& limits) {
  QresyncParameter out;
  TRY_OK(in.take_space());
  TRY_OK(in.expect('('));
  TRY(out.uid_validity, in.take_nz_number());
  TRY_OK(in.take_space());
  TRY(out.mod_seq, in.take_number63());
  bool more = in.take(' ');
  if (more && in.peek() != '(') {
    TRY(out.known_uids, take_known_set(in, limits));
    more = in.take(' ');
  }
  if (more) {
    TRY_OK(in.expect('('));
    TRY_OK(take_match_data(in, out, limits));
  }
  TRY_OK(in.expect(')'));
  return out;
}

// mailbox [SP "(" select-param *(SP select-param) ")"]
Outcome take_opening(Cursor& in, const ParserLimits& limits, bool read_only) {
  Select out;
  out.read_only = read_only;
  TRY_OK(in.take_space());
  TRY(out.mailbox, take_mailbox(in, limits));
  if (in.at_end()) return out;
  TRY_OK(in.take_space());
  TRY_OK(in.expect('('));
  do {
    if (in.take_word("CONDSTORE")) {
      out.condstore = true;
    } else if (in.take_word("QRESYNC") && !out.qresync) {
      TRY(out.qresync, take_qresync(in, limits));
    } else {
      return fail(Errc::syntax, "Unknown parameter");
    }
  } while (in.take(' '));
  TRY_OK(in.expect(')'));
  return out;
}

}  // namespace

Outcome take_select(Cursor& in, const ParserLimits& limits) { return take_opening(in, limits, false); }
Outcome take_examine(Cursor& in, const ParserLimits& limits) { return take_opening(in, limits, true); }

// "CREATE" SP mailbox [SP "(" "USE" SP "(" [use-attr *(SP use-attr)] ")" ")"] [RFC6154 6]
Outcome take_create(Cursor& in, const ParserLimits& limits) {
  Create out;
  TRY_OK(in.take_space());
  TRY(out.mailbox, take_mailbox(in, limits));
  if (in.at_end()) return out;
  TRY_OK(in.take_space());
  TRY_OK(in.expect('('));
  if (!in.take_word("USE")) return fail(Errc::syntax, "Unknown parameter");
  TRY_OK(in.take_space());
  TRY_OK(in.expect('('));
  if (!in.take(')')) {
    do {
      TRY_OK(in.expect('\\'));
      TRY(const auto name, in.take_atom());
      const auto use = find_special_use("\\" + std::string(name));
      if (use)
        out.special_use |= static_cast<std::uint8_t>(*use);
      else
        out.unknown_special_use = true;
    } while (in.take(' '));
    TRY_OK(in.expect(')'));
  }
  TRY_OK(in.expect(')'));
  return out;
}

Outcome take_rename(Cursor& in, const ParserLimits& limits) {
  Rename out;
  TRY_OK(in.take_space());
  TRY(out.from, take_mailbox(in, limits));
  TRY_OK(in.take_space());
  TRY(out.to, take_mailbox(in, limits));
  return out;
}

Result<std::uint16_t> take_status_items(Cursor& in) {
  std::uint16_t items = 0;
  TRY_OK(in.expect('('));
  do {
    TRY(const auto name, in.take_atom());
    const auto* item = find_named(kStatusItems, name);
    if (!item) return fail(Errc::syntax, "Unknown status item");
    items |= static_cast<std::uint16_t>(*item);
  } while (in.take(' '));
  TRY_OK(in.expect(')'));
  return items;
}

// "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"
Outcome take_status(Cursor& in, const ParserLimits& limits) {
  Status out;
  TRY_OK(in.take_space());
  TRY(out.mailbox, take_mailbox(in, limits));
  TRY_OK(in.take_space());
  TRY(out.items, take_status_items(in));
  return out;
}

}  // namespace posthorn::imap
