// Users send as themselves only: the sender of the envelope, and those whom the header names. [RFC6409 6.1]
#include <algorithm>

#include "message/address.h"
#include "server/smtp/reply_for.h"
#include "server/smtp/session.h"
#include "server/smtp/settings.h"

namespace posthorn::server {
namespace {

constexpr std::size_t kMaxAuthors = 100;  // of one field

smtp::Reply not_yours(int code, const std::string& what, const std::string& account) {
  return smtp::Reply(code, {5, 7, 1}, what + " is not an address of " + account);
}

}  // namespace

// An address that leads to the account, through aliases too, or one that the settings allow it.
Task<Result<bool>> SmtpSession::may_send_as(std::string local_part, std::string domain) {
  const auto resolved = co_await context_.services.directory.resolve(local_part, domain);
  if (resolved && std::ranges::find(resolved->accounts, identity_->account) != resolved->accounts.end()) co_return true;
  if (!resolved && resolved.error().code != Errc::not_found && resolved.error().code != Errc::invalid && resolved.error().code != Errc::limit)
    co_return std::unexpected(resolved.error());
  const auto rules = SendAs::parse(kMaySendAs.get());
  co_return rules && rules->allows(identity_->address, local_part, domain);
}

// The null reverse-path is everybody's, for receipts. [RFC8098]
Task<std::optional<smtp::Reply>> SmtpSession::judge_sender(std::optional<smtp::Mailbox> sender) {
  if (!identity_) {
    if (!is_submission()) co_return std::nullopt;
    if (!context_.may_authenticate()) co_return smtp::Reply(530, {5, 7, 0}, "Must issue a STARTTLS command first");  // [RFC3207 4]
    co_return smtp::Reply(530, {5, 7, 0}, "Authentication required");                                               // [RFC4954 6]
  }
  if (!sender || kSenderCheck.get() == SenderCheck::off) co_return std::nullopt;
  const auto shown = smtp::to_string(*sender);
  const auto allowed = co_await may_send_as(std::move(sender->local_part), std::move(sender->domain));
  if (!allowed) co_return reply_for(allowed.error().code, About::recipient);
  if (!*allowed) co_return not_yours(553, '<' + shown + '>', identity_->address);
  co_return std::nullopt;
}

// Every mailbox of every From and Sender field.  A message without them, or with a group that is empty [RFC6854], names nobody.
Task<std::optional<smtp::Reply>> SmtpSession::judge_authors(const intake::Transaction& message) {
  if (!identity_ || kSenderCheck.get() != SenderCheck::full) co_return std::nullopt;
  const smtp::Reply too_many(550, {5, 6, 0}, "From and Sender name too many");
  const auto& header = message.header();
  if (!header.kept_all()) co_return too_many;
  for (const auto& field : header.kept()) {
    if (field.name != "from" && field.name != "sender") continue;
    const auto authors = message::parse_address_list(field.value, kMaxAuthors + 1);
    if (authors.size() > kMaxAuthors) co_return too_many;
    for (const auto& author : authors) {
      if (author.kind != message::Address::Kind::mailbox) continue;
      const auto allowed = co_await may_send_as(author.mailbox, author.host);
      if (!allowed) co_return reply_for(allowed.error().code, About::message);
      const auto name = field.name == "from" ? "From: " : "Sender: ";
      if (!*allowed) co_return not_yours(550, name + smtp::to_string({author.mailbox, author.host}), identity_->address);
    }
  }
  co_return std::nullopt;
}

}  // namespace posthorn::server
