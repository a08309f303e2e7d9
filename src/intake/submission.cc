#include "intake/submission.h"

#include <algorithm>
#include <utility>

#include "intake/settings.h"
#include "message/address.h"

namespace posthorn::intake {
namespace {

constexpr std::size_t kMaxAuthors = 100;  // of one field

Objection not_theirs(const std::string& what, const std::string& account) {
  return {Objection::What::not_theirs, what + " is not an address of " + account};
}

}  // namespace

Task<Result<bool>> may_send_as(auth::Directory& directory, auth::Identity who, std::string local_part, std::string domain) {
  const auto resolved = co_await directory.resolve(local_part, domain);
  if (resolved && std::ranges::find(resolved->accounts, who.account) != resolved->accounts.end()) co_return true;
  if (!resolved && resolved.error().code != Errc::not_found && resolved.error().code != Errc::invalid && resolved.error().code != Errc::limit)
    co_return std::unexpected(resolved.error());
  const auto rules = SendAs::parse(kMaySendAs.get());
  co_return rules && rules->allows(who.address, local_part, domain);
}

Task<Result<std::optional<Objection>>> judge_sender(auth::Directory& directory, auth::Identity who, std::optional<smtp::Mailbox> sender) {
  if (!sender || kSenderCheck.get() == SenderCheck::off) co_return std::nullopt;
  const auto shown = smtp::to_string(*sender);
  CO_TRY(const bool allowed, co_await may_send_as(directory, who, std::move(sender->local_part), std::move(sender->domain)));
  if (!allowed) co_return not_theirs('<' + shown + '>', who.address);
  co_return std::nullopt;
}

Task<Result<std::optional<Objection>>> judge_authors(auth::Directory& directory, auth::Identity who, const HeaderEditor& header) {
  if (kSenderCheck.get() != SenderCheck::full) co_return std::nullopt;
  const Objection too_many{Objection::What::too_many, "From and Sender name too many"};
  if (!header.kept_all()) co_return too_many;
  for (const auto& field : header.kept()) {
    if (field.name != "from" && field.name != "sender") continue;
    const auto authors = message::parse_address_list(field.value, kMaxAuthors + 1);
    if (authors.size() > kMaxAuthors) co_return too_many;
    for (const auto& author : authors) {
      if (author.kind != message::Address::Kind::mailbox) continue;
      CO_TRY(const bool allowed, co_await may_send_as(directory, who, author.mailbox, author.host));
      const auto name = field.name == "from" ? "From: " : "Sender: ";
      if (!allowed) co_return not_theirs(name + smtp::to_string({author.mailbox, author.host}), who.address);
    }
  }
  co_return std::nullopt;
}

Task<Result<smtp::ForwardPath>> resolve_here(auth::Directory& directory, store::MailStore& store, std::string hostname, smtp::Mailbox mailbox,
                                             std::uint64_t size) {
  if (mailbox.domain.empty()) {
    auto domains = directory.domains();
    if (domains.empty()) co_return fail(Errc::not_found, "there is no domain here");
    const auto own = std::ranges::find(domains, hostname);
    mailbox.domain = own != domains.end() ? *own : *std::ranges::min_element(domains);
  }
  // With the domain that was added: it may have to wait in the queue.
  smtp::ForwardPath path{.address = smtp::to_string(mailbox), .accounts = {}, .remote = {}, .options = {}};
  CO_TRY(auto resolved, co_await directory.resolve(mailbox.local_part, mailbox.domain));
  for (const auto id : resolved.accounts) {
    CO_TRY(const auto account, co_await store.account(id));
    if (!store::MailStore::fits(*account, size)) co_return fail(Errc::over_quota, "the account's quota");
  }
  path.accounts = std::move(resolved.accounts);
  path.remote = std::move(resolved.outside);
  co_return path;
}

smtp::ForwardPath path_elsewhere(const smtp::Mailbox& mailbox) {
  const auto address = smtp::to_string(mailbox);
  return {.address = address, .accounts = {}, .remote = {address}, .options = {}};
}

}  // namespace posthorn::intake
