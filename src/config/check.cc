// The tree of the file becomes a Config and a list of everything that is wrong.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <tuple>

#include "config/address.h"
#include "config/config.h"
#include "config/core_settings.h"
#include "config/document.h"
#include "config/files.h"
#include "config/suggest.h"

namespace posthorn::config {
namespace {

constexpr std::size_t kMaxFile = 1 << 20;
constexpr std::size_t kMaxPem = 1 << 20;
constexpr std::size_t kMaxListeners = 256;
constexpr char kDefaultDataDir[] = "/var/lib/posthorn";

const std::vector<std::string> kTopKeys = {"hostname", "data_dir", "tls", "listen"};
const std::vector<std::string> kTlsKeys = {"certificate", "key"};
const std::vector<std::string> kListenKeys = {"protocol", "address", "tls", "allow_plaintext_auth"};

// What the file says, in quotes, safe to print.
std::string shown(std::string_view text) {
  std::string out = "'";
  for (const char c : text.substr(0, 80)) out += static_cast<unsigned char>(c) < ' ' || c == 0x7f ? '?' : c;
  return out + (text.size() > 80 ? "...'" : "'");
}

bool has(const std::vector<std::string>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
}

// The keys that settings define directly below `prefix` ("imap."), tables among them.
std::vector<std::string> setting_keys_below(std::string_view prefix) {
  std::vector<std::string> out;
  for (const SettingBase* s : all_settings()) {
    if (!s->name().starts_with(prefix)) continue;
    const std::string_view rest = s->name().substr(prefix.size());
    out.emplace_back(rest.substr(0, rest.find('.')));
  }
  return out;
}

bool is_setting_table(const std::string& path) { return !setting_keys_below(path + ".").empty(); }

// Settings whose last part is this key, whatever their table.
std::string setting_elsewhere(std::string_view key) {
  for (const SettingBase* s : all_settings())
    if (s->name().size() > key.size() && s->name().ends_with("." + std::string(key)))
      return std::string(s->name());
  return {};
}

class Checker {
 public:
  explicit Checker(Loaded& out) : out_(out) {}

  void check_file(const Node& root) {
    for (const Entry& e : root.entries) {
      if (e.key == "hostname")
        check_hostname(e);
      else if (e.key == "data_dir")
        check_data_dir(e);
      else if (e.key == "tls")
        check_tls(e);
      else if (e.key == "listen")
        check_listen(e);
      else
        check_setting(e, "", kTopKeys);
    }
    fill_in_defaults();
    std::ranges::sort(out_.problems, {}, [](const Problem& p) { return std::tie(p.line, p.column, p.text); });
    if (std::ranges::none_of(out_.problems, [](const Problem& p) { return p.severity == Severity::error; }))
      out_.config = std::move(config_);
  }

 private:
  void error(Position at, std::string text) {
    out_.problems.push_back({at.line, at.column, Severity::error, std::move(text)});
  }
  void warn(Position at, std::string text) {
    out_.problems.push_back({at.line, at.column, Severity::warning, std::move(text)});
  }

  // The text of an entry; null (and a problem) when it is something else.
  const std::string* need_text(const Entry& e) {
    if (const std::string* const text = e.node.text()) return text;
    error(e.node.at, shown(e.key) + " must be text in quotes, not " + std::string(to_string(e.node.kind)));
    return nullptr;
  }

  // An absolute path without control characters; null (and a problem) otherwise.
  const std::string* need_path(const Entry& e) {
    const std::string* const path = need_text(e);
    if (!path) return nullptr;
    if (!path->starts_with('/') || has_control(*path)) {
      error(e.node.at, shown(e.key) + " must be an absolute path (one that begins with '/')");
      return nullptr;
    }
    return path;
  }

  // [text] as one of `names` in the order of the enumerators.
  template <class E, std::size_t N>
  std::optional<E> need_choice(const Entry& e, const std::array<E, N>& choices) {
    const std::string* const text = need_text(e);
    if (!text) return std::nullopt;
    std::vector<std::string> names;
    std::string list;
    for (std::size_t i = 0; i < N; ++i) {
      if (to_string(choices[i]) == *text) return choices[i];
      names.emplace_back(to_string(choices[i]));
      list += (i == 0 ? "" : i + 1 == N ? " or " : ", ") + shown(names.back());
    }
    const std::string_view near = nearest(*text, names);
    error(e.node.at, shown(e.key) + " is " + shown(*text) + ", but must be " + list +
                         (near.empty() ? "" : ": did you mean " + shown(near) + "?"));
    return std::nullopt;
  }

  void unknown_key(const Entry& e, const std::string& prefix, const std::vector<std::string>& known) {
    std::string text = "unknown key " + shown(e.key);
    if (!prefix.empty()) text += " in [" + prefix.substr(0, prefix.size() - 1) + "]";
    std::vector<std::string> words = known;
    if (prefix != "listen.") {
      const auto settings = setting_keys_below(prefix);
      words.insert(words.end(), settings.begin(), settings.end());
    }
    if (const auto near = nearest(e.key, words); !near.empty())
      text += ": did you mean " + shown(near) + "?";
    else if (!prefix.empty() && (has(kTopKeys, e.key) || find_setting(e.key)))
      text += ": it belongs at the top of the file, before the first [table]";
    else if (const auto other = setting_elsewhere(e.key); !other.empty())
      text += ": did you mean " + shown(other) + "?";
    else if (prefix.empty() && has(kListenKeys, e.key))
      text += ": it belongs in a [[listen]]";
    error(e.at, std::move(text));
  }

  // Anything that is not a key of ours: a setting, or a table of settings.
  void check_setting(const Entry& e, const std::string& prefix, const std::vector<std::string>& known) {
    const std::string path = prefix + e.key;
    if (const SettingBase* const setting = find_setting(path)) {
      if (e.node.kind == Node::Kind::table || e.node.kind == Node::Kind::array ||
          e.node.kind == Node::Kind::date) {
        error(e.node.at, shown(path) + " must be " + setting->allowed_text() + ", not " +
                             std::string(to_string(e.node.kind)));
      } else if (const auto fits = setting->check(e.node.value); !fits) {
        error(e.node.at, shown(path) + " " + fits.error().text);
      } else {
        config_.settings.emplace_back(path, e.node.value);
      }
      return;
    }
    if (!is_setting_table(path)) return unknown_key(e, prefix, known);
    if (!e.node.is_table())
      return error(e.node.at, shown(path) + " must be a table: [" + path + "], not " +
                                  std::string(to_string(e.node.kind)));
    for (const Entry& inner : e.node.entries) check_setting(inner, path + ".", {});
  }

  void check_hostname(const Entry& e) {
    hostname_seen_ = true;
    const std::string* const text = need_text(e);
    if (!text) return;
    auto name = parse_hostname(*text);
    if (!name) return error(e.node.at, "'hostname' " + shown(*text) + " " + name.error().text);
    if (name->find('.') == std::string::npos && *name != "localhost")
      warn(e.node.at,
           "'hostname' " + shown(*text) +
               " is not a full name such as mail.example.org: other servers may refuse mail from it");
    config_.hostname = *std::move(name);
  }

  void check_data_dir(const Entry& e) {
    const std::string* const path = need_path(e);
    config_.data_dir = kDefaultDataDir;
    if (!path) return;
    config_.data_dir = *path;
    while (config_.data_dir.size() > 1 && config_.data_dir.ends_with('/')) config_.data_dir.pop_back();
    if (config_.data_dir == "/") return error(e.node.at, "'data_dir' must not be the root folder");
    struct stat info{};
    if (::stat(path->c_str(), &info) == 0 && !S_ISDIR(info.st_mode))
      error(e.node.at, "'data_dir' " + shown(*path) + " is there but is not a folder");
  }

  void check_tls(const Entry& tls) {
    if (!tls.node.is_table())
      return error(
          tls.node.at,
          "'tls' must be a table: [tls] with 'certificate' and 'key' (the tls of a listener belongs in its "
          "[[listen]])");
    const Entry* certificate = nullptr;
    const Entry* key = nullptr;
    for (const Entry& e : tls.node.entries) {
      if (e.key == "certificate")
        certificate = &e;
      else if (e.key == "key")
        key = &e;
      else
        check_setting(e, "tls.", kTlsKeys);
    }
    if (certificate) check_certificate(*certificate);
    if (key) check_key(*key);
    if (certificate && !key)
      error(certificate->at, "'certificate' is given but 'key' is not: [tls] needs both or none");
    if (key && !certificate)
      error(key->at, "'key' is given but 'certificate' is not: [tls] needs both or none");
  }

  void check_certificate(const Entry& e) {
    const std::string* const path = need_path(e);
    if (!path) return;
    const auto file = read_file(*path, kMaxPem);
    if (!file) return error(e.node.at, "the certificate " + shown(*path) + " " + file.error().text);
    if (const auto pem = check_certificate_pem(file->text); !pem)
      return error(e.node.at, "the certificate " + shown(*path) + " " + pem.error().text);
    config_.tls.certificate = *path;
  }

  void check_key(const Entry& e) {
    const std::string* const path = need_path(e);
    if (!path) return;
    const auto file = read_file(*path, kMaxPem);
    if (!file) return error(e.node.at, "the key " + shown(*path) + " " + file.error().text);
    if (const auto pem = check_key_pem(file->text); !pem)
      return error(e.node.at, "the key " + shown(*path) + " " + pem.error().text);
    if (file->world_readable)
      warn(e.node.at, "the key " + shown(*path) + " can be read by every user of this machine: chmod 640 it");
    config_.tls.key = *path;
  }

  void check_listen(const Entry& e) {
    listen_seen_ = true;
    if (e.node.is_table()) {
      error(e.at, "write [[listen]] with two brackets on each side: there may be several");
      return check_listener(e.node);
    }
    if (e.node.kind != Node::Kind::array)
      return error(e.node.at,
                   "'listen' must be written as [[listen]] with 'protocol' and 'address' below it");
    if (e.node.items.empty())
      return error(e.node.at, "'listen' is empty: leave it out for the standard ports, or add a [[listen]]");
    if (e.node.items.size() > kMaxListeners)
      return error(e.node.at, "more than " + std::to_string(kMaxListeners) + " listeners");
    for (const Node& item : e.node.items) {
      if (item.is_table())
        check_listener(item);
      else
        error(item.at, "'listen' must be written as [[listen]] with 'protocol' and 'address' below it");
    }
  }

  void check_listener(const Node& table) {
    Listener l;
    const Entry *protocol = nullptr, *address = nullptr, *tls = nullptr, *plaintext = nullptr;
    const std::size_t before = out_.problems.size();
    for (const Entry& e : table.entries) {
      if (e.key == "protocol")
        protocol = &e;
      else if (e.key == "address")
        address = &e;
      else if (e.key == "tls")
        tls = &e;
      else if (e.key == "allow_plaintext_auth")
        plaintext = &e;
      else
        unknown_key(e, "listen.", kListenKeys);
    }
    std::optional<Protocol> known_protocol;
    if (!protocol)
      error(table.at, "this [[listen]] has no 'protocol' (smtp, submission, lmtp, imap or pop3)");
    else if ((known_protocol =
                  need_choice(*protocol, std::array{Protocol::smtp, Protocol::submission, Protocol::lmtp,
                                                    Protocol::imap, Protocol::pop3})))
      l.protocol = *known_protocol;
    if (!address)
      error(table.at, "this [[listen]] has no 'address'");
    else if (const std::string* const text = need_text(*address))
      take_address(*address, *text, l);
    std::optional<TlsMode> mode;
    if (tls) mode = need_choice(*tls, std::array{TlsMode::none, TlsMode::starttls, TlsMode::implicit});
    if (plaintext) take_plaintext(*plaintext, l);
    // The rules about combinations make sense only when every part is understood.
    if (out_.problems.size() != before) return;
    l.tls = mode ? *mode : default_tls(l);
    check_combination({tls ? tls->node.at : table.at, address->node.at, plaintext ? plaintext->at : table.at},
                      l);
    config_.listeners.push_back(std::move(l));
  }

  void take_address(const Entry& e, const std::string& text, Listener& l) {
    auto endpoint = parse_endpoint(text);
    if (!endpoint) return error(e.node.at, "'address' " + shown(text) + " " + endpoint.error().text);
    l.address = *std::move(endpoint);
    const auto same = std::ranges::find(taken_, l.address, &Taken::address);
    if (same != taken_.end() && (l.address.is_unix() || l.address.port != 0))
      error(e.node.at,
            "'address' " + shown(text) + " is taken by the listener in line " + std::to_string(same->line));
    else
      taken_.push_back({l.address, e.node.at.line});
  }

  void take_plaintext(const Entry& e, Listener& l) {
    if (const bool* const yes = std::get_if<bool>(&e.node.value); yes && e.node.kind == Node::Kind::boolean)
      l.allow_plaintext_auth = *yes;
    else
      error(e.node.at, "'allow_plaintext_auth' must be true or false (without quotes)");
  }

  static TlsMode default_tls(const Listener& l) {
    if (l.protocol == Protocol::lmtp) return TlsMode::none;
    const auto port = l.address.port;
    return port == 465 || port == 993 || port == 995 ? TlsMode::implicit : TlsMode::starttls;
  }

  struct Places {
    Position tls, address, plaintext;
  };

  void check_combination(const Places& at, const Listener& l) {
    const std::string name(to_string(l.protocol));
    const auto port = l.address.port;
    if (l.protocol == Protocol::lmtp) return check_lmtp(at, l);
    if (l.address.is_unix())
      return error(at.address, "a Unix socket is for lmtp only: " + name + " needs an address and port");
    if (l.protocol == Protocol::smtp && l.tls == TlsMode::implicit)
      warn(at.tls,
           "other servers do not begin with TLS when they deliver mail: use protocol = \"submission\" for "
           "clients on port 465, or tls = \"starttls\"");
    if ((port == 465 || port == 993 || port == 995) && l.tls != TlsMode::implicit)
      warn(at.tls, "clients begin with TLS on port " + std::to_string(port) + ": use tls = \"implicit\"");
    if ((port == 25 || port == 587 || port == 143 || port == 110) && l.tls == TlsMode::implicit)
      warn(at.tls,
           "clients do not begin with TLS on port " + std::to_string(port) + ": use tls = \"starttls\"");
    if (l.tls == TlsMode::none && !l.allow_plaintext_auth && l.protocol != Protocol::smtp)
      warn(at.tls,
           "nobody can sign in here: passwords are taken under TLS only, and tls is \"none\"; use tls = "
           "\"starttls\", or allow_plaintext_auth = true in a network that you trust");
    if (l.allow_plaintext_auth && l.tls == TlsMode::implicit)
      warn(at.plaintext,
           "'allow_plaintext_auth' changes nothing here: with tls = \"implicit\" everything is under TLS");
    else if (l.allow_plaintext_auth && !l.address.is_loopback())
      warn(at.plaintext,
           "passwords may cross the network in readable form here: 'allow_plaintext_auth' is for "
           "loopback and networks that you trust");
  }

  void check_lmtp(const Places& at, const Listener& l) {
    if (l.tls == TlsMode::implicit)
      error(at.tls, "lmtp does not begin with TLS: use tls = \"none\"");
    else if (l.tls == TlsMode::starttls && l.address.is_unix())
      error(at.tls, "TLS makes no sense on a Unix socket: use tls = \"none\"");
    if (l.allow_plaintext_auth)
      warn(at.plaintext, "'allow_plaintext_auth' changes nothing here: lmtp has no sign-in");
    if (!l.address.is_loopback())
      warn(at.address,
           "whoever reaches this address can deliver mail without any check: lmtp belongs on a Unix "
           "socket or a loopback address");
  }

  void fill_in_defaults() {
    if (config_.data_dir.empty()) config_.data_dir = kDefaultDataDir;
    if (!listen_seen_) config_.listeners = default_listeners();
    if (hostname_seen_) return;
    char buffer[256] = "";
    if (::gethostname(buffer, sizeof buffer - 1) == 0)
      if (auto name = parse_hostname(buffer)) config_.hostname = *std::move(name);
    if (config_.hostname.empty())
      error({}, "'hostname' is missing, and this machine has no name that could serve");
    else
      warn({}, "'hostname' is missing: " + shown(config_.hostname) + ", the name of this machine, is used");
  }

  struct Taken {
    Endpoint address;
    int line;
  };

  Loaded& out_;
  Config config_;
  std::vector<Taken> taken_;
  bool hostname_seen_ = false, listen_seen_ = false;
};

}  // namespace

Loaded load_text(std::string_view text, std::string name) {
  Loaded out;
  out.name = std::move(name);
  if (text.size() > kMaxFile) {
    out.problems.push_back({0, 0, Severity::error, "the file is larger than 1 MiB"});
    return out;
  }
  Parsed parsed = parse_toml(text);
  if (parsed.error) {
    out.problems.push_back({parsed.error->at.line, parsed.error->at.column, Severity::error,
                            "this is not TOML: " + parsed.error->text + " (what follows was not checked)"});
    return out;
  }
  Checker(out).check_file(parsed.root);
  return out;
}

Loaded load_file(const std::string& path) {
  const auto file = read_file(path, kMaxFile);
  if (file) return load_text(file->text, path);
  Loaded out;
  out.name = path;
  out.problems.push_back({0, 0, Severity::error, "the file " + file.error().text});
  return out;
}

}  // namespace posthorn::config
