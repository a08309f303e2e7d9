// The state of one SMTP, submission or LMTP session, and its commands.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "auth/authenticator.h"
#include "base/result.h"
#include "intake/envelope.h"
#include "intake/submission.h"
#include "intake/transaction.h"
#include "proto/smtp/command.h"
#include "proto/smtp/reply.h"
#include "server/common/session_context.h"
#include "server/smtp/bare_newline.h"
#include "server/smtp/reply_for.h"

namespace posthorn::server {

// INVARIANT 1: 250 for a message is put only after Transaction::commit() said that it is stored. [RFC5321 6.1]
// INVARIANT 2: replies are sent before every wait for the client, and not earlier: the replies to pipelined commands go
//              together. [RFC2920 3.2]
// INVARIANT 3: STARTTLS leaves nothing of what was said before it. [RFC3207 4.2]
// INVARIANT 4: who is neither signed in nor in a network that is trusted with it reaches local recipients only.  What trust an address has is looked
//              up when it becomes the client's, and anew after XCLIENT; who may say XCLIENT is the one who connected, whatever was said since.
class SmtpSession {
 public:
  explicit SmtpSession(SessionContext context);
  Task<> run();

 private:
  // connected  -EHLO HELO LHLO-> greeted  (also back, by the same, from everywhere; STARTTLS: back to connected)
  // greeted    -MAIL-> mail
  // mail       -DATA (at its end), RSET, BDAT LAST-> greeted
  // mail       -BDAT-> chunks      at least one chunk was taken in
  // chunks     -BDAT LAST, RSET-> greeted
  // chunks     -a chunk that is refused-> chunks_refused
  // chunks_refused -RSET-> greeted  every chunk until then is swallowed and refused [RFC3030 3]
  // any        -QUIT, 421-> ended
  enum class State : std::uint8_t { connected, greeted, mail, chunks, chunks_refused, ended };
  enum class Said : std::uint8_t { nothing, helo, ehlo };

  struct Entry;
  static const Entry kCommands[];

  bool is_lmtp() const { return context_.rules.protocol == config::Protocol::lmtp; }
  bool is_submission() const { return context_.rules.protocol == config::Protocol::submission; }
  // By a user of ours, on whatever port. [RFC6409]
  bool is_submitting() const { return is_submission() || identity_.has_value(); }
  std::string_view hostname() const { return context_.services.hostname; }

  // --- offers.cc: the extensions that are not there for everybody, always
  bool has_queue() const { return context_.services.queue != nullptr; }
  bool offers_tls() const;
  bool offers_require_tls() const { return connection_.is_tls(); }  // [RFC8689 2]
  // Not on LMTP: its client is a server with a queue, and reports itself.
  bool offers_reports() const { return has_queue() && !is_lmtp(); }  // DSN, DELIVERBY, MT-PRIORITY
  bool offers_hold() const;
  bool may_etrn() const { return may_etrn_ || may_relay_ || identity_.has_value(); }
  bool offers_etrn() const { return has_queue() && !is_lmtp() && may_etrn(); }
  void offer_all(smtp::Reply&) const;
  void look_up_trust();

  // What the log says beside of a message that came by XFORWARD.
  std::string forwarded_text() const;

  // --- session.cc
  Task<Result<void>> begin();
  void greet();
  bool trusts(const Setting<std::string>& networks) const;  // the client's address
  Task<> run_commands();
  // The next line; sends what is waiting first when the line has not arrived. Valid until the next wait.
  Task<Result<std::string_view>> next_line(std::size_t limit);
  Task<> run_line(std::string_view line);
  void reply(const smtp::Reply&);
  void reply(int code, smtp::EnhancedCode, std::string_view text);
  // Counts and logs as well.  `what` is for the log.
  void refuse(const smtp::Reply&, std::string_view what);
  void refuse(int code, smtp::EnhancedCode, std::string text, std::string_view what);
  // 421 and the end.
  void say_goodbye(smtp::EnhancedCode, std::string_view text, std::string_view reason);
  void end_for(const Error&);      // of a wait on the connection
  void end_for_tls(const Error&);  // of a handshake
  void count_error();
  void reset_transaction();

  // --- one file each
  Task<> cmd_hello(smtp::Command&);     // EHLO, HELO, LHLO
  Task<> cmd_mail(smtp::Command&);
  Task<> cmd_rcpt(smtp::Command&);
  Task<> cmd_data(smtp::Command&);
  Task<> cmd_bdat(smtp::Command&);
  Task<> cmd_auth(smtp::Command&);
  Task<> cmd_starttls(smtp::Command&);
  Task<> cmd_etrn(smtp::Command&);
  Task<> cmd_xclient(smtp::Command&);
  Task<> cmd_xforward(smtp::Command&);  // cmd_xclient.cc
  Task<> cmd_rset(smtp::Command&);      // cmd_simple.cc, this and those below
  Task<> cmd_noop(smtp::Command&);
  Task<> cmd_quit(smtp::Command&);
  Task<> cmd_vrfy(smtp::Command&);
  Task<> cmd_expn(smtp::Command&);
  Task<> cmd_help(smtp::Command&);
  Task<> cmd_unknown(smtp::Command&);

  // cmd_mail.cc: why not; nothing: it may be so.
  std::optional<smtp::Reply> judge_parameters(const smtp::Mail&) const;
  std::optional<smtp::Reply> judge_hold(const smtp::Mail&) const;
  void set_options(const smtp::Mail&);
  // sender.cc: the same
  Task<std::optional<smtp::Reply>> judge_sender(std::optional<smtp::Mailbox>);
  Task<std::optional<smtp::Reply>> judge_authors(const intake::Transaction&);
  std::optional<smtp::Reply> objection_reply(const Result<std::optional<intake::Objection>>&, About) const;
  // cmd_rcpt.cc
  Task<std::expected<smtp::ForwardPath, smtp::Reply>> resolve_recipient(smtp::Mailbox);
  std::expected<smtp::ForwardPath, smtp::Reply> relay(const smtp::Mailbox&) const;
  void refuse_recipient(const smtp::Reply&, const smtp::Mailbox&);
  // cmd_data.cc, for BDAT too
  bool may_take_message(std::string_view verb);
  intake::Transaction begin_message();
  Task<> finish_message();
  // Read the content into message_.  An error: the connection is of no use any more.
  Task<Result<void>> take_data();
  Task<Result<void>> wait_for_content();
  // cmd_bdat.cc
  Task<Result<void>> take_chunk(std::uint64_t size);
  bool is_hopeless(std::uint64_t more) const;
  // cmd_auth.cc
  std::string offered_auth() const;
  Task<Result<std::string>> ask(std::string challenge);
  void refuse_sign_in(const std::string& user, std::string_view mechanism, const Error&);

  SessionContext context_;
  net::Connection& connection_;
  State state_ = State::connected;
  Said said_ = Said::nothing;
  std::string helo_;  // as said
  std::optional<auth::Identity> identity_;
  const net::Peer first_peer_;                       // who connected
  bool may_xclient_ = false, may_xforward_ = false;  // of that one
  bool may_relay_ = false, may_etrn_ = false;        // of the client's address

  // The transaction
  smtp::Mail mail_;
  smtp::Envelope envelope_;
  std::size_t targets_in_envelope_ = 0;  // accounts, and addresses elsewhere
  std::vector<smtp::ClientAttribute> forwarded_;  // by XFORWARD
  std::uint32_t recipients_refused_ = 0;  // in this transaction
  std::optional<intake::Transaction> message_;
  BareNewlineFinder chunk_newlines_;
  Deadline message_deadline_ = kNoDeadline;
  std::chrono::steady_clock::time_point message_began_;

  // The connection
  std::uint32_t errors_ = 0;  // since the last accepted message
  std::uint32_t auth_failures_ = 0;
  std::uint32_t transactions_ = 0;
  std::uint32_t messages_ = 0;
  std::uint64_t commands_ = 0;
  std::string_view end_reason_ = "quit";
};

}  // namespace posthorn::server
