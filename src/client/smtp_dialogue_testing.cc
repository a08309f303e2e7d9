#include "client/smtp_dialogue_testing.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "async/reactor.h"
#include "async/task_group.h"
#include "base/file_descriptor.h"
#include "client/message_source.h"
#include "client/smtp_connection.h"

namespace posthorn::client {
namespace {

std::string text_of(const Failure& why) {
  return std::string(to_string(why.cause)) + (why.reply ? " " + std::to_string(why.reply->code) : "") + " (" +
         std::string(to_string(why.stage)) + ")";
}

std::string text_of(const RecipientResult& r) {
  std::string out(to_string(r.state));
  if (r.reply.code != 0) out += " " + std::to_string(r.reply.code);
  if (r.state == RecipientState::refused) out += " (" + std::string(to_string(r.stage)) + ")";
  return out;
}

void describe(Played& played, const TransactionResult& result) {
  if (!played.outcome.empty()) played.outcome += "; ";
  bool first = true;
  for (const auto& r : result.recipients) {
    played.outcome += (first ? "" : ", ") + text_of(r);
    first = false;
  }
  if (!result.failure) return;
  played.outcome += " | " + text_of(*result.failure);
  played.failures.push_back(result.failure->text);
}

Task<> converse(const Dialogue& d, std::unique_ptr<net::Connection> stream, Played& played) {
  SmtpConnection connection(d.options);
  auto opened = co_await connection.open(std::move(stream));
  played.tls = connection.tls();
  played.signed_in_by = connection.signed_in_by();
  if (!opened) {
    played.outcome = "open: " + text_of(opened.error());
    played.failures.push_back(opened.error().text);
    co_return;
  }
  if (d.sends == 0) played.outcome = "open";
  for (int i = 0; i < d.sends && connection.is_usable(); ++i) {
    TextSource source(d.text);
    MessageToSend message{.mail = d.mail, .recipients = {}, .source = &source};
    for (const auto& one : d.recipients) {
      const auto at = one.rfind('@');
      message.recipients.push_back(
          {.forward_path = {one.substr(0, at), at == one.npos ? "" : one.substr(at + 1)}, .notify = {}, .original_recipient = {}});
    }
    auto result = co_await connection.send(std::move(message));
    describe(played, result);
  }
  co_await connection.quit();
}

net::ConnectionPair make_tcp_pair() {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* any = reinterpret_cast<sockaddr*>(&at);
  socklen_t size = sizeof at;
  const FileDescriptor ear(::socket(AF_INET, SOCK_STREAM, 0));
  CHECK(::bind(ear.fd(), any, size) == 0 && ::listen(ear.fd(), 1) == 0 && ::getsockname(ear.fd(), any, &size) == 0);
  const int client = ::socket(AF_INET, SOCK_STREAM, 0);
  CHECK(::connect(client, any, size) == 0);
  const net::Peer peer{.ip = "127.0.0.1", .port = 25, .loopback = true};
  return {std::make_unique<net::Connection>(::accept(ear.fd(), nullptr, nullptr), peer), std::make_unique<net::Connection>(client, peer)};
}

Task<Played> run(Dialogue d) {
  auto pair = d.tcp ? make_tcp_pair() : net::make_connection_pair();
  Played played;
  d.options.transcript = [&played](const TranscriptLine& line) {
    constexpr const char* kMarks[] = {"> ", "< ", "- "};
    played.transcript.push_back(kMarks[static_cast<int>(line.kind)] + std::string(line.text));
  };
  ScriptedServer server(std::move(pair.first), d.script);
  TaskGroup group;
  group.spawn(Reactor::current(), server.run());
  co_await converse(d, std::move(pair.second), played);
  server.client_left();
  co_await group.join();
  played.complaints = server.complaints();
  co_return played;
}

}  // namespace

Dialogue make_dialogue(std::string script) {
  Dialogue d;
  d.options.hello = "client.example";
  d.options.tls = TlsMode::none;
  d.mail.reverse_path = smtp::Mailbox{"me", "example.org"};
  d.script.text = std::move(script);
  return d;
}

Played play(Dialogue d) { return run_task(run(std::move(d))); }

}  // namespace posthorn::client
