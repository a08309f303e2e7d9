// A header reads the same wherever it is cut, asks for no byte behind its end, and what it says is an address.
#include <cstddef>
#include <cstdint>

#include "base/ip_address.h"
#include "net/proxy_protocol.h"

using namespace posthorn;
using namespace posthorn::net;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  std::size_t taken = 0;
  for (;;) {
    const auto header = parse_proxy_header(all.substr(0, taken));
    if (!header) {
      CHECK(header.error().code == Errc::syntax && !parse_proxy_header(all));
      return 0;
    }
    if (header->missing == 0) {
      CHECK(taken <= kMaxProxyHeader);
      if (header->source) CHECK(IpAddress::parse(header->source->ip).has_value());
      return 0;
    }
    CHECK(taken + header->missing <= kMaxProxyHeader);
    if (header->missing > size - taken) return 0;
    taken += header->missing;
  }
}
