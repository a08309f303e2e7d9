// What all ways to leave a message in the drop directory have in common.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "server/drop/drop_file.h"

namespace posthorn {

struct DropPlace {
  std::string directory, hostname;
  std::optional<std::uint64_t> max_size;  // bytes, with CRLF; none: the configuration, with its rules, cannot be read by this user
};
// By the configuration, whose settings are then in effect; where that cannot be read, the usual place.  Says on stderr what is wrong with it.
Result<DropPlace> find_drop(const std::string& config_file);

// As far as it can be known here: whether the domain is ours the server knows.  Errc::denied.
Result<void> check_sender(const DropPlace&, const drop::DropEnvelope&);
// Errc::syntax
Result<void> check_addresses(const drop::DropEnvelope&);

int exit_code_of(Errc);  // of sysexits.h

}  // namespace posthorn
