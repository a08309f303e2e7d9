// Lines to the server and replies from it: deadlines, transcript, and what went wrong in words.
#pragma once

#include <algorithm>
#include <chrono>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "async/task.h"
#include "async/timer.h"
#include "client/smtp_types.h"
#include "net/connection.h"
#include "proto/smtp/reply_parser.h"

namespace posthorn::client {

template <class T = void>
using Outcome = std::expected<T, Failure>;

std::string one_line(const smtp::Reply&);  // for people

// INVARIANT 1: a reply belongs to the oldest command that has none yet; what comes when none is open ends the connection.
// INVARIANT 2: once something failed, or 421 was read, nothing more is sent.
class SmtpChannel {
 public:
  using Patience = SmtpTimeouts::Patience;

  SmtpChannel(std::unique_ptr<net::Connection>, const SmtpOptions&);

  // No wait from now on goes beyond it.
  void set_deadline(Deadline all) { all_ = all; }
  // There is at least so much time.
  void extend_deadline(Patience least) { all_ = std::max(all_, after(least)); }

  // A line with its CRLF that will be answered; `shown` instead of it in the transcript.  Sent by flush().
  void put(std::string_view line, std::string_view shown = {});
  // Bytes that get no answer of their own.
  void put_content(std::string_view bytes) { connection_->put(bytes); }
  std::size_t waiting() const { return connection_->output().size(); }
  Task<Outcome<>> flush(Stage, Patience);
  // Any code that the parser lets through, 421 too.  REQUIRES: a command is open.
  Task<Outcome<smtp::Reply>> read_reply(Stage, Patience);
  // put, flush, read_reply.
  Task<Outcome<smtp::Reply>> ask(Stage, std::string line, Patience, std::string shown = {});
  std::size_t open_commands() const { return open_commands_; }
  // A reply will come that no line asked for: the greeting, those behind a message.
  void expect_reply() { ++open_commands_; }
  // Has the server said something that nobody asked for, or left?  Waits for nothing.
  // REQUIRES: no command is open.
  Outcome<> check_silence(Stage);
  // A reply to what is still being sent: most servers that say no in the middle of a message close then.  Waits for nothing.
  Outcome<std::optional<smtp::Reply>> early_reply(Stage);
  bool in_reply() const { return parser_.in_reply(); }

  Task<Outcome<>> start_tls(const SmtpOptions&);

  void note(std::string_view text);
  void show_sent(std::string_view text) { show(TranscriptLine::Kind::sent, text); }
  Failure failure(Stage, Cause, std::string what) const;
  Failure failure(Stage, const Error&) const;
  Failure refusal(Stage, smtp::Reply) const;

  // Something may be sent.
  bool is_open() const { return !broken_ && !stopping_; }
  void close();
  // The next wait for a reply is the one that decides whether a message was accepted (SmtpConnection::shut_down).
  void set_deciding(bool deciding) { deciding_ = deciding; }
  void shut_down();
  void abandon();
  net::Connection& connection() { return *connection_; }
  const net::Peer& peer() const { return peer_; }

 private:
  Deadline deadline(Patience) const;
  Outcome<std::optional<smtp::Reply>> next_reply(Stage);
  Failure not_open(Stage) const;
  Failure ended(Failure);  // nothing more can be said
  void show(TranscriptLine::Kind, std::string_view text) const;
  void show_received(std::string_view raw) const;

  std::unique_ptr<net::Connection> connection_;
  net::Peer peer_;
  Transcript transcript_;
  smtp::ReplyParser parser_;
  Deadline all_ = kNoDeadline;
  std::size_t open_commands_ = 0;
  bool broken_ = false;
  bool deciding_ = false;
  bool stopping_ = false;
};

}  // namespace posthorn::client
