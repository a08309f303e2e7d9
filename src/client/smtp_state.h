// What an SmtpConnection knows, and the parts it is made of.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "client/message_source.h"
#include "client/smtp_channel.h"
#include "client/smtp_types.h"
#include "net/connect.h"

namespace posthorn::client {

struct SmtpState {
  explicit SmtpState(SmtpOptions o) : options(std::move(o)) {}

  SmtpOptions options;
  net::Connector connector;
  std::unique_ptr<SmtpChannel> channel;  // from the moment that there is a connection
  std::optional<Deadline> opening_ends;
  smtp::Reply greeting;
  smtp::Extensions extensions;
  TlsState tls;
  std::string signed_in_by;
  bool needs_reset = false;  // MAIL was said, and no message ended the transaction
  bool stopping = false;
  std::uint64_t transactions = 0;

  bool is_lmtp() const { return options.protocol == Protocol::lmtp; }
  bool may_pipeline() const { return options.pipelining && extensions.pipelining; }
};

inline bool is_success(const smtp::Reply& reply) { return reply.code / 100 == 2; }
inline bool is_refusal(const smtp::Reply& reply) { return reply.code / 100 == 4 || reply.code / 100 == 5; }

// From the first byte to the point where a transaction may begin.  smtp_opening.cc
Task<Outcome<>> open_session(SmtpState&);
// smtp_sign_in.cc.  REQUIRES: options.credentials.
Task<Outcome<>> sign_in(SmtpState&);
// smtp_transaction.cc
Task<TransactionResult> run_transaction(SmtpState&, MessageToSend);

// smtp_content.cc.  The whole message; `replies` of them will come to its end.  Nothing: all of it was handed to the network, and the
// replies are due.  A reply: the server has refused a part of it, and the transaction can be ended by RSET.  A failure: the end of the
// message was not sent, and cannot be any more.
Task<Outcome<std::optional<smtp::Reply>>> send_dotted(SmtpState&, MessageSource&, std::size_t replies);
Task<Outcome<std::optional<smtp::Reply>>> send_chunked(SmtpState&, MessageSource&, smtp::Body, std::size_t replies);

}  // namespace posthorn::client
