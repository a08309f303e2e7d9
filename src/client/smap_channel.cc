#include "client/smap_channel.h"

#include <utility>

#include "proto/imap/response.h"
#include "proto/smap/words.h"

namespace posthorn::client {

using Kind = smap::ReplyEvent::Kind;

SmapChannel::SmapChannel(std::unique_ptr<net::Connection> connection, const SmapOptions& options)
    : connection_(std::move(connection)),
      name_(options.host.empty() ? connection_->peer().text() : options.host),
      transcript_(options.transcript),
      silence_(options.timeouts.silence),
      reader_(options.limits) {}

Result<void> SmapTaker::count(const std::vector<std::string>& words) {
  constexpr std::size_t kLine = 32, kItem = 16;  // what is kept of the shortest takes more than its octets
  std::size_t octets = kLine;
  for (const auto& word : words) octets += word.size() + kItem * static_cast<std::size_t>(std::ranges::count(word, ','));
  if (octets > left_) return fail(Errc::limit, "the server's answer has no end");
  left_ -= octets;
  return {};
}

void SmapChannel::show(TranscriptLine::Kind kind, std::string_view text) const {
  if (transcript_) transcript_({.kind = kind, .when = now(), .text = imap::for_people(text, 2000)});
}

void SmapChannel::show(const smap::ReplyEvent& event) const {
  if (!transcript_ || event.kind == Kind::content) return;
  std::string text;
  for (const auto& word : event.words) text += " " + word;
  switch (event.kind) {
    case Kind::status: text = (event.ok ? "+OK " : "-ERR ") + event.text; break;
    case Kind::data: text = "*" + text; break;
    case Kind::go_ahead: text = masked_ ? "> (masked)" : "> " + event.text; break;
    case Kind::content_begin: text = "content of" + text; break;
    case Kind::content: return;
    case Kind::content_end: text = "end of the content"; break;
    case Kind::content_void: text = "-ERR " + event.text; break;
  }
  show(TranscriptLine::Kind::received, text);
}

std::unexpected<Error> SmapChannel::failure(Errc code, std::string_view what) const { return fail(code, name_ + ": " + imap::for_people(what, 1000)); }

std::unexpected<Error> SmapChannel::broken(Errc code, std::string_view what) { return abandon(failure(code, what).error()); }

std::unexpected<Error> SmapChannel::abandon(Error why) {
  broken_ = true;
  connection_->close_at_once();  // what may still be sent must not arrive behind what is done next, on another connection
  return std::unexpected(std::move(why));
}

std::unexpected<Error> SmapChannel::refusal(std::string_view what, const SmapStatus& status) const {
  return failure(Errc::invalid, std::string(what) + " was refused" + (status.text.empty() ? "" : ": " + status.text));
}

std::unexpected<Error> SmapChannel::ended(Error why) {
  switch (why.code) {
    case Errc::closed: return broken(why.code, farewell_.empty() ? "the server closed the connection" : "the server closed the connection: " + farewell_);
    case Errc::timed_out: return broken(why.code, "the server does not answer");
    case Errc::too_large: return broken(Errc::syntax, why.text.empty() ? "the server sends an endless line" : why.text);  // what it says, not what we wanted
    default: return broken(why.code, why.text);
  }
}

void SmapChannel::put_line(std::string_view line, std::string_view shown) {
  connection_->put(line);
  connection_->put("\r\n");  // CR is white space [SMAP1 1.2]
  show(TranscriptLine::Kind::sent, shown.empty() ? line : shown);
}

Task<Result<void>> SmapChannel::flush(Deadline until) {
  if (!is_open()) {
    connection_->output().clear();
    co_return failure(connection_->is_shut_down() ? Errc::cancelled : Errc::closed, "the connection is closed");
  }
  auto sent = co_await connection_->flush(std::min(until, after(silence_)));
  if (!sent) co_return ended(std::move(sent).error());
  co_return Result<void>{};
}

Task<Result<void>> SmapChannel::flush_if_large(Deadline until) {
  if (connection_->output().size() < net::Connection::kLargeOutput) co_return Result<void>{};
  co_return co_await flush(until);
}

Task<Result<std::string>> SmapChannel::read_greeting(Deadline until) {
  constexpr std::size_t kLongest = 8192;
  auto line = co_await connection_->read_line(kLongest, net::LineEnd::any_lf, std::min(until, after(silence_)));
  if (!line) co_return ended(std::move(line).error());
  show(TranscriptLine::Kind::received, *line);
  co_return std::string(*line);
}

Task<Result<smap::ReplyEvent>> SmapChannel::next_event(Deadline until, SmapTimeouts::Patience silence) {
  for (;;) {
    if (!is_open()) co_return failure(connection_->is_shut_down() ? Errc::cancelled : Errc::closed, "the connection is closed");
    std::string_view in = connection_->input();
    const auto before = in.size();
    auto event = reader_.next(in);
    // What is content lies in the input, and stays there for as long as nothing is read.
    connection_->consume(before - in.size());
    if (!event) co_return ended(std::move(event).error());
    if (*event) {
      show(**event);
      co_return **std::move(event);
    }
    auto more = co_await connection_->read_more(std::min(until, after(silence)));
    if (!more) co_return ended(std::move(more).error());
  }
}

Task<Result<bool>> SmapChannel::read_reply(SmapTaker& taker, SmapStatus& status, Deadline until, SmapTimeouts::Patience silence, std::string* go_ahead) {
  for (;;) {
    CO_TRY(auto event, co_await next_event(until, silence));
    Result<void> taken;
    switch (event.kind) {
      case Kind::status:
        status = {.ok = event.ok, .text = std::move(event.text)};
        co_return true;
      case Kind::go_ahead:
        if (!go_ahead) co_return broken(Errc::syntax, "the server waits for what was not announced");
        *go_ahead = std::move(event.text);
        co_return false;
      case Kind::data:
        if (!event.words.empty() && event.words.front() == "BYE") {
          farewell_.clear();
          for (const auto& word : event.words)
            if (&word != &event.words.front()) farewell_ += (farewell_.empty() ? "" : " ") + word;
        }
        taken = taker.count(event.words);
        if (taken) taken = taker.data(std::move(event.words));
        break;
      case Kind::content_begin: taken = co_await taker.content_begin(std::move(event.words)); break;
      case Kind::content: taken = co_await taker.content(event.bytes); break;
      case Kind::content_end: taken = co_await taker.content_end(); break;
      case Kind::content_void:
        taker.content_void();
        status = {.ok = false, .text = std::move(event.text)};
        co_return true;
    }
    const auto code = taken ? Errc::io : taken.error().code;
    if (code == Errc::syntax || code == Errc::limit) co_return broken(Errc::syntax, taken.error().text);
    if (!taken) co_return abandon(std::move(taken).error());
  }
}

Task<Result<void>> SmapChannel::run(std::string line, SmapTaker& taker, Deadline until) {
  put_line(line);
  CO_TRY_OK(co_await flush(until));
  SmapStatus status;
  CO_TRY(const bool done, co_await read_reply(taker, status, until));
  CHECK(done);
  if (!status.ok) co_return refusal(std::string_view(line).substr(0, 200), status);
  co_return Result<void>{};
}

Task<Result<void>> SmapChannel::run(std::string line, Deadline until) {
  SmapTaker nothing;
  co_return co_await run(std::move(line), nothing, until);
}

Task<Result<void>> SmapChannel::start_tls(const SmapOptions& options, Deadline until) {
  reader_.reset();
  auto done = co_await connection_->start_tls_client(*options.tls_context, options.tls_policy, until);
  const auto& verdict = connection_->tls_verdict();
  if (done) {
    note(connection_->tls_version() + " " + connection_->tls_cipher() + (verdict.verified ? ", certificate verified" : ", certificate not verified"));
    co_return Result<void>{};
  }
  note("TLS failed: " + verdict.text);
  const Errc code = done.error().code == Errc::syntax ? Errc::closed : done.error().code;
  co_return broken(code, "TLS failed: " + (verdict.text.empty() ? done.error().text : verdict.text));
}

void SmapChannel::close() {
  broken_ = true;
  connection_->close();
}

Result<void> SmapState::check_usable() const {
  if (!channel) return fail(Errc::closed, "the connection is closed");
  if (!channel->is_open()) return channel->failure(channel->connection().is_shut_down() ? Errc::cancelled : Errc::closed, "the connection is closed");
  return {};
}

Result<void> SmapState::check_open_folder() const {
  TRY_OK(check_usable());
  if (!folder_is_open) return channel->failure(Errc::invalid, "no folder is open");
  return {};
}

Result<std::string> smap_path_text(const SmapState& s, const SmapPath& path) {
  std::string out;
  if (path.empty()) return s.channel->failure(Errc::invalid, "a folder without a name");
  for (const auto& word : path) {
    if (word.empty() || !smap::is_text(word)) return s.channel->failure(Errc::invalid, "no folder can be named \"" + word + "\"");
    if (!out.empty()) out += ' ';
    smap::put_word(out, word);
  }
  return out;
}

}  // namespace posthorn::client
