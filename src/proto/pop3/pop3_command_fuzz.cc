// Any line parses to a command or an error; TOP cuts the same however the message is cut.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "proto/pop3/command.h"
#include "proto/pop3/top.h"

using namespace posthorn;

static std::string top(std::string_view message, std::uint32_t lines, std::size_t step) {
  pop3::TopFilter filter(lines);
  std::string out;
  for (; !message.empty(); message.remove_prefix(std::min(step, message.size())))
    out += filter.take(message.substr(0, step));
  return out;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto got = pop3::parse_command(text);
  if (got) CHECK(got->index() < std::variant_size_v<pop3::Command>);
  const auto whole = top(text, size % 5, size + 1);
  CHECK(whole == top(text, size % 5, 1));
  CHECK(text.starts_with(whole));
  return 0;
}
