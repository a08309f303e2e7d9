#include "message/base_subject.h"

#include "text/ascii.h"

namespace posthorn::message {
namespace {

// Step 1: every run of white space becomes one space.
std::string with_single_spaces(std::string_view s) {
  std::string out;
  out.reserve(s.size());
  for (const char c : s) {
    if (!text::is_space(c)) out += c;
    else if (out.empty() || out.back() != ' ') out += ' ';
  }
  return out;
}

void skip_spaces(std::string_view& s) {
  while (s.starts_with(' ')) s.remove_prefix(1);
}

bool take_prefix(std::string_view& s, std::string_view lower) {
  if (!text::istarts_with(s, lower)) return false;
  s.remove_prefix(lower.size());
  return true;
}

bool take_suffix(std::string_view& s, std::string_view lower) {
  if (s.size() < lower.size() || !text::iequals(s.substr(s.size() - lower.size()), lower)) return false;
  s.remove_suffix(lower.size());
  return true;
}

// [RFC5256 5] subj-blob = "[" *BLOBCHAR "]" *WSP
bool take_blob(std::string_view& s) {
  if (!s.starts_with('[')) return false;
  const auto end = s.find_first_of("[]", 1);
  if (end == s.npos || s[end] == '[') return false;
  s.remove_prefix(end + 1);
  skip_spaces(s);
  return true;
}

// [RFC5256 5] subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"
bool take_refwd(std::string_view& s) {
  std::string_view rest = s;
  if (!take_prefix(rest, "re") && !take_prefix(rest, "fwd") && !take_prefix(rest, "fw")) return false;
  skip_spaces(rest);
  take_blob(rest);
  if (!rest.starts_with(':')) return false;
  s = rest.substr(1);
  return true;
}

// Step 2: trailers.
bool strip_end(std::string_view& s) {
  bool forwarded = false;
  for (;;) {
    while (s.ends_with(' ')) s.remove_suffix(1);
    if (!take_suffix(s, "(fwd)")) return forwarded;
    forwarded = true;
  }
}

// Steps 3 to 5.  All blobs are looked at in one go: either a refwd behind them takes them along as its leader, or step 4 takes
// them one by one, up to the last if nothing else is left.
bool strip_start(std::string_view& s) {
  bool replied = false;
  for (;;) {
    skip_spaces(s);
    std::string_view rest = s, last_blob = s;
    for (std::string_view at = rest; take_blob(rest); at = rest) last_blob = at;
    if (!take_refwd(rest)) {
      s = rest.empty() ? last_blob : rest;
      return replied;
    }
    s = rest;
    replied = true;
  }
}

}  // namespace

std::string base_subject(std::string_view decoded_utf8, bool* is_reply_or_forward) {
  const std::string subject = with_single_spaces(decoded_utf8);
  std::string_view s = subject;
  bool removed = false;
  for (;;) {
    removed |= strip_end(s);
    removed |= strip_start(s);
    // Step 6.
    std::string_view inner = s;
    if (!take_prefix(inner, "[fwd:") || !take_suffix(inner, "]")) break;
    s = inner;
    removed = true;
  }
  if (is_reply_or_forward != nullptr) *is_reply_or_forward = removed;
  return std::string(s);
}

}  // namespace posthorn::message
