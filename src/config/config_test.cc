#include "config/config.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/log.h"
#include "config/core_settings.h"

namespace posthorn::config {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

const Setting<std::chrono::seconds> kIdle{"test_imap.idle_timeout", 35min, 30min, 24h, "Tests: a time."};
const Setting<std::int64_t> kConnections{"test_limits.connections", 10, 1, 100, "Tests: a count."};

constexpr char kHost[] = "hostname = \"mail.example.org\"\n";

// "line: text" of every problem, warnings marked; lines are those of `text`.
std::string problems_of(const std::string& text) {
  std::string out;
  for (const Problem& p : load_text(text, "t").problems)
    out += std::to_string(p.line) + (p.severity == Severity::warning ? " warning: " : ": ") + p.text + "\n";
  return out;
}

std::string listen(const std::string& body) { return std::string(kHost) + "[[listen]]\n" + body; }

TEST(Config, TheExampleOfTheManualLoads) {
  const auto loaded = load_text(R"(
hostname = "Mail.Example.ORG"
data_dir = "/srv/mail/"
max_message_size = "20 MiB"
[[listen]]
protocol = "smtp"
address = "0.0.0.0:25"
[[listen]]
protocol = "submission"
address = "[::0]:465"
[[listen]]
protocol = "imap"
address = "localhost:10143"
tls = "none"
allow_plaintext_auth = true
[[listen]]
protocol = "lmtp"
address = "/run/posthorn/lmtp"
[test_imap]
idle_timeout = "40 min"
[log]
level = "debug"
[storage]
backend = "rocksdb"
)",
                                "t");
  ASSERT_TRUE(loaded.config) << to_text(loaded);
  EXPECT_EQ(to_text(loaded), "");
  const Config& c = *loaded.config;
  EXPECT_EQ(c.hostname, "mail.example.org");
  EXPECT_EQ(c.data_dir, "/srv/mail");
  EXPECT_TRUE(c.tls.self_signed());
  ASSERT_EQ(c.listeners.size(), 4u);
  EXPECT_EQ(c.listeners[0].tls, TlsMode::starttls);
  EXPECT_EQ(c.listeners[1].tls, TlsMode::implicit);
  EXPECT_EQ(c.listeners[1].address.text(), "[::]:465");
  EXPECT_EQ(c.listeners[2].address.text(), "127.0.0.1:10143");
  EXPECT_TRUE(c.listeners[2].allow_plaintext_auth);
  EXPECT_EQ(c.listeners[3].address.text(), "/run/posthorn/lmtp");
  EXPECT_EQ(c.listeners[3].tls, TlsMode::none);

  apply(c);
  EXPECT_EQ(kIdle.get(), 40min);
  EXPECT_EQ(kMaxMessageSize.get(), 20 << 20);
  EXPECT_EQ(log::kLevel.get(), log::Level::debug);
  apply(*load_text(kHost, "t").config);  // a reload without them
  EXPECT_EQ(kIdle.get(), 35min);
  EXPECT_EQ(log::kLevel.get(), log::Level::info);
}

TEST(Config, DefaultsAreTheStandardPorts) {
  const auto loaded = load_text(kHost, "t");
  ASSERT_TRUE(loaded.config);
  EXPECT_EQ(loaded.config->data_dir, "/var/lib/posthorn");
  std::string all;
  for (const auto& l : loaded.config->listeners) {
    all += l.address.text() + " " + std::string(to_string(l.protocol)) + " " + std::string(to_string(l.tls)) +
           "\n";
    EXPECT_EQ(l.optional, l.address.is_v6());
    EXPECT_FALSE(l.allow_plaintext_auth);
  }
  EXPECT_EQ(
      all,
      "0.0.0.0:25 smtp starttls\n[::]:25 smtp starttls\n0.0.0.0:2525 smtp starttls\n[::]:2525 smtp starttls\n0.0.0.0:587 submission starttls\n"
      "[::]:587 submission starttls\n0.0.0.0:465 submission implicit\n[::]:465 submission implicit\n"
      "0.0.0.0:143 imap starttls\n[::]:143 imap starttls\n0.0.0.0:993 imap implicit\n[::]:993 imap implicit\n"
      "0.0.0.0:110 pop3 starttls\n[::]:110 pop3 starttls\n0.0.0.0:995 pop3 implicit\n[::]:995 pop3 "
      "implicit\n");
}

TEST(Config, ListenersBehindAProxy) {
  const auto loaded = load_text(listen("protocol = \"imap\"\naddress = \"192.0.2.5:993\"\nproxy_protocol = true\n"
                                       "proxy_networks = \"192.0.2.7, 2001:db8::/64\"\n"),
                                "t");
  ASSERT_TRUE(loaded.config) << to_text(loaded);
  EXPECT_EQ(to_text(loaded), "");
  const Listener& l = loaded.config->listeners.at(0);
  EXPECT_TRUE(l.proxy_protocol);
  EXPECT_TRUE(l.proxies.contain("192.0.2.7") && l.proxies.contain("2001:db8::9"));
  EXPECT_FALSE(l.proxies.contain("192.0.2.8"));

  const std::string imap = "protocol = \"imap\"\naddress = \"192.0.2.5:993\"\n";
  EXPECT_EQ(problems_of(listen("protocol = \"imap\"\naddress = \"127.0.0.1:993\"\nproxy_protocol = true\n")), "");
  EXPECT_EQ(problems_of(listen(imap + "proxy_protocol = true\n")),
            "5: 'proxy_protocol' needs 'proxy_networks', the addresses of the proxies: who may say where a client comes from could say "
            "anything\n");
  EXPECT_EQ(problems_of(listen(imap + "proxy_protocol = \"yes\"\nproxy_networks = [\"192.0.2.7\"]\n")),
            "5: 'proxy_protocol' must be true or false (without quotes)\n6: 'proxy_networks' must be text in quotes, not a list\n");
  EXPECT_EQ(problems_of(listen(imap + "proxy_protocol = true\nproxy_networks = \"192.0.2.7/24\"\n")),
            "6: 'proxy_networks' names '192.0.2.7/24', which is no network: there are bits behind the prefix\n");
  EXPECT_EQ(problems_of(listen(imap + "proxy_networks = \"192.0.2.7\"\n")),
            "5 warning: 'proxy_networks' changes nothing here without proxy_protocol = true\n");
}

TEST(Config, EveryMistakeIsReportedAtOnceWithItsLine) {
  const std::string text = R"(hostnam = "a.example"
data_dir = "relative"
max_message_size = "1 B"
[tls]
key = "/nonexistent/key.pem"
[[listen]]
protocol = "imaap"
address = "1.2.3.4:99999"
[[listen]]
address = "1.2.3.4:25"
protocol = "smtp"
tsl = "none"
[test_imap]
idle_timeot = 3
idle_timeout = true
[nonsense]
a = 1
)";
  const auto loaded = load_text(text, "f.toml");
  EXPECT_FALSE(loaded.config);
  std::vector<int> lines;
  for (const auto& p : loaded.problems)
    if (p.line > 0) lines.push_back(p.line);
  EXPECT_EQ(lines, (std::vector<int>{1, 2, 3, 5, 5, 7, 8, 12, 14, 15, 16})) << to_text(loaded);
  const std::string report = to_text(loaded);
  for (const char* part :
       {"f.toml:1:1: error: unknown key 'hostnam': did you mean 'hostname'?\n",
        "f.toml:2:12: error: 'data_dir' must be",
        "f.toml:3:20: error: 'max_message_size' is out of range: allowed is \"64 KiB\" to \"2 GiB\"\n",
        "f.toml:5:7: error: the key '/nonexistent/key.pem' cannot be read: No such file or directory\n",
        "f.toml:5:1: error: 'key' is given but 'certificate' is not: [tls] needs both or none\n",
        "f.toml:7:12: error: 'protocol' is 'imaap', but must be 'smtp', 'submission', 'lmtp', 'imap', 'pop3', "
        "'metrics' or 'https': did you "
        "mean 'imap'?\n",
        "f.toml:8:11: error: 'address' '1.2.3.4:99999' the port must be",
        "unknown key 'tsl' in [listen]: did you mean 'tls'?\n",
        "unknown key 'idle_timeot' in [test_imap]: did you mean 'idle_timeout'?\n",
        "'test_imap.idle_timeout' must be a time such as", "unknown key 'nonsense'"})
    EXPECT_NE(report.find(part), std::string::npos) << part << "\n" << report;
}

TEST(Config, TopLevelMistakes) {
  struct Case {
    std::string text, problems;
  };
  for (const auto& c : std::initializer_list<Case>{
           {"hostname = 7", "1: 'hostname' must be text in quotes, not a whole number\n"},
           {"hostname = \"10.0.0.1\"", "1: 'hostname' '10.0.0.1' must be a name, not an address\n"},
           {"hostname = \"a..b\"", "1: 'hostname' 'a..b' has an empty part between dots\n"},
           {"hostname = \"-a.example\"",
            "1: 'hostname' '-a.example' has a part that begins or ends with '-'\n"},
           {"hostname = \"a_b.example\"",
            "1: 'hostname' 'a_b.example' may have letters, digits, '-' and '.' only\n"},
           {"hostname = \"a.example.\"",
            "1: 'hostname' 'a.example.' must be written without the final dot\n"},
           {"hostname = \"b\xc3\xbc.example\"",
            "1: 'hostname' 'b\xc3\xbc.example' must be written in ASCII: the xn-- form of an international "
            "name\n"},
           {"hostname = \"localhost\"", ""},
           {"hostname = \"mail\"",
            "1 warning: 'hostname' 'mail' is not a full name such as mail.example.org: other servers may "
            "refuse mail from "
            "it\n"},
           {std::string(kHost) + "data_dir = \"/\"", "2: 'data_dir' must not be the root folder\n"},
           {std::string(kHost) + "data_dir = \"/etc/passwd\"",
            "2: 'data_dir' '/etc/passwd' is there but is not a folder\n"},
           {std::string(kHost) + "data_dir = \"/a\\u0000b\"",
            "2: 'data_dir' must be an absolute path (one that begins with '/')\n"},
           {std::string(kHost) + "tls = \"none\"",
            "2: 'tls' must be a table: [tls] with 'certificate' and 'key' (the tls of a listener belongs in "
            "its "
            "[[listen]])\n"},
           {std::string(kHost) + "log = 3", "2: 'log' must be a table: [log], not a whole number\n"},
           {std::string(kHost) + "idle_timeout = 3",
            "2: unknown key 'idle_timeout': did you mean 'test_imap.idle_timeout'?\n"},
           {std::string(kHost) + "address = \"\"", "2: unknown key 'address': it belongs in a [[listen]]\n"},
           {"[log]\n" + std::string(kHost),
            "@2: unknown key 'hostname' in [log]: it belongs at the top of the file, before the first "
            "[table]\n"},
           {std::string(kHost) + "[log]\nlevel = \"loud\"",
            "3: 'log.level' must be \"debug\", \"info\", \"warning\", \"error\" or \"off\"\n"},
           {std::string(kHost) + "[log]\nlevel = [1]",
            "3: 'log.level' must be \"debug\", \"info\", \"warning\", \"error\" or \"off\", not a list\n"},
           {std::string(kHost) + "test_limits.connections = 101",
            "2: 'test_limits.connections' is out of range: allowed is 1 to 100\n"},
           {std::string(kHost) + "\"evil\\nname\" = 1", "2: unknown key 'evil?name'\n"},
       }) {
    const std::string found = problems_of(c.text);
    if (c.problems.starts_with("@"))  // among others
      EXPECT_NE(found.find(c.problems.substr(1)), std::string::npos) << found;
    else
      EXPECT_EQ(found, c.problems) << c.text;
  }
}

TEST(Config, ListenerMistakes) {
  struct Case {
    std::string body, part;  // of the only problem; empty: none
  };
  for (const auto& c : std::initializer_list<Case>{
           {"protocol = \"smtp\"\naddress = \"127.0.0.1:0\"", ""},
           {"protocol = \"smtp\"", "2: this [[listen]] has no 'address'"},
           {"address = \"1.2.3.4:25\"", "2: this [[listen]] has no 'protocol'"},
           {"protocol = \"smtp\"\naddress = 25", "4: 'address' must be text in quotes, not a whole number"},
           {"protocol = \"smtp\"\naddress = \"25\"",
            "4: 'address' '25' needs an address before the port: \"0.0.0.0:25\""},
           {"protocol = \"smtp\"\naddress = \"*:25\"", "needs an address: \"0.0.0.0\""},
           {"protocol = \"smtp\"\naddress = \":25\"", "needs an address: \"0.0.0.0\""},
           {"protocol = \"smtp\"\naddress = \"::1:25\"", "needs brackets"},
           {"protocol = \"smtp\"\naddress = \"[::1\"", "must be \"host:port\""},
           {"protocol = \"smtp\"\naddress = \"[::g]:25\"", "no valid IPv6 address"},
           {"protocol = \"smtp\"\naddress = \"mail.example:25\"",
            "must begin with an IP address, not a name"},
           {"protocol = \"smtp\"\naddress = \"1.2.3.4:-1\"", "the port must be"},
           {"protocol = \"smtp\"\naddress = \"1.2.3.4:\"", "the port must be"},
           {"protocol = \"smtp\"\naddress = \"1.2.3.4:25x\"", "the port must be"},
           {"protocol = \"smtp\"\naddress = \"\"", "must be \"host:port\""},
           {"protocol = \"lmtp\"\naddress = \"/" + std::string(107, 'a') + "\"", "at most 107 bytes"},
           {"protocol = \"lmtp\"\naddress = \"/run/\"", "must name a file"},
           {"protocol = \"smtp\"\naddress = \"1.2.3.4:25\"\nallow_plaintext_auth = \"yes\"",
            "5: 'allow_plaintext_auth' must be true"},
           {"protocol = \"smtp\"\naddress = \"1.2.3.4:25\"\ntls = \"ssl\"", "5: 'tls' is 'ssl', but must be"},
           {"protocol = \"imap\"\naddress = \"/run/imap\"", "4: a Unix socket is for lmtp only"},
           {"protocol = \"lmtp\"\naddress = \"127.0.0.1:24\"\ntls = \"implicit\"",
            "5: lmtp does not begin with TLS"},
           {"protocol = \"lmtp\"\naddress = \"/run/l\"\ntls = \"starttls\"",
            "5: TLS makes no sense on a Unix socket"},
           {"protocol = \"lmtp\"\naddress = \"/run/l\"\nallow_plaintext_auth = true",
            "5 warning: 'allow_plaintext_auth' changes"},
           {"protocol = \"lmtp\"\naddress = \"0.0.0.0:24\"", "4 warning: whoever reaches this address"},
           {"protocol = \"imap\"\naddress = \"0.0.0.0:1143\"\ntls = \"none\"",
            "5 warning: nobody can sign in here"},
           {"protocol = \"imap\"\naddress = \"127.0.0.1:1143\"\ntls = \"none\"\nallow_plaintext_auth = true",
            ""},
           {"protocol = \"pop3\"\naddress = \"0.0.0.0:110\"\ntls = \"none\"\nallow_plaintext_auth = true",
            "6 warning: passwords may cross the network"},
           {"protocol = \"imap\"\naddress = \"0.0.0.0:993\"\nallow_plaintext_auth = true",
            "5 warning: 'allow_plaintext_auth' changes"},
           {"protocol = \"smtp\"\naddress = \"0.0.0.0:2465\"\ntls = \"implicit\"",
            "5 warning: other servers do not begin"},
           {"protocol = \"imap\"\naddress = \"0.0.0.0:993\"\ntls = \"starttls\"",
            "5 warning: clients begin with TLS on port 993"},
           {"protocol = \"pop3\"\naddress = \"0.0.0.0:110\"\ntls = \"implicit\"",
            "5 warning: clients do not begin"},
           {"protocol = \"smtp\"\naddress = \"0.0.0.0:25\"\ntls = \"none\"", ""},
           {"protocol = \"metrics\"\naddress = \"127.0.0.1:9102\"", ""},
           {"protocol = \"metrics\"\naddress = \"127.0.0.1:9102\"\ntls = \"implicit\"", ""},
           {"protocol = \"metrics\"\naddress = \"127.0.0.1:9102\"\ntls = \"starttls\"", "5: HTTP does not start TLS"},
           {"protocol = \"metrics\"\naddress = \"0.0.0.0:9102\"", "4 warning: whoever reaches this address"},
           {"protocol = \"metrics\"\naddress = \"/run/metrics\"", "4: a Unix socket is for lmtp only"},
           {"protocol = \"smtp\"\naddress = \"127.0.0.1:25\"\n[[listen]]\nprotocol = \"imap\"\naddress = "
            "\"localhost:25\"",
            "7: 'address' 'localhost:25' is taken by the listener in line 4"},
           {"protocol = \"imap\"\naddress = \"[0::1]:143\"\n[[listen]]\nprotocol = \"imap\"\naddress = "
            "\"[::1]:143\"",
            "7: 'address' '[::1]:143' is taken"},
           {"protocol = \"lmtp\"\naddress = \"127.0.0.1:0\"\n[[listen]]\nprotocol = \"imap\"\naddress = "
            "\"127.0.0.1:0\"",
            ""},
       }) {
    const std::string found = problems_of(listen(c.body));
    EXPECT_EQ(std::ranges::count(found, '\n'), c.part.empty() ? 0 : 1) << c.body << "\n" << found;
    EXPECT_NE(found.find(c.part), std::string::npos) << c.body << "\n" << found;
  }
  EXPECT_NE(problems_of(std::string(kHost) + "[listen]\nprotocol = \"smtp\"\naddress = \"0.0.0.0:25\"")
                .find("write [[listen]] with two brackets"),
            std::string::npos);
  EXPECT_NE(problems_of(std::string(kHost) + "listen = [1]").find("must be written as [[listen]]"),
            std::string::npos);
  EXPECT_NE(problems_of(std::string(kHost) + "listen = []").find("is empty"), std::string::npos);
}

TEST(Config, MetricsAreBesideTheStandardPorts) {
  const std::string metrics = std::string(kHost) + "[[listen]]\nprotocol = \"metrics\"\naddress = \"127.0.0.1:9102\"\n";
  const auto beside = load_text(metrics, "t");
  ASSERT_TRUE(beside.config);
  EXPECT_EQ(beside.config->listeners.size(), 1 + default_listeners().size());
  EXPECT_EQ(beside.config->listeners[0].tls, TlsMode::none);
  const auto with_imap = load_text(metrics + "[[listen]]\nprotocol = \"imap\"\naddress = \"127.0.0.1:1143\"\n", "t");
  ASSERT_TRUE(with_imap.config);
  EXPECT_EQ(with_imap.config->listeners.size(), 2u);
}

TEST(Config, HttpsIsBesideTheStandardPortsAndUnderTls) {
  const std::string https = std::string(kHost) + "[[listen]]\nprotocol = \"https\"\naddress = \"0.0.0.0:443\"\n";
  const auto beside = load_text(https, "t");
  ASSERT_TRUE(beside.config) << to_text(beside);
  EXPECT_EQ(beside.config->listeners.size(), 1 + default_listeners().size());
  EXPECT_EQ(beside.config->listeners[0].tls, TlsMode::implicit);
  for (const char* tls : {"none", "starttls"}) EXPECT_FALSE(load_text(https + "tls = \"" + tls + "\"\n", "t").config) << tls;
  EXPECT_FALSE(load_text(std::string(kHost) + "[[listen]]\nprotocol = \"https\"\naddress = \"/run/https\"\n", "t").config);
}

TEST(Config, SyntaxErrorsHaveTheirLine) {
  for (const auto& [text, line] :
       std::initializer_list<std::pair<std::string, int>>{{"hostname = mail", 1},
                                                          {std::string(kHost) + "x = \"open", 2},
                                                          {std::string(kHost) + kHost, 2},
                                                          {std::string(kHost) + "\n\n[tls", 4},
                                                          {"a = \"\xff\"", 1}}) {
    const auto loaded = load_text(text, "t");
    ASSERT_EQ(loaded.problems.size(), 1u) << text;
    EXPECT_FALSE(loaded.config);
    EXPECT_EQ(loaded.problems[0].line, line) << loaded.problems[0].text;
    EXPECT_TRUE(loaded.problems[0].text.starts_with("this is not TOML: "));
  }
}

TEST(Config, HostileFilesEndSoon) {
  EXPECT_FALSE(load_text(std::string(2 << 20, '#'), "t").config);
  EXPECT_FALSE(load_text("a = " + std::string(100'000, '['), "t").config);
  std::string keys = kHost;
  for (int i = 0; i < 20'000; ++i) keys += "k" + std::to_string(i) + " = 1\n";
  const auto loaded = load_text(keys, "t");
  EXPECT_FALSE(loaded.config);
  EXPECT_FALSE(loaded.problems.empty());
}

class Files : public testing::Test {
 protected:
  Files() {
    std::string pattern = (fs::temp_directory_path() / "posthorn-config-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~Files() override { fs::remove_all(folder_); }
  std::string write(const std::string& name, const std::string& content, mode_t mode = 0600) {
    const auto path = (folder_ / name).string();
    std::ofstream(path) << content;
    ::chmod(path.c_str(), mode);
    return path;
  }
  static std::string tls(const std::string& certificate, const std::string& key) {
    return std::string(kHost) + "[tls]\ncertificate = \"" + certificate + "\"\nkey = \"" + key + "\"\n";
  }
  fs::path folder_;
};

TEST_F(Files, CertificateAndKeyAreLookedAt) {
  const auto cert = write("cert.pem", "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n", 0644);
  const auto key = write("key.pem", "-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\n");
  const auto open_key =
      write("open.pem", "-----BEGIN EC PRIVATE KEY-----\nMII\n-----END EC PRIVATE KEY-----\n", 0644);
  const auto locked = write("locked.pem", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMII\n");
  EXPECT_EQ(problems_of(tls(cert, key)), "");
  EXPECT_EQ(load_text(tls(cert, key), "t").config->tls.key, key);
  EXPECT_NE(problems_of(tls(cert, open_key)).find("4 warning: the key"), std::string::npos);
  EXPECT_NE(problems_of(tls(cert, locked)).find("pass phrase"), std::string::npos);
  EXPECT_NE(problems_of(tls(key, key)).find("3: the certificate"), std::string::npos);
  EXPECT_NE(problems_of(tls(cert, cert)).find("4: the key"), std::string::npos);
  EXPECT_NE(problems_of(tls(folder_.string(), key)).find("is not a regular file"), std::string::npos);
  EXPECT_NE(problems_of(std::string(kHost) + "[tls]\ncertificate = \"" + cert + "\"\n").find("'key' is not"),
            std::string::npos);
  EXPECT_NE(problems_of(tls("cert.pem", key)).find("must be an absolute path"), std::string::npos);
}

TEST_F(Files, SeveralCertificates) {
  const auto cert = write("cert.pem", "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n", 0644);
  const auto other = write("other.pem", "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n", 0644);
  const auto key = write("key.pem", "-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\n");
  const auto one = [&](const std::string& path) { return "[[tls]]\ncertificate = \"" + path + "\"\nkey = \"" + key + "\"\n"; };
  const auto loaded = load_text(kHost + one(cert) + one(other), "t");
  ASSERT_TRUE(loaded.config) << to_text(loaded);
  EXPECT_EQ(loaded.config->tls.certificate, cert);
  ASSERT_EQ(loaded.config->more_tls.size(), 1U);
  EXPECT_EQ(loaded.config->more_tls[0].certificate, other);
  EXPECT_EQ(load_text(kHost + one(cert), "t").config->more_tls.size(), 0U);
  EXPECT_NE(problems_of(kHost + one(cert) + "[[tls]]\n").find("neither 'certificate' nor 'key'"), std::string::npos);
  EXPECT_NE(problems_of(kHost + one(cert) + "[[tls]]\nkey = \"" + key + "\"\n").find("each [[tls]] needs both"), std::string::npos);
  EXPECT_NE(problems_of(kHost + one(cert) + one(key)).find("holds no certificate"), std::string::npos);
  EXPECT_NE(problems_of(std::string(kHost) + "tls = [1]\n").find("must be a table"), std::string::npos);
}

TEST_F(Files, LoadFileNamesTheFile) {
  const auto path = write("posthorn.toml", "hostname = 1\n");
  EXPECT_TRUE(to_text(load_file(path)).starts_with(path + ":1:12: error: "));
  EXPECT_EQ(to_text(load_file("/nonexistent.toml")),
            "/nonexistent.toml: error: the file cannot be read: No such file or directory\n");
  EXPECT_FALSE(load_file(folder_.string()).config);
}

TEST(Config, SettingsTextNamesEverySettingAndIsTheDefault) {
  const std::string text = settings_text();
  EXPECT_NE(
      text.find(
          "[test_imap]\n# Tests: a time.\n# Allowed: \"30 min\" to \"1 d\".\n# idle_timeout = \"35 min\"\n"),
      std::string::npos)
      << text;
  // With the values uncommented it is a file that changes nothing.
  std::string file = kHost;
  std::size_t from = 0, to = 0;
  for (; (to = text.find('\n', from)) != text.npos; from = to + 1) {
    std::string line = text.substr(from, to - from);
    if (line.starts_with("# ") && line.find(" = ") != line.npos) line.erase(0, 2);
    file += line + "\n";
  }
  const auto loaded = load_text(file, "t");
  ASSERT_TRUE(loaded.config) << to_text(loaded) << file;
  EXPECT_EQ(loaded.config->settings.size(), all_settings().size());
}

}  // namespace
}  // namespace posthorn::config
