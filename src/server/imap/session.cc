#include "server/imap/session.h"

#include <exception>
#include <utility>

#include "base/log.h"
#include "config/core_settings.h"
#include "proto/imap/parser.h"
#include "proto/imap/writer.h"
#include "server/common/session_log.h"
#include "server/imap/command_table.h"
#include "server/imap/imap_session.h"
#include "server/imap/imap_settings.h"
#include "server/imap/search_program.h"
#include "text/ascii.h"

namespace posthorn::imap {
namespace {

constexpr auto kFarewell = std::chrono::seconds(5);  // how long we try to say why we close

// A stranger may make us hold only what a sign-in needs.
ReaderLimits limits_for_strangers() {
  return {.line = 8 * 1024, .literals = 8 * 1024, .skip = 64 * 1024};
}

// [SMAP1 3.2] A line that begins with \SMAP1, which is no tag of IMAP's.
enum class BeginsSmap { no, unclear, yes };
BeginsSmap begins_smap(std::string_view input) {
  constexpr std::string_view kWord = "\\SMAP1";
  if (!text::iequals(input.substr(0, kWord.size()), kWord.substr(0, input.size()))) return BeginsSmap::no;
  if (input.size() <= kWord.size()) return BeginsSmap::unclear;
  return text::is_space(input[kWord.size()]) ? BeginsSmap::yes : BeginsSmap::no;
}

const SearchKey* key_of(const Command& command) {
  if (const auto* search = std::get_if<Search>(&command.command)) return &search->key;
  if (const auto* sort = std::get_if<Sort>(&command.command)) return &sort->search.key;
  if (const auto* thread = std::get_if<Thread>(&command.command)) return &thread->search.key;
  return nullptr;
}

// [RFC3501 7.4.1] [RFC7162 3.2.10.2] The UID forms may be followed by what renumbers the messages, but not a UID SEARCH of numbers.
Expunges expunges_after(const Rule& rule, const Command& command) {
  if (!(rule.flags & kKeepsExpunged)) return Expunges::tell;
  if (!command.uid) return Expunges::keep;
  const auto* key = key_of(command);
  return key != nullptr && names_sequence_numbers(*key) ? Expunges::keep : Expunges::tell;
}

}  // namespace

ReaderLimits Session::reader_limits() const {
  if (state_ == State::not_authenticated) return limits_for_strangers();
  // A refused APPEND with LITERAL+ is read over as far as a message may be long.
  return {.skip = static_cast<std::uint64_t>(config::kMaxMessageSize.get()) + (1 << 20), .parser = {.utf8 = utf8_}};
}

Session::Session(server::SessionContext& context) : context_(context), reader_(limits_for_strangers()) {}

Task<> Session::run() {
  const bool begun = co_await begin();
  if (begun) {
    while (state_ != State::logout && !wants_smap_) co_await step();
  }
  if (wants_smap_) co_return;
  if (!output().empty()) co_await connection().flush(after(kFarewell));
  connection().close();
}

Task<bool> Session::begin() {
  deadline_ = command_deadline();
  if (context_.rules.tls == config::TlsMode::implicit && !connection().is_tls()) {
    const auto tls = context_.services.tls();
    if (!tls) {
      end_reason_ = "no_tls";
      co_return false;
    }
    auto done = co_await connection().start_tls(*tls, deadline_);
    if (!done) {
      end_reason_ = "tls_failed";
      log::info("imap.tls_failed", {{"session", context_.session_id}, {"peer", connection().peer().text()}, {"error", done.error()}});
      co_return false;
    }
  }
  const bool known = context_.known_client.has_value();
  if (known) {
    const auto done = co_await sign_in(*context_.known_client, "control");
    if (!done) {
      say_bye("UNAVAILABLE", "The account cannot be opened", "no_account");
      co_return false;
    }
  }
  Writer(output()).untagged_status(known ? "PREAUTH" : "OK", "CAPABILITY " + capabilities(), context_.services.hostname + " Posthorn ready");
  co_return true;
}

Deadline Session::command_deadline() const {
  return after(state_ == State::not_authenticated ? kLoginTimeout.get() : kAutologout.get());
}

// Takes what has arrived as far as the next event goes.
Task<> Session::step() {
  using Event = CommandReader::Event;
  auto input = connection().input();
  if (input.empty()) {
    co_await wait_for_input();
    co_return;
  }
  if (state_ == State::not_authenticated && reader_.idle() && server::imap_port::offers_smap(context_, switched_off_)) {
    const auto smap = begins_smap(input);
    if (smap == BeginsSmap::unclear) co_await wait_for_input();
    wants_smap_ = smap == BeginsSmap::yes;
    if (smap != BeginsSmap::no) co_return;
  }
  const auto before = input.size();
  switch (const auto event = reader_.feed(input); event) {
    case Event::need_more: connection().consume(before - input.size()); break;
    case Event::continuation:
      connection().consume(before - input.size());
      output() += "+ OK\r\n";
      break;
    case Event::command: {
      auto parsed = parse_command(reader_.command(), {.utf8 = utf8_});  // while the input is there
      connection().consume(before - input.size());
      co_await execute(std::move(parsed));
      deadline_ = command_deadline();
      break;
    }
    case Event::append:
      connection().consume(before - input.size());
      co_await append();
      deadline_ = command_deadline();
      break;
    case Event::line:
    case Event::append_done:
    case Event::append_refused:
    case Event::rejected:
      connection().consume(before - input.size());
      put_rejection();
      deadline_ = command_deadline();
      break;
    case Event::fatal:
      say_bye(reader_.rejection().code, reader_.rejection().text, "too_large");
      break;
  }
}

Task<> Session::wait_for_input() {
  // Nothing is sent while whole commands are waiting: pipelined commands are answered together.
  auto flushed = co_await flush();
  if (flushed) (void)co_await read_more(deadline_);
}

void Session::put_rejection() {
  const auto& rejection = reader_.rejection();
  if (rejection.tag == "*") Writer(output()).untagged_status("BAD", rejection.code, rejection.text);
  else Writer(output()).tagged(rejection.tag, rejection.bad ? Completion::bad : Completion::no, rejection.code, rejection.text);
  count_bad();
}

void Session::count_bad() {
  if (++bad_in_a_row_ >= kMaxBadCommands.get()) say_bye("CLIENTBUG", "Too many errors", "too_many_errors");
}

void Session::say_bye(std::string_view code, std::string_view text, std::string_view reason) {
  if (state_ == State::logout) return;
  Writer(output()).untagged_status("BYE", code, text);
  end_reason_ = reason;
  state_ = State::logout;
}

Task<> Session::execute(std::expected<Command, ParseError> parsed) {
  ++commands_;
  commands_done.add();
  if (!parsed) {
    const auto& error = parsed.error();
    if (error.tag == "*") Writer(output()).untagged_status("BAD", {}, error.text);
    else finish(error.tag, bad(error.text));
    count_bad();
    co_return;
  }
  auto& command = *parsed;
  const auto& rule = find_rule(command.command);
  auto result = co_await call(rule, command);
  if (lost_) co_return;
  if (!result) log_failure(rule, result.error());
  auto reply = result ? *std::move(result) : response_for(result.error());
  if (selected_) {
    auto told = co_await sync(expunges_after(rule, command), WithUid(command.uid));
    if (lost_) co_return;
    if (!told) log_failure(rule, told.error());  // it will be told another time
  }
  // [RFC7162 6] The client takes the highest MODSEQ it has seen for what it has caught up with; but expunges are held back from it.
  if (qresync_ && selected_ && selected_->holds_back)
    Writer(output()).untagged_status("OK", "HIGHESTMODSEQ " + std::to_string(selected_->mod_seq.value()), "There is more to tell");
  conclude(command.tag, std::move(reply));
  if (output().size() >= net::Connection::kLargeOutput) (void)co_await flush();
}

// The account has been removed: its user may not go on reading what others have shared.
bool Session::is_nobody() {
  if (!account_ || !account_->is_gone()) return false;
  selected_.reset();
  say_bye("NONEXISTENT", "The account has been removed", "account_removed");
  return true;
}

Task<Result<Reply>> Session::call(const Rule& rule, Command& command) {
  if (!(rule.states & static_cast<std::uint8_t>(state_))) {
    const bool selected = rule.states == static_cast<std::uint8_t>(State::selected);
    co_return bad(state_ == State::not_authenticated ? "Sign in first" : selected ? "No mailbox is selected" : "Already signed in");
  }
  if (is_nobody()) co_return no("The account has been removed", "UNAVAILABLE");
  if (!rule.capability.empty() && !offers(rule.capability)) co_return bad("This command is switched off here");
  if (rule.states == static_cast<std::uint8_t>(State::selected)) {
    const auto state = selected_->account->mailbox(selected_->id);
    if (state && !refresh_rights(*state)) co_return no("You may no longer read the mailbox", "NOPERM");
  }
  if (selected_ && (rule.flags & kWrites) && selected_->read_only) co_return refuse_read_only();
  if (rule.flags & kRefreshes) {
    auto told = co_await sync(Expunges::keep, WithUid(command.uid));
    if (!told) co_return std::unexpected(std::move(told).error());
    if (!selected_ || state_ == State::logout) co_return no("The mailbox is gone", "NONEXISTENT");
  }
  co_return co_await (this->*rule.handler)(command);
}

// [RFC5530 3] By EXAMINE the client has asked for it; otherwise it may not have more.
Reply Session::refuse_read_only() const {
  return no("The mailbox is open read-only", server::is_read_only(selected_->rights) ? "NOPERM" : "CLIENTBUG");
}

void Session::finish(std::string_view tag, const Reply& reply) {
  if (!reply.sent) Writer(output()).tagged(tag, reply.completion, reply.code, reply.text);
}

void Session::conclude(std::string_view tag, Reply reply) {
  // [RFC7162 3.2.7] [RFC6851 4.4] Only now is everything up to it told.
  if (reply.expunged && selected_ && offers("CONDSTORE")) {
    auto code = "HIGHESTMODSEQ " + std::to_string(selected_->mod_seq.value());
    if (reply.code.empty()) reply.code = std::move(code);
    else Writer(output()).untagged_status("OK", code, "Messages were removed");
  }
  finish(tag, reply);
  if (reply.completion == Completion::bad) count_bad();
  else if (reply.completion == Completion::ok) bad_in_a_row_ = 0;
}

void Session::log_failure(const Rule& rule, const Error& error) const {
  const bool ours = error.code == Errc::io || error.code == Errc::corrupt || error.code == Errc::no_space;
  log::write(ours ? log::Level::warning : log::Level::debug, "imap.command_failed",
             {{"session", context_.session_id}, {"command", rule.verb}, {"class", to_string(error.code)}, {"error", error}});
}

Task<Result<void>> Session::read_more(Deadline deadline) {
  auto done = co_await connection().read_more(deadline);
  if (!done) end(done.error());
  co_return done;
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

void Session::end(const Error& error) {
  lost_ = true;
  switch (error.code) {
    case Errc::timed_out: say_bye({}, "Autologout, nothing came for too long", "timed_out"); break;  // [RFC3501 5.4]
    case Errc::cancelled: say_bye("UNAVAILABLE", "The server is shutting down", "shutdown"); break;
    default: end_reason_ = "connection_lost";
  }
  state_ = State::logout;
}

namespace {

Task<bool> run_guarded(Session& session) {
  bool failed = false;
  try {
    co_await session.run();
  } catch (const std::exception& e) {
    log::error("imap.exception", {{"error", e.what()}});
    failed = true;
  }
  co_return failed;
}

}  // namespace

namespace {

// True: the client wants to go on with SMAP.
Task<bool> run_imap(server::SessionContext& context) {
  const GaugeHold open(sessions_open);
  server::session_log::connected(context, "imap");
  Session session(context);
  const bool failed = co_await run_guarded(session);
  if (failed) context.connection.close();
  if (!failed && session.wants_smap()) co_return true;
  server::session_log::closed(context, "imap", {.reason = failed ? "exception" : session.end_reason(),
                                                .user = session.user(),
                                                .commands = session.commands()});
  co_return false;
}

}  // namespace

Task<> run_imap_session(server::SessionContext context) {
  const bool smap = co_await run_imap(context);
  if (!smap) co_return;
  const auto run_smap_session = context.services.run_smap_session;
  co_await run_smap_session(std::move(context));
}

}  // namespace posthorn::imap
