// What is told to who left a message that cannot be sent: the command has told him that it would be.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "server/drop/drop_file.h"

namespace posthorn::drop {

struct Unsent {
  const DropEnvelope* envelope = nullptr;
  std::string reverse_path;             // that he got
  std::vector<std::string> recipients;  // with their domains; they may be no addresses
  std::string_view message;             // its beginning, with any line ends
  bool whole = false;                   // all of it
  std::uint64_t size = 0;
  Error why;
};

struct DropReport {
  std::string recipient, text;  // text: with CRLF
  bool smtp_utf8 = false;
};

// A notification [RFC3464] with the message, as far as it is here and not larger than delivery.return_limit, else with its header; for the sender, or for the postmaster if the
// sender is null.  None: the sender wants none (NOTIFY).
std::optional<DropReport> report_unsent(const Unsent&, const std::string& hostname,
                                        const std::string& postmaster);

}  // namespace posthorn::drop
