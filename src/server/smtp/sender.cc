// Users send as themselves only: the sender of the envelope, and those whom the header names. [RFC6409 6.1]
#include "intake/submission.h"
#include "server/smtp/reply_for.h"
#include "server/smtp/session.h"

namespace posthorn::server {

std::optional<smtp::Reply> SmtpSession::objection_reply(const Result<std::optional<intake::Objection>>& judged, About about) const {
  if (!judged) return reply_for(judged.error().code, about);
  if (!*judged) return std::nullopt;
  const auto& objection = **judged;
  if (objection.what == intake::Objection::What::too_many) return smtp::Reply(550, {5, 6, 0}, objection.text);
  return smtp::Reply(about == About::recipient ? 553 : 550, {5, 7, 1}, objection.text);
}

// The null reverse-path is everybody's, for receipts. [RFC8098]
Task<std::optional<smtp::Reply>> SmtpSession::judge_sender(std::optional<smtp::Mailbox> sender) {
  if (!identity_) {
    if (!is_submission()) co_return std::nullopt;
    if (!context_.may_authenticate()) co_return smtp::Reply(530, {5, 7, 0}, "Must issue a STARTTLS command first");  // [RFC3207 4]
    co_return smtp::Reply(530, {5, 7, 0}, "Authentication required");                                               // [RFC4954 6]
  }
  const auto judged = co_await intake::judge_sender(context_.services.directory, *identity_, std::move(sender));
  co_return objection_reply(judged, About::recipient);
}

Task<std::optional<smtp::Reply>> SmtpSession::judge_authors(const intake::Transaction& message) {
  if (!identity_) co_return std::nullopt;
  const auto judged = co_await intake::judge_authors(context_.services.directory, *identity_, message.header());
  co_return objection_reply(judged, About::message);
}

}  // namespace posthorn::server
