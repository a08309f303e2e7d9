#include "client_accounts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "config/document.h"

namespace posthorn {
namespace {

using config::Node;

constexpr std::size_t kMaxFile = 1 << 20;

struct AccountsText {
  std::string text;
  bool readable_by_others = false;
};

// Mode and content are of one and the same file.
Result<AccountsText> read_file(const std::string& name) {
  const int fd = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return fail(errno == ENOENT ? Errc::not_found : Errc::io, "cannot read the accounts file " + name + ": " + std::strerror(errno));
  AccountsText out;
  struct stat status{};
  std::array<char, 16384> piece;
  ssize_t n = ::fstat(fd, &status) == 0 ? 1 : -1;
  while (n > 0 && out.text.size() <= kMaxFile) {
    n = ::read(fd, piece.data(), piece.size());
    if (n > 0) out.text.append(piece.data(), static_cast<std::size_t>(n));
  }
  const int error = errno;
  ::close(fd);
  if (n < 0) return fail(Errc::io, "cannot read the accounts file " + name + ": " + std::strerror(error));
  if (n > 0) return fail(Errc::corrupt, "the accounts file " + name + " is too long");
  out.readable_by_others = (status.st_mode & (S_IRGRP | S_IROTH)) != 0;
  return out;
}

// "~/" is the home directory; where a program starts means nothing to a file of accounts.
Result<std::string> absolute(const std::string& path) {
  const char* const home = std::getenv("HOME");
  if (path.starts_with('/')) return path;
  if (path.starts_with("~/") && home && *home == '/') return home + path.substr(1);
  return fail(Errc::corrupt, "must begin with / or ~/");
}

class AccountReader {
 public:
  AccountReader(std::string file, bool readable_by_others) : file_(std::move(file)), readable_by_others_(readable_by_others) {}

  Result<Place> read(const config::Entry& table) const {
    Place place;
    place.name = table.key;
    bool url = false;
    for (const auto& entry : table.node.entries) {
      url = url || entry.key == "url" || entry.key == "send_url";
      if (auto taken = take(place, entry); !taken)
        return fail(taken.error().code == Errc::denied ? Errc::denied : Errc::corrupt,
                    where(entry.at) + "'" + entry.key + "': " + taken.error().text);
    }
    if (!url) return fail(Errc::corrupt, where(table.at) + "the account '" + table.key + "' has no 'url'");
    const auto& t = place.trust;
    if (t.insecure + !t.ca_file.empty() + !t.pins.empty() > 1)
      return fail(Errc::corrupt, where(table.at) + "of 'ca', 'pin' and 'insecure' an account has one");
    const auto& s = place.secret;
    if (!s.file.empty() + !s.environment.empty() + !s.command.empty() + !s.text.empty() + !place.token_command.empty() > 1)
      return fail(Errc::corrupt, where(table.at) + "the account '" + table.key + "' has more than one password");
    return place;
  }
  std::string where(config::Position at) const { return file_ + ':' + std::to_string(at.line) + ": "; }

 private:
  Result<void> take(Place& place, const config::Entry& entry) const {
    const auto& key = entry.key;
    const auto& node = entry.node;
    if (key == "insecure") return take_flag(place.trust.insecure, node);
    if (key == "allow_plaintext") return take_flag(place.allow_plaintext, node);
    if (key == "pin") return take_pins(place.trust.pins, node);
    const struct {
      std::string_view key;
      std::string& into;
    } texts[] = {{"password_env", place.secret.environment},
                 {"password_command", place.secret.command},
                 {"token_command", place.token_command},
                 {"password_file", place.secret.file},
                 {"password", place.secret.text},
                 {"ca", place.trust.ca_file}};
    const bool is_url = key == "url" || key == "send_url";
    bool known = is_url;
    for (const auto& one : texts) known = known || one.key == key;
    if (!known)
      return fail(Errc::corrupt,
                  "is unknown; there are url, send_url, password_file, password_env, password_command, password, token_command, "
                  "ca, pin, insecure and allow_plaintext");
    TRY(const auto value, text_of(node));
    if (is_url) {
      TRY(auto parsed, client::parse_mail_url(value));
      if (key == "url")
        place.url = std::move(parsed);
      else
        place.send_url = std::move(parsed);
      return {};
    }
    for (const auto& one : texts)
      if (one.key == key) one.into = value;
    if (key == "password_file" || key == "ca") {
      TRY(auto path, absolute(value));
      (key == "ca" ? place.trust.ca_file : place.secret.file) = std::move(path);
    }
    if (key == "password" && readable_by_others_)
      return fail(Errc::denied, "others can read this file: say chmod 600 " + file_ + ", and change the password");
    return {};
  }

  static Result<std::string> text_of(const Node& node) {
    if (!node.text() || node.text()->empty()) return fail(Errc::corrupt, "must be text in quotes");
    return *node.text();
  }
  static Result<void> take_flag(bool& into, const Node& node) {
    const auto* const value = std::get_if<bool>(&node.value);
    if (node.kind != Node::Kind::boolean || !value) return fail(Errc::corrupt, "must be true or false");
    into = *value;
    return {};
  }
  static Result<void> take_pins(std::vector<std::string>& into, const Node& node) {
    if (node.kind == Node::Kind::array) {
      for (const auto& one : node.items) TRY_OK(take_pins(into, one));
      return {};
    }
    TRY(const auto text, text_of(node));
    TRY(auto pin, client::parse_pin(text));
    into.push_back(std::move(pin));
    return {};
  }

  const std::string file_;
  const bool readable_by_others_;
};

}  // namespace

std::string usual_accounts_file() {
  const char* const config = std::getenv("XDG_CONFIG_HOME");
  const char* const home = std::getenv("HOME");
  if (config && *config == '/') return std::string(config) + "/posthorn/accounts.toml";
  if (home && *home == '/') return std::string(home) + "/.config/posthorn/accounts.toml";
  return {};
}

Result<std::map<std::string, Place>> read_accounts(const std::string& file) {
  std::map<std::string, Place> accounts;
  const auto name = file.empty() ? usual_accounts_file() : file;
  if (name.empty()) return accounts;
  const auto content = read_file(name);
  if (!content && content.error().code == Errc::not_found) {
    if (file.empty()) return accounts;
    return fail(Errc::invalid, content.error().text);
  }
  if (!content) return std::unexpected(content.error());
  const AccountReader reader(name, content->readable_by_others);
  const auto parsed = config::parse_toml(content->text);
  if (parsed.error) return fail(Errc::corrupt, reader.where(parsed.error->at) + "this is not TOML: " + parsed.error->text);
  for (const auto& entry : parsed.root.entries) {
    if (!entry.node.is_table())
      return fail(Errc::corrupt, reader.where(entry.at) + "'" + entry.key + "' is no account: those are tables, as [" + entry.key + "]");
    if (entry.key.contains(':'))
      return fail(Errc::corrupt, reader.where(entry.at) + "the name '" + entry.key + "' would be taken for a URL");
    TRY(auto place, reader.read(entry));
    accounts.emplace(entry.key, std::move(place));
  }
  return accounts;
}

}  // namespace posthorn
