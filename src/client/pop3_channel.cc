#include "client/pop3_channel.h"

#include <algorithm>

namespace posthorn::client {
namespace {

constexpr std::size_t kQuoted = 120;  // of garbage, in the text of a failure

std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = c == '\t' ? ' ' : '?';
  return out;
}

}  // namespace

Pop3Channel::Pop3Channel(std::unique_ptr<net::Connection> connection, const Pop3Options& options)
    : connection_(std::move(connection)),
      peer_(options.host.empty() ? connection_->peer().text() : options.host),
      transcript_(options.transcript),
      limits_(options.limits) {}

void Pop3Channel::show(TranscriptLine::Kind kind, std::string_view text) const {
  if (transcript_) transcript_({.kind = kind, .when = now(), .text = printable(text)});
}

std::unexpected<Error> Pop3Channel::failure(Errc code, std::string_view what) {
  return fail(code, peer_ + ": " + printable(what));
}

std::unexpected<Error> Pop3Channel::broken(Errc code, std::string_view what) {
  close();
  return failure(code, what);
}

std::unexpected<Error> Pop3Channel::ended(const Error& why) {
  switch (why.code) {
    case Errc::closed:
      return broken(why.code, "the server closed the connection");
    case Errc::timed_out:
      return broken(why.code, "the server was silent for too long");
    case Errc::too_large:
      return broken(Errc::limit, "the server sends an endless line");
    default:
      return broken(why.code, why.text);
  }
}

std::unexpected<Error> Pop3Channel::refusal(std::string_view what, const pop3::Reply& reply) {
  Errc code = Errc::invalid;
  if (reply.code == "IN-USE" || reply.code == "SYS/TEMP")
    code = Errc::busy;  // [RFC2449 8.1.2] [RFC3206 4]
  else if (reply.code == "LOGIN-DELAY")
    code = Errc::throttled;  // [RFC2449 8.1.1]
  else if (reply.code == "AUTH")
    code = Errc::denied;  // [RFC3206 5]
  const auto words = (reply.code.empty() ? "" : "[" + reply.code + "] ") + reply.text;
  return failure(code,
                 std::string(what) + (words.empty() ? " was refused" : " was refused: \"" + words + "\""));
}

void Pop3Channel::put(std::string_view line, std::string_view shown) {
  connection_->put(line);
  connection_->put("\r\n");
  show(TranscriptLine::Kind::sent, shown.empty() ? line : shown);
}

Task<Result<void>> Pop3Channel::flush(Patience patience) {
  if (broken_) {
    connection_->output().clear();
    co_return failure(Errc::closed, "the connection is closed");
  }
  auto sent = co_await connection_->flush(after(patience));
  if (!sent) co_return ended(sent.error());
  co_return Result<void>{};
}

Task<Result<pop3::Reply>> Pop3Channel::read_reply(Patience patience) {
  if (broken_) co_return failure(Errc::closed, "the connection is closed");
  auto line = co_await connection_->read_line(limits_.line, net::LineEnd::any_lf, after(patience));
  if (!line) co_return ended(line.error());
  auto reply = pop3::parse_reply(*line);
  show(TranscriptLine::Kind::received,
       reply && reply->kind == pop3::Reply::Kind::challenge ? "+ (masked)" : *line);
  if (!reply)
    co_return broken(Errc::syntax,
                     "the server speaks no POP3: \"" + printable(line->substr(0, kQuoted)) + "\"");
  co_return *std::move(reply);
}

Task<Result<pop3::Reply>> Pop3Channel::ask(std::string line, Patience patience, std::string shown) {
  if (!broken_ && !is_silent())
    co_return broken(Errc::syntax, "the server said something that nobody had asked for");
  put(line, shown);
  CO_TRY_OK(co_await flush(patience));
  co_return co_await read_reply(patience);
}

bool Pop3Channel::is_silent() {
  if (!connection_->input().empty()) return false;
  const auto there = connection_->read_available();
  return !there || !*there;  // a lost connection is told by who reads next
}

Task<Result<std::optional<std::string_view>>> Pop3Channel::read_listed(Deadline until) {
  auto line = co_await connection_->read_line(limits_.line, net::LineEnd::any_lf, until);
  if (!line) co_return ended(line.error());
  if (*line == ".") co_return std::optional<std::string_view>();
  if (line->starts_with('.')) line->remove_prefix(1);
  co_return *line;
}

Task<Result<std::string_view>> Pop3Channel::read_content(Deadline until) {
  if (connection_->input().empty()) {
    auto more = co_await connection_->read_more(until);
    if (!more) co_return ended(more.error());
  }
  co_return connection_->input();
}

Task<Result<bool>> Pop3Channel::has_more_than(std::size_t n, Deadline until) {
  while (connection_->input().size() <= n) {
    auto more = co_await connection_->read_more(until);
    if (!more && more.error().code == Errc::timed_out) co_return false;
    if (!more) co_return ended(more.error());
  }
  co_return true;
}

Task<Result<void>> Pop3Channel::start_tls(const Pop3Options& options) {
  auto done = co_await connection_->start_tls_client(*options.tls_context, options.tls_policy,
                                                     after(options.timeouts.tls));
  if (done) {
    note(connection_->tls_version() + " " + connection_->tls_cipher());
    co_return Result<void>{};
  }
  const auto& verdict = connection_->tls_verdict().text;
  co_return broken(done.error().code, "TLS failed: " + (verdict.empty() ? done.error().text : verdict));
}

void Pop3Channel::close() {
  broken_ = true;
  connection_->close();
}

}  // namespace posthorn::client
