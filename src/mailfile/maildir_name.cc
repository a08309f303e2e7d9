#include "mailfile/maildir_name.h"

#include <unistd.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <random>

namespace posthorn::mailfile {
namespace {

constexpr std::size_t kMaxName = 255;

// [maildir.html] "/" and ":" of a host's name are written in octal; "," would begin our fields.
std::string host() {
  char name[256] = "localhost";
  if (::gethostname(name, sizeof name - 1) != 0) return "localhost";
  std::string out;
  for (const char c : std::string_view(name).substr(0, 64)) {
    if (c == '/')
      out += "\\057";
    else if (c == ':')
      out += "\\072";
    else if (c == ',')
      out += "\\054";
    else if (static_cast<unsigned char>(c) > 0x20 && c != 0x7f)
      out += c;
  }
  return out.empty() ? "localhost" : out;
}

std::string random_hex() {
  static thread_local std::random_device device;
  char out[17];
  const auto bits = (std::uint64_t{device()} << 32) | device();
  const auto end = std::to_chars(out, out + 16, bits, 16).ptr;
  return {out, end};
}

// Where the field ",X=" begins in `fields`; npos: nowhere.
std::size_t find_field(std::string_view fields, char letter) {
  const char start[] = {',', letter, '=', '\0'};
  return fields.find(start);
}

}  // namespace

std::string MaildirFlags::letters() const {
  std::string out;
  for (char c = 'A'; c <= 'Z'; ++c)
    if (has(c)) out += c;
  for (char c = 'a'; c <= 'z'; ++c)
    if (has(c)) out += c;
  return out;
}

std::string MaildirName::text() const {
  std::string out = base() + rest;
  if (flags && rest.empty()) out += ":2," + flags->letters();
  return out;
}

std::optional<std::uint64_t> MaildirName::field(char letter) const {
  const auto at = find_field(fields, letter);
  if (at == std::string::npos) return {};
  std::uint64_t value = 0;
  const char* const end = fields.data() + fields.size();
  const auto [stop, error] = std::from_chars(fields.data() + at + 3, end, value);
  if (error != std::errc() || (stop != end && *stop != ',')) return {};
  return value;
}

void MaildirName::set_field(char letter, std::optional<std::uint64_t> value) {
  for (auto at = find_field(fields, letter); at != std::string::npos; at = find_field(fields, letter)) {
    const auto end = fields.find(',', at + 1);
    fields.erase(at, end == std::string::npos ? end : end - at);
  }
  if (value) fields += std::string(",") + letter + "=" + std::to_string(*value);
}

std::optional<std::uint32_t> MaildirName::uid() const {
  const auto value = field('U');
  if (!value || *value == 0 || *value > 0xFFFFFFFF) return {};
  return static_cast<std::uint32_t>(*value);
}

std::optional<MaildirName> parse_maildir_name(std::string_view text) {
  if (text.empty() || text.size() > kMaxName || text.front() == '.' ||
      text.find_first_of(std::string_view("/\0", 2)) != text.npos)
    return {};
  const auto colon = text.find(':');
  const auto base = text.substr(0, colon);
  const auto comma = base.find(',');
  MaildirName out;
  out.unique = base.substr(0, comma);
  if (out.unique.empty()) return {};
  if (comma != base.npos) out.fields = base.substr(comma);
  if (colon == text.npos) return out;
  const auto info = text.substr(colon);
  if (info.starts_with(":2,")) out.flags = MaildirFlags(info.substr(3));
  if (!out.flags || out.flags->letters() != info.substr(3)) out.rest = info;
  return out;
}

MaildirName make_maildir_name() {
  static std::atomic<std::uint64_t> counter{0};
  static const std::string at_host = "." + host();
  using namespace std::chrono;
  const auto time = system_clock::now().time_since_epoch();
  const auto whole = duration_cast<seconds>(time);
  const auto micros = duration_cast<microseconds>(time - whole).count();
  MaildirName out;
  out.unique = std::to_string(whole.count()) + ".M" + std::to_string(micros) + "P" +
               std::to_string(::getpid()) + "Q" + std::to_string(++counter) + "R" + random_hex() + at_host;
  return out;
}

}  // namespace posthorn::mailfile
