#include "proto/imap/parser.h"

#include <algorithm>

#include "proto/imap/cursor.h"
#include "proto/imap/grammar.h"
#include "text/ascii.h"
#include "text/utf7.h"

namespace posthorn::imap {
namespace {

using Outcome = Result<AnyCommand>;

template <class C>
Outcome take_nothing(Cursor&, const ParserLimits&) {
  return C{};
}

template <class C>
Outcome take_one_mailbox(Cursor& in, const ParserLimits& limits) {
  TRY_OK(in.take_space());
  TRY(auto mailbox, take_mailbox(in, limits));
  return C{std::move(mailbox)};
}

// "ID" SP ("(" [string SP nstring *(SP string SP nstring)] ")" / nil) [RFC2971 3.1]
Outcome take_id(Cursor& in, const ParserLimits& limits) {
  Id out;
  TRY_OK(in.take_space());
  if (in.take_word("NIL")) return out;
  TRY_OK(in.expect('('));
  if (in.take(')')) return out;
  do {
    if (out.parameters.size() >= limits.id_parameters) return fail(Errc::limit, "Too many ID parameters");
    TRY(auto field, in.take_string());
    TRY_OK(in.take_space());
    TRY(auto value, in.take_nstring());
    out.parameters.emplace_back(std::move(field), std::move(value));
  } while (in.take(' '));
  TRY_OK(in.expect(')'));
  return out;
}

// "AUTHENTICATE" SP auth-type [SP (base64 / "=")] [RFC4959 3]
Outcome take_authenticate(Cursor& in, const ParserLimits&) {
  TRY_OK(in.take_space());
  TRY(const auto mechanism, in.take_atom());
  Authenticate out{text::to_upper(mechanism), {}};
  if (!in.take(' ')) return out;
  if (in.take('=')) {
    out.initial_response.emplace();
    return out;
  }
  TRY(const auto response, in.take_atom());  // all of base64 is ATOM-CHAR
  out.initial_response = std::string(response);
  return out;
}

Outcome take_login(Cursor& in, const ParserLimits&) {
  Login out;
  TRY_OK(in.take_space());
  TRY(out.user, in.take_astring());
  TRY_OK(in.take_space());
  TRY(out.password, in.take_astring());
  return out;
}

Outcome take_enable(Cursor& in, const ParserLimits& limits) {
  Enable out;
  do {
    TRY_OK(in.take_space());
    TRY(const auto capability, in.take_atom());
    if (out.capabilities.size() >= limits.capabilities) return fail(Errc::limit, "Too many capabilities");
    out.capabilities.push_back(text::to_upper(capability));
  } while (!in.at_end());
  return out;
}

// "SELECT" SP mailbox [SP "(" select-param *(SP select-param) ")"]
template <bool read_only>
Outcome take_select(Cursor& in, const ParserLimits& limits) {
  Select out;
  out.read_only = read_only;
  TRY_OK(in.take_space());
  TRY(out.mailbox, take_mailbox(in, limits));
  if (in.at_end()) return out;
  TRY_OK(in.take_space());
  TRY_OK(in.expect('('));
  do {
    if (!in.take_word("CONDSTORE")) return fail(Errc::syntax, "Unknown parameter");
    out.condstore = true;
  } while (in.take(' '));
  TRY_OK(in.expect(')'));
  return out;
}

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

List make_list(std::string reference, std::string pattern, List*) {
  List list;
  list.reference = std::move(reference);
  list.patterns.push_back(std::move(pattern));
  return list;
}
Lsub make_list(std::string reference, std::string pattern, Lsub*) { return {std::move(reference), std::move(pattern)}; }

// "LIST" SP mailbox SP list-mailbox. The wildcards pass through modified UTF-7 as they are.
template <class C>
Outcome take_list(Cursor& in, const ParserLimits& limits) {
  TRY_OK(in.take_space());
  TRY(const auto reference, in.take_astring());
  TRY_OK(in.take_space());
  std::string pattern;
  if (in.peek() == '"' || in.peek() == '{') {
    TRY(pattern, in.take_string());
  } else {
    pattern = in.take_while(kListChar);
    if (pattern.empty()) return fail(Errc::syntax, "Expected a mailbox pattern");
  }
  auto decoded_reference = text::imap_utf7_to_utf8(reference);
  auto decoded_pattern = text::imap_utf7_to_utf8(pattern);
  if (!decoded_reference || !decoded_pattern)
    return fail(Errc::syntax, "Mailbox name is not valid modified UTF-7");
  if (decoded_reference->size() > limits.mailbox_length || decoded_pattern->size() > limits.mailbox_length)
    return fail(Errc::limit, "Mailbox name too long");
  return make_list(std::move(*decoded_reference), std::move(*decoded_pattern), static_cast<C*>(nullptr));
}

struct NamedStatusItem {
  std::string_view name;
  StatusItem item;
};
constexpr NamedStatusItem kStatusItems[] = {
    {"MESSAGES", StatusItem::messages}, {"RECENT", StatusItem::recent},
    {"UIDNEXT", StatusItem::uid_next},  {"UIDVALIDITY", StatusItem::uid_validity},
    {"UNSEEN", StatusItem::unseen},     {"HIGHESTMODSEQ", StatusItem::highest_mod_seq},
};

// "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"
Outcome take_status(Cursor& in, const ParserLimits& limits) {
  Status out;
  TRY_OK(in.take_space());
  TRY(out.mailbox, take_mailbox(in, limits));
  TRY_OK(in.take_space());
  TRY_OK(in.expect('('));
  do {
    TRY(const auto name, in.take_atom());
    const auto* known = std::find_if(std::begin(kStatusItems), std::end(kStatusItems),
                                     [&](const auto& i) { return text::iequals(i.name, name); });
    if (known == std::end(kStatusItems)) return fail(Errc::syntax, "Unknown status item");
    out.items |= static_cast<std::uint16_t>(known->item);
  } while (in.take(' '));
  TRY_OK(in.expect(')'));
  return out;
}

// "STORE" SP sequence-set [SP "(" store-modifier ")"] SP store-att-flags
Outcome take_store(Cursor& in, const ParserLimits& limits) {
  Store out;
  TRY_OK(in.take_space());
  TRY(out.set, take_sequence_set(in, limits));
  TRY_OK(in.take_space());
  if (in.take('(')) {
    if (!in.take_word("UNCHANGEDSINCE")) return fail(Errc::syntax, "Unknown STORE modifier");
    TRY_OK(in.take_space());
    TRY(out.unchanged_since, in.take_number63());
    TRY_OK(in.expect(')'));
    TRY_OK(in.take_space());
  }
  if (in.take('+'))
    out.action = Store::Action::add;
  else if (in.take('-'))
    out.action = Store::Action::remove;
  out.silent = in.take_word("FLAGS.SILENT");
  if (!out.silent && !in.take_word("FLAGS")) return fail(Errc::syntax, "Expected FLAGS");
  TRY_OK(in.take_space());
  TRY(out.flags, in.peek() == '(' ? take_flag_list(in, limits) : take_bare_flags(in, limits));
  return out;
}

template <class C>
Outcome take_copy(Cursor& in, const ParserLimits& limits) {
  C out;
  TRY_OK(in.take_space());
  TRY(out.set, take_sequence_set(in, limits));
  TRY_OK(in.take_space());
  TRY(out.mailbox, take_mailbox(in, limits));
  return out;
}

Outcome take_uid_expunge(Cursor& in, const ParserLimits& limits) {
  TRY_OK(in.take_space());
  TRY(auto set, take_sequence_set(in, limits));
  return Expunge{std::move(set)};
}

Outcome refuse_append(Cursor&, const ParserLimits&) {
  return fail(Errc::syntax, "APPEND needs a message as literal");
}

struct Verb {
  std::string_view name;
  Outcome (*take)(Cursor&, const ParserLimits&);
};

constexpr Verb kVerbs[] = {
    {"FETCH", take_fetch},
    {"STORE", take_store},
    {"NOOP", take_nothing<Noop>},
    {"IDLE", take_nothing<Idle>},
    {"SEARCH", take_search},
    {"SELECT", take_select<false>},
    {"EXAMINE", take_select<true>},
    {"LOGIN", take_login},
    {"AUTHENTICATE", take_authenticate},
    {"CAPABILITY", take_nothing<Capability>},
    {"LOGOUT", take_nothing<Logout>},
    {"STARTTLS", take_nothing<StartTls>},
    {"ID", take_id},
    {"ENABLE", take_enable},
    {"CREATE", take_create},
    {"DELETE", take_one_mailbox<Delete>},
    {"RENAME", take_rename},
    {"SUBSCRIBE", take_one_mailbox<Subscribe>},
    {"UNSUBSCRIBE", take_one_mailbox<Unsubscribe>},
    {"LIST", take_list<List>},
    {"LSUB", take_list<Lsub>},
    {"STATUS", take_status},
    {"NAMESPACE", take_nothing<Namespace>},
    {"APPEND", refuse_append},
    {"CHECK", take_nothing<Check>},
    {"CLOSE", take_nothing<Close>},
    {"UNSELECT", take_nothing<Unselect>},
    {"EXPUNGE", take_nothing<Expunge>},
    {"COPY", take_copy<Copy>},
    {"MOVE", take_copy<Move>},
};

constexpr Verb kUidVerbs[] = {
    {"FETCH", take_fetch},     {"STORE", take_store},     {"SEARCH", take_search},
    {"COPY", take_copy<Copy>}, {"MOVE", take_copy<Move>}, {"EXPUNGE", take_uid_expunge},
};

template <std::size_t N>
const Verb* find_verb(const Verb (&table)[N], std::string_view name) {
  for (const auto& verb : table)
    if (text::iequals(verb.name, name)) return &verb;
  return nullptr;
}

Result<std::string> take_tag(Cursor& in, const ParserLimits& limits) {
  const auto tag = in.take_while(kTagChar);
  if (tag.empty() || tag.size() > limits.tag || (in.peek() != ' ' && !in.at_end()))
    return fail(Errc::syntax, "Bad tag");
  return std::string(tag);
}

// mailbox [SP flag-list] [SP date-time] SP, all of it, or nothing when the literal is the mailbox
Result<std::optional<Append>> take_append(Cursor& in, const ParserLimits& limits) {
  if (in.at_end()) return std::nullopt;
  Append out;
  TRY(out.mailbox, take_mailbox(in, limits));
  TRY_OK(in.take_space());
  if (in.peek() == '(') {
    TRY(out.flags, take_flag_list(in, limits));
    TRY_OK(in.take_space());
  }
  if (in.peek() == '"') {
    TRY(out.date, take_date_time(in));
    TRY_OK(in.take_space());
  }
  TRY_OK(in.take_end());
  return out;
}

}  // namespace

std::expected<Command, ParseError> parse_command(std::string_view text, const ParserLimits& limits) {
  if (text.empty()) return std::unexpected(ParseError{"*", "Empty command", true});
  Cursor in(text);
  auto tag = take_tag(in, limits);
  if (!tag) return std::unexpected(ParseError{"*", std::move(tag.error().text), true});
  const auto refuse = [&](std::string what, bool unknown = false) {
    return std::unexpected(ParseError{*tag, std::move(what), unknown});
  };
  if (!in.take(' ')) return refuse("Command missing", true);
  const bool uid = in.take_word("UID");
  if (uid && !in.take(' ')) return refuse("Command missing behind UID", true);
  const auto name = in.take_while(kAtomChar);
  const Verb* const verb = uid ? find_verb(kUidVerbs, name) : find_verb(kVerbs, name);
  if (!verb) return refuse("Unknown command", true);
  auto command = verb->take(in, limits);
  if (!command) return refuse(std::move(command.error().text));
  if (auto end = in.take_end(); !end) return refuse(std::move(end.error().text));
  return Command{std::move(*tag), uid, std::move(*command)};
}

std::expected<AppendPrefix, ParseError> parse_append_prefix(std::string_view text,
                                                            const ParserLimits& limits) {
  Cursor in(text);
  auto tag = take_tag(in, limits);
  if (!tag) return std::unexpected(ParseError{"*", std::move(tag.error().text)});
  if (!in.take(' ') || !in.take_word("APPEND") || !in.take(' '))
    return std::unexpected(ParseError{std::move(*tag), "Expected APPEND"});
  auto append = take_append(in, limits);
  if (!append) return std::unexpected(ParseError{std::move(*tag), std::move(append.error().text)});
  using Next = AppendPrefix::Next;
  if (!*append) return AppendPrefix{Next::mailbox_literal, std::move(*tag), {}};
  return AppendPrefix{Next::message_literal, std::move(*tag), std::move(**append)};
}

std::string peek_tag(std::string_view text, const ParserLimits& limits) {
  Cursor in(text);
  auto tag = take_tag(in, limits);
  return tag && in.peek() == ' ' ? std::move(*tag) : "*";
}

Result<SequenceSet> parse_sequence_set(std::string_view text, const ParserLimits& limits) {
  Cursor in(text);
  TRY(auto set, take_sequence_set(in, limits));
  TRY_OK(in.take_end());
  return set;
}

}  // namespace posthorn::imap
