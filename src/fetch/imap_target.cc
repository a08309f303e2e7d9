#include "fetch/imap_target.h"

#include <algorithm>

#include "async/reactor.h"
#include "client/line_ends.h"
#include "crypto/digest.h"
#include "fetch/imap_search.h"
#include "fetch/refusals.h"
#include "fetch/waiting_message.h"

namespace posthorn::fetch {
namespace {

struct Waiting {
  std::string key;
  WaitingMessage message;
  std::string digest;
  Facts facts;
};

imap::FlagList flags_of(const Facts& facts, const std::optional<client::SelectedMailbox>& mailbox) {
  using enum imap::SystemFlag;
  imap::FlagList out;
  for (const char letter : facts.flags) {
    if (letter == 'D') out.set(draft);
    if (letter == 'F') out.set(flagged);
    if (letter == 'R') out.set(answered);
    if (letter == 'S') out.set(seen);
  }
  for (const auto& one : facts.keywords)
    if (mailbox && (mailbox->any_keyword ||
                    std::ranges::find(mailbox->permanent.keywords, one) != mailbox->permanent.keywords.end()))
      out.keywords.push_back(one);
  return out;
}

// The server and its mailbox, which the batches use one after the other.
class Mailbox {
 public:
  explicit Mailbox(ImapTargetOptions options) : options_(std::move(options)) {}
  const ImapTargetOptions& options() const { return options_; }
  client::ImapConnection& server() { return *server_; }
  const std::optional<client::SelectedMailbox>& selected() const { return selected_; }
  Refusals& refusals() { return refusals_; }

  // Where it ends now.  A connection that was lost while nothing was said is made again.
  Task<Result<imap::StatusItems>> end(WorkerPool& pool) {
    const bool used = server_ != nullptr;
    if (!used || !server_->is_usable()) CO_TRY_OK(co_await connect(pool));
    auto items = co_await status();
    if (items || !used || server_->is_usable()) co_return items;
    CO_TRY_OK(co_await connect(pool));
    co_return co_await status();
  }

  // Only who selects a mailbox is told which keywords it keeps.
  Task<Result<void>> look_at_keywords() {
    if (selected_) co_return Result<void>{};
    CO_TRY(selected_, co_await server_->select(options_.mailbox));
    co_return co_await server_->unselect();
  }

  // When it has not grown for a while.
  Task<Result<void>> settle_down(WorkerPool& pool) {
    constexpr auto kLook = std::chrono::milliseconds(250);
    constexpr int kMostLooks = 240;
    std::optional<std::uint32_t> last;
    std::chrono::milliseconds still{};
    for (int i = 0; i < kMostLooks && still < options_.quiet; ++i) {
      CO_TRY(const auto items, co_await end(pool));
      still = last == items.uid_next ? still + kLook : std::chrono::milliseconds(0);
      last = items.uid_next;
      if (still < options_.quiet) co_await sleep_for(kLook);
    }
    co_return Result<void>{};
  }

  Task<> leave() {
    if (server_ && server_->is_usable()) co_await server_->logout();
    server_.reset();
    selected_.reset();
  }

 private:
  Task<Result<void>> connect(WorkerPool& pool) {
    server_.reset();
    selected_.reset();
    CO_TRY(server_, co_await options_.road->connect(pool));
    co_return Result<void>{};
  }

  Task<Result<imap::StatusItems>> status() {
    auto items = co_await server_->status(options_.mailbox);
    if (items || !server_->is_usable()) co_return items;
    // Not every server says why it refuses.
    CO_TRY_OK(co_await server_->create(options_.mailbox));
    co_return co_await server_->status(options_.mailbox);
  }

  ImapTargetOptions options_;
  std::unique_ptr<client::ImapConnection> server_;
  std::optional<client::SelectedMailbox> selected_;
  Refusals refusals_;
};

class ImapBatch final : public Batch {
 public:
  ImapBatch(Mailbox& mailbox, std::vector<Waiting> all) : mailbox_(mailbox), all_(std::move(all)) {}

  Task<Result<void>> commit(Journal& journal, WorkerPool& pool) override {
    CO_TRY(const auto before, co_await mailbox_.end(pool));
    if (std::ranges::any_of(all_, [](const Waiting& one) { return !one.facts.keywords.empty(); }))
      CO_TRY_OK(co_await mailbox_.look_at_keywords());
    const auto ready = co_await pool.run([&] { return prepare(journal, before); });
    CO_TRY_OK(ready);
    auto messages = to_append();
    std::vector<Result<client::AppendedMessage>> results;
    auto done = co_await mailbox_.server().append(mailbox_.options().mailbox, messages, results);
    // Which of them are there, the next run finds out: it has to do that anyway for the rest.
    if (!done) co_return done;
    co_return co_await judge(journal, pool, results);
  }

 private:
  Result<void> prepare(Journal& journal, const imap::StatusItems& before) {
    std::vector<Prepared> prepared;
    for (const auto& one : all_)
      prepared.push_back({.key = one.key,
                          .when = this_second(),
                          .boot = mailfile::boot_id(),
                          .where = text_of(ImapWhere{.uid_validity = before.uid_validity.value_or(0),
                                                     .uid_next = before.uid_next.value_or(0),
                                                     .size = one.message.size(),
                                                     .digest = one.digest})});
    const auto mark = journal.mark();
    auto done = journal.append_prepared(prepared);
    if (done) done = journal.sync();
    if (!done) (void)journal.undo(mark);
    return done;
  }

  std::vector<client::MessageToAppend> to_append() const {
    std::vector<client::MessageToAppend> out;
    for (const auto& one : all_) {
      client::MessageToAppend message;
      message.open = [&one] { return one.message.open(); };
      message.size = one.message.size();
      message.flags = flags_of(one.facts, mailbox_.selected());
      if (const auto& date = one.facts.internal_date)
        message.internal_date = text::DateTime{.time = std::chrono::floor<std::chrono::seconds>(*date)};
      out.push_back(std::move(message));
    }
    return out;
  }

  Task<Result<void>> judge(Journal& journal, WorkerPool& pool,
                           const std::vector<Result<client::AppendedMessage>>& results) {
    std::vector<std::string> refused;
    const Error* enough = nullptr;
    for (std::size_t i = 0; i < all_.size(); ++i) {
      const auto& key = all_[i].key;
      (results[i] ? stored : refused).push_back(key);
      if (results[i]) {
        mailbox_.refusals().taken();
        enough = nullptr;
        continue;
      }
      const auto& why = results[i].error();
      mailbox_.options().on_note("the server refuses a message: " + why.text);
      if (!journal.was_refused(key) && mailbox_.refusals().add(is_for_good(why))) enough = &why;
    }
    const auto when = this_second();
    auto done = co_await pool.run([&]() -> Result<void> {
      TRY_OK(journal.append_stored(stored, when));
      TRY_OK(journal.append_refused(refused, when));
      return journal.sync();
    });
    if (!done) stored.clear();
    journal.remember(stored, when);
    if (!done) co_return done;
    journal.remember_refused(refused);
    if (enough) co_return std::unexpected(*enough);
    co_return done;
  }

  static bool is_for_good(const Error& why) { return why.code != Errc::over_quota && why.code != Errc::busy; }

  Mailbox& mailbox_;
  std::vector<Waiting> all_;
};

class ImapTarget final : public Target {
 public:
  explicit ImapTarget(ImapTargetOptions options) : mailbox_(std::move(options)) {}

  Task<Result<void>> open(Journal& journal, WorkerPool& pool) override {
    journal_path_ = journal.path();
    if (journal.pending().empty()) co_return Result<void>{};
    std::vector<ImapWhere> sought;
    for (const auto& one : journal.pending()) {
      auto where = parse_imap_where(one.where);
      if (!where)
        co_return fail(Errc::corrupt,
                       journal.path() + " is of another place than " + mailbox_.options().mailbox);
      sought.push_back(*std::move(where));
    }
    CO_TRY_OK(co_await mailbox_.settle_down(pool));
    CO_TRY(const auto appeared,
           co_await find_appeared(mailbox_.server(), mailbox_.options().mailbox, std::move(sought)));
    CO_TRY_OK(co_await mailbox_.server().unselect());
    std::vector<std::string> there, nowhere;
    for (std::size_t i = 0; i < appeared.size(); ++i)
      (appeared[i] ? there : nowhere).push_back(journal.pending()[i].key);
    const auto when = this_second();
    const auto said = co_await pool.run([&]() -> Result<void> {
      TRY_OK(journal.append_forgotten(nowhere, when));
      TRY_OK(journal.append_stored(there, when));
      return journal.sync();
    });
    CO_TRY_OK(said);
    journal.remember(there, when);
    journal.pending_is_settled();
    co_return Result<void>{};
  }

  Result<void> begin(Facts) override {
    coming_ = {};
    TRY(coming_.message, WaitingMessage::begin(journal_path_));
    line_ends_ = {};
    digest_ = {};
    out_.clear();
    return {};
  }

  Result<void> put(std::string_view bytes) override {
    line_ends_.put(out_, bytes);
    return keep();
  }

  Result<void> end(std::string key, Facts facts) override {
    line_ends_.finish(out_);
    TRY_OK(keep());
    TRY_OK(coming_.message.finish());
    coming_.key = std::move(key);
    coming_.facts = std::move(facts);
    coming_.digest = half_digest(crypto::view(digest_.finish()));
    bytes_ += coming_.message.size();
    waiting_.push_back(std::exchange(coming_, {}));
    return {};
  }

  void drop() override {
    coming_ = {};
    out_.clear();
  }

  std::size_t waiting() const override { return waiting_.size(); }
  std::uint64_t waiting_bytes() const override { return bytes_; }
  std::unique_ptr<Batch> take() override {
    bytes_ = 0;
    return std::make_unique<ImapBatch>(mailbox_, std::exchange(waiting_, {}));
  }

  Task<Result<void>> finish(Journal&, WorkerPool&) override { co_return Result<void>{}; }
  Task<> close() override { co_await mailbox_.leave(); }

 private:
  Result<void> keep() {
    digest_.update(out_);
    auto kept = coming_.message.put(out_);
    out_.clear();
    return kept;
  }

  Mailbox mailbox_;
  std::string journal_path_, out_;
  Waiting coming_;
  client::LineEnds line_ends_;
  crypto::Sha256 digest_;
  std::vector<Waiting> waiting_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

std::unique_ptr<Target> make_imap_target(ImapTargetOptions options) {
  return std::make_unique<ImapTarget>(std::move(options));
}

}  // namespace posthorn::fetch
