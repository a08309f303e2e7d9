// The text of a transcript, as steps.  Pure; transcript_testing.h says how it is written.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace posthorn::server::transcript {

struct Step {
  enum class Kind { send, client_action, line, optional_line, any_order_line, skip_to, server_state, check } kind;
  int session = 1;
  std::string text;
  std::vector<std::string> block;  // the | lines
  int line = 0;
};

struct Scenario {
  std::string name;
  std::vector<Step> directives, steps;
};

// Errc::syntax with the number of the line.
Result<std::vector<Scenario>> parse_transcript(std::string_view text);

std::vector<std::string> words_of(std::string_view text);
std::optional<int> to_int(std::string_view);

}  // namespace posthorn::server::transcript
