#include "client/smtp_channel.h"

#include <algorithm>

namespace posthorn::client {
namespace {

constexpr std::size_t kQuoted = 120;  // of garbage, in the text of a failure
constexpr int kChallenge = 334;

std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = c == '\t' ? ' ' : '?';
  return out;
}

Cause cause_of(Errc code) {
  switch (code) {
    case Errc::syntax:
    case Errc::limit: return Cause::bad_reply;
    case Errc::timed_out: return Cause::timed_out;
    case Errc::cancelled: return Cause::cancelled;
    default: return Cause::closed;
  }
}

}  // namespace

std::string one_line(const smtp::Reply& reply) {
  const std::string text = smtp::to_string(reply);
  std::string out;
  for (const char c : text.substr(0, text.size() - 2))
    if (c != '\r') out += c == '\n' ? ' ' : c;
  return out;
}

SmtpChannel::SmtpChannel(std::unique_ptr<net::Connection> connection, const SmtpOptions& options)
    : connection_(std::move(connection)), peer_(connection_->peer()), transcript_(options.transcript), parser_(options.reply_limits) {}

Deadline SmtpChannel::deadline(Patience patience) const { return std::min(all_, after(patience)); }

void SmtpChannel::show(TranscriptLine::Kind kind, std::string_view text) const {
  if (transcript_) transcript_({.kind = kind, .when = now(), .text = text});
}

void SmtpChannel::note(std::string_view text) { show(TranscriptLine::Kind::note, printable(text)); }

void SmtpChannel::show_received(std::string_view raw) const {
  if (!transcript_) return;
  while (!raw.empty()) {
    const auto lf = raw.find('\n');
    auto line = raw.substr(0, lf);
    raw.remove_prefix(lf == raw.npos ? raw.size() : lf + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    // A challenge may hold what a password can be guessed from.
    show(TranscriptLine::Kind::received, line.starts_with(std::to_string(kChallenge)) ? "334 (masked)" : printable(line));
  }
}

Failure SmtpChannel::failure(Stage stage, Cause cause, std::string what) const {
  Failure out{.stage = stage, .cause = cause};
  out.text = peer_.text() + ": " + printable(what) + " (" + std::string(to_string(stage)) + ")";
  return out;
}

Failure SmtpChannel::failure(Stage stage, const Error& error) const { return failure(stage, cause_of(error.code), error.text); }

Failure SmtpChannel::refusal(Stage stage, smtp::Reply reply) const {
  auto out = failure(stage, Cause::refused, "the server said " + one_line(reply));
  out.reply = std::move(reply);
  return out;
}

Failure SmtpChannel::not_open(Stage stage) const {
  return stopping_ ? failure(stage, Cause::cancelled, "shutting down") : failure(stage, Cause::closed, "the connection is closed");
}

Failure SmtpChannel::ended(Failure failure) {
  broken_ = true;
  return failure;
}

void SmtpChannel::put(std::string_view line, std::string_view shown) {
  connection_->put(line);
  ++open_commands_;
  if (shown.empty()) {
    shown = line;
    shown.remove_suffix(2);
  }
  show(TranscriptLine::Kind::sent, shown);
}

Task<Outcome<>> SmtpChannel::flush(Stage stage, Patience patience) {
  if (!is_open()) {
    connection_->output().clear();
    co_return std::unexpected(ended(not_open(stage)));
  }
  auto sent = co_await connection_->flush(deadline(patience));
  if (sent) co_return Outcome<>{};
  const auto why = failure(stage, sent.error());
  // A server that says no and closes at once is often not heard: what it said has arrived all the same.
  auto said = early_reply(stage);
  if (said && *said && (*said)->code >= 400) co_return std::unexpected(ended(refusal(stage, **std::move(said))));
  co_return std::unexpected(ended(why));
}

// What has arrived; nullopt: no whole reply.
Outcome<std::optional<smtp::Reply>> SmtpChannel::next_reply(Stage stage) {
  std::string_view in = connection_->input();
  const std::size_t before = in.size();
  auto got = parser_.next(in);
  connection_->consume(before - in.size());
  if (!got) {
    show_received(parser_.raw());
    return std::unexpected(
        ended(failure(stage, Cause::bad_reply, got.error().text + ": \"" + printable(parser_.raw().substr(0, kQuoted)) + "\"")));
  }
  if (!*got) return std::optional<smtp::Reply>();
  show_received(parser_.raw());
  // [RFC5321 3.8] The server closes the connection.
  if ((*got)->code == 421) broken_ = true;
  return *std::move(got);
}

Task<Outcome<smtp::Reply>> SmtpChannel::read_reply(Stage stage, Patience patience) {
  CHECK(open_commands_ > 0);
  const Deadline until = deadline(patience);
  for (;;) {
    auto reply = next_reply(stage);
    if (!reply) co_return std::unexpected(std::move(reply).error());
    if (*reply) {
      --open_commands_;
      co_return **std::move(reply);
    }
    auto more = co_await connection_->read_more(until);
    if (!more) {
      show_received(parser_.raw());
      co_return std::unexpected(ended(failure(stage, more.error())));
    }
  }
}

Task<Outcome<smtp::Reply>> SmtpChannel::ask(Stage stage, std::string line, Patience patience, std::string shown) {
  CO_TRY_OK(check_silence(stage));
  put(line, shown);
  CO_TRY_OK(co_await flush(stage, patience));
  co_return co_await read_reply(stage, patience);
}

Outcome<std::optional<smtp::Reply>> SmtpChannel::early_reply(Stage stage) {
  if (connection_->input().empty()) {
    const auto there = connection_->read_available();
    if (!there) return std::unexpected(ended(failure(stage, there.error())));
    if (!*there) return std::optional<smtp::Reply>();
  }
  return next_reply(stage);
}

Outcome<> SmtpChannel::check_silence(Stage stage) {
  if (!is_open()) return std::unexpected(ended(not_open(stage)));
  CHECK(open_commands_ == 0);
  TRY(auto reply, early_reply(stage));
  if (reply && reply->code == 421) return std::unexpected(refusal(stage, *std::move(reply)));
  if (!reply && !parser_.in_reply()) return {};
  return std::unexpected(ended(
      failure(stage, Cause::bad_reply, "a reply that nobody had asked for: \"" + printable(parser_.raw().substr(0, kQuoted)) + "\"")));
}

Task<Outcome<>> SmtpChannel::start_tls(const SmtpOptions& options) {
  auto done = co_await connection_->start_tls_client(*options.tls_context, options.tls_policy, deadline(options.timeouts.tls));
  const auto& verdict = connection_->tls_verdict();
  if (!done) {
    note("TLS failed: " + verdict.text);
    const bool cancelled = done.error().code == Errc::cancelled;
    auto why = failure(Stage::tls, cancelled ? Cause::cancelled : Cause::tls_failed, verdict.text);
    why.tls = verdict;
    co_return std::unexpected(ended(std::move(why)));
  }
  const bool asked = options.tls_policy.trust != net::TlsTrust::none;
  note(connection_->tls_version() + " " + connection_->tls_cipher() + ", " +
       (!asked             ? "certificate not checked"
        : verdict.verified ? "certificate verified: " + verdict.text
                           : "certificate not trusted: " + verdict.text));
  co_return Outcome<>{};
}

void SmtpChannel::close() {
  broken_ = true;
  connection_->close();
}

void SmtpChannel::shut_down() {
  stopping_ = true;
  if (!deciding_) connection_->abort();
}

void SmtpChannel::abandon() {
  stopping_ = true;
  connection_->abort();
}

}  // namespace posthorn::client
