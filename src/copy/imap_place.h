// An IMAP server as a place of mail; with an account of the local store also its UIDs are kept (docs/formats/control.md).
#pragma once

#include <memory>
#include <string>

#include "client/imap_connection.h"
#include "copy/mail_place.h"
#include "net/connection.h"

namespace posthorn::copy {

// Signs in.  `only`: a mailbox, with what is below it; empty: all that are one's own.
Task<Result<std::unique_ptr<MailPlace>>> open_imap_place(std::string name, client::ImapOptions, std::unique_ptr<net::Connection>, std::string only = {});

}  // namespace posthorn::copy
