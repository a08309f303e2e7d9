// MAIL [RFC5321 4.1.1.2]
#include <algorithm>

#include "config/core_settings.h"
#include "server/smtp/reply_for.h"
#include "server/smtp/session.h"
#include "server/smtp/settings.h"

namespace posthorn::server {

Task<> SmtpSession::cmd_mail(smtp::Command& command) {
  auto& mail = std::get<smtp::Mail>(command);
  if (transactions_ >= kMaxTransactions.get()) {  // [RFC9422 4.1]
    say_goodbye({4, 5, 3}, "Too many messages on one connection", "too many messages");
    co_return;
  }
  if (mail.size && *mail.size > static_cast<std::uint64_t>(config::kMaxMessageSize.get())) {  // [RFC1870 6.1]
    refuse(reply_for(Errc::too_large, About::message), "MAIL");
    co_return;
  }
  // [RFC5321 4.1.1.11] What is not offered is not implemented.
  if (mail.ret || mail.envelope_id || mail.require_tls || mail.deliver_by || mail.hold_for_seconds || mail.hold_until || mail.priority) {
    refuse(555, {5, 5, 4}, "Parameter not recognized", "MAIL");
    co_return;
  }
  auto trouble = co_await judge_sender(mail.reverse_path);
  if (trouble) {
    refuse(*trouble, "MAIL");
    co_return;
  }
  if (mail.reverse_path) envelope_.reverse_path = smtp::to_string(*mail.reverse_path);
  mail_ = std::move(mail);
  state_ = State::mail;
  ++transactions_;
  message_began_ = std::chrono::steady_clock::now();
  reply(250, {2, 1, 0}, "Sender ok");
}

// [RFC6409 6.1] A user sends as itself only: as an address that leads to its account.  The null reverse-path is everybody's, for
// receipts. [RFC8098]
Task<std::optional<smtp::Reply>> SmtpSession::judge_sender(std::optional<smtp::Mailbox> sender) {
  if (!is_submission()) co_return std::nullopt;
  if (!identity_ && !context_.may_authenticate())
    co_return smtp::Reply(530, {5, 7, 0}, "Must issue a STARTTLS command first");  // [RFC3207 4]
  if (!identity_) co_return smtp::Reply(530, {5, 7, 0}, "Authentication required");  // [RFC4954 6]
  if (!sender) co_return std::nullopt;
  auto resolved = co_await context_.services.directory.resolve(std::move(sender->local_part), std::move(sender->domain));
  if (resolved && std::ranges::find(resolved->accounts, identity_->account) != resolved->accounts.end())
    co_return std::nullopt;
  if (resolved || resolved.error().code == Errc::not_found || resolved.error().code == Errc::invalid ||
      resolved.error().code == Errc::limit)
    co_return smtp::Reply(553, {5, 7, 1}, "That sender address is not yours");
  co_return reply_for(resolved.error().code, About::recipient);
}

}  // namespace posthorn::server
