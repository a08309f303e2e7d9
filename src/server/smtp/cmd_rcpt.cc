// RCPT [RFC5321 4.1.1.3]: who gets the message, and whether it may come here at all.
#include <algorithm>

#include "base/log.h"
#include "server/smtp/metrics.h"
#include "server/smtp/reply_for.h"
#include "server/smtp/session.h"
#include "server/smtp/settings.h"
#include "text/ascii.h"

namespace posthorn::server {
namespace {

// Aliases may lead to many: this bounds what an envelope may hold and one commit may touch.
constexpr std::size_t kMaxTargets = 10'000;
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
  const auto targets = path->accounts.size() + path->remote.size();
  if (targets_in_envelope_ + targets > kMaxTargets) {
    refuse_recipient(too_many, mailbox);
    co_return;
  }
  targets_in_envelope_ += targets;
  path->options = {.notify = rcpt.notify, .original_recipient = std::move(rcpt.original_recipient)};
  envelope_.forward_paths.push_back(*std::move(path));
  reply(250, {2, 1, 5}, "Recipient ok");
}

Task<std::expected<smtp::ForwardPath, smtp::Reply>> SmtpSession::resolve_recipient(smtp::Mailbox mailbox) {
  const auto refused = [](Errc code) { return std::unexpected(reply_for(code, About::recipient)); };
  auto& directory = context_.services.directory;
  smtp::ForwardPath path{.address = smtp::to_string(mailbox), .accounts = {}, .remote = {}, .options = {}};
  if (mailbox.domain.empty()) {
    // [RFC5321 4.5.1] <postmaster>: that of our own domain, or of the first one.
    auto domains = directory.domains();
    if (domains.empty()) co_return refused(Errc::not_found);
    const auto own = std::ranges::find(domains, hostname());
    mailbox.domain = own != domains.end() ? *own : *std::ranges::min_element(domains);
    path.address = smtp::to_string(mailbox);  // it may have to wait in the queue
  }
  // What comes back for mail that was forwarded from here: reports only, or whoever has seen such an address could send by us.
  const auto& forwarded_sender = context_.services.forwarded_sender;
  if (!mail_.reverse_path && has_queue() && forwarded_sender) {
    if (auto sender = forwarded_sender(mailbox.local_part, mailbox.domain)) {
      path.remote.push_back(*std::move(sender));
      co_return path;
    }
  }
  auto resolved = co_await directory.resolve(mailbox.local_part, mailbox.domain);
  if (!resolved && resolved.error().code == Errc::invalid) co_return relay(mailbox);
  if (!resolved) co_return refused(resolved.error().code);
  for (const auto id : resolved->accounts) {
    auto account = co_await context_.services.store.account(id);
    if (!account) co_return refused(account.error().code);
    // When the size that MAIL gave does not fit.
    if (!store::MailStore::fits(**account, mail_.size.value_or(1))) co_return refused(Errc::over_quota);
  }
  // Never accept what cannot be delivered.
  if (!resolved->outside.empty() && !has_queue()) co_return std::unexpected(smtp::Reply(451, {4, 3, 0}, "Forwarding is not available"));
  path.accounts = std::move(resolved->accounts);
  path.remote = std::move(resolved->outside);
  co_return path;
}

// A domain that is not ours (INVARIANT 4).  Address-literals are such, our own too; there are no other ways to name a recipient: "%", "!" and quoted
// "@" are characters of a local-part like others, and a source route is dropped.
std::expected<smtp::ForwardPath, smtp::Reply> SmtpSession::relay(const smtp::Mailbox& mailbox) const {
  if (is_lmtp()) return std::unexpected(reply_for(Errc::invalid, About::recipient));
  if (!identity_ && !may_relay_) return std::unexpected(smtp::Reply(550, {5, 7, 1}, "Relaying denied"));
  if (!has_queue()) return std::unexpected(smtp::Reply(451, {4, 3, 0}, "Relaying is not available"));
  const auto address = smtp::to_string(mailbox);
  return smtp::ForwardPath{.address = address, .accounts = {}, .remote = {address}, .options = {}};
}

void SmtpSession::refuse_recipient(const smtp::Reply& r, const smtp::Mailbox& mailbox) {
  ++recipients_refused_;
  smtp_recipients_refused.add();
  const auto what = "RCPT " + smtp::to_string(mailbox);
  refuse(r, what);
}

}  // namespace posthorn::server
