// From the name of a web server to how it is reached.
#pragma once

#include <memory>
#include <string>

#include "async/task.h"
#include "dns/resolver.h"
#include "http/client.h"

namespace posthorn::delivery {

// Addresses as delivery.ip_versions, allow_loopback and allow_private let them.  Errc::not_found, in words: there is none.
Task<Result<http::Route>> find_web_server(dns::Resolver&, std::string host, std::shared_ptr<const net::TlsContext>, Deadline);

}  // namespace posthorn::delivery
