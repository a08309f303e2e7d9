// What a connection says of itself, for signing in over it.
#pragma once

#include <string>

#include "client/sasl_client.h"
#include "net/connection.h"

namespace posthorn::client {

// For TLS 1.3 it is bound by tls-exporter, the type that everybody knows [RFC9266 2]; before that by tls-unique, or else by tls-server-end-point.
ChannelState channel_state(net::Connection&, const std::string& host);

}  // namespace posthorn::client
