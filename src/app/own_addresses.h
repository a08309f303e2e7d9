// Where other servers reach this one.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ip_address.h"
#include "config/config.h"

namespace posthorn::app {

// The addresses at which one of the listeners takes mail from other servers at `port`; for "all addresses" those that the machine has now.
std::vector<IpAddress> own_mail_addresses(const std::vector<config::Listener>&, std::uint16_t port);

}  // namespace posthorn::app
