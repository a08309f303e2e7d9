// The loop over commands, and how a session ends.
#include "server/smap/session.h"

#include <exception>
#include <utility>

#include "base/log.h"
#include "server/common/imap_port.h"
#include "server/common/session_log.h"
#include "server/smap/command_table.h"
#include "server/smap/settings.h"
#include "server/smap/smap_session.h"
#include "text/ascii.h"

namespace posthorn::smap {
namespace {

using namespace server::imap_port;

constexpr auto kFarewell = std::chrono::seconds(5);  // how long we try to say why we close
constexpr std::string_view kPrefix = "\\SMAP1";
constexpr std::string_view kSyntaxError = "Syntax error.";

}  // namespace

Task<> Session::run() {
  deadline_ = command_deadline();
  while (state_ != State::ended) co_await step();
  if (!output().empty()) (void)co_await connection().flush(after(kFarewell));
  connection().close();
}

Deadline Session::command_deadline() const {
  return after(state_ == State::not_authenticated ? kLoginTimeout.get() : kAutologout.get());
}

Task<> Session::step() {
  // Nothing is sent while whole commands are waiting: pipelined commands are answered together.
  const bool has_line = connection().input().find('\n') != std::string_view::npos;
  auto sent = co_await (has_line ? flush_if_large() : flush());
  if (!sent) co_return;
  auto line = co_await connection().read_line(kMaxLine, net::LineEnd::any_lf, deadline_);
  if (line) {
    co_await execute(*line);
  } else if (line.error().code == Errc::too_large) {
    finish(err("The line is too long"));  // [SMAP1 1.2]
    count_bad();
  } else {
    end(line.error());
  }
  deadline_ = command_deadline();
}

// `line` is valid until the first wait: it becomes words before that.
Task<> Session::execute(std::string_view line) {
  ++commands_;
  commands_done.add();
  Words words(line);
  // [SMAP1 3.2] The prefix until the sign-in, and none from then on.
  const bool has_prefix = state_ != State::not_authenticated || text::iequals(words.take(), kPrefix);
  const auto* rule = has_prefix ? find_rule(words.take()) : nullptr;
  if (!rule || !(rule->states & static_cast<std::uint8_t>(state_))) {
    batch_.reset();
    finish(err(rule && state_ == State::not_authenticated ? "Sign in first" : kSyntaxError));
    count_bad();
    co_return;
  }
  auto result = co_await call(*rule, words);
  if (lost_) co_return;
  if (!result) log_failure(rule->verb, result.error());
  const auto reply = result ? *std::move(result) : reply_for(result.error());
  finish(reply);
  if (reply.is_ok) bad_in_a_row_ = 0;
  else if (state_ == State::not_authenticated && !reply.sent) count_bad();
}

// `rule` is one of the table.
Session::Outcome Session::call(const Rule& rule, Words& words) {
  if (!(rule.flags & kKeepsBatch)) batch_.reset();  // [SMAP1 10.1]
  if (is_nobody()) co_return err("The account has been removed");
  if (rule.flags & kNeedsFolder) {
    if (!folder_) co_return err(kSyntaxError);  // [SMAP1 12]
    if (!refresh_rights()) co_return std::unexpected(needs_right('r'));
  }
  co_return co_await (this->*rule.handler)(words);
}

void Session::finish(const Reply& reply) {
  if (reply.sent || state_ == State::ended) return;
  output().append(reply.is_ok ? "+OK " : "-ERR ").append(reply.text);
  end_line();
}

void Session::count_bad() {
  if (++bad_in_a_row_ >= static_cast<std::uint32_t>(kMaxBadCommands.get())) say_bye("Too many errors", "too_many_errors");
}

// The account has been removed: its user may not go on reading what others have shared.
bool Session::is_nobody() {
  if (!account_ || !account_->is_gone()) return false;
  folder_.reset();
  say_bye("The account has been removed", "account_removed");
  return true;
}

void Session::log_failure(std::string_view verb, const Error& error) const {
  const bool ours = error.code == Errc::io || error.code == Errc::corrupt || error.code == Errc::no_space;
  log::write(ours ? log::Level::warning : log::Level::debug, "smap.command_failed",
             {{"session", context_.session_id}, {"command", verb}, {"class", to_string(error.code)}, {"error", error}});
}

void Session::say_bye(std::string_view text, std::string_view reason) {
  if (state_ == State::ended) return;
  output().append("* BYE ").append(text);
  end_line();
  end_reason_ = reason;
  state_ = State::ended;
}

void Session::end(const Error& error) {
  lost_ = true;
  switch (error.code) {
    case Errc::timed_out: say_bye("Nothing came for too long", "timed_out"); break;
    case Errc::cancelled: say_bye("The server is shutting down", "shutdown"); break;
    default: end_reason_ = "connection_lost";
  }
  state_ = State::ended;
}

void Session::break_off(const Error& error) {
  log_failure("FETCH", error);
  lost_ = true;
  end_reason_ = "content_lost";
  state_ = State::ended;
}

Task<Result<void>> Session::flush() {
  if (output().empty()) co_return Result<void>{};
  auto done = co_await connection().flush(after(kTransferTimeout.get()));
  if (!done) {
    output().clear();
    end(done.error());
  }
  co_return done;
}

Task<Result<void>> Session::flush_if_large() {
  if (output().size() < net::Connection::kLargeOutput) co_return Result<void>{};
  co_return co_await flush();
}

Task<Result<bool>> Session::read_upload(UploadDecoder& decoder, std::string& content) {
  CO_TRY_OK(co_await flush());
  if (connection().input().empty()) {
    auto more = co_await connection().read_more(after(kTransferTimeout.get()));
    if (!more) {
      end(more.error());
      co_return std::unexpected(std::move(more).error());
    }
  }
  auto input = connection().input();
  const auto before = input.size();
  const auto event = decoder.feed(input, content);
  connection().consume(before - input.size());
  if (event != UploadDecoder::Event::lost) co_return event == UploadDecoder::Event::need_more;
  lost_ = true;
  say_bye("The upload is not as it was announced, or far too large", "bad_upload");
  co_return fail(Errc::syntax, "the upload cannot be followed");
}

Session::Outcome Session::cmd_logout(Words&) {
  output() += "* BYE Goodbye";
  end_line();
  finish(ok("LOGOUT completed"));
  end_reason_ = "logout";
  state_ = State::ended;
  Reply reply = ok("LOGOUT completed");
  reply.sent = true;
  co_return reply;
}

Session::Outcome Session::cmd_rset(Words&) { co_return ok("Reset"); }

namespace {

Task<bool> run_guarded(Session& session) {
  bool failed = false;
  try {
    co_await session.run();
  } catch (const std::exception& e) {
    log::error("smap.exception", {{"error", e.what()}});
    failed = true;
  }
  co_return failed;
}

}  // namespace

Task<> run_smap_session(server::SessionContext context) {
  const GaugeHold open(sessions_open);
  server::session_log::connected(context, "smap");
  Session session(context);
  const bool failed = co_await run_guarded(session);
  if (failed) context.connection.close();
  server::session_log::closed(context, "smap", {.reason = failed ? "exception" : session.end_reason(),
                                                .user = session.user(),
                                                .commands = session.commands()});
}

}  // namespace posthorn::smap
