// Any text gives a configuration or at least one error, never a crash.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "config/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace posthorn;
  const auto loaded = config::load_text({reinterpret_cast<const char*>(data), size}, "fuzz");
  const bool wrong = std::ranges::any_of(
      loaded.problems, [](const config::Problem& p) { return p.severity == config::Severity::error; });
  CHECK(loaded.config.has_value() != wrong);
  if (loaded.config) CHECK(!loaded.config->listeners.empty() && !loaded.config->hostname.empty());
  CHECK(config::to_text(loaded).empty() == loaded.problems.empty());
  return 0;
}
