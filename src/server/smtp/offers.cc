// What is offered to this client, and what it is trusted with.
#include "base/clock.h"
#include "config/core_settings.h"
#include "server/smtp/session.h"
#include "server/smtp/settings.h"
#include "text/date.h"

namespace posthorn::server {

bool SmtpSession::offers_tls() const {
  return context_.rules.tls == config::TlsMode::starttls && !connection_.is_tls() && context_.services.tls &&
         context_.services.tls() != nullptr;
}

// [RFC4865 2] For submission only.
bool SmtpSession::offers_hold() const { return has_queue() && is_submitting() && kMaxHold.get().count() > 0; }

bool SmtpSession::trusts(const Setting<std::string>& networks) const {
  const auto parsed = IpNetworks::parse(networks.get());  // the setting has been checked
  return parsed && parsed->contain(connection_.peer().ip);
}

void SmtpSession::look_up_trust() {
  // Submission is for who signs in, whatever the address; LMTP relays for nobody.
  may_relay_ = context_.rules.protocol == config::Protocol::smtp && trusts(kRelayNetworks);
  may_etrn_ = trusts(kEtrnNetworks);
}

void SmtpSession::offer_all(smtp::Reply& r) const {
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
  if (offers_require_tls()) offer("REQUIRETLS");
  if (offers_reports()) {
    const auto minimum = kDeliverByMinimum.get().count();
    offer("DSN");                                                                       // [RFC3461]
    offer(minimum > 0 ? "DELIVERBY " + std::to_string(minimum) : "DELIVERBY");          // [RFC2852 4]
    offer(kPriorityProfile.get().empty() ? "MT-PRIORITY" : "MT-PRIORITY " + kPriorityProfile.get());  // [RFC6710 7]
  }
  if (offers_hold())  // [RFC4865 4]
    offer("FUTURERELEASE " + std::to_string(kMaxHold.get().count()) + ' ' +
          text::format_rfc3339_utc(std::chrono::floor<std::chrono::seconds>(now()) + kMaxHold.get()));
  if (offers_etrn()) offer("ETRN");  // [RFC1985]
  if (may_xclient_) offer("XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT");
  if (may_xforward_) offer("XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE");
  offer("LIMITS RCPTMAX=" + std::to_string(kMaxRecipients.get()) +
        " MAILMAX=" + std::to_string(kMaxTransactions.get()));  // [RFC9422]
  offer("HELP");
}

}  // namespace posthorn::server
