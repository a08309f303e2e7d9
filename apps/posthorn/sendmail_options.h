// The command line of sendmail.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "server/drop/drop_file.h"

namespace posthorn {

struct SendmailOptions {
  enum class Mode { deliver, smtp, list_queue, run_queue, new_aliases };
  Mode mode = Mode::deliver;
  drop::DropEnvelope envelope;
  bool recipients_from_header = false;  // -t
  bool dot_ends = true;  // without -i
  std::optional<std::string> config;  // -C
};

// What is of no meaning here is passed over.  Errors: invalid (a wrong use), unsupported (-bd and its likes), with a text for the user.
Result<SendmailOptions> parse_sendmail(const std::vector<std::string>& words);

}  // namespace posthorn
