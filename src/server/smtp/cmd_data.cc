// DATA [RFC5321 4.1.1.4], and how a message begins and ends, which BDAT shares.
#include "base/log.h"
#include "config/core_settings.h"
#include "proto/smtp/data_decoder.h"
#include "server/smtp/metrics.h"
#include "server/smtp/reply_for.h"
#include "server/smtp/session.h"
#include "server/smtp/settings.h"

namespace posthorn::server {

Task<> SmtpSession::cmd_data(smtp::Command&) {
  if (!may_take_message("DATA")) co_return;
  if (mail_.body == smtp::Body::binary_mime) {  // [RFC3030 3] it has no lines that could end it
    refuse(503, {5, 5, 1}, "BINARYMIME needs BDAT", "DATA");
    co_return;
  }
  message_.emplace(begin_message());
  reply(354, {}, "End data with <CRLF>.<CRLF>");
  auto taken = co_await take_data();
  if (!taken) {
    reset_transaction();
    end_for(taken.error());
    co_return;
  }
  co_await finish_message();
}

bool SmtpSession::may_take_message(std::string_view verb) {
  if (!envelope_.forward_paths.empty()) return true;
  // [RFC5321 3.3] [RFC2033 4.2]
  if (recipients_refused_ != 0 && !is_lmtp()) refuse(554, {5, 5, 1}, "No valid recipients", verb);
  else refuse(503, {5, 5, 1}, "No valid recipients", verb);
  return false;
}

intake::Transaction SmtpSession::begin_message() {
  using namespace intake;
  const auto transport = is_lmtp() ? Transport::lmtp : said_ == Said::ehlo ? Transport::esmtp : Transport::smtp;
  intake::Origin origin{
      .helo = smtp::is_domain(helo_) || smtp::is_address_literal(helo_) ? helo_ : std::string(),
      .ip = connection_.peer().ip,
      .with = with_protocol(transport, connection_.is_tls() ? Secured::yes : Secured::no,
                            identity_ ? SignedIn::yes : SignedIn::no, mail_.smtp_utf8 ? Utf8::yes : Utf8::no),
      .tls_version = connection_.tls_version(),
      .tls_cipher = connection_.tls_cipher(),
      .priority = envelope_.options.priority,
      .account = identity_ ? identity_->address : std::string(),
      .session = context_.session_id};
  intake::Options options{.hostname = std::string(hostname()),
                          .max_size = static_cast<std::uint64_t>(config::kMaxMessageSize.get()),
                          .max_received = static_cast<std::uint32_t>(kMaxReceived.get()),
                          .fix_ups = is_submitting() ? FixUps::submission : FixUps::none,
                          .answers = is_lmtp() ? Answers::one_for_each : Answers::one_for_all};
  message_deadline_ = after(kMessageTimeout.get());
  options.queue = context_.services.queue;
  options.trace = context_.services.trace;
  envelope_.ours = identity_ || (may_relay_ && forwarded_.empty());  // by XFORWARD comes what others handed over
  return intake::Transaction(context_.services.store, std::move(envelope_), std::move(origin), std::move(options));
}

Task<Result<void>> SmtpSession::take_data() {
  smtp::DataDecoder decoder;
  const auto size_limit = static_cast<std::uint64_t>(config::kMaxMessageSize.get());
  while (!decoder.done()) {
    if (connection_.input().empty()) CO_TRY_OK(co_await wait_for_content());
    // [RFC5321 4.5.2] Waits on the store leave the input where it is.
    auto rest = connection_.input();
    const auto before = rest.size();
    for (;;) {
      const auto piece = decoder.next(rest);
      if (piece.empty()) break;
      co_await message_->write(piece);
    }
    connection_.consume(before - rest.size());
    // [RFC5321 4.5.3.1.9] A message that is too big is read to its end, to answer it; but not for ever.
    if (decoder.size() > 2 * size_limit + 65536) {
      refuse(reply_for(Errc::too_large, About::message), "endless message");
      say_goodbye({4, 3, 4}, "Message does not end", "endless message");
      co_return fail(Errc::too_large, "endless message");
    }
  }
  smtp_bytes_received.add(static_cast<std::int64_t>(decoder.size()));
  if (decoder.bare_newline()) message_->refuse({Errc::syntax, "bare CR or LF"});
  co_return Result<void>{};
}

Task<Result<void>> SmtpSession::wait_for_content() {
  const auto deadline = std::min(after(kDataTimeout.get()), message_deadline_);
  if (!connection_.output().empty()) CO_TRY_OK(co_await connection_.flush(deadline));
  co_return co_await connection_.read_more(deadline);
}

// The content is complete: the verdict, and 250 for what is stored (INVARIANT 1).
Task<> SmtpSession::finish_message() {
  auto message = std::move(*message_);
  message_.reset();
  const auto& envelope = message.envelope();
  std::optional<smtp::Reply> objection;
  if (!message.failed()) objection = co_await judge_authors(message);
  if (objection) message.refuse({Errc::denied, objection->lines.front()});
  auto receipt = co_await message.commit();
  std::size_t accepted = 0;
  const auto refuse_message = [&](const Error& e, std::string_view recipient) {
    log::info("smtp.message_refused", {{"session", context_.session_id},
                                       {"from", envelope.reverse_path},
                                       {"to", recipient},
                                       {"size", message.content_size()},
                                       {"error", to_string(e.code)},
                                       {"detail", e.text}});
    reply(objection && e.code == Errc::denied ? *objection : reply_for(e.code, About::message));
  };
  // [RFC2033 4.2] LMTP answers each recipient.
  const std::size_t answers = is_lmtp() ? envelope.forward_paths.size() : 1;
  for (std::size_t i = 0; i < answers; ++i) {
    const auto& recipient = envelope.forward_paths[i].address;
    if (!receipt) refuse_message(receipt.error(), recipient);
    else if (!receipt->recipients[i]) refuse_message(receipt->recipients[i].error(), recipient);
    else {
      reply(250, {2, 0, 0}, is_lmtp() ? '<' + recipient + "> stored as " + receipt->id : "Stored as " + receipt->id);
      accepted += is_lmtp() ? 1 : envelope.forward_paths.size();
    }
  }
  if (accepted != 0) {
    errors_ = 0;
    ++messages_;
    smtp_messages_accepted.add();
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - message_began_);
    log::info("smtp.accepted", {{"session", context_.session_id},
                                {"message", receipt->id},
                                {"from", envelope.reverse_path},
                                {"to", envelope.forward_paths[0].address},
                                {"recipients", accepted},
                                {"size", receipt->size},
                                {"priority", envelope.options.priority.value_or(0)},
                                {"forwarded", forwarded_text()},
                                {"ms", ms.count()}});
  } else {
    smtp_messages_refused.add();
    count_error();  // one, however many recipients were answered
  }
  reset_transaction();
}

}  // namespace posthorn::server
