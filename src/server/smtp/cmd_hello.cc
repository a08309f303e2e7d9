// EHLO, HELO [RFC5321 4.1.1.1] and LHLO [RFC2033 4.1].
#include "config/core_settings.h"
#include "server/smtp/session.h"
#include "server/smtp/settings.h"

namespace posthorn::server {

Task<> SmtpSession::cmd_hello(smtp::Command& command) {
  const bool lhlo = std::holds_alternative<smtp::Lhlo>(command);
  if (lhlo != is_lmtp()) {  // [RFC2033 4.1] neither protocol has the other's
    refuse(500, {5, 5, 1}, is_lmtp() ? "This is LMTP, say LHLO" : "This is not LMTP, say EHLO", "hello");
    co_return;
  }
  reset_transaction();  // [RFC5321 4.1.4] as RSET does
  state_ = State::greeted;
  if (auto* helo = std::get_if<smtp::Helo>(&command)) {
    helo_ = std::move(helo->domain);
    said_ = Said::helo;
    reply(250, {}, hostname());
    co_return;
  }
  helo_ = lhlo ? std::move(std::get<smtp::Lhlo>(command).domain) : std::move(std::get<smtp::Ehlo>(command).domain);
  said_ = Said::ehlo;

  smtp::Reply r(250, std::string(hostname()));
  const auto offer = [&](std::string keyword) { r.lines.push_back(std::move(keyword)); };
  offer("PIPELINING");                                             // [RFC2920]
  offer("SIZE " + std::to_string(config::kMaxMessageSize.get()));  // [RFC1870]
  offer("8BITMIME");                                               // [RFC6152]
  offer("SMTPUTF8");                                               // [RFC6531]
  offer("CHUNKING");                                               // [RFC3030]
  offer("BINARYMIME");
  offer("ENHANCEDSTATUSCODES");  // [RFC2034]
  if (offers_tls()) offer("STARTTLS");  // [RFC3207]
  if (auto auth = offered_auth(); !auth.empty()) offer("AUTH" + std::move(auth));  // [RFC4954]
  offer("LIMITS RCPTMAX=" + std::to_string(kMaxRecipients.get()) +
        " MAILMAX=" + std::to_string(kMaxTransactions.get()));  // [RFC9422]
  offer("HELP");
  reply(r);
}

}  // namespace posthorn::server
