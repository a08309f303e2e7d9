#include "config/relays.h"

#include <gtest/gtest.h>

#include "config/config.h"

namespace posthorn::config {
namespace {

Loaded load(const std::string& relay) {
  return load_text("hostname = \"mail.example.org\"\ndata_dir = \"/tmp/nowhere\"\n[[relay]]\n" + relay, "test.toml");
}

Relay relay_of(const std::string& text) {
  const auto loaded = load(text);
  EXPECT_TRUE(loaded.config) << to_text(loaded);
  return loaded.config ? loaded.config->relays.at(0) : Relay{};
}

// [RFC8314 3.3]
TEST(Relays, ThePortSaysWhatTlsIs) {
  struct Case {
    const char* text;
    std::uint16_t port;
    RelayTls tls;
  };
  for (const auto& c : {
           Case{"host = \"a.example\"", 25, RelayTls::opportunistic},
           Case{"host = \"a.example\"\nport = 465", 465, RelayTls::implicit},
           Case{"host = \"a.example\"\nport = 587", 587, RelayTls::require},
           Case{"host = \"a.example\"\nport = 2525", 2525, RelayTls::require},
           Case{"host = \"a.example\"\nport = 587\nallow_plaintext = true", 587, RelayTls::opportunistic},
           Case{"host = \"a.example\"\nport = 10025\nallow_plaintext = true", 10025, RelayTls::opportunistic},
           Case{"host = \"a.example\"\nport = 10025\ntls = \"require\"", 10025, RelayTls::require},
           Case{"host = \"/run/dovecot/lmtp\"\nprotocol = \"lmtp\"", 24, RelayTls::none},
           Case{"domains = \"bank.example\"\ntls = \"require\"", 25, RelayTls::require},
       }) {
    const auto relay = relay_of(c.text);
    EXPECT_EQ(relay.port, c.port) << c.text;
    EXPECT_EQ(relay.tls, c.tls) << c.text;
    EXPECT_FALSE(relay.verify) << c.text;
  }
}

TEST(Relays, SaysWhatIsWrong) {
  struct Case {
    const char *text, *problem;
  };
  for (const auto& c : {
           Case{"port = 25", "neither 'host' nor 'domains'"},
           Case{"host = \"a.example\"\nport = 10025", "needs allow_plaintext"},
           Case{"host = \"a.example\"\nport = 587\ntls = \"none\"", "needs allow_plaintext"},
           Case{"host = \"a.example\"\nport = 465\ntls = \"opportunistic\"", "port 465 is TLS"},
           Case{"host = \"a.example\"\nport = 465\nallow_plaintext = true", "contradicts"},
           Case{"host = \"a.example\"\nport = 0", "from 1 to 65535"},
           Case{"host = \"a.example\"\nport = \"25\"", "from 1 to 65535"},
           Case{"host = \"a example\"", "'host'"},
           Case{"host = \"a.example\"\nusername = \"me\"", "go together"},
           Case{"host = \"a.example\"\nusername = \"me\"\npassword_file = \"/nowhere\"", "password file"},
           Case{"host = \"a.example\"\nsource_address = \"here\"", "no numeric address"},
           Case{"domains = \"a.example\"\nlifetime = \"long\"", "'lifetime' must be a time"},
           Case{"domains = \"a.example\"\nretry_first = \"0 s\"", "'retry_first' must be a time"},
           Case{"host = \"a.example\"\nverify = true", "needs tls"},
           Case{"host = \"a.example\"\ndomains = \"a@b\"", "is no domain"},
           Case{"host = \"a.example\"\nsenders = \"b.example\"", "is no sender"},
           Case{"host = \"/run/lmtp\"", "protocol = \"lmtp\""},
           Case{"host = \"a.example\"\nusr = \"me\"", "usr"},
       }) {
    const auto loaded = load(c.text);
    EXPECT_FALSE(loaded.config) << c.text;
    EXPECT_NE(to_text(loaded).find(c.problem), std::string::npos) << c.text << "\n" << to_text(loaded);
  }
}

TEST(Relays, PatternsAreInLowerCase) {
  const auto relay = relay_of("host = \"A.Example\"\ndomains = \"B.example  .C.example\"\nsenders = \"Ann@D.example @e.example <>\"");
  EXPECT_EQ(relay.host, "a.example");
  EXPECT_EQ(relay.domains, (std::vector<std::string>{"b.example", ".c.example"}));
  EXPECT_EQ(relay.senders, (std::vector<std::string>{"ann@d.example", "@e.example", "<>"}));
}

}  // namespace
}  // namespace posthorn::config
