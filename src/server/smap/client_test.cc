// Our own client as the other end, in one process.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "async/reactor.h"
#include "async/task_group.h"
#include "client/smap_connection.h"
#include "kv/key_codec.h"
#include "proto/smap/flags.h"
#include "server/common/transcript_testing.h"
#include "server/smap/smap_session.h"
#include "text/base64.h"

namespace posthorn::smap {
namespace {

using client::SmapConnection;

// A server with one account, and clients that have signed in to it.
struct Harness {
  server::TestServer server;
  AccountId ann;
  TaskGroup sessions;
  std::vector<std::unique_ptr<net::Connection>> ends;  // the server's
  std::vector<std::unique_ptr<SmapConnection>> clients;

  Task<> start() {
    const auto opened = co_await server.open();
    CHECK(opened.has_value());
    const auto domain = co_await server.add_domain("example.test");
    CHECK(domain.has_value());
    const auto account = co_await server.add_account("ann@example.test", "secret");
    CHECK(account.has_value());
    ann = *account;
  }
  Task<SmapConnection*> connect() {
    auto pair = net::make_connection_pair();
    auto& end = *ends.emplace_back(std::move(pair.second));
    end.put("* OK [CAPABILITY IMAP4rev1 SMAP1 KEYWORDS] ready\r\n");  // as the session of IMAP has said already
    sessions.spawn(Reactor::current(), run_smap_session({server.services(), {config::Protocol::imap, config::TlsMode::none, true}, end, "test"}));
    client::SmapOptions options;
    options.tls = client::TlsMode::none;
    options.credentials = client::Credentials{.user = "ann@example.test", .authorize_as = {}, .password = "secret", .token = {}, .external = false, .allow_plaintext = true};
    auto& made = *clients.emplace_back(std::make_unique<SmapConnection>(std::move(options)));
    const auto opened = co_await made.open(std::move(pair.first));
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().text);
    CHECK(opened.has_value());
    co_return &made;
  }
  Task<> stop() {
    for (auto& one : clients) co_await one->logout();
    co_await sessions.join();
    co_await server.close();
  }
};

client::SmapUpload for_inbox(std::string_view text) {
  client::SmapUpload out;
  out.folder = {"INBOX"};
  out.size = text.size();
  out.content = [text] { return std::make_unique<client::TextSource>(text); };
  return out;
}

class IntoText final : public client::SmapSink {
 public:
  std::string text;
  bool ended = false;
  Task<Result<void>> begin(std::uint32_t) override { co_return Result<void>{}; }
  Task<Result<void>> write(std::string_view octets) override {
    text += octets;
    co_return Result<void>{};
  }
  Task<Result<void>> end(std::uint32_t) override {
    ended = true;
    co_return Result<void>{};
  }
};

Task<std::string> content_of(SmapConnection& client, std::string part) {
  IntoText sink;
  std::vector<std::uint32_t> refused;
  std::vector<client::SmapWanted> wanted{{1, 0}};
  const auto done = co_await client.fetch_content(std::move(part), std::move(wanted), sink, refused);
  EXPECT_TRUE(done) << (done ? "" : done.error().text);
  EXPECT_TRUE(refused.empty());
  co_return std::move(sink.text);
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
  auto& client = *co_await h.connect();
  const auto bytes = bytes_of_all_values(500'000);
  const auto message = attachment(bytes);
  auto upload = for_inbox(message);
  upload.flags = kSeen;
  const auto added = co_await client.add(std::move(upload));
  EXPECT_TRUE(added) << (added ? "" : added.error().text);
  const auto opened = co_await client.open_folder({"INBOX"});
  CHECK(opened && *opened == 1);
  const auto listed = co_await client.fetch({.flags = true, .uid = true});
  CHECK(listed && listed->size() == 1);
  EXPECT_EQ(listed->front().flags, std::uint8_t{kSeen});
  EXPECT_EQ(listed->front().uid, *added);
  EXPECT_EQ(co_await content_of(client, "ALL"), message);
  EXPECT_EQ(co_await content_of(client, "BODY.DECODED[1.2]"), bytes);
  EXPECT_EQ(co_await content_of(client, "BODY[1.1]"), "hello\n.");
  co_await h.stop();
}

TEST(SmapClient, GetsBackWhatItHasUploaded) { run_task(there_and_back()); }

// The second chunk of the last one is lost [docs/formats/store.md].
Task<> damage_message(Harness& h) {
  const auto account = co_await h.server.services().store.account(h.ann);
  CHECK(account.has_value());
  const auto view = co_await (*account)->view((*account)->find_mailbox("INBOX")->id);
  CHECK(view && (*view)->size() > 0);
  const auto id = (*view)->at((*view)->size() - 1).message.value();
  std::string second_chunk;
  kv::put_be64(second_chunk, id);
  kv::put_be32(second_chunk, 1);
  kv::Batch batch;
  batch.put(kv::Space::blob, id % 16, second_chunk, "damaged");
  const auto damaged = co_await h.server.kv().commit(std::move(batch));
  CHECK(damaged.has_value());
}

std::string long_message() {
  std::string out = "Subject: long\n";
  for (int i = 0; i < 30'000; ++i) out += "X-N: " + std::to_string(100'000 + i) + "\n";
  return out + "\n" + out;
}

// What cannot be read to its end is never ended: nobody may take what there is of it for the whole.  Where the client can be told, the others can be
// fetched all the same.
Task<> damaged() {
  Harness h;
  co_await h.start();
  const auto message = long_message();
  auto* client = co_await h.connect();
  const auto added = co_await client->add(for_inbox(message));
  EXPECT_TRUE(added) << (added ? "" : added.error().text);
  co_await damage_message(h);
  const auto second = co_await client->add(for_inbox("Subject: short\n\nshort\n"));
  CHECK(second.has_value());
  for (const std::string part : {"ALL", "BODY", "HEADERS", "RAWHEADERS"}) {
    client = co_await h.connect();
    const auto opened = co_await client->open_folder({"INBOX"});
    CHECK(opened && *opened == 2);
    IntoText sink;
    std::vector<std::uint32_t> refused;
    std::vector<client::SmapWanted> wanted{{1, 0}};
    const auto done = co_await client->fetch_content(part, std::move(wanted), sink, refused);
    // Of the body alone nothing was said yet.
    if (part == "BODY") EXPECT_TRUE(done && refused.size() == 1 && sink.text.empty()) << part;
    else if (part == "ALL") EXPECT_TRUE(done && refused.size() == 1 && !sink.text.empty()) << part;
    else EXPECT_TRUE(!done && done.error().code == Errc::closed && !sink.text.empty()) << part;
    EXPECT_FALSE(sink.ended) << part;
    EXPECT_EQ(client->is_usable(), part == "BODY" || part == "ALL") << part;
    if (!client->is_usable()) continue;
    refused.clear();
    wanted = {{1, 0}, {2, 0}};
    const auto both = co_await client->fetch_content(part, std::move(wanted), sink, refused);
    EXPECT_TRUE(both) << part;
    EXPECT_EQ(refused, std::vector<std::uint32_t>{1}) << part;
    EXPECT_TRUE(sink.ended && sink.text.contains("short\n")) << part;
  }
  co_await h.stop();
}

TEST(SmapClient, IsNeverGivenAPartForTheWhole) { run_task(damaged()); }

// Everything that the server says to one who says this.
Task<std::string> answers_to(Harness& h, std::string commands) {
  auto pair = net::make_connection_pair();
  auto& end = *h.ends.emplace_back(std::move(pair.second));
  h.sessions.spawn(Reactor::current(), run_smap_session({h.server.services(), {config::Protocol::imap, config::TlsMode::none, true}, end, "raw"}));
  pair.first->put(commands);
  auto done = co_await pair.first->flush(after(std::chrono::seconds(60)));
  while (done) done = co_await pair.first->read_more(after(std::chrono::seconds(60)));
  EXPECT_EQ(done.error().code, Errc::closed);
  co_return std::string(pair.first->input());
}

// -ERR where a chunk would begin is the status: the next line belongs to the next command.
Task<> nothing_behind_a_refusal() {
  Harness h;
  co_await h.start();
  const auto short_one = co_await h.server.add_message("ann@example.test", "INBOX", "Subject: short\r\n\r\nshort\r\n");
  const auto long_one = co_await h.server.add_message("ann@example.test", "INBOX", long_message());
  CHECK(short_one && long_one);
  co_await damage_message(h);
  const auto text = co_await answers_to(h, "\\SMAP1 LOGIN ann@example.test secret\nOPEN INBOX\nFETCH 1-2 CONTENTS=ALL\nNOOP\nLOGOUT\n");
  const auto refusal = text.find("-ERR ");
  CHECK(refusal != text.npos);
  const auto next = text.find('\n', refusal) + 1;
  EXPECT_TRUE(text.substr(next).starts_with("+OK")) << text.substr(next);
  co_await h.stop();
}

TEST(SmapSession, NothingStandsBehindTheStatus) { run_task(nothing_behind_a_refusal()); }

void expect_news(const Result<client::SmapNews>& news) {
  CHECK(news.has_value());
  EXPECT_EQ(news->expunged, (std::vector<NumberRanges>{{{1, 1}}}));
  CHECK(news->changed.size() == 1);
  EXPECT_EQ(news->changed[0], (FetchReply{.number = 2, .flags = 0, .keywords = std::vector<std::string>{"two words"}, .uid = {}, .size = {}, .date = {}}));
}

// Two of them on one folder: each keeps its numbers until it asks for what is new, and one comes back by its snapshot.
Task<> two_clients() {
  Harness h;
  co_await h.start();
  auto& ann = *co_await h.connect();
  auto& other = *co_await h.connect();
  for (int i = 0; i < 3; ++i) {
    const auto text = "Subject: " + std::to_string(i) + "\n\n";
    const auto added = co_await ann.add(for_inbox(text));
    CHECK(added.has_value());
  }
  auto news = co_await ann.open_folder_since({"INBOX"}, {});
  CHECK(news && news->messages == 3);
  news = co_await ann.noop();
  CHECK(news.has_value());
  const client::SmapSnapshot snapshot{news->snapshot, 3};
  EXPECT_NE(snapshot.name, "");
  const auto opened = co_await other.open_folder({"INBOX"});
  CHECK(opened && *opened == 3);
  news = co_await other.expunge({{1, 1}});
  CHECK(news && news->expunged.size() == 1);
  const auto stored = co_await other.store({{2, 2}}, SmapConnection::Change::add, 0, {"two words"});
  CHECK(stored.has_value());
  const auto still = co_await ann.fetch({.flags = false, .keywords = true});
  CHECK(still && still->size() == 3);
  EXPECT_TRUE(still->back().keywords->empty());
  expect_news(co_await ann.noop());
  const auto since = co_await other.open_folder_since({"INBOX"}, snapshot);
  expect_news(since);
  EXPECT_TRUE(since->from_snapshot);
  EXPECT_EQ(other.messages(), 2u);
  co_await h.stop();
}

TEST(SmapClient, IsToldWhatOthersDo) { run_task(two_clients()); }

}  // namespace
}  // namespace posthorn::smap
