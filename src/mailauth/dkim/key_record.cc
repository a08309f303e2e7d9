#include "mailauth/dkim/key_record.h"

#include <algorithm>

#include "crypto/base64.h"

namespace posthorn::mailauth::dkim {
namespace {

constexpr std::size_t kMaxString = 255;  // [RFC1035 3.3]

std::string quoted(std::string_view s) {
  std::string out = "\"";
  for (const char c : s) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

std::string key_record_name(std::string_view selector, std::string_view domain) {
  return std::string(selector) + "._domainkey." + std::string(domain);
}

std::string key_record(crypto::KeyAlgorithm algorithm, std::string_view public_key) {
  return "v=DKIM1; k=" + std::string(name_of(algorithm)) + "; p=" + crypto::encode_base64(public_key, crypto::Padding::equals);
}

std::string txt_zone_line(std::string_view name, std::string_view text) {
  std::string out = std::string(name) + ". IN TXT";
  do {
    out += ' ' + quoted(text.substr(0, kMaxString));
    text.remove_prefix(std::min(kMaxString, text.size()));
  } while (!text.empty());
  return out;
}

}  // namespace posthorn::mailauth::dkim
