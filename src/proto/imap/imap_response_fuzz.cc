// What a server says is cut in the same way however it comes, in bounded memory; every response parses to a struct or an error, and what
// people see of it has no control characters.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "proto/imap/response.h"
#include "proto/imap/response_reader.h"

using namespace posthorn;
using namespace posthorn::imap;

namespace {

constexpr ResponseLimits kLimits{.utf8 = false, .line = 20'000, .message = 50'000, .depth = 16, .words = 100, .set_items = 1000};

void check_response(std::string_view text) {
  auto got = parse_response(text, kLimits);
  if (!got) {
    CHECK(!got.error().text.empty());
    return;
  }
  if (const auto* fetch = std::get_if<FetchResponse>(&*got)) CHECK(fetch->number > 0 && fetch->uid != 0u);
  if (const auto* status = std::get_if<StatusResponse>(&*got))
    for (const char c : for_people(status->text)) CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  if (const auto* vanished = std::get_if<VanishedResponse>(&*got)) CHECK(!vanished->uids.contains(0) && !vanished->uids.empty());
}

// Events as text; pieces of a message are put together.
std::string events_of(std::string_view said, std::size_t step) {
  ResponseReader reader(kLimits);
  std::string out;
  std::uint64_t announced = 0, came = 0;
  for (std::size_t at = 0; at < said.size(); at += step) {
    std::string_view in = said.substr(at, step);
    for (;;) {
      const auto event = reader.next(in);
      if (!event) return out + "!";
      if (!*event) break;
      const auto& e = **event;
      switch (e.kind) {
        case ResponseEvent::Kind::response:
          check_response(e.text);
          out += "R" + std::string(e.text) + "\n";
          break;
        case ResponseEvent::Kind::message_begin:
          (void)parse_fetch_front(e.text, kLimits);
          announced = e.size;
          came = 0;
          out += "B" + std::string(e.text) + std::to_string(e.size);
          break;
        case ResponseEvent::Kind::message:
          came += e.text.size();
          out += e.text;
          break;
        case ResponseEvent::Kind::message_end:
          CHECK(came == announced);
          out += "E";
          break;
      }
    }
    CHECK(in.empty());
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > 60'000) return 0;
  const std::string_view said(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto whole = events_of(said, said.size() + 1);
  CHECK(whole == events_of(said, data[0] % 17 + 1));
  return 0;
}
