// What is read can be written and means the same; nothing of it has control characters.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "client/url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace posthorn;
  static const int home = ::setenv("HOME", "/home/joe", 1);
  CHECK(home == 0);
  const auto url = client::parse_mail_url({reinterpret_cast<const char*>(data), size});
  if (!url) {
    CHECK(url.error().code == Errc::syntax && !url.error().text.empty());
    return 0;
  }
  const auto written = client::to_string(*url);
  for (const char c : written) CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
  const auto again = client::parse_mail_url(written);
  // What is encoded is longer, and may be too long.
  CHECK(again ? *again == *url : written.size() > 8192);
  CHECK(client::is_server(url->scheme) ? url->host.empty() != url->path.empty() || !url->host.empty() : url->host.empty() && !url->path.empty());
  return 0;
}
