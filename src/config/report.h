// Where the checks put what they find.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/document.h"

namespace posthorn::config {

// Keys of our own, for "did you mean".
inline const std::vector<std::string> kTopKeys = {"hostname", "data_dir", "tls", "listen", "relay"};
inline const std::vector<std::string> kTlsKeys = {"certificate", "key"};
inline const std::vector<std::string> kListenKeys = {"protocol", "address", "tls", "allow_plaintext_auth", "proxy_protocol",
                                                     "proxy_networks"};

inline const std::vector<std::string> kRelayKeys = {"domains",  "senders",       "host",            "port",                 "protocol",      "tls", "verify",
                                                    "username", "password_file", "allow_plaintext", "allow_plaintext_auth", "source_address",
                                                    "retry_first", "retry_max", "lifetime", "delay_warning"};

// What the file says, in quotes, cut, without control characters: safe to print.
std::string shown(std::string_view text);
std::string one_of(const std::vector<std::string>& names);  // "'a', 'b' or 'c'"

// The keys that settings define directly below `prefix` ("imap."), tables among them.
std::vector<std::string> setting_keys_below(std::string_view prefix);

class Report {
 public:
  explicit Report(std::vector<Problem>& out) : out_(out) {}

  void error(Position, std::string text);
  void warn(Position, std::string text);
  std::size_t count() const { return out_.size(); }

  // The text of an entry; null (and a problem) when it is something else.
  const std::string* need_text(const Entry&);
  // The same for an absolute path without control characters.
  const std::string* need_path(const Entry&);
  // The text of an entry as one of `choices`, which have a to_string().
  template <class E, std::size_t N>
  std::optional<E> need_choice(const Entry& e, const std::array<E, N>& choices) {
    std::vector<std::string> names;
    for (const E choice : choices) names.emplace_back(to_string(choice));
    const auto index = need_name(e, names);
    if (!index) return std::nullopt;
    return choices[*index];
  }

  // `prefix`: the table with a dot behind it, or empty at the top; `known`: our own keys there.
  void unknown_key(const Entry&, const std::string& prefix, const std::vector<std::string>& known);

 private:
  std::optional<std::size_t> need_name(const Entry&, const std::vector<std::string>& names);

  std::vector<Problem>& out_;
};

}  // namespace posthorn::config
