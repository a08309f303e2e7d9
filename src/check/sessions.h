// Connections of the client library to ports that were looked at.
#pragma once

#include <memory>

#include "async/task.h"
#include "base/result.h"
#include "check/probe.h"
#include "check/world.h"
#include "client/imap_connection.h"
#include "client/pop3_connection.h"
#include "client/sasl_client.h"
#include "client/smtp_connection.h"

namespace posthorn::check {

// REQUIRES: report.reached.  Every wait takes at most the timeout of the probes, opening three of them.  `credentials`: to sign in by.
Task<Result<std::unique_ptr<client::SmtpConnection>>> open_smtp(World&, const PortReport& report, client::Credentials credentials);
Task<Result<std::unique_ptr<client::ImapConnection>>> open_imap(World&, const PortReport& report, client::Credentials credentials);
Task<Result<std::unique_ptr<client::Pop3Connection>>> open_pop3(World&, const PortReport& report, client::Credentials credentials);

}  // namespace posthorn::check
