#include "net/proxy_protocol.h"

#include <gtest/gtest.h>

#include "async/reactor.h"
#include "async/task_group.h"
#include "crypto/digest.h"

namespace posthorn::net {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);

std::string version2(int version_command, int family, std::string_view body) {
  std::string out(kSignature);
  out += {static_cast<char>(version_command), static_cast<char>(family), static_cast<char>(body.size() >> 8),
          static_cast<char>(body.size())};
  return out + std::string(body);
}

const std::string kBody4("\xc0\x00\x02\x01\xc0\x00\x02\x02\x12\x67\x00\x19", 12);
const std::string kBody6("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\x12\x67\x00\x19", 36);

// Reads as read_proxy_header() does: what the header says, or the error, and how much of `bytes` it took.
std::string reading(std::string_view bytes) {
  std::size_t taken = 0;
  for (;;) {
    const auto header = parse_proxy_header(bytes.substr(0, taken));
    if (!header) return header.error().code == Errc::syntax ? "refused" : "?";
    if (header->missing == 0) {
      const auto said = header->source ? header->source->text() + (header->source->loopback ? " loopback" : "") : "itself";
      return said + (taken == bytes.size() ? "" : " and " + std::to_string(bytes.size() - taken) + " behind");
    }
    if (header->missing > bytes.size() - taken) return "more";
    taken += header->missing;
  }
}

struct Case {
  std::string bytes, expected;
};

TEST(ProxyHeader, Version1) {
  const Case cases[] = {
      // The longest ones that the document names.
      {"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535"},
      {"PROXY TCP6 ffff:f:f:f:f:f:f:ffff ffff:f:f:f:f:f:f:ffff 65535 65535\r\n", "[ffff:f:f:f:f:f:f:ffff]:65535"},
      {"PROXY UNKNOWN\r\n", "itself"},
      {"PROXY UNKNOWN ffff:f:f:f:f:f:f:ffff ffff:f:f:f:f:f:f:ffff 65535 65535\r\n", "itself"},
      {"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\nGET / HTTP/1.1\r\n", "192.168.0.1:56324 and 16 behind"},
      {"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n\r\n", "0.0.0.0:0 and 2 behind"},
      {"PROXY TCP6 :: :: 0 0\r\nx", "[::]:0 and 1 behind"},
      {"PROXY UNKNOWN\r\nx", "itself and 1 behind"},
      {"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n", "127.0.0.1:1 loopback"},
      {"PROXY TCP6 ::ffff:192.0.2.1 :: 1 2\r\n", "192.0.2.1:1"},
      {"PROXY TCP4 192.0.2.1 192.0.2.2 1 2", "more"},
      {"", "more"},
      {"PROXY", "more"},
      {"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", "refused"},
      {"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", "refused"},
      {"PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n", "refused"},
      {"PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n", "refused"},
      {"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n", "refused"},
      {"PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n", "refused"},
      {"PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n", "refused"},
      {"PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n", "refused"},
      {"PROXY TCP6 192.0.2.1 192.0.2.2 1111 2222\r\n", "refused"},
      {"PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n", "refused"},
      {"proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "refused"},
      {"PROXY UNKNOWN " + std::string(91, 'x') + "\r\n", "itself"},
      {"PROXY UNKNOWN " + std::string(94, 'x') + "\r\n", "refused"},
      {"EHLO client.example\r\n", "refused"},
      {std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00", 12), "refused"},
  };
  for (const auto& c : cases) EXPECT_EQ(reading(c.bytes), c.expected) << c.bytes;
}

TEST(ProxyHeader, Version2) {
  const std::string tlv("\x04\x00\x03xyz", 6);
  const Case cases[] = {
      {version2(0x21, 0x11, kBody4), "192.0.2.1:4711"},
      {version2(0x21, 0x21, kBody6), "[2001:db8::1]:4711"},
      {version2(0x21, 0x11, kBody4) + "EHLO", "192.0.2.1:4711 and 4 behind"},
      {version2(0x21, 0x11, kBody4 + tlv + tlv), "192.0.2.1:4711"},
      {version2(0x21, 0x11, kBody4 + std::string("\x01\xff\x00", 3) + std::string(0xff00, 'z')), "192.0.2.1:4711"},
      {version2(0x20, 0x00, ""), "itself"},          // LOCAL
      {version2(0x20, 0x11, kBody4), "itself"},      // LOCAL, whatever the addresses
      {version2(0x21, 0x00, ""), "itself"},          // UNSPEC
      {version2(0x21, 0x00, "anything"), "itself"},
      {version2(0x21, 0x12, kBody4), "itself"},      // UDP
      {version2(0x21, 0x31, std::string(216, '/')), "itself"},  // Unix
      {version2(0x21, 0x11, kBody4.substr(0, 11)), "refused"},
      {version2(0x21, 0x21, kBody4), "refused"},
      {version2(0x21, 0x11, kBody4 + "\x04"), "refused"},
      {version2(0x21, 0x11, kBody4 + tlv.substr(0, 5)), "refused"},
      {version2(0x22, 0x11, kBody4), "refused"},     // command
      {version2(0x11, 0x11, kBody4), "refused"},     // version
      {version2(0x21, 0x41, kBody4), "refused"},     // family
      {version2(0x21, 0x13, kBody4), "refused"},     // transport
      {version2(0x21, 0x11, kBody4).substr(0, 20), "more"},
      {version2(0x21, 0x11, kBody4).substr(0, 13), "more"},
  };
  for (const auto& c : cases) EXPECT_EQ(reading(c.bytes), c.expected) << testing::PrintToString(c.bytes.substr(0, 60));
}

TEST(ProxyHeader, AChecksumIsChecked) {
  const auto with = [](std::uint32_t sum) {
    std::string tlv("\x03\x00\x04", 3);
    for (int shift = 24; shift >= 0; shift -= 8) tlv += static_cast<char>(sum >> shift);
    return version2(0x21, 0x11, kBody4 + tlv + std::string("\x04\x00\x00", 3));
  };
  const auto sum = crypto::crc32c(with(0));
  EXPECT_EQ(reading(with(sum)), "192.0.2.1:4711");
  EXPECT_EQ(reading(with(sum ^ 1)), "refused");
}

Task<> send_slowly(Connection& c, std::string bytes) {
  for (const char byte : bytes) {
    c.put({&byte, 1});
    auto sent = co_await c.flush(after(5s));
    EXPECT_TRUE(sent);
    co_await sleep_for(1ms);
  }
}

Task<> read_both(std::string header, std::string peer) {
  auto pair = make_connection_pair();
  TaskGroup group;
  group.spawn(Reactor::current(), send_slowly(*pair.first, header + "hello\r\n"));
  auto read = co_await read_proxy_header(*pair.second, after(5s));
  EXPECT_TRUE(read);
  EXPECT_EQ(pair.second->peer().text(), peer);
  EXPECT_EQ(pair.second->input(), "");  // what follows is still with the system
  auto line = co_await pair.second->read_line(100, LineEnd::crlf, after(5s));
  EXPECT_EQ(line.value_or("?"), "hello");
  co_await group.join();
}

TEST(ProxyHeader, LeavesWhatFollows) {
  run_task(read_both("PROXY TCP4 192.0.2.1 192.0.2.2 4711 25\r\n", "192.0.2.1:4711"));
  run_task(read_both(version2(0x21, 0x21, kBody6), "[2001:db8::1]:4711"));
  run_task(read_both(version2(0x20, 0, ""), "unix"));
}

Task<> wait_for_nothing() {
  auto pair = make_connection_pair();
  pair.first->put("PROXY ");
  auto sent = co_await pair.first->flush(after(5s));
  EXPECT_TRUE(sent);
  auto late = co_await read_proxy_header(*pair.second, after(50ms));
  EXPECT_EQ(late.error().code, Errc::timed_out);
  auto other = make_connection_pair();
  other.first->put("EHLO client.example\r\n");
  sent = co_await other.first->flush(after(5s));
  EXPECT_TRUE(sent);
  auto refused = co_await read_proxy_header(*other.second, after(5s));
  EXPECT_EQ(refused.error().code, Errc::syntax);
  other.first->close();
}

TEST(ProxyHeader, HasADeadline) { run_task(wait_for_nothing()); }

}  // namespace
}  // namespace posthorn::net
