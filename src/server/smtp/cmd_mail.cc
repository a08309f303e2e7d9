// MAIL [RFC5321 4.1.1.2] and what its parameters ask for.
#include "base/clock.h"
#include "config/core_settings.h"
#include "server/smtp/reply_for.h"
#include "server/smtp/session.h"
#include "server/smtp/settings.h"

namespace posthorn::server {
namespace {

constexpr smtp::EnhancedCode kBadArgument{5, 5, 4};

SysTime hold_until(const smtp::Mail& mail) {
  return mail.hold_until ? SysTime(*mail.hold_until) : now() + std::chrono::seconds(mail.hold_for_seconds.value_or(0));
}

}  // namespace

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
  if (const auto trouble = judge_parameters(mail)) {
    refuse(*trouble, "MAIL");
    co_return;
  }
  const auto trouble = co_await judge_sender(mail.reverse_path);
  if (trouble) {
    refuse(*trouble, "MAIL");
    co_return;
  }
  if (mail.reverse_path) envelope_.reverse_path = smtp::to_string(*mail.reverse_path);
  if (identity_) envelope_.submitter = identity_->account;
  set_options(mail);
  const bool lowered = mail.priority != envelope_.options.priority;
  mail_ = std::move(mail);
  state_ = State::mail;
  ++transactions_;
  message_began_ = std::chrono::steady_clock::now();
  // [RFC6710 4.1] The new priority comes first in the text.
  if (lowered) reply(250, {2, 3, 6}, "0 is the priority: you may not raise it");
  else reply(250, {2, 1, 0}, "Sender ok");
}

// [RFC5321 4.1.1.11] What is not offered here is not implemented: 555.
std::optional<smtp::Reply> SmtpSession::judge_parameters(const smtp::Mail& mail) const {
  const auto not_offered = [](const char* keyword) { return smtp::Reply(555, kBadArgument, std::string(keyword) + " is not offered here"); };
  if (mail.require_tls && !offers_require_tls()) return not_offered("REQUIRETLS");
  if (!offers_reports()) {
    if (mail.ret) return not_offered("RET");
    if (mail.envelope_id) return not_offered("ENVID");
    if (mail.deliver_by) return not_offered("BY");
    if (mail.priority) return not_offered("MT-PRIORITY");
  }
  const auto minimum = kDeliverByMinimum.get().count();
  if (mail.deliver_by && mail.deliver_by->return_if_late && mail.deliver_by->seconds < minimum)  // [RFC2852 4.1]
    return smtp::Reply(555, kBadArgument, "BY must be " + std::to_string(minimum) + " at least");
  return mail.hold_for_seconds || mail.hold_until ? judge_hold(mail) : std::nullopt;
}

std::optional<smtp::Reply> SmtpSession::judge_hold(const smtp::Mail& mail) const {
  if (!offers_hold()) return smtp::Reply(555, kBadArgument, "HOLDFOR and HOLDUNTIL are not offered here");
  const auto until = hold_until(mail);
  if (until > now() + kMaxHold.get()) return smtp::Reply(501, kBadArgument, "That is too far in the future");
  const auto& by = mail.deliver_by;
  if (by && by->return_if_late && now() + std::chrono::seconds(by->seconds) <= until)
    return smtp::Reply(501, kBadArgument, "BY would be over before the message is released");
  return std::nullopt;
}

// What the parameters ask for, as times of day and as far as this client may ask for it.
void SmtpSession::set_options(const smtp::Mail& mail) {
  auto& options = envelope_.options;
  options.body = mail.body;
  options.smtp_utf8 = mail.smtp_utf8;
  options.require_tls = mail.require_tls;
  options.ret = mail.ret;
  options.envelope_id = mail.envelope_id;
  if (const auto& by = mail.deliver_by)
    options.deliver_by = queue::DeliverBy{now() + std::chrono::seconds(by->seconds), by->return_if_late, by->trace};
  // A time that is over holds nothing back.
  if ((mail.hold_for_seconds || mail.hold_until) && hold_until(mail) > now()) options.hold_until = hold_until(mail);
  options.priority = mail.priority;
  if (options.priority > 0 && !identity_) options.priority = 0;  // [RFC6710 4.1]
}

}  // namespace posthorn::server
