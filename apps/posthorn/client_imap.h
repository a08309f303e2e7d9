// From a place that was named to an IMAP server behind it.
#pragma once

#include <memory>
#include <optional>

#include "async/task.h"
#include "async/worker_pool.h"
#include "client/imap_types.h"
#include "client_options.h"
#include "net/connection.h"

namespace posthorn {

// What client::ImapConnection::open() needs.
struct ImapRoad {
  client::ImapOptions options;
  std::unique_ptr<net::Connection> stream;
};
// imaps: TLS from the first byte; imap: STARTTLS, or what the server has where clear text is allowed by name.  REQUIRES: one of the two.
Task<Result<ImapRoad>> dial_imap(const Place&, std::optional<client::Credentials>, WorkerPool&);

}  // namespace posthorn
