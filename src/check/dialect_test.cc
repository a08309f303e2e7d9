// What is made of what servers say, good and bad ones.
#include "check/dialect.h"

#include <gtest/gtest.h>

#include "async/reactor.h"
#include "async/task_group.h"
#include "client/scripted_server_testing.h"

namespace posthorn::check {
namespace {

using namespace std::chrono_literals;

struct Said {
  std::string greeting, greeting_error, offer_error, start_tls_error;
  Offer offer;
};

Task<Said> talk_to(Service service, std::string script, bool start_tls, std::chrono::milliseconds timeout) {
  auto pair = net::make_connection_pair();
  client::ScriptedServer server(std::move(pair.first), {.text = std::move(script), .tls = {}});
  TaskGroup group;
  group.spawn(Reactor::current(), server.run());
  Said out;
  {
    const auto dialect = make_dialect(service);
    const Talk talk{*pair.second, timeout, after(30s)};
    const auto greeting = co_await dialect->greeting(talk);
    if (greeting)
      out.greeting = *greeting;
    else
      out.greeting_error = greeting.error().text;
    if (greeting) {
      auto offer = co_await dialect->offer(talk);
      if (offer)
        out.offer = *std::move(offer);
      else
        out.offer_error = offer.error().text;
      if (offer && start_tls) {
        const auto started = co_await dialect->start_tls(talk);
        if (!started) out.start_tls_error = started.error().text;
      }
    }
    pair.second.reset();
    server.client_left();
  }
  co_await group.join();
  co_return out;
}

Said talk(Service service, std::string script, bool start_tls = false) {
  return run_task(talk_to(service, std::move(script), start_tls, 30s));
}
// Of a server that goes on for ever, or waits: the answer is the same however long that lasts.
std::string hears(Service service, std::string script) { return run_task(talk_to(service, std::move(script), false, 50ms)).greeting_error; }

TEST(Dialect, Smtp) {
  const auto said = talk(Service::submission,
                         "S: 220 mx.example ESMTP\nC: EHLO *\nS: 250-mx.example\nS: 250-SIZE 1000\nS: 250-AUTH PLAIN LOGIN\nS: 250 "
                         "STARTTLS\nC: STARTTLS\nS: 454 not now",
                         true);
  EXPECT_EQ(said.greeting, "220 mx.example ESMTP");
  EXPECT_EQ(said.offer.mechanisms, (std::vector<std::string>{"PLAIN", "LOGIN"}));
  EXPECT_EQ(said.offer.capabilities, (std::vector<std::string>{"SIZE 1000", "AUTH PLAIN LOGIN", "STARTTLS"}));
  EXPECT_TRUE(said.offer.start_tls);
  EXPECT_NE(said.start_tls_error.find("454 not now"), std::string::npos);
  EXPECT_NE(talk(Service::smtp, "S: 554 go away").greeting_error.find("554 go away"), std::string::npos);
  EXPECT_NE(talk(Service::smtp, "S: 220 x\nC: EHLO *\nS: 502 what").offer_error.find("EHLO is refused"), std::string::npos);
}

TEST(Dialect, Imap) {
  const auto said = talk(Service::imap,
                         "S: * OK hello\nC: c1 CAPABILITY\nS: * CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED AUTH=PLAIN\nS: c1 OK done\nC: "
                         "c2 STARTTLS\nS: c2 OK go",
                         true);
  EXPECT_EQ(said.greeting, "OK hello");
  EXPECT_TRUE(said.offer.start_tls);
  EXPECT_FALSE(said.offer.clear_login);
  EXPECT_EQ(said.offer.mechanisms, std::vector<std::string>{"PLAIN"});
  EXPECT_EQ(said.start_tls_error, "");
  EXPECT_TRUE(talk(Service::imap, "S: * PREAUTH hello\nC: c1 CAPABILITY\nS: * CAPABILITY IMAP4rev1\nS: c1 OK done").offer.clear_login);
  EXPECT_NE(talk(Service::imap, "S: * BYE full").greeting_error.find("* BYE full"), std::string::npos);
  EXPECT_NE(talk(Service::imap, "S: * OK x\nC: c1 CAPABILITY\nS: c1 OK done").offer_error.find("does not say"), std::string::npos);
}

TEST(Dialect, Pop3) {
  const auto said =
      talk(Service::pop3, "S: +OK hello\nC: CAPA\nS: +OK\nS: STLS\nS: USER\nS: SASL PLAIN SCRAM-SHA-256\nS: .\nC: STLS\nS: -ERR no", true);
  EXPECT_TRUE(said.offer.start_tls);
  EXPECT_TRUE(said.offer.clear_login);
  EXPECT_EQ(said.offer.mechanisms, (std::vector<std::string>{"PLAIN", "SCRAM-SHA-256"}));
  EXPECT_NE(said.start_tls_error.find("-ERR no"), std::string::npos);
  EXPECT_TRUE(talk(Service::pop3, "S: +OK hello\nC: CAPA\nS: -ERR what").offer.clear_login);
}

TEST(Dialect, HostileServersEnd) {
  std::string endless_lines = "S: * OK x\nC: c1 CAPABILITY\n", endless_capa = "S: +OK\nC: CAPA\nS: +OK\n",
              many = "S: * OK x\nC: c1 CAPABILITY\ns: * CAPABILITY";
  for (std::size_t i = 0; i < Talk::kLines + 10; ++i)
    endless_lines += "S: * X\n", endless_capa += "S: X\n", many += " A" + std::to_string(i);
  EXPECT_NE(talk(Service::imap, endless_lines).offer_error.find("endless"), std::string::npos);
  EXPECT_NE(talk(Service::pop3, endless_capa).offer_error.find("endless"), std::string::npos);
  EXPECT_EQ(talk(Service::imap, many + "\\r\\n\nS: c1 OK").offer.capabilities.size(), Offer::kCapabilities);
  for (const auto service : {Service::smtp, Service::imap, Service::pop3}) {
    EXPECT_NE(talk(service, "S: SSH-2.0-OpenSSH_9.2").greeting_error, "");
    EXPECT_NE(hears(service, "s: \\0\\xff\\x16\\x03\nHANG"), "");
    EXPECT_EQ(hears(service, "HANG"), "no answer in time");
    EXPECT_NE(talk(service, "CLOSE").greeting_error, "");
    EXPECT_NE(hears(service, "s: " + std::string(20'000, 'x') + "\nHANG"), "");
  }
  EXPECT_EQ(talk(Service::imap, "S: * OK \x1b[2Jevil\nCLOSE").greeting, "OK ?[2Jevil");
}

}  // namespace
}  // namespace posthorn::check
