// LIST and LSUB. [RFC3501 6.3.8] [RFC5258 6] [RFC5819 4] [RFC6154 6] [RFC8440 5]
#include <utility>

#include "proto/imap/grammar.h"

namespace posthorn::imap {
namespace {

constexpr Named<ListSelect> kSelectOptions[] = {
    {"SUBSCRIBED", ListSelect::subscribed},
    {"REMOTE", ListSelect::remote},
    {"RECURSIVEMATCH", ListSelect::recursive_match},
    {"SPECIAL-USE", ListSelect::special_use},
};

constexpr Named<ListReturn> kReturnOptions[] = {
    {"SUBSCRIBED", ListReturn::subscribed},   {"CHILDREN", ListReturn::children},
    {"SPECIAL-USE", ListReturn::special_use}, {"MYRIGHTS", ListReturn::my_rights},
    {"STATUS", ListReturn::status},
};

// list-select-opts, behind its "("
Result<void> take_select_options(Cursor& in, List& list) {
  if (in.take(')')) return {};
  do {
    TRY(const auto name, in.take_atom());
    const auto* option = find_named(kSelectOptions, name);
    if (!option) return fail(Errc::syntax, "Unknown selection option");
    list.select |= static_cast<std::uint8_t>(*option);
  } while (in.take(' '));
  // [RFC5258 3.1] RECURSIVEMATCH modifies another option; alone, or with REMOTE only, it is an error.
  if (list.selects(ListSelect::recursive_match) && !list.selects(ListSelect::subscribed) &&
      !list.selects(ListSelect::special_use))
    return fail(Errc::syntax, "RECURSIVEMATCH needs an option that it modifies");
  return in.expect(')');
}

// "RETURN" SP "(" [return-option *(SP return-option)] ")"
Result<void> take_return_options(Cursor& in, List& list) {
  if (!in.take_word("RETURN")) return fail(Errc::syntax, "Expected RETURN");
  TRY_OK(in.take_space());
  TRY_OK(in.expect('('));
  if (in.take(')')) return {};
  do {
    TRY(const auto name, in.take_atom());
    const auto* option = find_named(kReturnOptions, name);
    if (!option) return fail(Errc::syntax, "Unknown return option");
    list.returns |= static_cast<std::uint8_t>(*option);
    if (*option != ListReturn::status) continue;
    TRY_OK(in.take_space());
    TRY(list.status_items, take_status_items(in));
  } while (in.take(' '));
  return in.expect(')');
}

// list-mailbox
Result<std::string> take_pattern(Cursor& in, const ParserLimits& limits) {
  if (in.peek() == '"' || in.peek() == '{') {
    TRY(const auto pattern, in.take_string());
    return decode_mailbox(pattern, limits);
  }
  const auto pattern = in.take_while(kListChar);
  if (pattern.empty()) return fail(Errc::syntax, "Expected a mailbox pattern");
  return decode_mailbox(pattern, limits);
}

// mailbox, but INBOX is not yet a name: the pattern is put behind it.
Result<std::string> take_reference(Cursor& in, const ParserLimits& limits) {
  TRY(const auto reference, in.take_astring());
  return decode_mailbox(reference, limits);
}

// mbox-or-pat
Result<void> take_patterns(Cursor& in, List& list, const ParserLimits& limits) {
  const bool several = in.take('(');
  list.extended |= several;
  do {
    if (list.patterns.size() >= limits.list_patterns) return fail(Errc::limit, "Too many patterns");
    TRY(auto pattern, take_pattern(in, limits));
    list.patterns.push_back(std::move(pattern));
  } while (several && in.take(' '));
  if (several) TRY_OK(in.expect(')'));
  return {};
}

}  // namespace

// "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]
Outcome take_list(Cursor& in, const ParserLimits& limits) {
  List list;
  TRY_OK(in.take_space());
  if (in.take('(')) {
    list.extended = true;
    TRY_OK(take_select_options(in, list));
    TRY_OK(in.take_space());
  }
  TRY(list.reference, take_reference(in, limits));
  TRY_OK(in.take_space());
  TRY_OK(take_patterns(in, list, limits));
  if (in.at_end()) return list;
  list.extended = true;
  TRY_OK(in.take_space());
  TRY_OK(take_return_options(in, list));
  return list;
}

// "LSUB" SP mailbox SP list-mailbox
Outcome take_lsub(Cursor& in, const ParserLimits& limits) {
  Lsub lsub;
  TRY_OK(in.take_space());
  TRY(lsub.reference, take_reference(in, limits));
  TRY_OK(in.take_space());
  TRY(lsub.pattern, take_pattern(in, limits));
  return lsub;
}

}  // namespace posthorn::imap
