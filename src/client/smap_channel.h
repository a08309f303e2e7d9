// Commands to an SMAP server and replies from it: deadlines, transcript, and what went wrong in words.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "async/timer.h"
#include "client/smap_types.h"
#include "net/connection.h"

namespace posthorn::client {

struct SmapStatus {
  bool ok = false;
  std::string text;
};

// Takes what comes before the status reply.  An error ends the connection, and so do more words than there can be: of so many messages.
class SmapTaker {
 public:
  explicit SmapTaker(std::uint64_t messages = 0) : left_((64 << 20) + 512 * messages) {}
  virtual ~SmapTaker() = default;
  // limit: that was too much.
  Result<void> count(const std::vector<std::string>& words);
  virtual Result<void> data(std::vector<std::string>) { return {}; }
  virtual Task<Result<void>> content_begin(std::vector<std::string>) { co_return Result<void>{}; }
  virtual Task<Result<void>> content(std::string_view) { co_return Result<void>{}; }
  virtual Task<Result<void>> content_end() { co_return Result<void>{}; }
  virtual void content_void() {}  // instead: what came of it is none, and -ERR is the status

 private:
  std::uint64_t left_;  // octets
};

// INVARIANT: once something failed, nothing more is sent.
class SmapChannel {
 public:
  SmapChannel(std::unique_ptr<net::Connection>, const SmapOptions&);

  // A line without its end; `shown` instead of it in the transcript.  Sent by flush().
  void put_line(std::string_view line, std::string_view shown = {});
  void put_octets(std::string_view octets) { connection_->put(octets); }
  Task<Result<void>> flush(Deadline until);
  Task<Result<void>> flush_if_large(Deadline until);
  // The greeting, which is IMAP's.  Without its end.
  Task<Result<std::string>> read_greeting(Deadline until);
  // To the status reply; or to a go-ahead, whose text is put into `go_ahead` (no status then, and false).  syntax: a go-ahead, without one.
  Task<Result<bool>> read_reply(SmapTaker& taker, SmapStatus& status, Deadline until, std::string* go_ahead = nullptr) {
    return read_reply(taker, status, until, silence_, go_ahead);
  }
  Task<Result<bool>> read_reply(SmapTaker&, SmapStatus&, Deadline until, SmapTimeouts::Patience silence, std::string* go_ahead = nullptr);
  // put_line, flush, read_reply.  invalid: -ERR.
  Task<Result<void>> run(std::string line, SmapTaker&, Deadline until);
  // The same for a command that answers with nothing but its status.
  Task<Result<void>> run(std::string line, Deadline until);

  Task<Result<void>> start_tls(const SmapOptions&, Deadline until);
  // What the server said that nobody has asked for, or is yet to be read.
  bool has_input() const { return !connection_->input().empty(); }

  // "mail.example.org: WHAT".
  std::unexpected<Error> failure(Errc, std::string_view what) const;
  // The same for what cannot go on.
  std::unexpected<Error> broken(Errc, std::string_view what);
  // A failure that was none of the connection's: it has to be closed nevertheless, in the middle of something.
  std::unexpected<Error> abandon(Error);
  // What -ERR means; `what` was refused.
  std::unexpected<Error> refusal(std::string_view what, const SmapStatus&) const;
  void note(std::string_view text) const { show(TranscriptLine::Kind::note, text); }
  void mask_go_ahead(bool mask) { masked_ = mask; }

  bool is_open() const { return !broken_ && !connection_->is_shut_down(); }
  void close();
  net::Connection& connection() { return *connection_; }

 private:
  Task<Result<smap::ReplyEvent>> next_event(Deadline until, SmapTimeouts::Patience silence);
  std::unexpected<Error> ended(Error);
  void show(TranscriptLine::Kind, std::string_view text) const;
  void show(const smap::ReplyEvent&) const;

  std::unique_ptr<net::Connection> connection_;
  const std::string name_;
  Transcript transcript_;
  const SmapTimeouts::Patience silence_;
  smap::ReplyReader reader_;
  std::string farewell_;  // what BYE said
  bool masked_ = false, broken_ = false;
};

// What an SmapConnection knows, and the parts it is made of.
struct SmapState {
  explicit SmapState(SmapOptions o) : options(std::move(o)) {}
  SmapOptions options;
  std::unique_ptr<SmapChannel> channel;    // from open() on
  std::vector<std::string> capabilities;   // in capitals
  std::string signed_in_by;
  std::uint32_t messages = 0;  // of the open folder
  bool folder_is_open = false;
  bool in_doubt = false;  // what became of the last message that was added
  bool stopping = false;

  bool has(std::string_view capability) const { return std::ranges::find(capabilities, capability) != capabilities.end(); }
  Deadline command_end() const { return after(options.timeouts.command); }
  Deadline transfer_end() const { return after(options.timeouts.transfer); }
  // Errors: closed; invalid: no folder is open.
  Result<void> check_usable() const;
  Result<void> check_open_folder() const;
};

// `"INBOX" "Sent"`.  invalid: it is empty, or a word cannot be one.
Result<std::string> smap_path_text(const SmapState&, const SmapPath&);

Task<Result<void>> open_session(SmapState&);  // smap_opening.cc
Task<Result<void>> sign_in(SmapState&);       // smap_sign_in.cc  REQUIRES: credentials

}  // namespace posthorn::client
