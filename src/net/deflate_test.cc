// Compressed connections.
#include "net/deflate.h"

#include <gtest/gtest.h>

#include "async/reactor.h"
#include "net/connection.h"

namespace posthorn::net {
namespace {

using namespace std::chrono_literals;

std::string compressed(Deflate& deflate, std::string_view plain) {
  std::string out;
  deflate.compress(plain, out);
  return out;
}

std::string decompressed(Deflate& deflate, std::string_view packed) {
  std::string out;
  while (!packed.empty() || deflate.more_output()) EXPECT_TRUE(deflate.decompress(packed, 1000, out));
  return out;
}

TEST(Deflate, WhatWasCompressedIsReadAtOnceAlsoAfterARest) {
  Deflate here, there;
  std::string random(20'000, ' ');
  std::uint32_t x = 1;
  for (auto& c : random) c = static_cast<char>((x = x * 1664525 + 1013904223) >> 24);
  for (const std::string& text : {std::string("a1 NOOP\r\n"), std::string(100'000, 'x'), random, std::string("a1 NOOP\r\n"), random, std::string("e")}) {
    EXPECT_EQ(decompressed(there, compressed(here, text)), text);
    there.rest();
    if (text.size() < 20) here.rest();
  }
}

TEST(Deflate, TheOutputOfACallIsBounded) {
  Deflate here, there;
  const std::string packed = compressed(here, std::string(10'000'000, 'x'));
  EXPECT_LT(packed.size(), 100'000u);
  std::string_view rest = packed;
  std::size_t total = 0;
  while (!rest.empty() || there.more_output()) {
    std::string out;
    ASSERT_TRUE(there.decompress(rest, 64 << 10, out));
    EXPECT_LE(out.size(), std::size_t{64} << 10);
    total += out.size();
  }
  EXPECT_EQ(total, 10'000'000u);
}

TEST(Deflate, WhatIsNoDeflateIsRefused) {
  Deflate there;
  std::string out;
  std::string_view plain = "a2 NOOP\r\na3 LOGOUT\r\n";
  EXPECT_FALSE(there.decompress(plain, 1000, out));
}

Task<> exchange(Connection& client, Connection& server) {
  client.put("COMPRESS\r\n");
  EXPECT_TRUE(co_await client.flush(after(5s)));
  auto line = co_await server.read_line(100, LineEnd::crlf, after(5s));
  EXPECT_EQ(line.value_or(""), "COMPRESS");
  server.start_compression();
  client.start_compression();
  for (int i = 0; i < 3; ++i) {
    client.put("hello\r\n");
    EXPECT_TRUE(co_await client.flush(after(5s)));
    line = co_await server.read_line(100, LineEnd::crlf, after(5s));
    EXPECT_EQ(line.value_or(""), "hello");
    // A bomb comes in pieces.
    server.put(std::string(1'000'000, 'x'));
    EXPECT_TRUE(co_await server.flush(after(5s)));
    std::size_t total = 0;
    while (total < 1'000'000) {
      const auto more = co_await client.read_more_or_interrupt(after(5s));
      EXPECT_TRUE(more);
      if (!more) co_return;
      EXPECT_LE(client.input().size(), std::size_t{64} << 10);
      total += client.input().size();
      client.consume(client.input().size());
    }
  }
  server.interrupt();
  const auto woken = co_await server.read_more_or_interrupt(after(5s));
  EXPECT_EQ(woken.value_or(Wake::input), Wake::interrupted);
  client.close();
  EXPECT_EQ((co_await server.read_more(after(5s))).error().code, Errc::closed);
}

TEST(CompressedConnection, BothWays) {
  run_task([]() -> Task<> {
    auto pair = make_connection_pair();
    co_await exchange(*pair.first, *pair.second);
  }());
}

Task<> pipelined(Connection& client, Connection& server) {
  client.put("COMPRESS\r\na2 NOOP\r\n");
  EXPECT_TRUE(co_await client.flush(after(5s)));
  auto line = co_await server.read_line(100, LineEnd::crlf, after(5s));
  EXPECT_EQ(line.value_or(""), "COMPRESS");
  server.start_compression();
  line = co_await server.read_line(100, LineEnd::crlf, after(5s));
  EXPECT_FALSE(line);
}

TEST(CompressedConnection, PlainBytesBehindTheCommandAreNotTakenForCommands) {
  run_task([]() -> Task<> {
    auto pair = make_connection_pair();
    co_await pipelined(*pair.first, *pair.second);
  }());
}

}  // namespace
}  // namespace posthorn::net
