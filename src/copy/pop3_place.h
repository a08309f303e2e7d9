// A maildrop as a place that mail is copied from: one folder, INBOX, without flags and dates.
#pragma once

#include <memory>
#include <string>

#include "client/pop3_connection.h"
#include "copy/mail_place.h"
#include "net/connection.h"

namespace posthorn::copy {

// Signs in.  Nothing is removed there; posthorn fetch does that.
Task<Result<std::unique_ptr<MailPlace>>> open_pop3_place(std::string name, client::Pop3Options, std::unique_ptr<net::Connection>);

}  // namespace posthorn::copy
