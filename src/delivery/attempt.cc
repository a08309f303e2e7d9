#include "delivery/attempt.h"

#include <algorithm>
#include <utility>

#include "delivery/settings.h"
#include "delivery/tls_outcome.h"
#include "proto/smtp/address.h"

namespace posthorn::delivery {
namespace {

using client::Cause;
using client::RecipientState;
using client::Stage;
using queue::State;

constexpr std::uint32_t kMaxReceived = 100;  // Received fields: this message goes round in circles, whoever accepted it [RFC5321 6.3]

std::string text_of(const smtp::Reply& reply) {
  std::string out;
  for (const auto& line : reply.lines) out += (out.empty() ? "" : " ") + line;
  return out;
}

// "550 5.1.1 no such user", of several lines too.
std::string line_of(const smtp::Reply& reply) {
  auto line = smtp::to_string({reply.code, reply.enhanced, text_of(reply)});
  while (line.ends_with('\r') || line.ends_with('\n')) line.pop_back();
  return line;
}

// The class of a reply counts, not what its enhanced code says.
smtp::EnhancedCode code_of(const smtp::Reply& reply) {
  const auto klass = static_cast<std::uint16_t>(reply.code / 100);
  if (reply.enhanced.klass == klass) return reply.enhanced;
  return {klass, 0, 0};
}

// 45x and 421 of a whole server or message: there is too much at once.
bool asks_to_slow_down(const smtp::Reply& reply) { return reply.code == 421 || reply.code / 10 == 45; }

// [RFC2852 4.1.4] The sender hears of this hop, whatever the next host reports: he has asked for it, or it does not know how long the message may take.
bool is_traced(const queue::Entry& entry, bool host_knows) {
  const auto& by = entry.options.deliver_by;
  return by && (by->trace || (!by->return_if_late && !host_knows));
}

bool is_tls_failure(const client::Failure& f) {
  return f.cause == Cause::tls_failed || (f.stage == Stage::tls && (f.cause == Cause::closed || f.cause == Cause::timed_out));
}

// What a failure before the message says of this host, for the report that follows when no other does better.
smtp::EnhancedCode code_of(const client::Failure& f) {
  if (f.reply) return code_of(*f.reply);
  switch (f.cause) {
    case Cause::tls_not_offered:
    case Cause::tls_injection:
    case Cause::tls_failed: return {4, 7, 5};
    case Cause::no_mechanism:
    case Cause::server_unproven: return {4, 7, 0};
    case Cause::unreachable:
    case Cause::timed_out: return {4, 4, 1};
    default: return {4, 4, 2};
  }
}

// A 5yz that is about us and not about the message.  The greeting may be that of a machine that is out of order; a password is ours to mend.
bool is_final(const client::Failure& f) {
  if (f.cause != Cause::refused || !f.reply || f.reply->code < 500) return false;
  if (f.stage == Stage::greeting) return f.reply->code == 521 || f.reply->code == 556;  // [RFC7504]
  return f.stage == Stage::hello;
}

std::optional<smtp::Mailbox> mailbox_of(const std::string& path) {
  auto mailbox = smtp::parse_mailbox(path);
  if (!mailbox) return {};
  return *std::move(mailbox);
}

}  // namespace

// Recipients of one transaction.
struct Attempt::Batch {
  std::string reverse_path;
  bool may_sign = false;
  std::vector<std::size_t> recipients;
};

Attempt::Attempt(const AttemptContext& context, Connections& connections, const queue::Work& work, const Way& way, Dialogue& dialogue)
    : context_(context),
      connections_(connections),
      work_(work),
      way_(way),
      dialogue_(dialogue),
      outgoing_(*context.blobs, work.blob(), work.entry()),
      targets_(context.targets, way),
      verdicts_(work.recipients().size()) {
  for (std::size_t i = 0; i < work.recipients().size(); ++i)
    if (work.recipients()[i].state == State::waiting) pending_.push_back(i);
}

std::string Attempt::server() const {
  if (!connection_) return {};
  const auto peer = connection_->smtp->peer();
  const auto& host = connection_->target.host;
  return peer.ip.empty() || host == peer.ip ? host : host + '[' + peer.ip + ']';
}

void Attempt::decide(std::size_t i, State state, smtp::EnhancedCode code, std::string text) {
  std::erase(pending_, i);
  dialogue_.note("<" + work_.recipients()[i].forward_path + ">: " + std::string(to_string(state)) + ": " + text);
  verdicts_[i] = {.state = state, .answer = {.code = 0, .enhanced = code, .text = std::move(text), .server = server(), .at = now()}};
}

void Attempt::decide(std::size_t i, State state, const smtp::Reply& reply, bool by_us) {
  std::erase(pending_, i);
  auto text = text_of(reply);
  dialogue_.note("<" + work_.recipients()[i].forward_path + ">: " + std::string(to_string(state)) + ": " + line_of(reply));
  verdicts_[i] = {.state = state,
                  .answer = {.code = by_us ? 0 : reply.code, .enhanced = code_of(reply), .text = std::move(text), .server = by_us ? std::string() : server(), .at = now()}};
}

void Attempt::decide_all(State state, smtp::EnhancedCode code, const std::string& text) {
  for (const auto i : std::vector(pending_)) decide(i, state, code, text);
}

void Attempt::drop_connection() {
  if (!connection_) return;
  if (connection_->listener) *connection_->listener = nullptr;
  connection_.reset();
}

Task<> Attempt::run(std::optional<OpenConnection> open) {
  if (work_.entry().received > kMaxReceived) {
    decide_all(State::failed, {5, 4, 6}, "the message goes round in circles: it has passed " + std::to_string(work_.entry().received) + " servers");
    co_return;
  }
  if (open) {
    connection_ = std::move(open);
    *connection_->listener = &dialogue_;
    last_host_ = server();
    dialogue_.note("on the open connection to " + connection_->target.text());
  }
  while (!pending_.empty() && !cancelled_) {
    if (!connection_) {
      const bool connected = co_await connect();
      if (!connected) break;
    }
    if (connections_.is_ending()) {
      cancelled_ = true;
      break;
    }
    const auto before = pending_.size();
    connections_.enter(*connection_->smtp, Connections::Phase::sending);
    co_await transact();
    if (!connection_) continue;
    connections_.leave(*connection_->smtp);
    if (!connection_->smtp->is_usable()) drop_connection();
    else if (pending_.size() == before) decide_all(State::waiting, {4, 5, 0}, "the host answered about nobody");
  }
  if (connection_) *connection_->listener = nullptr;
  if (!pending_.empty() && !cancelled_) conclude();
}

// No host did it.
void Attempt::conclude() {
  const auto& trouble = targets_.trouble();
  if (host_verdict_ && !(trouble && !trouble->permanent && host_verdict_->state == State::failed)) {
    if (!reached_ && pressure_ == Pressure::none && host_verdict_->state == State::waiting) pressure_ = Pressure::unreachable;
    for (const auto i : std::exchange(pending_, {})) {
      dialogue_.note("<" + work_.recipients()[i].forward_path + ">: " + std::string(to_string(host_verdict_->state)) + ": " + host_verdict_->answer.text);
      verdicts_[i] = *host_verdict_;
    }
    return;
  }
  if (!reached_ && !(trouble && trouble->permanent)) pressure_ = Pressure::unreachable;
  if (trouble) decide_all(trouble->permanent ? State::failed : State::waiting, trouble->code, trouble->text);
  else decide_all(State::waiting, {4, 4, 1}, "no host could be tried");
}

Task<bool> Attempt::connect() {
  for (;;) {
    auto target = co_await targets_.next();
    for (const auto& note : targets_.take_notes()) dialogue_.note(note);
    if (!target || connections_.is_ending()) {
      cancelled_ |= connections_.is_ending();
      co_return false;
    }
    auto clear = *target;
    const bool may_fall_back = target->tls.may_fall_back;
    const bool opened = co_await open(*std::move(target));
    if (opened) co_return true;
    if (cancelled_) co_return false;
    if (!may_fall_back || !tls_failed_) continue;
    // [RFC7435 3] Where TLS was a bonus the message goes without it.
    dialogue_.note("once more, in clear text");
    clear.tls.mode = client::TlsMode::none;
    clear.tls.reason = "clear text, because TLS failed and nothing demands it";
    const bool opened_clear = co_await open(std::move(clear));
    if (opened_clear) co_return true;
    if (cancelled_) co_return false;
  }
}

client::SmtpOptions Attempt::options_for(const Target& target, const std::shared_ptr<Dialogue*>& listener) const {
  client::SmtpOptions options;
  const config::Relay* relay = way_.kind == Way::Kind::relay ? way_.relay.get() : nullptr;
  if (relay && relay->protocol == config::RelayProtocol::lmtp) options.protocol = client::Protocol::lmtp;
  options.hello = context_.hello;
  options.tls = target.tls.mode;
  options.tls_policy = target.tls.policy;
  options.tls_context = context_.tls();
  options.host = target.host;
  const client::SmtpTimeouts::Patience reply = kReplyTimeout.get();
  options.timeouts.connect = kConnectTimeout.get();
  options.timeouts.greeting = options.timeouts.command = reply;
  options.timeouts.tls = std::min(options.timeouts.tls, reply);
  options.timeouts.data = std::min(options.timeouts.data, reply);
  options.timeouts.block = std::min(options.timeouts.block, reply);
  options.timeouts.final_dot = kFinalTimeout.get();
  options.transcript = [listener](const client::TranscriptLine& line) {
    if (*listener) (*listener)->add(line);
  };
  return options;
}

Task<bool> Attempt::open(Target target) {
  tls_failed_ = false;
  auto listener = std::make_shared<Dialogue*>(&dialogue_);
  auto options = options_for(target, listener);
  dialogue_.note("to " + target.text() + "; TLS: " + target.tls.reason);
  if (way_.kind == Way::Kind::relay && !way_.relay->username.empty()) {
    auto password = config::read_password(way_.relay->password_file);
    if (!password) {
      *listener = nullptr;
      host_verdict_ = Verdict{.state = State::waiting, .answer = {.code = 0, .enhanced = {4, 3, 5}, .text = "password file: " + password.error().text, .server = {}, .at = now()}};
      dialogue_.note(host_verdict_->answer.text);
      co_return false;
    }
    options.credentials = client::Credentials{.user = way_.relay->username, .authorize_as = {}, .password = *std::move(password), .token = {},
                                              .external = false, .allow_plaintext = way_.relay->allow_plaintext_auth};
  }
  auto smtp = std::make_unique<client::SmtpConnection>(std::move(options));
  connections_.enter(*smtp, Connections::Phase::opening);
  auto address = target.address;
  auto source = target.source;
  const auto opened = co_await smtp->open(std::move(address), std::move(source));
  connections_.leave(*smtp);
  last_host_ = target.text();
  if (context_.targets.results)
    if (const auto outcome = outcome_of(target, way_.domain, smtp->tls(), opened ? nullptr : &opened.error())) context_.targets.results->add(*outcome);
  if (!opened) {
    *listener = nullptr;
    note_host_failure(opened.error(), target);
    co_return false;
  }
  const auto& tls = smtp->tls();
  dialogue_.note(!tls.is_on() ? "in clear text" : tls.version + ' ' + tls.cipher + (tls.verdict.text.empty() ? "" : ": " + tls.verdict.text));
  connection_ = OpenConnection{.smtp = std::move(smtp), .target = std::move(target), .listener = std::move(listener), .opened = now()};
  last_host_ = server();
  co_return true;
}

void Attempt::note_host_failure(const client::Failure& f, const Target& target) {
  if (f.cause == Cause::cancelled) {
    cancelled_ = true;
    return;
  }
  tls_failed_ = is_tls_failure(f);
  if (f.reply) {
    reached_ = true;
    if (f.reply->code < 500) pressure_ = Pressure::slow_down;
  }
  Verdict verdict{.state = is_final(f) ? State::failed : State::waiting,
                  .answer = {.code = f.reply ? f.reply->code : 0, .enhanced = code_of(f), .text = f.reply ? text_of(*f.reply) : f.text,
                             .server = target.address.host.empty() ? target.host : target.host + '[' + target.address.host + ']', .at = now()}};
  if (verdict.answer.code != 0 && verdict.state == State::waiting && verdict.answer.enhanced.klass == 5) verdict.answer.enhanced.klass = 4;
  // [RFC8689 4.2.1] Waiting would not help.
  const bool no_tls = f.cause == Cause::tls_not_offered || f.cause == Cause::tls_failed || f.cause == Cause::no_requiretls;
  if (way_.require_tls && no_tls) {
    verdict.state = State::failed;
    verdict.answer.enhanced = f.cause == Cause::no_requiretls ? smtp::EnhancedCode{5, 7, 30} : smtp::EnhancedCode{5, 7, 10};
  }
  if (host_verdict_ && host_verdict_->state == State::waiting && verdict.state == State::failed) return;
  host_verdict_ = std::move(verdict);
}

Attempt::Batch Attempt::next_batch() const {
  const auto& first = work_.recipients()[pending_.front()];
  Batch batch{.reverse_path = context_.reverse_path(work_.entry(), first), .may_sign = may_sign(work_.entry(), first), .recipients = {}};
  for (const auto i : pending_) {
    const auto& r = work_.recipients()[i];
    if (context_.reverse_path(work_.entry(), r) == batch.reverse_path && may_sign(work_.entry(), r) == batch.may_sign) batch.recipients.push_back(i);
  }
  return batch;
}

bool Attempt::has_deadline_passed() const {
  const auto& by = work_.entry().options.deliver_by;
  return by && by->return_if_late && by->by <= now();
}

// An error: it cannot be signed now, and may not go without.
Task<Result<SignaturePtr>> Attempt::signature_for(const Batch& batch, const Outgoing::Form& form) {
  static const auto none = std::make_shared<const Signature>();
  if (!context_.signatures || !batch.may_sign || !kDkimSign.get()) co_return none;
  auto made = co_await context_.signatures->of(outgoing_, form);
  if (made && !(*made)->note.empty()) dialogue_.note((*made)->note);
  if (made || kDkimTrouble.get() == Unsigned::wait) co_return made;
  dialogue_.note("not signed: " + made.error().text);
  co_return none;
}

client::MessageToSend Attempt::message_for(const Batch& batch, const Outgoing::Form& form, std::size_t signature, client::MessageSource& source) const {
  const auto& entry = work_.entry();
  client::MessageToSend out;
  if (!batch.reverse_path.empty()) out.mail.reverse_path = mailbox_of(batch.reverse_path);
  if (!form.plan) out.mail.size = entry.size - entry.prefix + signature;
  out.mail.body = form.body;
  out.mail.smtp_utf8 = form.smtp_utf8;
  out.mail.ret = entry.options.ret;
  out.mail.envelope_id = entry.options.envelope_id;
  out.mail.require_tls = way_.require_tls;
  out.mail.priority = entry.options.priority;
  if (const auto& by = entry.options.deliver_by) {
    const auto left = std::chrono::duration_cast<std::chrono::seconds>(by->by - now()).count();
    out.mail.deliver_by = smtp::DeliverBy{.seconds = by->return_if_late ? std::max<std::int64_t>(1, left) : left, .return_if_late = by->return_if_late, .trace = by->trace};
  }
  for (const auto i : batch.recipients) {
    const auto& r = work_.recipients()[i];
    smtp::Rcpt rcpt;
    rcpt.forward_path = mailbox_of(r.forward_path).value_or(smtp::Mailbox{});
    rcpt.notify = r.options.notify;
    rcpt.original_recipient = r.options.original_recipient;
    out.recipients.push_back(std::move(rcpt));
  }
  out.source = &source;
  return out;
}

Task<> Attempt::transact() {
  if (has_deadline_passed()) co_return decide_all(State::failed, {5, 4, 7}, "the time that the sender set is over");  // [RFC2852 4.1.4.1]
  const auto batch = next_batch();
  std::vector<std::string> recipients;
  for (const auto i : batch.recipients) recipients.push_back(work_.recipients()[i].forward_path);
  auto form = co_await outgoing_.form_for(connection_->smtp->extensions(), batch.reverse_path, std::move(recipients));
  if (!form) {
    for (const auto i : batch.recipients) decide(i, State::waiting, {4, 3, 0}, "the message cannot be read: " + form.error().text);
    co_return;
  }
  reached_ = true;
  if (form->impossible) {
    for (const auto i : batch.recipients) decide(i, State::failed, form->impossible->code, form->impossible->text);
    co_return;
  }
  if (form->plan) dialogue_.note("the message is converted for this host");
  const auto signature = co_await signature_for(batch, *form);
  if (!signature) {
    for (const auto i : batch.recipients) decide(i, State::waiting, {4, 3, 5}, "the message cannot be signed: " + signature.error().text);
    co_return;
  }
  const auto source = outgoing_.source(*form, (*signature)->fields);
  auto message = message_for(batch, *form, (*signature)->fields.size(), *source);
  const auto result = co_await connection_->smtp->send(std::move(message));
  take_results(batch, result);
}

void Attempt::take_results(const Batch& batch, const client::TransactionResult& result) {
  const bool is_lmtp = way_.kind == Way::Kind::relay && way_.relay->protocol == config::RelayProtocol::lmtp;
  const bool traced = is_traced(work_.entry(), result.deliver_by_passed_on);
  bool any_answer = false, any_taken = false, slow = false;
  std::vector<std::size_t> postponed;
  std::optional<smtp::Reply> not_now;
  for (std::size_t k = 0; k < batch.recipients.size(); ++k) {
    const auto i = batch.recipients[k];
    const auto& r = result.recipients[k];
    switch (r.state) {
      case RecipientState::accepted:
        decide(i, is_lmtp || (result.dsn_passed_on && !traced) ? State::delivered : State::relayed, r.reply, false);
        verdicts_[i].passed_on = !is_lmtp && result.dsn_passed_on && !traced;
        any_answer = any_taken = true;
        break;
      case RecipientState::refused:
        // Before it has looked at the recipients, it may be this host only.
        if (r.stage == Stage::mail && r.reply.code < 500 && !r.by_us) {
          not_now = r.reply;
          slow |= asks_to_slow_down(r.reply);
          break;
        }
        slow |= r.stage != Stage::rcpt && r.reply.code < 500 && asks_to_slow_down(r.reply);
        slow |= r.reply.code == 421 || r.reply.code == 452;
        decide(i, r.reply.code >= 500 ? State::failed : State::waiting, r.reply, r.by_us);
        any_answer = true;
        break;
      case RecipientState::postponed: postponed.push_back(i); break;
      case RecipientState::unknown:
        decide(i, State::waiting, {4, 4, 2}, "all was sent, and no answer came: the message may arrive twice (" + (result.failure ? result.failure->text : std::string()) + ')');
        any_answer = true;
        break;
      case RecipientState::not_tried: break;
    }
  }
  if (any_taken) pressure_ = Pressure::took;
  else if (slow) pressure_ = Pressure::slow_down;
  if (result.failure) take_failure(batch, *result.failure);
  if (not_now) {
    host_verdict_ = Verdict{.state = State::waiting, .answer = {.code = not_now->code, .enhanced = code_of(*not_now), .text = text_of(*not_now), .server = server(), .at = now()}};
    connections_.end(give_up_connection());
  }
  if (!any_answer && !result.failure && !not_now)
    for (const auto i : postponed) decide(i, State::waiting, {4, 5, 3}, "the host takes no recipients at the moment");
}

// What ended the transaction, or kept it from beginning; for those who have no answer.
void Attempt::take_failure(const Batch& batch, const client::Failure& f) {
  const auto fail_all = [&](State state, smtp::EnhancedCode code) {
    for (const auto i : batch.recipients)
      if (std::ranges::find(pending_, i) != pending_.end()) decide(i, state, code, f.text);
  };
  switch (f.cause) {
    case Cause::cancelled: cancelled_ = true; return;
    case Cause::too_large: return fail_all(State::failed, {5, 3, 4});
    case Cause::no_8bitmime:
    case Cause::no_binarymime: return fail_all(State::failed, {5, 6, 3});
    case Cause::no_smtputf8: return fail_all(State::failed, {5, 6, 7});
    case Cause::no_deliverby:
    case Cause::no_futurerelease: return fail_all(State::failed, {5, 3, 3});
    case Cause::bad_command: return fail_all(State::failed, {5, 5, 4});
    case Cause::source: return fail_all(State::waiting, {4, 3, 0});
    case Cause::no_requiretls:
      note_host_failure(f, connection_->target);
      connections_.end(give_up_connection());
      return;
    default: break;
  }
  // The connection broke: the next host, or the same once more if the connection was an old one.
  note_host_failure(f, connection_->target);
}

OpenConnection Attempt::give_up_connection() {
  connections_.leave(*connection_->smtp);
  auto connection = *std::move(connection_);
  connection_.reset();
  return connection;
}

}  // namespace posthorn::delivery
