// MAIL, RCPT, DATA or BDAT, and what became of each recipient. [RFC5321 3.3] [RFC2920] [RFC2033]
#include <algorithm>
#include <deque>
#include <set>

#include "client/smtp_state.h"
#include "proto/smtp/command_writer.h"
#include "text/ascii.h"

namespace posthorn::client {
namespace {

// Of commands that wait for their replies.  Larger groups could fill the buffers of both sides, which then wait for each other
// [RFC2920 3.1].
constexpr std::size_t kGroup = 8 * 1024;

// [RFC5321 4.5.3.1.10] 452, and 552 of old servers, unless the enhanced code says that it is about something else.
bool says_too_many(const smtp::Reply& reply) {
  if (reply.code != 452 && reply.code != 552) return false;
  return reply.enhanced.klass == 0 || (reply.enhanced.subject == 5 && reply.enhanced.detail == 3);
}

class Transaction {
 public:
  Transaction(SmtpState& s, MessageToSend message) : s_(s), channel_(*s.channel), message_(std::move(message)) {
    result_.recipients.resize(message_.recipients.size());
  }
  Task<TransactionResult> run();

 private:
  struct Step {
    Stage stage;  // mail, rcpt, data
    std::size_t recipient = 0;
    std::string line = {};
  };

  std::optional<Failure> unmet_need() const;
  void leave_out_what_is_not_offered();
  bool write_commands();
  void choose_recipients();
  bool uses_chunks() const;

  Task<Outcome<>> reset_if_needed();
  Task<Outcome<>> say_envelope();
  Task<Outcome<>> read_replies(std::deque<const Step*>& open);
  bool is_worth_saying(const Step&) const;
  Outcome<> take_reply(const Step&, smtp::Reply);
  void judge_envelope();
  Task<Outcome<>> end_empty_data();
  Task<Outcome<>> send_content();
  Task<Outcome<>> read_final_replies();

  RecipientResult& result(std::size_t i) { return result_.recipients[i]; }
  void set(std::size_t i, RecipientState state, Stage stage, smtp::Reply reply) {
    result(i) = {.state = state, .stage = stage, .reply = std::move(reply)};
  }
  void refuse_taken(Stage, const smtp::Reply&);

  SmtpState& s_;
  SmtpChannel& channel_;
  MessageToSend message_;
  TransactionResult result_;
  std::vector<std::size_t> chosen_;  // recipients of this transaction
  std::vector<Step> steps_;
  std::optional<smtp::Reply> mail_refused_, data_refused_;
  bool mail_taken_ = false, data_open_ = false;
  std::vector<std::size_t> taken_;  // RCPT was answered by 2yz
};

// What the message needs and the server does not have: better said now than by the server behind the message.
std::optional<Failure> Transaction::unmet_need() const {
  const auto& e = s_.extensions;
  const auto& mail = message_.mail;
  auto unmet = [&](Cause cause, std::string what) { return channel_.failure(Stage::mail, cause, std::move(what)); };
  if (mail.size && e.size_limit && *mail.size > *e.size_limit)
    return unmet(Cause::too_large, "the message of " + std::to_string(*mail.size) + " bytes is larger than the server takes, " +
                                       std::to_string(*e.size_limit));
  if (mail.body == smtp::Body::eight_bit_mime && !e.eight_bit_mime) return unmet(Cause::no_8bitmime, "the server does not offer 8BITMIME");
  if (mail.body == smtp::Body::binary_mime && !(e.binary_mime && e.chunking))
    return unmet(Cause::no_binarymime, "the server does not offer BINARYMIME");
  if (mail.smtp_utf8 && !e.smtp_utf8) return unmet(Cause::no_smtputf8, "the server does not offer SMTPUTF8");
  // [RFC8689 4.2.1] It must be offered on a channel whose other end is known.
  if (mail.require_tls && !(e.require_tls && s_.tls.is_on() && s_.tls.verdict.verified))
    return unmet(Cause::no_requiretls,
                 e.require_tls ? "the message requires TLS with a verified server" : "the server does not offer REQUIRETLS");
  if (mail.deliver_by && mail.deliver_by->return_if_late && !e.deliver_by)
    return unmet(Cause::no_deliverby, "the server does not offer DELIVERBY");
  if ((mail.hold_for_seconds || mail.hold_until) && !e.future_release)
    return unmet(Cause::no_futurerelease, "the server does not offer FUTURERELEASE");
  return {};
}

void Transaction::leave_out_what_is_not_offered() {
  const auto& e = s_.extensions;
  auto& mail = message_.mail;
  if (!e.size) mail.size.reset();
  if (!e.deliver_by) mail.deliver_by.reset();
  if (!e.mt_priority) mail.priority.reset();
  if (e.auth.empty()) mail.auth.reset();
  result_.dsn_passed_on = e.dsn;
  result_.deliver_by_passed_on = e.deliver_by;
  if (e.dsn) return;
  mail.ret.reset();
  mail.envelope_id.reset();
  for (auto& rcpt : message_.recipients) {
    rcpt.notify.reset();
    rcpt.original_recipient.reset();
  }
}

bool Transaction::uses_chunks() const {
  if (!s_.extensions.chunking) return false;
  return message_.mail.body == smtp::Body::binary_mime || s_.options.chunking == Chunking::when_offered;
}

// false: MAIL cannot be said.
bool Transaction::write_commands() {
  Step mail{.stage = Stage::mail};
  if (auto put = smtp::put_command(mail.line, message_.mail); !put) {
    result_.failure = channel_.failure(Stage::mail, Cause::bad_command, put.error().text);
    return false;
  }
  steps_.push_back(std::move(mail));
  for (const std::size_t i : chosen_) {
    Step rcpt{.stage = Stage::rcpt, .recipient = i};
    auto put = smtp::put_command(rcpt.line, message_.recipients[i]);
    if (put && smtp::needs_smtp_utf8(message_.recipients[i].forward_path) && !message_.mail.smtp_utf8)
      put = fail(Errc::invalid, "an address in UTF-8 without SMTPUTF8");
    if (put) {
      steps_.push_back(std::move(rcpt));
      continue;
    }
    // [RFC3463 3.2] 5.1.3: bad destination mailbox address syntax
    set(i, RecipientState::refused, Stage::rcpt, smtp::Reply(553, {5, 1, 3}, put.error().text));
    result(i).by_us = true;
  }
  const bool anyone = steps_.size() > 1;
  if (!uses_chunks()) steps_.push_back({.stage = Stage::data, .line = "DATA\r\n"});
  return anyone;
}

// [RFC9422 4.1] As many as the server takes at once, of as many domains.
void Transaction::choose_recipients() {
  const auto& e = s_.extensions;
  std::set<std::string> domains;
  for (std::size_t i = 0; i < message_.recipients.size(); ++i) {
    const auto domain = text::to_lower(message_.recipients[i].forward_path.domain);
    const bool too_many_domains = e.rcpt_domain_max && !domains.contains(domain) && domains.size() >= *e.rcpt_domain_max;
    if ((e.rcpt_max && chosen_.size() >= *e.rcpt_max) || too_many_domains) {
      set(i, RecipientState::postponed, Stage::rcpt, no_reply());
      continue;
    }
    domains.insert(domain);
    chosen_.push_back(i);
  }
}

Task<Outcome<>> Transaction::reset_if_needed() {
  if (!s_.needs_reset) co_return Outcome<>{};
  CO_TRY(auto reply, co_await channel_.ask(Stage::reset, "RSET\r\n", s_.options.timeouts.reset));
  if (!is_success(reply)) {
    channel_.close();
    co_return std::unexpected(channel_.refusal(Stage::reset, std::move(reply)));
  }
  s_.needs_reset = false;
  co_return Outcome<>{};
}

// One by one, or in groups [RFC2920].
Task<Outcome<>> Transaction::say_envelope() {
  std::deque<const Step*> open;
  std::size_t in_group = 0;
  for (const Step& step : steps_) {
    if (open.empty()) {
      if (!is_worth_saying(step)) break;
      CO_TRY_OK(channel_.check_silence(step.stage));
    }
    channel_.put(step.line);
    open.push_back(&step);
    in_group += step.line.size();
    if (s_.may_pipeline() && in_group < kGroup && &step != &steps_.back()) continue;
    in_group = 0;
    CO_TRY_OK(co_await read_replies(open));
  }
  co_return Outcome<>{};
}

// What was answered so far makes it pointless to go on.
bool Transaction::is_worth_saying(const Step& step) const {
  if (mail_refused_) return false;
  return step.stage != Stage::data || !taken_.empty();
}

Task<Outcome<>> Transaction::read_replies(std::deque<const Step*>& open) {
  const auto& t = s_.options.timeouts;
  CO_TRY_OK(co_await channel_.flush(open.front()->stage, t.command));
  for (; !open.empty(); open.pop_front()) {
    const Step& step = *open.front();
    CO_TRY(auto reply, co_await channel_.read_reply(step.stage, step.stage == Stage::data ? t.data : t.command));
    if (auto taken = take_reply(step, std::move(reply)); !taken) co_return taken;
  }
  co_return Outcome<>{};
}

Outcome<> Transaction::take_reply(const Step& step, smtp::Reply reply) {
  // The connection ends: what follows gets no replies.
  if (reply.code == 421) return std::unexpected(channel_.refusal(step.stage, std::move(reply)));
  const bool good = step.stage == Stage::data ? reply.code == 354 : is_success(reply);
  if (!good && !is_refusal(reply)) {
    channel_.close();
    return std::unexpected(channel_.failure(step.stage, Cause::bad_reply, "an answer that makes no sense: " + one_line(reply)));
  }
  switch (step.stage) {
    case Stage::mail:
      mail_taken_ = good;
      if (good) s_.needs_reset = true;
      else mail_refused_ = std::move(reply);
      break;
    case Stage::rcpt:
      if (good) taken_.push_back(step.recipient);
      else if (!mail_refused_) set(step.recipient, RecipientState::refused, Stage::rcpt, std::move(reply));
      break;
    default:
      data_open_ = good;
      if (!good) data_refused_ = std::move(reply);
  }
  return {};
}

void Transaction::refuse_taken(Stage stage, const smtp::Reply& reply) {
  for (const std::size_t i : taken_) set(i, RecipientState::refused, stage, reply);
  taken_.clear();
}

void Transaction::judge_envelope() {
  if (mail_refused_) {
    taken_.clear();
    for (std::size_t i = 0; i < result_.recipients.size(); ++i)  // those for whom there was no room, too
      if (!result(i).by_us) set(i, RecipientState::refused, Stage::mail, *mail_refused_);
    return;
  }
  if (taken_.empty()) return;
  for (const std::size_t i : chosen_)
    if (result(i).state == RecipientState::refused && !result(i).by_us && says_too_many(result(i).reply))
      result(i).state = RecipientState::postponed;
  if (data_refused_) refuse_taken(Stage::data, *data_refused_);
}

// [RFC2920 3.1] The server waits for a message that nobody is to get.
Task<Outcome<>> Transaction::end_empty_data() {
  if (!mail_taken_) {
    // It has refused the sender, and goes on all the same: nobody knows whose message it would be.
    channel_.close();
    co_return std::unexpected(channel_.failure(Stage::data, Cause::bad_reply, "the server wants a message though it refused MAIL"));
  }
  channel_.put(".\r\n");
  CO_TRY_OK(co_await channel_.flush(Stage::data, s_.options.timeouts.command));
  CO_TRY_OK(co_await channel_.read_reply(Stage::data, s_.options.timeouts.command));
  co_return Outcome<>{};
}

Task<Outcome<>> Transaction::send_content() {
  const std::size_t replies = s_.is_lmtp() ? taken_.size() : 1;
  Outcome<std::optional<smtp::Reply>> sent;
  if (uses_chunks()) sent = co_await send_chunked(s_, *message_.source, message_.mail.body, replies);
  else sent = co_await send_dotted(s_, *message_.source, replies);
  if (!sent) {
    const auto& why = sent.error();
    // What was said of the message is an answer for each recipient.
    if (why.stage == Stage::body && why.cause == Cause::refused) refuse_taken(Stage::body, *why.reply);
    co_return std::unexpected(std::move(sent).error());
  }
  if (*sent) {
    refuse_taken(Stage::body, **sent);
    co_return Outcome<>{};
  }
  // However long it took until here: without this answer nobody knows whether the message was taken.
  channel_.extend_deadline(s_.options.timeouts.final_dot);
  channel_.set_deciding(true);
  auto read = co_await read_final_replies();
  channel_.set_deciding(false);
  co_return read;
}

// [RFC2033 4.2] With LMTP one for each recipient, in their order.
Task<Outcome<>> Transaction::read_final_replies() {
  for (const std::size_t i : taken_) set(i, RecipientState::unknown, Stage::final_dot, no_reply());
  const std::size_t each = s_.is_lmtp() ? 1 : taken_.size();
  std::optional<Failure> closing;
  for (std::size_t from = 0; from < taken_.size(); from += each) {
    CO_TRY(auto reply, co_await channel_.read_reply(Stage::final_dot, s_.options.timeouts.final_dot));
    if (!is_success(reply) && !is_refusal(reply)) {
      channel_.close();
      co_return std::unexpected(
          channel_.failure(Stage::final_dot, Cause::bad_reply, "an answer that makes no sense: " + one_line(reply)));
    }
    if (reply.code == 421) closing = channel_.refusal(Stage::final_dot, reply);
    const auto state = is_success(reply) ? RecipientState::accepted : RecipientState::refused;
    for (std::size_t k = from; k < from + each; ++k) set(taken_[k], state, Stage::final_dot, reply);
  }
  s_.needs_reset = false;
  if (closing) co_return std::unexpected(*std::move(closing));
  co_return Outcome<>{};
}

Task<TransactionResult> Transaction::run() {
  channel_.set_deadline(after(s_.options.timeouts.transaction));
  result_.failure = unmet_need();
  if (result_.failure) co_return std::move(result_);
  leave_out_what_is_not_offered();
  choose_recipients();
  if (!write_commands()) co_return std::move(result_);

  auto done = co_await reset_if_needed();
  if (done) {
    ++s_.transactions;
    done = co_await say_envelope();
  }
  if (done) {
    judge_envelope();
    if (taken_.empty()) {
      if (data_open_) done = co_await end_empty_data();
    } else {
      done = co_await send_content();
    }
  }
  if (!done) {
    if (mail_refused_) judge_envelope();  // it counts, although the connection broke behind it
    result_.failure = std::move(done).error();
    channel_.note(result_.failure->text);
    channel_.close();
  }
  co_return std::move(result_);
}

}  // namespace

Task<TransactionResult> run_transaction(SmtpState& s, MessageToSend message) {
  Transaction transaction(s, std::move(message));
  co_return co_await transaction.run();
}

}  // namespace posthorn::client
