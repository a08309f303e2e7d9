// A document of a stranger's web server.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "check/autoconfig.h"
#include "check/xml_reader.h"

namespace {
std::size_t count(const posthorn::check::XmlElement& e, std::size_t depth) {
  if (depth > posthorn::check::XmlLimits::kDepth) std::abort();
  std::size_t n = 1;
  for (const auto& child : e.children) n += count(child, depth + 1);
  return n;
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace posthorn::check;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto root = parse_xml(text); root && count(*root, 1) > XmlLimits::kElements) std::abort();
  if (const auto servers = parse_autoconfig(text, "joe@example.org"); servers && servers->size() > kAutoconfigServers) std::abort();
  return 0;
}
