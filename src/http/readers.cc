// The only file that knows Boost.Beast.
#include "http/readers.h"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <algorithm>
#include <optional>
#include <utility>

namespace posthorn::http {
namespace {

namespace beast = boost::beast::http;

constexpr int kMaxInformational = 8;
// Behind the header a body in chunks ends with five bytes at least, "0" and two line ends.  Beast 1.81 looks twice at what it takes for the last
// chunk, and does not stand fewer.
constexpr std::size_t kLastChunk = 5;

std::unexpected<Error> failure(const boost::beast::error_code& ec) {
  const bool too_large = ec == beast::error::header_limit || ec == beast::error::body_limit || ec == beast::error::unexpected_body ||
                         ec == beast::error::buffer_overflow;
  return fail(too_large ? Errc::too_large : Errc::syntax, "HTTP: " + ec.message());
}

// Everything of `bytes` that makes sense by now.
template <class Parser>
Result<std::size_t> feed(Parser& parser, std::string_view bytes) {
  std::size_t used = 0;
  while (!parser.is_done()) {
    boost::beast::error_code ec;
    const auto n = parser.put(boost::asio::const_buffer(bytes.data() + used, bytes.size() - used), ec);
    used += n;
    if (ec == beast::error::need_more) break;
    if (ec) return failure(ec);
    if (n == 0 && used == bytes.size()) break;
  }
  return used;
}

std::string_view view(boost::beast::string_view s) { return {s.data(), s.size()}; }

// "http://example.org/a" becomes "/a".
void take_authority(std::string_view& target, std::string& host) {
  const auto colon = target.find("://");
  if (colon == target.npos || target.starts_with('/') || target.find_first_of("/?") < colon) return;
  target.remove_prefix(colon + 3);
  const auto end = std::min(target.find_first_of("/?"), target.size());
  host = target.substr(0, end);
  target.remove_prefix(end);
  if (target.empty()) target = "/";
}

}  // namespace

struct RequestReader::Impl {
  beast::request_parser<beast::empty_body> parser;
};

RequestReader::RequestReader(std::size_t max_header) : impl_(std::make_unique<Impl>()) {
  impl_->parser.header_limit(static_cast<std::uint32_t>(max_header));
  impl_->parser.body_limit(0);
}
RequestReader::~RequestReader() = default;

Result<std::size_t> RequestReader::take(std::string_view bytes) {
  auto& parser = impl_->parser;
  TRY(const auto used, feed(parser, bytes));
  if (!parser.is_header_done()) return used;
  if (parser.chunked() || parser.content_length().value_or(0) > 0) return fail(Errc::too_large, "HTTP: the request has a body");
  const auto& head = parser.get();
  // [RFC9112 3.2] Exactly one.
  if (head.version() >= 11 && head.count(beast::field::host) != 1) return fail(Errc::syntax, "HTTP: the request does not name one host");
  return used;
}

bool RequestReader::is_done() const { return impl_->parser.is_done(); }
bool RequestReader::keeps_alive() const { return impl_->parser.keep_alive(); }

Request RequestReader::request() const {
  const auto& head = impl_->parser.get();
  Request out;
  out.method = std::string(view(head.method_string()));
  auto target = view(head.target());
  out.host = view(head[beast::field::host]);
  take_authority(target, out.host);
  const auto question = std::min(target.find('?'), target.size());
  out.path = target.substr(0, question);
  out.query = target.substr(std::min(question + 1, target.size()));
  return out;
}

struct ResponseReader::Impl {
  ClientLimits limits;
  std::optional<beast::response_parser<beast::string_body>> parser;
  int informational = 0;

  void begin() {
    parser.emplace();
    parser->header_limit(static_cast<std::uint32_t>(limits.header));
    parser->body_limit(limits.body);
    parser->eager(true);
  }
  bool is_informational() const { return parser->is_header_done() && parser->get().result_int() / 100 == 1; }
};

ResponseReader::ResponseReader(const ClientLimits& limits) : impl_(std::make_unique<Impl>()) {
  impl_->limits = limits;
  impl_->begin();
}
ResponseReader::~ResponseReader() = default;

Result<std::size_t> ResponseReader::take(std::string_view bytes) {
  std::size_t used = 0;
  for (;;) {
    const auto rest = bytes.substr(used);
    if (impl_->parser->is_header_done() && impl_->parser->chunked() && rest.size() < kLastChunk) return used;
    TRY(const auto n, feed(*impl_->parser, rest));
    used += n;
    // [RFC9110 15.2] What we have asked for comes behind them.
    if (!impl_->is_informational()) return used;
    if (impl_->parser->get().result_int() == 101) return fail(Errc::syntax, "HTTP: 101, which nobody has asked for");
    if (++impl_->informational > kMaxInformational) return fail(Errc::too_large, "HTTP: too many answers of 1xx");
    impl_->begin();
  }
}

bool ResponseReader::is_done() const { return impl_->parser->is_done(); }
bool ResponseReader::has_header() const { return impl_->parser->is_header_done(); }
bool ResponseReader::needs_end() const { return impl_->parser->need_eof() && !is_done(); }

Result<void> ResponseReader::end() {
  auto& parser = *impl_->parser;
  if (parser.is_done()) return {};
  if (!parser.got_some()) return fail(Errc::syntax, "HTTP: the server closed the connection instead of answering");
  boost::beast::error_code ec;
  parser.put_eof(ec);
  if (ec) return failure(ec);
  return {};
}

Response ResponseReader::take_response() {
  auto& message = impl_->parser->get();
  Response out;
  out.status = message.result_int();
  out.content_type = std::string(view(message[beast::field::content_type]));
  out.location = std::string(view(message[beast::field::location]));
  out.body = std::move(message.body());
  return out;
}

}  // namespace posthorn::http
