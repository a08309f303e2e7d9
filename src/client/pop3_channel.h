// Lines to a POP3 server and from it: deadlines, transcript, and what went wrong in words.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "client/pop3_connection.h"

namespace posthorn::client {

// INVARIANT: once something failed, nothing more is sent.
class Pop3Channel {
 public:
  using Patience = Pop3Timeouts::Patience;
  Pop3Channel(std::unique_ptr<net::Connection>, const Pop3Options&);

  // A line without its CRLF; `shown` instead of it in the transcript.  Sent by flush().
  void put(std::string_view line, std::string_view shown = {});
  Task<Result<void>> flush(Patience);
  // The first line of an answer, +OK or -ERR (or "+ ").  syntax: it is none.
  Task<Result<pop3::Reply>> read_reply(Patience);
  // put, flush, read_reply.
  Task<Result<pop3::Reply>> ask(std::string line, Patience, std::string shown = {});
  // The next line of a multi-line answer without its dot; nullopt: that was the end.  Valid until the next
  // call.
  Task<Result<std::optional<std::string_view>>> read_listed(Deadline);
  // What has arrived; waits for something when there is nothing.  The caller consumes it.
  Task<Result<std::string_view>> read_content(Deadline);
  // Waits until more than `n` octets are there; false: they did not come until then.
  Task<Result<bool>> has_more_than(std::size_t n, Deadline);
  void consume(std::size_t n) { connection_->consume(n); }

  Task<Result<void>> start_tls(const Pop3Options&);
  // Has the server said something that nobody asked for?
  bool is_silent();

  // The words of an error: "mail.example.org:995: WHAT".
  std::unexpected<Error> failure(Errc, std::string_view what);
  // The same for what cannot go on.
  std::unexpected<Error> broken(Errc, std::string_view what);
  // What -ERR means; `what` was refused.
  std::unexpected<Error> refusal(std::string_view what, const pop3::Reply&);
  void note(std::string_view text) const { show(TranscriptLine::Kind::note, text); }

  bool is_open() const { return !broken_; }
  void close();
  net::Connection& connection() { return *connection_; }

 private:
  std::unexpected<Error> ended(const Error&);
  void show(TranscriptLine::Kind, std::string_view text) const;

  std::unique_ptr<net::Connection> connection_;
  std::string peer_;
  Transcript transcript_;
  pop3::ReplyLimits limits_;
  bool broken_ = false;
};

// What a Pop3Connection knows, and the parts it is made of.
struct Pop3State {
  explicit Pop3State(Pop3Options o) : options(std::move(o)) {}
  Pop3Options options;
  std::unique_ptr<Pop3Channel> channel;  // from open() on
  std::string timestamp;                 // of the greeting, for APOP
  pop3::Capabilities capabilities;
  std::string signed_in_by;
  bool stopping = false;
  bool ids_asked = false;  // UIDL is under way

  std::size_t window() const {
    return options.pipelining && capabilities.pipelining ? std::max<std::size_t>(options.window, 1) : 1;
  }
};

// pop3_opening.cc
Task<Result<void>> open_session(Pop3State&);
// pop3_sign_in.cc.  REQUIRES: options.credentials.
Task<Result<void>> sign_in(Pop3State&);

}  // namespace posthorn::client
