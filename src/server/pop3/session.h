// One POP3 session: its state, and one member for each command.
#pragma once

#include <concepts>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "async/task.h"
#include "async/timer.h"
#include "auth/authenticator.h"
#include "base/result.h"
#include "proto/pop3/command.h"
#include "server/common/session_context.h"
#include "server/pop3/maildrop.h"
#include "server/pop3/other_sessions.h"
#include "server/pop3/reply_for.h"
#include "server/pop3/texts.h"

namespace posthorn::pop3 {

// [RFC1939 3]   authorization --sign_in()--> transaction --cmd_quit()--> ended
//               authorization --cmd_quit(), too many errors--> ended
// (UPDATE is what cmd_quit() does on its way.)  A connection that ends in another way changes nothing.
enum class State : std::uint8_t { authorization = 1, transaction = 2, ended = 4 };

class Session {
 public:
  explicit Session(server::SessionContext& context) : context_(context), connection_(context.connection) {}

  Task<> run();

  // The error of a command is the end of the connection; a refusal is an answer.
  using Outcome = Task<Result<void>>;

  // commands_authorization.cc
  Outcome cmd_user(User&);
  Outcome cmd_pass(Pass&);
  Outcome cmd_apop(Apop&);
  Outcome cmd_auth(Auth&);
  Outcome cmd_stls(Stls&);
  Outcome cmd_utf8(Utf8&);
  // commands_maildrop.cc
  Outcome cmd_stat(Stat&);
  Outcome cmd_list(List&);
  Outcome cmd_uidl(Uidl&);
  Outcome cmd_dele(Dele&);
  Outcome cmd_rset(Rset&);
  // commands_retrieve.cc
  Outcome cmd_retr(Retr&);
  Outcome cmd_top(Top&);
  // commands_any.cc
  Outcome cmd_capa(Capa&);
  Outcome cmd_noop(Noop&);
  Outcome cmd_quit(Quit&);
  Outcome cmd_lang(Lang&);

 private:
  Outcome greet();
  Outcome serve();
  Outcome dispatch(std::string_view line);
  Outcome sign_in(auth::Identity, std::string_view how);
  std::unexpected<Error> lost(Error);
  Outcome refuse(Text);
  Outcome refuse(Reply);
  Text no_passwords() const;  // why
  void refuse_sign_in(std::string_view user, std::string_view mechanism, const Error&);
  Outcome refuse_to_open(Reply, const auth::Identity&, const Error& why);
  Task<Result<std::string>> ask(std::string challenge);  // of AUTH
  // What all of LIST or all of UIDL share: `put` appends what follows the number.
  template <class Put>
  Outcome list_all(Put put);
  template <class Put>
  Outcome list_one(std::uint32_t number, Put put);
  template <class Filter>
  Outcome send_message(std::uint32_t number, Filter filter);
  void put_expire();

  // `values`: what the text has places for.
  template <std::convertible_to<std::string>... Values>
  void ok(Text text, Values... values) {
    const std::string all[] = {std::string(), std::string(std::move(values))...};
    put_line("+OK ", text_in(language_, text), std::span(all).subspan(1));
  }
  template <std::convertible_to<std::string>... Values>
  void err(Reply reply, Values... values) {
    const std::string all[] = {std::string(), std::string(std::move(values))...};
    put_line(reply.code.empty() ? "-ERR " : "-ERR " + std::string(reply.code) + ' ', text_in(language_, reply.text), std::span(all).subspan(1));
  }
  void err(Text text) { err(Reply{"", text}); }
  void put_line(std::string_view status, std::string_view text, std::span<const std::string> values);
  void count_error();  // ends the session when there were too many
  Deadline deadline() const;       // of what the client says
  Deadline send_deadline() const;  // of what waits in the output
  static Deadline sign_in_deadline();

  server::SessionContext& context_;
  net::Connection& connection_;
  State state_ = State::authorization;
  const Deadline sign_in_by_ = sign_in_deadline();
  Language language_ = Language::english;
  bool utf8_ = false;                 // [RFC6856 2]
  std::string timestamp_;             // of the greeting, for APOP; empty: no APOP
  std::optional<std::string> user_;   // of USER, until PASS
  std::string address_;               // who is signed in
  MaildropRules rules_;               // of the server, then of who is signed in
  std::optional<MaildropLock> lock_;  // in transaction, where the rules want it
  std::optional<Maildrop> maildrop_;  // in transaction
  std::int64_t errors_ = 0;
  std::uint64_t retrieved_ = 0, commands_ = 0;
  std::string_view end_reason_ = "quit";
};

}  // namespace posthorn::pop3
