#include "client/sasl_channel.h"

#include <utility>

namespace posthorn::client {

ChannelState channel_state(net::Connection& connection, const std::string& host) {
  ChannelState out{.encrypted = connection.is_tls(), .binding_type = {}, .binding_data = {}, .host = host, .port = connection.peer().port};
  auto bind = [&out](std::string type, std::string data) {
    if (!out.binding_data.empty() || data.empty()) return;
    out.binding_type = std::move(type);
    out.binding_data = std::move(data);
  };
  if (connection.tls_version() == "TLSv1.3") bind("tls-exporter", connection.tls_exporter());
  bind("tls-unique", connection.tls_unique());
  bind("tls-server-end-point", connection.tls_server_end_point());
  return out;
}

}  // namespace posthorn::client
