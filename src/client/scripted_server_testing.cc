#include "client/scripted_server_testing.h"

#include <charconv>

#include "async/reactor.h"
#include "text/ascii.h"

namespace posthorn::client {
namespace {

constexpr std::chrono::seconds kPatience{60};
constexpr std::size_t kMaxLine = 100'000;

std::string unescaped(std::string_view in) {
  std::string out;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (in[i] != '\\' || i + 1 == in.size()) {
      out += in[i];
      continue;
    }
    switch (const char c = in[++i]; c) {
      case 'r': out += '\r'; break;
      case 'n': out += '\n'; break;
      case '0': out += '\0'; break;
      case 'x':
        CHECK(i + 2 < in.size());
        out += static_cast<char>(text::hex_value(in[i + 1]) * 16 + text::hex_value(in[i + 2]));
        i += 2;
        break;
      default: out += c;
    }
  }
  return out;
}

}  // namespace

void ScriptedServer::complain(std::string what) { complaints_ += what + "\n"; }

Task<bool> ScriptedServer::say(std::string bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t n = script_.byte_by_byte ? 1 : bytes.size();
    connection_->put(std::string_view(bytes).substr(at, n));
    at += n;
    auto sent = co_await connection_->flush(after(kPatience));
    if (!sent) co_return false;  // a client may leave early
    if (script_.byte_by_byte) co_await sleep_for(std::chrono::milliseconds(0));
  }
  co_return true;
}

Task<bool> ScriptedServer::hear(std::string expected) {
  auto line = co_await connection_->read_line(kMaxLine, net::LineEnd::crlf, after(kPatience));
  if (!line) {
    complain("the client left instead of saying '" + expected + "': " + line.error().text);
    co_return false;
  }
  const bool open = expected.ends_with('*');
  if (open) expected.pop_back();
  if (open ? line->starts_with(expected) : *line == expected) co_return true;
  complain("the client said '" + std::string(*line) + "' instead of '" + expected + "'");
  co_return false;
}

Task<bool> ScriptedServer::take(std::size_t bytes) {
  while (bytes > 0) {
    if (connection_->input().empty()) {
      auto more = co_await connection_->read_more(after(kPatience));
      if (!more) {
        complain("the client left with " + std::to_string(bytes) + " bytes to send");
        co_return false;
      }
    }
    const std::size_t n = std::min(bytes, connection_->input().size());
    connection_->consume(n);
    bytes -= n;
  }
  co_return true;
}

Task<> ScriptedServer::wait_for_the_end(bool ignore) {
  for (;;) {
    const auto said = connection_->input();
    if (!said.empty() && !ignore) complain("the client said '" + std::string(said.substr(0, 200)) + "' behind the end");
    connection_->consume(said.size());
    auto more = co_await connection_->read_more(after(kPatience));
    if (more) continue;
    if (more.error().code == Errc::timed_out) complain("the client stayed");
    break;
  }
  connection_->close();
}

// false: the script is over.
Task<bool> ScriptedServer::step(std::string line) {
  const std::string rest = line.size() > 3 ? line.substr(3) : "";
  if (line.starts_with("S: ")) co_return co_await say(rest + "\r\n");
  if (line.starts_with("s: ")) co_return co_await say(unescaped(rest));
  if (line.starts_with("C: ") || line == "C:") co_return co_await hear(rest);
  if (line.starts_with("B: ")) {
    std::size_t n = 0;
    std::from_chars(rest.data(), rest.data() + rest.size(), n);
    co_return co_await take(n);
  }
  if (line == "TLS") {
    auto done = co_await connection_->start_tls(*script_.tls, after(kPatience));
    co_return done.has_value();
  }
  if (line == "CLOSE") {
    connection_->close();
    co_return false;
  }
  if (line == "WAIT") {
    co_await sleep_for(std::chrono::milliseconds(20));
    co_return true;
  }
  if (line == "DEAF") {
    while (!client_left_) co_await sleep_for(std::chrono::milliseconds(20));
    co_return false;
  }
  CHECK(line == "HANG");
  co_await wait_for_the_end(true);
  co_return false;
}

Task<> ScriptedServer::run() {
  std::string_view rest = script_.text;
  while (!rest.empty()) {
    const auto lf = rest.find('\n');
    std::string line(text::trim(rest.substr(0, lf)));
    rest.remove_prefix(lf == rest.npos ? rest.size() : lf + 1);
    if (line.empty() || line.starts_with('#')) continue;
    const bool goes_on = co_await step(std::move(line));
    if (goes_on) continue;
    connection_->close();
    co_return;
  }
  co_await wait_for_the_end(false);
}

}  // namespace posthorn::client
