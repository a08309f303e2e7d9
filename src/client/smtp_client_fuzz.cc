// Arbitrary servers: whatever they say, the client ends when they do, and what it believes of the message is true.
// The first byte chooses the options; the rest is what the server says, one piece for each time that the client has said something, with
// 0xFF between them.
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstddef>
#include <cstdint>

#include "async/reactor.h"
#include "async/task_group.h"
#include "client/smtp_connection.h"

namespace posthorn::client {
namespace {

constexpr std::string_view kText = "Subject: x\r\n\r\nhello\r\n";

// Lets everything happen that can happen at once.
Task<> turn() {
  const auto executor = co_await boost::asio::this_coro::executor;
  co_await boost::asio::post(executor, boost::asio::use_awaitable);
}

bool hear(net::Connection& connection, std::string& heard) {
  const auto more = connection.read_available();
  heard += connection.input();
  connection.consume(connection.input().size());
  return more && *more;
}

Task<> serve(net::Connection& connection, std::string_view script, std::string& heard) {
  for (;;) {
    const auto end = script.find('\xff');
    connection.put(script.substr(0, end));
    auto sent = co_await connection.flush(after(std::chrono::seconds(60)));
    if (!sent || end == script.npos) break;
    script.remove_prefix(end + 1);
    // A client that waits for more of a reply says nothing: then the next piece is that.
    for (int turns = 0; turns < 10 && !hear(connection, heard); ++turns) co_await turn();
  }
  // What the client has sent meanwhile was sent all the same.
  while (hear(connection, heard)) {
  }
  connection.close();
}

void check(const TransactionResult& result, const std::string& heard, bool lmtp) {
  const bool whole = heard.find("hello\r\n.\r\n") != heard.npos || heard.find(" LAST\r\n" + std::string(kText)) != heard.npos;
  bool told = false;
  for (const auto& r : result.recipients) {
    if (r.state == RecipientState::accepted || r.state == RecipientState::unknown) CHECK(whole);
    CHECK((r.state == RecipientState::accepted || r.state == RecipientState::refused) == (r.reply.code != 0) ||
          r.state == RecipientState::postponed);
    told |= r.stage == Stage::final_dot;
    if (r.state == RecipientState::not_tried) CHECK(result.failure);
  }
  if (whole) CHECK(told);
  if (!lmtp) CHECK(result.recipients.size() == 2);
}

SmtpOptions options_for(std::uint8_t choice) {
  SmtpOptions o;
  o.hello = "client.example";
  o.tls = TlsMode::none;
  o.protocol = choice & 1 ? Protocol::lmtp : Protocol::smtp;
  o.pipelining = !(choice & 2);
  o.chunking = choice & 4 ? Chunking::when_needed : Chunking::when_offered;
  if (choice & 8) o.credentials = Credentials{.user = "user", .password = "pencil", .allow_plaintext = true};
  o.transcript = [](const TranscriptLine& line) {
    for (const char c : line.text) CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    if (line.kind == TranscriptLine::Kind::sent) CHECK(line.text.find("pencil") == line.text.npos);
  };
  return o;
}

Task<> run_one(std::uint8_t choice, std::string_view script) {
  auto pair = net::make_connection_pair();
  std::string heard;
  TransactionResult result;
  TaskGroup group;
  group.spawn(Reactor::current(), serve(*pair.first, script, heard));
  {
    SmtpConnection connection(options_for(choice));
    auto opened = co_await connection.open(std::move(pair.second));
    if (opened && connection.is_usable()) {
      TextSource source(kText);
      smtp::Mail mail;
      mail.reverse_path = smtp::Mailbox{"me", "example.org"};
      result = co_await connection.send({.mail = mail,
                                         .recipients = {{.forward_path = {"a", "example.net"}}, {.forward_path = {"b", "example.com"}}},
                                         .source = &source});
    }
    if (connection.is_alive()) co_await connection.quit();
  }
  co_await group.join();
  if (!result.recipients.empty()) check(result, heard, choice & 1);
}

}  // namespace
}  // namespace posthorn::client

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 50'000) return 0;
  posthorn::run_task(posthorn::client::run_one(data[0], {reinterpret_cast<const char*>(data + 1), size - 1}));
  return 0;
}
