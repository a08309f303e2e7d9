#include "fetch/smtp_target.h"

#include <algorithm>

#include "client/smtp_channel.h"
#include "fetch/refusals.h"
#include "fetch/waiting_message.h"

namespace posthorn::fetch {
namespace {

using client::RecipientState;

Errc code_of(const client::Failure& why) {
  switch (why.cause) {
    case client::Cause::timed_out:
      return Errc::timed_out;
    case client::Cause::cancelled:
      return Errc::cancelled;
    case client::Cause::tls_failed:
    case client::Cause::tls_injection:
    case client::Cause::server_unproven:
      return Errc::denied;
    case client::Cause::refused:
      return why.is_permanent() ? Errc::denied : Errc::busy;
    case client::Cause::bad_reply:
      return Errc::syntax;
    case client::Cause::closed:
    case client::Cause::unreachable:
      return Errc::closed;
    default:
      return why.is_permanent() ? Errc::unsupported : Errc::busy;
  }
}

std::unexpected<Error> failed(const client::Failure& why) { return fail(code_of(why), why.text); }

struct Waiting {
  std::string key;
  WaitingMessage message;
  bool eight_bit = false;
};

// What became of a message.
enum class Fate : std::uint8_t {
  taken,
  refused,    // by the server, which said something about this message
  not_taken,  // certainly; nothing was said about the message
  unknown,    // the server has it whole, and hung up or fell silent
};
struct Outcome {
  Fate fate = Fate::not_taken;
  bool for_good = false;  // refused
  Error why;
};

// The connection, which the batches use one after the other.
class Sender {
 public:
  explicit Sender(SmtpTargetOptions options) : options_(std::move(options)) {}
  const SmtpTargetOptions& options() const { return options_; }

  Task<Outcome> send(const Waiting& message, WorkerPool& pool) {
    const bool used = connection_ && connection_->is_usable();
    auto out = co_await try_to_send(message, pool);
    // Servers hang up where little was said for long or much in one connection: once more, in a new one.
    if (used && out.fate == Fate::not_taken && !connection_->is_usable())
      out = co_await try_to_send(message, pool);
    co_return out;
  }

  void taken() { refusals_.taken(); }
  // What was sent before may arrive twice wherever that goes on.
  bool falls_silent() const { return silences_ >= kMostSilences; }
  // REQUIRES: `outcome` is refused or unknown.  The error says that it is enough.
  Result<void> refused(const Outcome& outcome, bool was_before) {
    const bool is_silence = outcome.fate == Fate::unknown;
    silences_ += is_silence;
    if (is_silence)
      options_.on_note(outcome.why.text);
    else
      options_.on_note("the server refuses a message" + std::string(outcome.for_good ? "" : " for now") + ": " + outcome.why.text);
    if (was_before || !refusals_.add(outcome.for_good)) return {};
    return fail(Errc::busy, "the server takes none of the messages: " + outcome.why.text);
  }

  Task<> quit() {
    if (connection_) co_await connection_->quit();
    connection_.reset();
  }

 private:
  Task<Outcome> try_to_send(const Waiting& message, WorkerPool& pool) {
    if (!connection_ || !connection_->is_usable())
      if (auto connected = co_await connect(pool); !connected)
        co_return Outcome{.why = std::move(connected).error()};
    const auto source = message.message.open();
    client::MessageToSend out{.mail = {}, .recipients = {}, .source = source.get()};
    out.mail.reverse_path = options_.from;
    out.mail.size = message.message.size();
    out.mail.body = message.eight_bit ? smtp::Body::eight_bit_mime : smtp::Body::seven_bit;
    out.recipients.push_back({.forward_path = options_.to, .notify = {}, .original_recipient = {}});
    const auto result = co_await connection_->send(std::move(out));
    co_return outcome_of(result);
  }

  static Outcome outcome_of(const client::TransactionResult& result) {
    const auto& one = result.recipients.front();
    const auto& failure = result.failure;
    if (one.state == RecipientState::accepted) return {.fate = Fate::taken};
    if (one.state == RecipientState::unknown)
      return {
          .fate = Fate::unknown,
          .why = {Errc::closed, "the server has got a message whole and said nothing: it may arrive twice" +
                                    (failure ? ": " + failure->text : "")}};
    if (one.state == RecipientState::refused && one.reply.code != 421)
      return {.fate = Fate::refused,
              .for_good = one.reply.code / 100 == 5,
              .why = {Errc::busy, client::one_line(one.reply)}};
    if (!failure) return {.why = {Errc::busy, "the server does not take the message now"}};
    if (failure->is_permanent() && one.state == RecipientState::not_tried)  // it cannot have this one
      return {.fate = Fate::refused, .for_good = true, .why = {Errc::unsupported, failure->text}};
    return {.why = failed(*failure).error()};
  }

  Task<Result<void>> connect(WorkerPool& pool) {
    connection_.reset();
    CO_TRY(auto open, co_await client::open_submission(options_.server, options_.smtp, *options_.tls, pool));
    if (!open.connection) co_return failed(open.tried.back().failure);
    connection_ = std::move(open.connection);
    co_return Result<void>{};
  }

  SmtpTargetOptions options_;
  std::unique_ptr<client::SmtpConnection> connection_;
  Refusals refusals_;
  static constexpr int kMostSilences = 2;
  int silences_ = 0;
};

class SmtpBatch final : public Batch {
 public:
  SmtpBatch(Sender& sender, std::vector<Waiting> all) : sender_(sender), all_(std::move(all)) {}

  Task<Result<void>> commit(Journal& journal, WorkerPool& pool) override {
    auto done = co_await send_all(journal, pool);
    if (stored.empty()) co_return done;
    auto synced = co_await pool.run([&] { return journal.sync(); });
    co_return done ? std::move(synced) : std::move(done);
  }

 private:
  // New ones, and behind them those that were refused, which have waited longest first.
  std::vector<const Waiting*> in_turn(const Journal& journal) const {
    std::vector<const Waiting*> out;
    for (const auto& one : all_) out.push_back(&one);
    std::ranges::sort(out, {}, [&](const Waiting* one) { return std::pair(journal.last_refusal(one->key), one); });
    return out;
  }

  Task<Result<void>> send_all(Journal& journal, WorkerPool& pool) {
    for (const auto* next : in_turn(journal)) {
      const auto& one = *next;
      if (sender_.falls_silent() && journal.was_refused(one.key)) continue;
      const Prepared prepared{
          .key = one.key, .when = this_second(), .boot = mailfile::boot_id(), .where = "server"};
      const auto mark = journal.mark();
      CO_TRY_OK(journal.append_prepared({&prepared, 1}));
      const auto outcome = co_await sender_.send(one, pool);
      const bool is_taken = outcome.fate == Fate::taken;
      if (!is_taken && outcome.fate != Fate::unknown) CO_TRY_OK(journal.undo(mark));
      if (outcome.fate == Fate::not_taken) co_return std::unexpected(outcome.why);
      CO_TRY_OK(is_taken ? note_taken(journal, one.key, mark) : note_refused(journal, one.key, outcome));
    }
    co_return Result<void>{};
  }

  Result<void> note_taken(Journal& journal, const std::string& key, std::uint64_t mark) {
    stored.push_back(key);
    sender_.taken();
    const auto when = this_second();
    auto written = journal.append_stored({&key, 1}, when);
    // A full disk: the shorter line has room where the other one was.
    if (!written && journal.undo(mark)) written = journal.append_stored({&key, 1}, when);
    TRY_OK(std::move(written));
    journal.remember({&key, 1}, when);
    return {};
  }

  Result<void> note_refused(Journal& journal, const std::string& key, const Outcome& outcome) {
    const bool was_before = journal.was_refused(key);
    TRY_OK(journal.append_refused({&key, 1}, this_second()));
    journal.remember_refused({&key, 1});
    return sender_.refused(outcome, was_before);
  }

  Sender& sender_;
  std::vector<Waiting> all_;
};

class SmtpTarget final : public Target {
 public:
  explicit SmtpTarget(SmtpTargetOptions options) : sender_(std::move(options)) {}

  Task<Result<void>> open(Journal& journal, WorkerPool& pool) override {
    journal_path_ = journal.path();
    if (journal.pending().empty()) co_return Result<void>{};
    std::vector<std::string> keys;
    for (const auto& one : journal.pending()) keys.push_back(one.key);
    sender_.options().on_note("an earlier run has not heard what became of " + std::to_string(keys.size()) +
                              " messages: they may arrive twice");
    CO_TRY_OK(co_await pool.run([&] { return journal.append_refused(keys, this_second()); }));
    journal.remember_refused(keys);
    journal.pending_is_settled();
    co_return Result<void>{};
  }

  Result<void> begin(Facts) override {
    waiting_one_ = {};
    TRY(waiting_one_.message, WaitingMessage::begin(journal_path_));
    return {};
  }

  Result<void> put(std::string_view bytes) override {
    waiting_one_.eight_bit |= std::ranges::any_of(bytes, [](char c) { return (c & 0x80) != 0; });
    return waiting_one_.message.put(bytes);
  }

  Result<void> end(std::string key, Facts) override {
    TRY_OK(waiting_one_.message.finish());
    waiting_one_.key = std::move(key);
    bytes_ += waiting_one_.message.size();
    waiting_.push_back(std::exchange(waiting_one_, {}));
    return {};
  }

  void drop() override { waiting_one_ = {}; }
  std::size_t waiting() const override { return waiting_.size(); }
  std::uint64_t waiting_bytes() const override { return bytes_; }
  std::unique_ptr<Batch> take() override {
    bytes_ = 0;
    return std::make_unique<SmtpBatch>(sender_, std::exchange(waiting_, {}));
  }

  Task<Result<void>> finish(Journal& journal, WorkerPool& pool) override {
    co_return co_await pool.run([&] { return journal.sync(); });
  }
  Task<> close() override { co_await sender_.quit(); }

 private:
  Sender sender_;
  std::string journal_path_;
  Waiting waiting_one_;
  std::vector<Waiting> waiting_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

std::unique_ptr<Target> make_smtp_target(SmtpTargetOptions options) {
  return std::make_unique<SmtpTarget>(std::move(options));
}

}  // namespace posthorn::fetch
