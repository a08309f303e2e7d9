#include "proto/imap/parser.h"

#include <utility>

#include "proto/imap/cursor.h"
#include "proto/imap/grammar.h"
#include "text/ascii.h"

namespace posthorn::imap {
namespace {

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

// APPEND and REPLACE that have come here had no literal.
Outcome refuse_append(Cursor&, const ParserLimits&) {
  return fail(Errc::syntax, "A message is needed, as literal");
}

// "COMPRESS" SP algorithm [RFC4978 5]
Outcome take_compress(Cursor& in, const ParserLimits&) {
  TRY_OK(in.take_space());
  TRY(const auto mechanism, in.take_atom());
  return Compress{text::to_upper(mechanism)};
}

// "XRESTORE" SP mailbox SP uidvalidity SP uidnext
Outcome take_restore(Cursor& in, const ParserLimits& limits) {
  Restore out;
  TRY_OK(in.take_space());
  TRY(out.mailbox, take_mailbox(in, limits));
  TRY_OK(in.take_space());
  TRY(out.uid_validity, in.take_nz_number());
  TRY_OK(in.take_space());
  TRY(out.uid_next, in.take_nz_number());
  return out;
}

using Take = Outcome (*)(Cursor&, const ParserLimits&);

constexpr Named<Take> kVerbs[] = {
    {"FETCH", take_fetch},
    {"STORE", take_store},
    {"NOOP", take_nothing<Noop>},
    {"IDLE", take_nothing<Idle>},
    {"SEARCH", take_search},
    {"SORT", take_sort},
    {"THREAD", take_thread},
    {"SELECT", take_select},
    {"EXAMINE", take_examine},
    {"LOGIN", take_login},
    {"AUTHENTICATE", take_authenticate},
    {"CAPABILITY", take_nothing<Capability>},
    {"LOGOUT", take_nothing<Logout>},
    {"STARTTLS", take_nothing<StartTls>},
    {"ID", take_id},
    {"ENABLE", take_enable},
    {"COMPRESS", take_compress},
    {"XRESTORE", take_restore},
    {"CREATE", take_create},
    {"DELETE", take_one_mailbox<Delete>},
    {"RENAME", take_rename},
    {"SUBSCRIBE", take_one_mailbox<Subscribe>},
    {"UNSUBSCRIBE", take_one_mailbox<Unsubscribe>},
    {"LIST", take_list},
    {"LSUB", take_lsub},
    {"STATUS", take_status},
    {"NAMESPACE", take_nothing<Namespace>},
    {"SETACL", take_set_acl},
    {"DELETEACL", take_delete_acl},
    {"GETACL", take_one_mailbox<GetAcl>},
    {"LISTRIGHTS", take_list_rights},
    {"MYRIGHTS", take_one_mailbox<MyRights>},
    {"GETQUOTA", take_get_quota},
    {"GETQUOTAROOT", take_one_mailbox<GetQuotaRoot>},
    {"SETQUOTA", take_set_quota},
    {"APPEND", refuse_append},
    {"REPLACE", refuse_append},
    {"CHECK", take_nothing<Check>},
    {"CLOSE", take_nothing<Close>},
    {"UNSELECT", take_nothing<Unselect>},
    {"EXPUNGE", take_nothing<Expunge>},
    {"COPY", take_copy},
    {"MOVE", take_move},
};

constexpr Named<Take> kUidVerbs[] = {
    {"FETCH", take_uid_fetch}, {"STORE", take_store},         {"SEARCH", take_search},
    {"SORT", take_sort},       {"THREAD", take_thread},       {"COPY", take_copy},
    {"MOVE", take_move},       {"EXPUNGE", take_uid_expunge}, {"REPLACE", refuse_append},
};

}  // namespace

Result<std::string> take_tag(Cursor& in, const ParserLimits& limits) {
  const auto tag = in.take_while(kTagChar);
  if (tag.empty() || tag.size() > limits.tag || (in.peek() != ' ' && !in.at_end()))
    return fail(Errc::syntax, "Bad tag");
  return std::string(tag);
}

std::expected<Command, ParseError> parse_command(std::string_view text, const ParserLimits& limits) {
  if (text.empty()) return std::unexpected(ParseError{"*", "Empty command", true});
  Cursor in(text, limits);
  auto tag = take_tag(in, limits);
  if (!tag) return std::unexpected(ParseError{"*", std::move(tag.error().text), true});
  const auto refuse = [&](std::string what, bool unknown = false) {
    return std::unexpected(ParseError{*tag, std::move(what), unknown});
  };
  if (!in.take(' ')) return refuse("Command missing", true);
  const bool uid = in.take_word("UID");
  if (uid && !in.take(' ')) return refuse("Command missing behind UID", true);
  const auto name = in.take_while(kAtomChar);
  const Take* const take = uid ? find_named(kUidVerbs, name) : find_named(kVerbs, name);
  if (!take) return refuse("Unknown command", true);
  auto command = (*take)(in, limits);
  if (!command) return refuse(std::move(command.error().text));
  if (auto end = in.take_end(); !end) return refuse(std::move(end.error().text));
  return Command{std::move(*tag), uid, std::move(*command)};
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
