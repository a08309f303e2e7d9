// A server of SMTP or LMTP as the place of fetched messages.
#pragma once

#include <functional>

#include "client/dial.h"
#include "client/smtp_connection.h"
#include "client/submission.h"
#include "fetch/target.h"

namespace posthorn::fetch {

struct SmtpTargetOptions {
  client::SubmissionServer server;
  client::SmtpOptions smtp;
  const client::TlsForHosts* tls = nullptr;  // REQUIRES: one, which outlives the target
  std::optional<smtp::Mailbox> from;         // nullopt: <>
  smtp::Mailbox to;
  std::function<void(const std::string&)> on_note;
};

// One message after the other, each waiting in a file beside the journal until the server has taken it.  A
// message that the server refuses, for good or for now, is not stored: it stays where it was, others go on,
// and later runs try again; only where nothing but refusals of new messages comes the run ends.  Where two messages have got no answer,
// those that were refused before are left to later runs.
//
// What cannot be excluded, because SMTP has nothing against it [RFC5321 4.5.3.2.6]: when the connection or
// this program ends between the end of a message and the server's reply to it, the message may be there
// already, and a later run sends it again.  on_note says so then.  After a power cut (not a kill) that holds
// for the messages of the last batch, whose journal had not reached the disk.
std::unique_ptr<Target> make_smtp_target(SmtpTargetOptions);

}  // namespace posthorn::fetch
