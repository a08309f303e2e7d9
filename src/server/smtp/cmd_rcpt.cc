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

// Aliases may lead to many accounts: this bounds what an envelope may hold and one commit may touch.
constexpr std::size_t kMaxAccounts = 10'000;
// [RFC5321 4.5.3.1.10] A client that has too many recipients sends the rest later: the first 452s are no errors.
constexpr std::size_t kOvershoot = 1000;

}  // namespace

Task<> SmtpSession::cmd_rcpt(smtp::Command& command) {
  auto& rcpt = std::get<smtp::Rcpt>(command);
  if (rcpt.notify || rcpt.original_recipient) {
    refuse(555, {5, 5, 4}, "Parameter not recognized", "RCPT");
    co_return;
  }
  auto mailbox = std::move(rcpt.forward_path);
  if (std::cmp_greater_equal(envelope_.forward_paths.size(), kMaxRecipients.get())) {
    const smtp::Reply too_many(452, {4, 5, 3}, "Too many recipients");
    if (++recipients_refused_ > kOvershoot) refuse_recipient(too_many, mailbox);
    else reply(too_many);
    co_return;
  }
  const auto path = co_await resolve_recipient(mailbox);
  if (!path) {
    if (path.error().code == Errc::invalid && !is_lmtp()) {
      // Never accept what cannot be delivered: a user may send to the world when there is a queue.
      refuse_recipient(identity_ ? smtp::Reply(451, {4, 3, 0}, "Relaying is not available yet")
                                 : smtp::Reply(550, {5, 7, 1}, "Relaying denied"),
                       mailbox);
    } else {
      refuse_recipient(reply_for(path.error().code, About::recipient), mailbox);
    }
    co_return;
  }
  if (accounts_in_envelope_ + path->accounts.size() > kMaxAccounts) {
    refuse_recipient(smtp::Reply(452, {4, 5, 3}, "Too many recipients"), mailbox);
    co_return;
  }
  accounts_in_envelope_ += path->accounts.size();
  envelope_.forward_paths.push_back(*path);
  reply(250, {2, 1, 5}, "Recipient ok");
}

// invalid: not local.  over_quota, when the size that MAIL gave does not fit.
Task<Result<smtp::ForwardPath>> SmtpSession::resolve_recipient(smtp::Mailbox mailbox) {
  auto& directory = context_.services.directory;
  smtp::ForwardPath path{.address = smtp::to_string(mailbox), .accounts = {}};
  if (mailbox.domain.empty()) {
    // [RFC5321 4.5.1] <postmaster>: that of our own domain, or of the first one.
    auto domains = directory.domains();
    if (domains.empty()) co_return fail(Errc::not_found, "no domain");
    const auto own = std::ranges::find(domains, hostname());
    mailbox.domain = own != domains.end() ? *own : *std::ranges::min_element(domains);
  }
  CO_TRY(auto resolved, co_await directory.resolve(std::move(mailbox.local_part), std::move(mailbox.domain)));
  for (const auto id : resolved.accounts) {
    CO_TRY(auto account, co_await context_.services.store.account(id));
    if (!store::MailStore::fits(*account, mail_.size.value_or(1))) co_return fail(Errc::over_quota, "");
  }
  path.accounts = std::move(resolved.accounts);
  co_return path;
}

void SmtpSession::refuse_recipient(const smtp::Reply& r, const smtp::Mailbox& mailbox) {
  ++recipients_refused_;
  smtp_recipients_refused.add();
  const auto what = "RCPT " + smtp::to_string(mailbox);
  refuse(r, what);
}

}  // namespace posthorn::server
