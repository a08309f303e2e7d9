// Answers and requests read the same wherever they are cut, and within their limits; a URL that is accepted means the same when it is written again.
#include <cstddef>
#include <cstdint>

#include "http/readers.h"
#include "http/url.h"

using namespace posthorn;
using namespace posthorn::http;

namespace {

// What a reader makes of bytes that come in pieces of `step`.  REQUIRES: step > 0.
template <class Reader>
bool read(Reader& reader, std::string_view all, std::size_t step) {
  std::size_t from = 0, to = 0;
  while (!reader.is_done()) {
    const auto used = reader.take(all.substr(from, to - from));
    if (!used) return false;
    CHECK(*used <= to - from);
    from += *used;
    if (to == all.size()) break;
    to = std::min(all.size(), to + step);
  }
  return true;
}

void try_response(std::string_view all, std::size_t step) {
  const ClientLimits limits{.header = 1000, .body = 1000};
  ResponseReader whole(limits), pieces(limits);
  const bool a = read(whole, all, all.size() + 1), b = read(pieces, all, step);
  if (!a || !b) return;
  CHECK(whole.is_done() == pieces.is_done() && whole.has_header() == pieces.has_header());
  if (!whole.has_header()) return;
  const bool is_done = whole.is_done();
  const auto x = whole.take_response(), y = pieces.take_response();
  CHECK(x.status == y.status && x.body.size() <= 1000 && y.body.size() <= 1000);
  CHECK(!is_done || x.body == y.body);  // of what is cut the last bytes may not have been looked at
}

void try_request(std::string_view all) {
  RequestReader whole(1000), pieces(1000);
  if (!read(whole, all, all.size() + 1) || !read(pieces, all, 7)) return;
  CHECK(whole.is_done() == pieces.is_done());
  if (whole.is_done()) CHECK(whole.request().path == pieces.request().path && whole.keeps_alive() == pieces.keeps_alive());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  try_response(all, 7);
  try_response(all, 1);
  try_request(all);
  const auto url = parse_url(all);
  if (url) CHECK(parse_url(url->text().substr(0, kMaxUrl)).value_or(Url{}) == *url || url->text().size() > kMaxUrl);
  return 0;
}
