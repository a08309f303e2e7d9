// Lines to an IMAP server and responses from it: tags, deadlines, transcript, and what went wrong in words.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "async/timer.h"
#include "client/imap_types.h"
#include "net/connection.h"
#include "proto/imap/response_reader.h"

namespace posthorn::client {

// INVARIANT 1: once a wait has failed nothing more is sent.
// INVARIANT 2: secrets never reach the transcript.
class ImapChannel {
 public:
  ImapChannel(std::unique_ptr<net::Connection>, const ImapOptions&);

  std::string next_tag() { return "a" + std::to_string(++last_tag_); }
  // Sent by flush(); `shown` instead of it in the transcript.  Without the line's end.
  void put_line(std::string_view line, std::string_view shown = {});
  void put_octets(std::string_view octets) { connection_->put(octets); }
  // Fails after the time of silence, and never later than `until`.
  Task<Result<void>> flush(Deadline until);
  Task<Result<void>> flush_if_large(Deadline until);
  // What has arrived, without waiting; nullopt: no whole event.
  Result<std::optional<imap::ResponseEvent>> poll();
  // The next event; its text is valid until the next call.
  Task<Result<imap::ResponseEvent>> next_event(Deadline until) { return next_event(until, silence_); }
  Task<Result<imap::ResponseEvent>> next_event(Deadline until, ImapTimeouts::Patience silence);
  // The same, but an interrupt() or `until` end the wait without an event, and silence does not.
  Task<Result<std::optional<imap::ResponseEvent>>> next_event_or_interrupt(Deadline until);

  // INVARIANT 1 of ImapConnection.
  Task<Result<void>> start_tls(const ImapOptions&, Deadline until);
  void start_compression() { connection_->start_compression(); }

  bool is_open() const { return !broken_ && !connection_->is_shut_down(); }
  void close();
  void note(std::string_view text) const { show(TranscriptLine::Kind::note, text); }
  // "imap.example.org: " in front of the text.
  std::unexpected<Error> failure(Errc, std::string_view what) const;
  // Nothing more can be said.
  std::unexpected<Error> end(Error);
  // What BYE said; for the error that comes when the connection ends.
  void set_farewell(std::string words) { farewell_ = std::move(words); }
  void mask_received(bool on) { masked_ = on; }

  net::Connection& connection() { return *connection_; }
  imap::ResponseReader& reader() { return reader_; }

 private:
  void show(TranscriptLine::Kind, std::string_view text) const;
  std::unexpected<Error> broken(Error);

  std::unique_ptr<net::Connection> connection_;
  std::string name_;
  Transcript transcript_;
  ImapTimeouts::Patience silence_;
  imap::ResponseReader reader_;
  std::string farewell_;
  std::uint64_t last_tag_ = 0;
  bool broken_ = false;
  bool masked_ = false;
};

}  // namespace posthorn::client
