// The loop, the table of commands, and the beginning and end of a session.
#include "server/pop3/session.h"

#include <algorithm>
#include <exception>
#include <type_traits>
#include <utility>

#include "base/log.h"
#include "server/common/session_log.h"
#include "server/pop3/pop3_session.h"
#include "server/pop3/reply_for.h"
#include "server/pop3/settings.h"

namespace posthorn::pop3 {
namespace {

constexpr auto kFarewell = std::chrono::seconds(5);  // how long we try to say why we close

struct Rule {
  std::uint8_t allowed_in;  // State bits
  Session::Outcome (*run)(Session&, Command&);
  bool belongs_to[std::variant_size_v<Command>];  // which alternative it is for
};

template <class C, Session::Outcome (Session::*handler)(C&)>
constexpr Rule rule(std::uint8_t allowed_in) {
  Rule r{allowed_in, [](Session& s, Command& c) { return (s.*handler)(*std::get_if<C>(&c)); }, {}};
  [&]<std::size_t... i>(std::index_sequence<i...>) {
    ((r.belongs_to[i] = std::is_same_v<C, std::variant_alternative_t<i, Command>>), ...);
  }(std::make_index_sequence<std::variant_size_v<Command>>());
  return r;
}

constexpr std::uint8_t kAuthorization = static_cast<std::uint8_t>(State::authorization);
constexpr std::uint8_t kTransaction = static_cast<std::uint8_t>(State::transaction);

// In the order of the alternatives of Command.
constexpr Rule kRules[] = {
    rule<User, &Session::cmd_user>(kAuthorization),
    rule<Pass, &Session::cmd_pass>(kAuthorization),
    rule<Apop, &Session::cmd_apop>(kAuthorization),
    rule<Stat, &Session::cmd_stat>(kTransaction),
    rule<List, &Session::cmd_list>(kTransaction),
    rule<Uidl, &Session::cmd_uidl>(kTransaction),
    rule<Retr, &Session::cmd_retr>(kTransaction),
    rule<Dele, &Session::cmd_dele>(kTransaction),
    rule<Top, &Session::cmd_top>(kTransaction),
    rule<Noop, &Session::cmd_noop>(kTransaction),
    rule<Rset, &Session::cmd_rset>(kTransaction),
    rule<Quit, &Session::cmd_quit>(kAuthorization | kTransaction),
    rule<Capa, &Session::cmd_capa>(kAuthorization | kTransaction),  // [RFC2449 5]
    rule<Stls, &Session::cmd_stls>(kAuthorization),                 // [RFC2595 4]
    rule<Auth, &Session::cmd_auth>(kAuthorization),                 // [RFC5034 4]
    rule<Utf8, &Session::cmd_utf8>(kAuthorization),                 // [RFC6856 2]
    rule<Lang, &Session::cmd_lang>(kAuthorization | kTransaction),  // [RFC6856 3.1]
};
static_assert(std::size(kRules) == std::variant_size_v<Command>);
static_assert([] {
  for (std::size_t i = 0; i < std::size(kRules); ++i)
    if (!kRules[i].belongs_to[i]) return false;
  return true;
}());

}  // namespace

Deadline Session::sign_in_deadline() { return after(kLoginTimeout.get()); }

// Strangers get less time, however much they have to say.
Deadline Session::deadline() const {
  const auto idle = after(kIdleTimeout.get());
  return state_ == State::authorization ? std::min(idle, sign_in_by_) : idle;
}

Deadline Session::send_deadline() const {
  const auto sent = after(kTransferTimeout.get());
  return state_ == State::authorization ? std::min(sent, sign_in_by_) : sent;
}

void Session::put_line(std::string_view status, std::string_view text, std::span<const std::string> values) {
  connection_.put(status);
  connection_.put(filled(text, values));
  connection_.put("\r\n");
}

void Session::count_error() {
  if (state_ != State::authorization || ++errors_ < kMaxErrors.get()) return;
  log::warning("pop3.too_many_errors", {{"session", context_.session_id}, {"peer", connection_.peer().text()}});
  state_ = State::ended;
  end_reason_ = "too_many_errors";
}

Session::Outcome Session::greet() {
  if (context_.rules.tls == config::TlsMode::implicit && !connection_.is_tls()) {
    const auto tls = context_.services.tls();
    if (!tls) co_return fail(Errc::invalid, "no certificate");
    CO_TRY_OK(co_await connection_.start_tls(*tls, after(kHandshakeTimeout)));
  }
  const auto& hostname = context_.services.hostname;
  connection_.put("+OK " + hostname + " POP3 ready");
  if (kApop.get()) {
    timestamp_ = auth::make_apop_timestamp(hostname);
    connection_.put(" " + timestamp_);
  }
  connection_.put("\r\n");
  co_return Result<void>{};
}

Session::Outcome Session::serve() {
  CO_TRY_OK(co_await greet());
  while (state_ != State::ended) {
    // Answers go out when the client has nothing more for us to answer: pipelined commands share their packets.
    if (connection_.input().find('\n') == std::string_view::npos) {
      CO_TRY_OK(co_await connection_.flush(send_deadline()));
    } else {
      CO_TRY_OK(co_await connection_.flush_if_large(send_deadline()));
    }
    const auto line = co_await connection_.read_line(CommandLimits{}.auth_line, net::LineEnd::any_lf, deadline());
    if (!line && line.error().code != Errc::too_large) co_return lost(line.error());
    if (!line) {
      err(reply_for(line.error().code));
      count_error();
      continue;
    }
    CO_TRY_OK(co_await dispatch(*line));
  }
  co_return co_await connection_.flush(send_deadline());
}

// `line` is valid until the first wait: it becomes a command before that.
Session::Outcome Session::dispatch(std::string_view line) {
  ++commands_;
  auto command = parse_command(line);
  if (!command) {
    err(text_for(command.error()));
    count_error();
    co_return Result<void>{};
  }
  const auto& rule = kRules[command->index()];
  if ((rule.allowed_in & static_cast<std::uint8_t>(state_)) == 0) {
    err(state_ == State::authorization ? Text::sign_in_first : Text::signed_in_already);
    count_error();
    co_return Result<void>{};
  }
  co_return co_await rule.run(*this, *command);
}

// There will be no further line.  A client that has only been silent for too long is told nothing [RFC1939 3].
std::unexpected<Error> Session::lost(Error why) {
  end_reason_ = to_string(why.code);
  if (why.code == Errc::cancelled) {
    err(Reply{"[SYS/TEMP]", Text::shutting_down});
    end_reason_ = "shutdown";
  }
  return std::unexpected(std::move(why));
}

Task<> Session::run() {
  server::session_log::connected(context_, "pop3");
  rules_ = MaildropRules::of_server();
  const auto end = co_await serve();
  if (!end && maildrop_ && maildrop_->totals().messages != maildrop_->count())
    log::info("pop3.not_updated", {{"session", context_.session_id}, {"user", address_}});  // [RFC1939 6]
  if (!end && end_reason_ == "quit") end_reason_ = to_string(end.error().code);
  if (end_reason_ == "shutdown") (void)co_await connection_.flush(after(kFarewell));
  server::session_log::closed(context_, "pop3", {.reason = end_reason_,
                                                 .user = address_,
                                                 .commands = commands_,
                                                 .figure = log::Field{"retrieved", retrieved_}});
  connection_.close();
}

Task<> run_pop3_session(server::SessionContext context) {
  try {
    Session session(context);
    co_await session.run();
  } catch (const std::exception& e) {
    log::error("pop3.exception", {{"session", context.session_id}, {"what", e.what()}});
    context.connection.close();
  }
}

}  // namespace posthorn::pop3
