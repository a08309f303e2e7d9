#include "dns/name.h"

#include <algorithm>
#include <cstdint>

#include "text/ascii.h"
#include "text/idna.h"

namespace posthorn::dns {
namespace {

Error bad(const char* what) { return {Errc::syntax, std::string("a domain name ") + what}; }

bool is_plain(char c) { return c > ' ' && c < 0x7f && c != '.' && c != '\\'; }

void put_octet(std::string& out, char c) {
  if (is_plain(c)) {
    out += text::to_lower(c);
  } else if (c == '.' || c == '\\') {
    out += '\\';
    out += c;
  } else {
    const unsigned n = static_cast<unsigned char>(c);
    out += '\\';
    for (const unsigned digit : {n / 100, n / 10 % 10, n % 10}) out += static_cast<char>('0' + digit);
  }
}

// What a backslash stands before [RFC1035 5.1]; the front of `in` is behind the backslash.
std::optional<char> take_escape(std::string_view& in) {
  if (in.empty()) return {};
  if (!text::is_digit(in[0])) {
    const char c = in[0];
    in.remove_prefix(1);
    return text::is_ascii(c) ? std::optional(c) : std::nullopt;
  }
  if (in.size() < 3 || !text::is_digit(in[1]) || !text::is_digit(in[2])) return {};
  const int n = (in[0] - '0') * 100 + (in[1] - '0') * 10 + (in[2] - '0');
  in.remove_prefix(3);
  return n > 255 ? std::nullopt : std::optional(static_cast<char>(n));
}

// Cuts a written name into the octets of its labels.  REQUIRES: within INVARIANT 1.
template <class OnLabel>
void for_each_label(std::string_view text, OnLabel on_label) {
  if (text == ".") return;
  std::string label;
  while (!text.empty()) {
    const char c = text[0];
    text.remove_prefix(1);
    if (c == '.') {
      on_label(label);
      label.clear();
    } else {
      label += c == '\\' ? *take_escape(text) : c;
    }
  }
  on_label(label);
}

// Puts labels together and keeps the limits.
class Builder {
 public:
  Result<void> add(std::string_view label) {
    if (label.empty()) return std::unexpected(bad("has an empty part"));
    if (label.size() > kMaxLabel) return fail(Errc::limit, "a domain name has a part longer than 63 octets");
    size_ += label.size() + 1;
    if (size_ + 1 > kMaxWireName) return fail(Errc::limit, "a domain name is longer than 255 octets");
    if (!text.empty()) text += '.';
    for (const char c : label) put_octet(text, c);
    return {};
  }
  std::string text;

 private:
  std::size_t size_ = 0;
};

}  // namespace

Result<Name> Name::parse(std::string_view in) {
  Name out;
  if (in == ".") return out;
  Builder built;
  std::string label;
  while (!in.empty()) {
    char c = in[0];
    in.remove_prefix(1);
    if (c == '.') {
      TRY_OK(built.add(label));
      label.clear();
      if (in.empty()) {  // the final dot
        out.text_ = std::move(built.text);
        return out;
      }
      continue;
    }
    if (c == '\\') {
      const auto escaped = take_escape(in);
      if (!escaped) return std::unexpected(bad("has a wrong escape"));
      c = *escaped;
    } else if (!text::is_ascii(c)) {
      return std::unexpected(bad("is not in ASCII"));
    }
    if (label.size() <= kMaxLabel) label += c;
  }
  TRY_OK(built.add(label));
  out.text_ = std::move(built.text);
  return out;
}

Result<Name> Name::from_domain(std::string_view utf8) {
  TRY(const auto ascii, text::domain_to_ascii(utf8));
  TRY(auto name, parse(ascii));
  if (name.is_root()) return std::unexpected(bad("is empty"));
  return name;
}

Result<Name> Name::take_wire(std::string_view& bytes) {
  Builder built;
  std::string_view rest = bytes;
  for (;;) {
    if (rest.empty()) return std::unexpected(bad("ends too early"));
    const auto length = static_cast<unsigned char>(rest[0]);
    rest.remove_prefix(1);
    if (length == 0) break;
    if (length > kMaxLabel) return std::unexpected(bad("is compressed"));
    if (length > rest.size()) return std::unexpected(bad("ends too early"));
    if (!built.add(rest.substr(0, length))) return std::unexpected(bad("is longer than 255 octets"));
    rest.remove_prefix(length);
  }
  bytes = rest;
  Name out;
  if (!built.text.empty()) out.text_ = std::move(built.text);
  return out;
}

Name Name::reverse(const IpAddress& address) {
  Name out;
  out.text_.clear();
  const auto bytes = address.bytes();
  for (auto i = bytes.rbegin(); i != bytes.rend(); ++i) {
    if (address.is_v4()) {
      out.text_ += std::to_string(*i) + ".";
    } else {
      static constexpr char kHex[] = "0123456789abcdef";
      out.text_ += {kHex[*i & 15], '.', kHex[*i >> 4], '.'};
    }
  }
  out.text_ += address.is_v4() ? "in-addr.arpa" : "ip6.arpa";
  return out;
}

void Name::put_wire(std::string& out) const {
  for_each_label(text_, [&](const std::string& label) {
    out += static_cast<char>(label.size());
    out += label;
  });
  out += '\0';
}

std::size_t Name::wire_size() const {
  std::size_t size = 1;
  for_each_label(text_, [&](const std::string& label) { size += label.size() + 1; });
  return size;
}

bool Name::is_host_name() const {
  if (is_root()) return false;
  bool good = true;
  std::string last;
  for_each_label(text_, [&](const std::string& label) {
    good = good && label.front() != '-' && label.back() != '-' &&
           std::ranges::all_of(label, [](char c) { return text::is_alpha(c) || text::is_digit(c) || c == '-' || c == '_'; });
    last = label;
  });
  return good && !std::ranges::all_of(last, text::is_digit);  // [RFC3696 2] the last is never a number
}

std::optional<IpAddress> Name::as_address() const {
  const auto address = IpAddress::parse(text_);
  return address ? std::optional(*address) : std::nullopt;
}

Name Name::parent() const {
  Name out;
  for (std::size_t i = 0; i < text_.size(); ++i) {
    if (text_[i] == '\\') {
      ++i;  // what is escaped is no dot between labels, and the digits behind it are none either
    } else if (text_[i] == '.' && i + 1 < text_.size()) {
      out.text_ = text_.substr(i + 1);
      break;
    }
  }
  return out;
}

bool Name::is_at_or_below(const Name& ancestor) const {
  if (ancestor.is_root() || *this == ancestor) return true;
  if (text_.size() <= ancestor.text_.size() || !text_.ends_with(ancestor.text_)) return false;
  for (Name up = parent(); !up.is_root(); up = up.parent())
    if (up == ancestor) return true;
  return false;
}

Result<Name> Name::below(std::string_view labels) const {
  return parse(is_root() ? std::string(labels) : std::string(labels) + "." + text_);
}

}  // namespace posthorn::dns
