// Our own client as the other end, in one process.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "async/reactor.h"
#include "async/task_group.h"
#include "async/timer.h"
#include "client/smap_client.h"
#include "server/common/transcript_testing.h"
#include "server/smap/smap_session.h"
#include "text/base64.h"

namespace posthorn::smap {
namespace {

using Data = std::vector<std::vector<std::string>>;

// A server with one account, and clients that have signed in to it.
struct Harness {
  server::TestServer server;
  TaskGroup sessions;
  std::vector<net::ConnectionPair> pairs;

  Task<> start() {
    const auto opened = co_await server.open();
    CHECK(opened.has_value());
    const auto domain = co_await server.add_domain("example.test");
    CHECK(domain.has_value());
    const auto account = co_await server.add_account("ann@example.test", "secret");
    CHECK(account.has_value());
  }
  Task<client::SmapClient> connect() {
    auto& pair = pairs.emplace_back(net::make_connection_pair());
    sessions.spawn(Reactor::current(), run_smap_session({server.services(), {config::Protocol::imap, config::TlsMode::none, true}, *pair.second, "test"}));
    client::SmapClient client(*pair.first);
    const auto signed_in = co_await client.command("\\SMAP1 LOGIN ann@example.test secret", soon());
    CHECK(signed_in.has_value() && signed_in->ok);
    co_return client;
  }
  Task<> stop() {
    for (auto& pair : pairs) pair.first->close();
    co_await sessions.join();
    co_await server.close();
  }
  static Deadline soon() { return after(std::chrono::seconds(60)); }
};

Task<client::SmapReply> ask(client::SmapClient& client, std::string command) {
  const auto reply = co_await client.command(command, Harness::soon());
  CHECK(reply.has_value());
  EXPECT_TRUE(reply->ok) << command << ": " << reply->text;
  co_return *reply;
}

std::string bytes_of_all_values(std::size_t size) {
  std::string out;
  for (std::size_t i = 0; i < size; ++i) out += static_cast<char>(i * 7 + i / 256);
  return out;
}

// Base64 in lines, as mail has it.
std::string attachment(const std::string& bytes) {
  const auto text = text::base64_encode(bytes);
  std::string out = "Subject: both\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nhello\n.\n--b\nContent-Type: application/x-bytes\n"
                    "Content-Transfer-Encoding: base64\n\n";
  for (std::size_t at = 0; at < text.size(); at += 76) out.append(text, at, 76).append("\n");
  return out + "--b--\n";
}

// What is uploaded comes back byte for byte, as it was stored and decoded, in however many chunks.
Task<> there_and_back() {
  Harness h;
  co_await h.start();
  auto client = co_await h.connect();
  const auto bytes = bytes_of_all_values(500'000);
  const auto message = attachment(bytes);
  const auto added = co_await client.add("FOLDER INBOX " + client::smap_quoted("") + " FLAGS=SEEN", message, Harness::soon());
  CHECK(added.has_value());
  EXPECT_TRUE(added->ok) << added->text;
  co_await ask(client, "OPEN INBOX");
  const auto whole = co_await ask(client, "FETCH 1 FLAGS CONTENTS.PEEK=ALL");
  CHECK(whole.contents.size() == 1);
  EXPECT_EQ(whole.contents[0].bytes, message);
  EXPECT_EQ(whole.data, (Data{{"FETCH", "1", "FLAGS=SEEN"}}));
  const auto decoded = co_await ask(client, "FETCH 1 CONTENTS.PEEK=BODY.DECODED[1.2]");
  CHECK(decoded.contents.size() == 1);
  EXPECT_EQ(decoded.contents[0].bytes, bytes);
  const auto text = co_await ask(client, "FETCH 1 CONTENTS.PEEK=BODY[1.1]");
  CHECK(text.contents.size() == 1);
  EXPECT_EQ(text.contents[0].bytes, "hello\n.");
  co_await h.stop();
}

TEST(SmapClient, GetsBackWhatItHasUploaded) { run_task(there_and_back()); }

// Two of them on one folder: each keeps its numbers until it asks for what is new, and one comes back by its snapshot.
Task<> two_clients() {
  Harness h;
  co_await h.start();
  auto ann = co_await h.connect();
  auto other = co_await h.connect();
  for (int i = 0; i < 3; ++i) {
    const auto added = co_await ann.add("FOLDER INBOX \"\"", "Subject: " + std::to_string(i) + "\n\n", Harness::soon());
    CHECK(added.has_value() && added->ok);
  }
  auto reply = co_await ask(ann, "SOPEN \"\" INBOX");
  EXPECT_EQ(reply.data, (Data{{"EXISTS", "3"}}));
  reply = co_await ask(ann, "NOOP");
  CHECK(reply.data.size() == 1 && reply.data[0][0] == "SNAPSHOT");
  const auto snapshot = reply.data[0][1];
  co_await ask(other, "OPEN INBOX");
  reply = co_await ask(other, "EXPUNGE 1");
  EXPECT_EQ(reply.data, (Data{{"EXPUNGE", "1"}}));
  reply = co_await ask(other, "STORE 2 \"+KEYWORDS=two words\"");
  EXPECT_EQ(reply.data, (Data{{"FETCH", "2", "KEYWORDS=two words"}}));
  reply = co_await ask(ann, "FETCH 3 KEYWORDS");
  EXPECT_EQ(reply.data, (Data{{"FETCH", "3", "KEYWORDS="}}));
  const Data news{{"EXPUNGE", "1"}, {"FETCH", "2", "FLAGS=", "KEYWORDS=two words"}};
  reply = co_await ask(ann, "NOOP");
  EXPECT_EQ(reply.data, news);
  reply = co_await ask(other, "SOPEN " + client::smap_quoted(snapshot) + " INBOX");
  CHECK(!reply.data.empty());
  EXPECT_EQ(reply.data.front(), (std::vector<std::string>{"SNAPSHOTEXISTS", snapshot}));
  reply.data.erase(reply.data.begin());
  EXPECT_EQ(reply.data, news);
  co_await h.stop();
}

TEST(SmapClient, IsToldWhatOthersDo) { run_task(two_clients()); }

}  // namespace
}  // namespace posthorn::smap
