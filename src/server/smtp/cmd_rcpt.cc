// RCPT [RFC5321 4.1.1.3]: who gets the message, and whether it may come here at all.
#include <utility>

#include "base/log.h"
#include "server/smtp/metrics.h"
#include "server/smtp/reply_for.h"
#include "server/smtp/session.h"
#include "server/smtp/settings.h"

namespace posthorn::server {
namespace {

// [RFC5321 4.5.3.1.10] A client that has too many recipients sends the rest later: the first 452s are no errors.
constexpr std::size_t kOvershoot = 1000;

}  // namespace

Task<> SmtpSession::cmd_rcpt(smtp::Command& command) {
  auto& rcpt = std::get<smtp::Rcpt>(command);
  if ((rcpt.notify || rcpt.original_recipient) && !offers_reports()) {
    refuse(555, {5, 5, 4}, "NOTIFY and ORCPT are not offered here", "RCPT");
    co_return;
  }
  const auto mailbox = std::move(rcpt.forward_path);
  const smtp::Reply too_many(452, {4, 5, 3}, "Too many recipients");
  if (std::cmp_greater_equal(envelope_.forward_paths.size(), kMaxRecipients.get())) {
    if (++recipients_refused_ > kOvershoot) refuse_recipient(too_many, mailbox);
    else reply(too_many);
    co_return;
  }
  auto path = co_await resolve_recipient(mailbox);
  if (!path) {
    refuse_recipient(path.error(), mailbox);
    co_return;
  }
  const auto targets = intake::targets_of(*path);
  if (targets_in_envelope_ + targets > intake::kMaxTargets) {
    refuse_recipient(too_many, mailbox);
    co_return;
  }
  targets_in_envelope_ += targets;
  path->options = {.notify = rcpt.notify, .original_recipient = std::move(rcpt.original_recipient)};
  envelope_.forward_paths.push_back(*std::move(path));
  reply(250, {2, 1, 5}, "Recipient ok");
}

Task<std::expected<smtp::ForwardPath, smtp::Reply>> SmtpSession::resolve_recipient(smtp::Mailbox mailbox) {
  const auto& services = context_.services;
  // What comes back for mail that was forwarded from here: reports only, or whoever has seen such an address could send by us.
  if (!mail_.reverse_path && has_queue() && services.forwarded_sender && !mailbox.domain.empty()) {
    if (auto sender = services.forwarded_sender(mailbox.local_part, mailbox.domain)) {
      co_return smtp::ForwardPath{.address = smtp::to_string(mailbox), .accounts = {}, .remote = {*std::move(sender)}, .options = {}};
    }
  }
  // When the size that MAIL gave does not fit, it is said now.
  auto path = co_await intake::resolve_here(services.directory, services.store, std::string(hostname()), mailbox, mail_.size.value_or(1));
  if (!path && path.error().code == Errc::invalid) co_return relay(mailbox);
  if (!path) co_return std::unexpected(reply_for(path.error().code, About::recipient));
  // Never accept what cannot be delivered.
  if (!path->remote.empty() && !has_queue()) co_return std::unexpected(smtp::Reply(451, {4, 3, 0}, "Forwarding is not available"));
  co_return *std::move(path);
}

// A domain that is not ours (INVARIANT 4).
std::expected<smtp::ForwardPath, smtp::Reply> SmtpSession::relay(const smtp::Mailbox& mailbox) const {
  if (is_lmtp()) return std::unexpected(reply_for(Errc::invalid, About::recipient));
  if (!identity_ && !may_relay_) return std::unexpected(smtp::Reply(550, {5, 7, 1}, "Relaying denied"));
  if (!has_queue()) return std::unexpected(smtp::Reply(451, {4, 3, 0}, "Relaying is not available"));
  return intake::path_elsewhere(mailbox);
}

void SmtpSession::refuse_recipient(const smtp::Reply& r, const smtp::Mailbox& mailbox) {
  ++recipients_refused_;
  smtp_recipients_refused.add();
  const auto what = "RCPT " + smtp::to_string(mailbox);
  refuse(r, what);
}

}  // namespace posthorn::server
