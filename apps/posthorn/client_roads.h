// From a place that was named to the server behind it.
#pragma once

#include <memory>
#include <optional>

#include "async/task.h"
#include "async/worker_pool.h"
#include "client/imap_types.h"
#include "client/pop3_connection.h"
#include "client/smap_types.h"
#include "client_options.h"
#include "net/connection.h"

namespace posthorn {

// imaps, pop3s, smaps: TLS from the first byte; imap, pop3, smap: STARTTLS, or what the server has where clear text is allowed by name.
client::TlsMode tls_mode_of(const Place&);

// What client::ImapConnection, client::Pop3Connection and client::SmapConnection need; reads the file of authorities.
Result<client::ImapOptions> imap_options_of(const Place&, std::optional<client::Credentials>);
Result<client::Pop3Options> pop3_options_of(const Place&, std::optional<client::Credentials>);
Result<client::SmapOptions> smap_options_of(const Place&, std::optional<client::Credentials>);

// A connection to the server that the URL names; it ends with the process.
Task<Result<std::unique_ptr<net::Connection>>> dial_place(const Place&, WorkerPool&);

}  // namespace posthorn
