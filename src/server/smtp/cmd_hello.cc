// EHLO, HELO [RFC5321 4.1.1.1] and LHLO [RFC2033 4.1].
#include "server/smtp/session.h"

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
  offer_all(r);
  reply(r);
}

}  // namespace posthorn::server
