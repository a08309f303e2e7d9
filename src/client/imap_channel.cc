#include "client/imap_channel.h"

namespace posthorn::client {

using imap::ResponseEvent;

ImapChannel::ImapChannel(std::unique_ptr<net::Connection> connection, const ImapOptions& options)
    : connection_(std::move(connection)),
      name_(options.host.empty() ? connection_->peer().text() : options.host),
      transcript_(options.transcript),
      silence_(options.timeouts.silence),
      reader_(options.limits) {}

void ImapChannel::show(TranscriptLine::Kind kind, std::string_view text) const {
  if (transcript_) transcript_({.kind = kind, .when = now(), .text = imap::for_people(text, 2000)});
}

std::unexpected<Error> ImapChannel::failure(Errc code, std::string_view what) const {
  return std::unexpected(Error{code, name_ + ": " + imap::for_people(what, 1000)});
}

std::unexpected<Error> ImapChannel::end(Error why) {
  broken_ = true;
  connection_->close_at_once();  // what may still be sent must not arrive behind what is done next, on another connection
  return std::unexpected(std::move(why));
}

std::unexpected<Error> ImapChannel::broken(Error why) {
  std::string text = why.text;
  if (why.code == Errc::closed) text = farewell_.empty() ? "the server closed the connection" : "the server closed the connection: " + farewell_;
  if (why.code == Errc::timed_out) text = "the server does not answer";
  if (why.code == Errc::too_large) why.code = Errc::syntax;  // what it says, not what we wanted
  if (why.code == Errc::limit) why.code = Errc::syntax;
  return end(failure(why.code, text).error());
}

void ImapChannel::put_line(std::string_view line, std::string_view shown) {
  connection_->put(line);
  connection_->put("\r\n");
  show(TranscriptLine::Kind::sent, shown.empty() ? line : shown);
}

Task<Result<void>> ImapChannel::flush(Deadline until) {
  if (!is_open()) co_return failure(connection_->is_shut_down() ? Errc::cancelled : Errc::closed, "the connection is closed");
  auto sent = co_await connection_->flush(std::min(until, after(silence_)));
  if (!sent) co_return broken(sent.error());
  co_return Result<void>{};
}

Task<Result<void>> ImapChannel::flush_if_large(Deadline until) {
  if (connection_->output().size() < net::Connection::kLargeOutput) co_return Result<void>{};
  co_return co_await flush(until);
}

Result<std::optional<ResponseEvent>> ImapChannel::poll() {
  std::string_view in = connection_->input();
  const std::size_t before = in.size();
  auto event = reader_.next(in);
  connection_->consume(before - in.size());
  if (!event) return broken(event.error());
  if (*event && transcript_) {
    const auto& e = **event;
    if (e.kind == ResponseEvent::Kind::response) show(TranscriptLine::Kind::received, masked_ && e.text.starts_with('+') ? "+ (masked)" : e.text);
    if (e.kind == ResponseEvent::Kind::message_begin) note("a message of " + std::to_string(e.size) + " octets");
  }
  return event;
}

Task<Result<ResponseEvent>> ImapChannel::next_event(Deadline until, ImapTimeouts::Patience silence) {
  for (;;) {
    if (broken_) co_return failure(Errc::closed, "the connection is closed");
    CO_TRY(auto event, poll());
    if (event) co_return *event;
    auto more = co_await connection_->read_more(std::min(until, after(silence)));
    if (!more) co_return broken(more.error());
  }
}

Task<Result<std::optional<ResponseEvent>>> ImapChannel::next_event_or_interrupt(Deadline until) {
  for (;;) {
    if (broken_) co_return failure(Errc::closed, "the connection is closed");
    CO_TRY(auto event, poll());
    if (event) co_return event;
    auto more = co_await connection_->read_more_or_interrupt(until);
    if (!more && more.error().code == Errc::timed_out) co_return std::optional<ResponseEvent>();
    if (!more) co_return broken(more.error());
    if (*more == net::Wake::interrupted) co_return std::optional<ResponseEvent>();
  }
}

Task<Result<void>> ImapChannel::start_tls(const ImapOptions& options, Deadline until) {
  reader_.reset();
  auto done = co_await connection_->start_tls_client(*options.tls_context, options.tls_policy, until);
  const auto& verdict = connection_->tls_verdict();
  if (!done) {
    note("TLS failed: " + verdict.text);
    const Errc code = done.error().code == Errc::syntax ? Errc::closed : done.error().code;
    co_return end(failure(code, "TLS failed: " + (verdict.text.empty() ? done.error().text : verdict.text)).error());
  }
  note(connection_->tls_version() + " " + connection_->tls_cipher() + (verdict.verified ? ", certificate verified" : ", certificate not verified"));
  co_return Result<void>{};
}

void ImapChannel::close() {
  broken_ = true;
  connection_->close();
}

}  // namespace posthorn::client
