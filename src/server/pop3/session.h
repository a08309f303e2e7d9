// One POP3 session: its state, and one member for each command.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "async/task.h"
#include "async/timer.h"
#include "auth/authenticator.h"
#include "base/result.h"
#include "proto/pop3/command.h"
#include "server/common/session_context.h"
#include "server/pop3/maildrop.h"

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

 private:
  Outcome greet();
  Outcome serve();
  Outcome dispatch(std::string_view line);
  Outcome sign_in(auth::Identity, std::string_view how);
  Outcome refuse(std::string_view text);
  std::string_view no_passwords() const;  // why
  void refuse_sign_in(const Error&);
  Task<Result<std::string>> ask(std::string challenge);  // of AUTH
  // What all of LIST or all of UIDL share: `put` appends what follows the number.
  template <class Put>
  Outcome list_all(std::string_view title, Put put);
  template <class Put>
  Outcome list_one(std::uint32_t number, Put put);
  template <class Filter>
  Outcome send_message(std::uint32_t number, Filter filter);

  void ok(std::string_view text);
  void err(std::string_view text);
  void count_error();  // ends the session when there were too many
  Deadline deadline() const;

  server::SessionContext& context_;
  net::Connection& connection_;
  State state_ = State::authorization;
  std::optional<std::string> user_;   // of USER, until PASS
  std::string address_;               // who is signed in
  std::optional<Maildrop> maildrop_;  // in transaction
  std::int64_t errors_ = 0;
  std::uint64_t retrieved_ = 0;
};

}  // namespace posthorn::pop3
