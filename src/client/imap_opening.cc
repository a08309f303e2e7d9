// From the first octet to a session that knows what the server can. [RFC3501 3, 6.2.1] [RFC5161] [RFC4978]
#include "client/imap_state.h"

namespace posthorn::client {
namespace {

using imap::StatusResponse;

Task<Result<void>> read_greeting(ImapState& s, Deadline until) {
  CO_TRY(const auto event, co_await s.channel->next_event(until));
  auto response = imap::parse_response(event.text);
  const auto* status = response ? std::get_if<StatusResponse>(&*response) : nullptr;
  if (event.kind != imap::ResponseEvent::Kind::response || !status || !status->tag.empty())
    co_return s.channel->end(s.failure(Errc::syntax, "this is no IMAP server: \"" + imap::for_people(event.text, 120) + "\"").error());
  s.greeting = imap::for_people(status->text);
  if (status->code.name == "CAPABILITY") s.set_capabilities(status->code.words);
  switch (status->kind) {
    case StatusResponse::Kind::ok: co_return Result<void>{};
    case StatusResponse::Kind::preauth: s.signed_in_by = "PREAUTH"; co_return Result<void>{};
    case StatusResponse::Kind::bye: co_return s.channel->end(s.failure(Errc::busy, "the server takes no connection now: " + s.greeting).error());
    case StatusResponse::Kind::no:
    case StatusResponse::Kind::bad: break;
  }
  co_return s.channel->end(s.failure(Errc::syntax, "the server refuses the connection: " + s.greeting).error());
}

Task<Result<void>> start_tls(ImapState& s, Deadline until) {
  const bool must = s.options.tls == TlsMode::required;
  // [RFC3501 6.2.1] STARTTLS is for who has not signed in: whoever stands between could make everybody skip it by PREAUTH.
  if (!s.signed_in_by.empty()) {
    if (must) co_return s.channel->end(s.failure(Errc::denied, "the server takes us for signed in before TLS has begun").error());
    co_return Result<void>{};
  }
  CO_TRY_OK(co_await ask_capabilities(s));
  if (!s.has("STARTTLS")) {
    if (must) co_return s.failure(Errc::denied, "the server does not offer STARTTLS, and nothing may be said without TLS");
    co_return Result<void>{};
  }
  const auto tag = begin_command(s, "STARTTLS");
  CO_TRY_OK(co_await s.channel->flush(until));
  CO_TRY(const auto status, co_await finish_command(s, tag, until, {}));
  if (const auto agreed = judge(s, status, "STARTTLS"); !agreed) {
    if (must) co_return s.failure(Errc::denied, agreed.error().text);
    co_return Result<void>{};
  }
  // What follows the OK before our side begins the handshake would be read as if it had been said under TLS.
  const auto there = s.channel->connection().read_available();
  if ((there && *there) || !s.channel->connection().input().empty())
    co_return s.channel->end(s.failure(Errc::denied, "something was sent behind the reply to STARTTLS: somebody is listening in").error());
  CO_TRY_OK(co_await s.channel->start_tls(s.options, until));
  // [RFC3501 6.2.1] What the server said before does not count any more.
  s.capabilities.clear();
  s.capabilities_known = false;
  s.unsolicited = {};
  co_return Result<void>{};
}

Task<Result<void>> start_compression(ImapState& s, Deadline until) {
  const auto tag = begin_command(s, "COMPRESS DEFLATE");
  CO_TRY_OK(co_await s.channel->flush(until));
  CO_TRY(const auto status, co_await finish_command(s, tag, until, {}));
  if (status.kind == StatusResponse::Kind::ok) s.channel->start_compression();
  co_return Result<void>{};
}

std::string enable_line(const ImapState& s) {
  std::string line;
  if (!s.has("ENABLE")) return line;
  if (s.options.qresync && s.has("QRESYNC")) line = " QRESYNC";
  else if (s.options.qresync && s.has("CONDSTORE")) line = " CONDSTORE";
  // Only where nothing else is spoken: after UTF8=ACCEPT a server may refuse old mail with raw octets in its header. [RFC6855 4]
  if (s.has("UTF8=ONLY")) line += " UTF8=ACCEPT";
  return line.empty() ? line : "ENABLE" + line;
}

// ENABLE, ID and the delimiter, in one round trip.
Task<Result<void>> settle(ImapState& s, Deadline until) {
  std::vector<std::string> tags;
  if (const auto enable = enable_line(s); !enable.empty()) tags.push_back(begin_command(s, enable));
  if (s.options.identify && s.has("ID")) tags.push_back(begin_command(s, "ID (\"name\" \"Posthorn\")"));
  tags.push_back(begin_command(s, "LIST \"\" \"\""));
  if (s.options.namespaces && s.has("NAMESPACE")) tags.push_back(begin_command(s, "NAMESPACE"));
  const Taker take = [&s](imap::Response& response) {
    if (const auto* spaces = std::get_if<imap::NamespaceResponse>(&response)) {
      if (!spaces->personal.empty()) s.prefix = spaces->personal.front().prefix;
      return true;
    }
    if (const auto* enabled = std::get_if<imap::EnabledResponse>(&response)) {
      for (const auto& name : enabled->names) {
        s.qresync |= name == "QRESYNC";
        s.condstore |= name == "CONDSTORE" || name == "QRESYNC";
        s.utf8 |= name == "UTF8=ACCEPT";
      }
      if (s.utf8) s.channel->reader().set_utf8();
      return true;
    }
    if (const auto* list = std::get_if<imap::ListResponse>(&response)) {
      s.delimiter = list->delimiter;
      return true;
    }
    return std::holds_alternative<imap::IdResponse>(response);
  };
  CO_TRY_OK(co_await s.channel->flush(until));
  for (auto& tag : tags) CO_TRY_OK(co_await finish_command(s, tag, until, take));  // NO means: it does not have it after all
  // [RFC7162 3.1] Without ENABLE a SELECT (CONDSTORE) is what turns it on.
  co_return Result<void>{};
}

}  // namespace

Task<Result<void>> ask_capabilities(ImapState& s) {
  if (s.capabilities_known) co_return Result<void>{};
  CO_TRY_OK(co_await run_command(s, "CAPABILITY"));
  if (!s.capabilities_known) co_return s.channel->end(s.failure(Errc::syntax, "the server does not say what it can").error());
  co_return Result<void>{};
}

Task<Result<void>> open_session(ImapState& s) {
  const Deadline until = after(s.options.timeouts.opening);
  if (s.options.tls == TlsMode::implicit) CO_TRY_OK(co_await s.channel->start_tls(s.options, until));
  CO_TRY_OK(co_await read_greeting(s, until));
  if (s.options.tls == TlsMode::opportunistic || s.options.tls == TlsMode::required) CO_TRY_OK(co_await start_tls(s, until));
  s.tls_version = s.channel->connection().tls_version();
  CO_TRY_OK(co_await ask_capabilities(s));
  if (!s.has("IMAP4REV1") && !s.has("IMAP4REV2"))
    co_return s.channel->end(s.failure(Errc::unsupported, "the server speaks neither IMAP4rev1 nor IMAP4rev2").error());
  if (s.signed_in_by.empty()) {
    if (!s.options.credentials) co_return Result<void>{};
    s.capabilities_known = false;  // they may be others behind the sign-in
    CO_TRY_OK(co_await sign_in(s));
    CO_TRY_OK(co_await ask_capabilities(s));
  }
  if (s.options.compress && s.has("COMPRESS=DEFLATE")) CO_TRY_OK(co_await start_compression(s, until));
  co_return co_await settle(s, until);
}

}  // namespace posthorn::client
