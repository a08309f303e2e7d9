#include "proto/imap/writer.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/result.h"
#include "proto/imap/cursor.h"
#include "text/ascii.h"
#include "text/utf7.h"
#include "text/utf8.h"

namespace posthorn::imap {
namespace {

constexpr std::size_t kLongestQuoted = 1024;  // long ones as literals: no scan for what must be escaped

// Printable ASCII without quote and backslash, as nearly everything is: eight bytes a step.
bool is_plain(std::string_view s) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kHigh = 0x8080808080808080;
  std::size_t i = 0;
  for (; i + 8 <= s.size(); i += 8) {
    std::uint64_t w;
    std::memcpy(&w, s.data() + i, 8);
    const auto has_zero = [](std::uint64_t v) { return (v - kOnes) & ~v & kHigh; };
    const std::uint64_t control = (w - kOnes * 0x20) & ~w & kHigh;
    if ((w & kHigh) | control | has_zero(w ^ kOnes * '"') | has_zero(w ^ kOnes * '\\')) return false;
  }
  for (; i < s.size(); ++i)
    if (const auto c = static_cast<unsigned char>(s[i]); c < 0x20 || c > 0x7F || c == '"' || c == '\\') return false;
  return true;
}

// resp-text: TEXT-CHAR only, and at least one.
void put_text(std::string& out, std::string_view text) {
  if (text.empty()) text = "Done";
  for (char c : text)
    out += static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e ? '?' : c;
}

void put_condition(std::string& out, std::string_view condition, std::string_view code,
                   std::string_view text) {
  out += condition;
  out += ' ';
  if (!code.empty()) {
    out += '[';
    out += code;
    out += "] ";
  }
  put_text(out, text);
  out += "\r\n";
}

}  // namespace

bool can_be_quoted(std::string_view s, Names names) {
  const auto is_bad = [](char c) { return c == '\0' || c == '\r' || c == '\n'; };
  if (std::any_of(s.begin(), s.end(), is_bad)) return false;
  return text::is_ascii(s) || (names == Names::utf8 && text::is_valid_utf8(s));
}

bool is_atom(std::string_view s) { return all_chars(s, kAtomChar); }
bool is_astring_atom(std::string_view s) { return all_chars(s, kAstringChar); }

Writer& Writer::number(std::uint64_t n) {
  char digits[20];
  out_.append(digits, std::to_chars(std::begin(digits), std::end(digits), n).ptr);
  return *this;
}

Writer& Writer::quoted(std::string_view s) {
  out_ += '"';
  for (char c : s) {
    if (c == '"' || c == '\\') out_ += '\\';
    out_ += c;
  }
  out_ += '"';
  return *this;
}

Writer& Writer::literal_header(std::uint64_t size) { return raw("{").number(size).raw("}\r\n"); }

Writer& Writer::literal8_header(std::uint64_t size) { return raw("~").literal_header(size); }

Writer& Writer::literal(std::string_view s) { return literal_header(s.size()).char8(s); }

Writer& Writer::char8(std::string_view s) {
  auto at = out_.size();
  out_ += s;
  while ((at = out_.find('\0', at)) != out_.npos) out_[at] = '\x80';
  return *this;
}

Writer& Writer::string(std::string_view s, Names names) {
  if (s.size() <= kLongestQuoted && is_plain(s)) {
    (out_ += '"').append(s) += '"';
    return *this;
  }
  return s.size() <= kLongestQuoted && can_be_quoted(s, names) ? quoted(s) : literal(s);
}

Writer& Writer::nstring(std::optional<std::string_view> s) { return s ? string(*s) : nil(); }

// "NIL" is quoted, for readers that take it for nil.
Writer& Writer::astring(std::string_view s, Names names) {
  return is_astring_atom(s) && !text::iequals(s, "NIL") ? raw(s) : string(s, names);
}

Writer& Writer::mailbox(std::string_view utf8, Names names) {
  if (names == Names::utf8) return string(utf8, names);
  auto encoded = text::utf8_to_imap_utf7(utf8);
  if (!encoded) encoded = text::utf8_to_imap_utf7(text::repair_utf8(utf8));
  CHECK(encoded.has_value());
  return string(*encoded);
}

Writer& Writer::flags(const FlagList& list) {
  bool first = true;
  const auto put = [&](std::string_view flag) {
    if (!first) sp();
    first = false;
    raw(flag);
  };
  open();
  for (auto f : {SystemFlag::answered, SystemFlag::flagged, SystemFlag::deleted, SystemFlag::seen,
                 SystemFlag::draft, SystemFlag::recent})
    if (list.has(f)) put(to_string(f));
  for (const auto& keyword : list.keywords) put(keyword);
  return close();
}

Writer& Writer::special_uses(std::uint8_t bits) {
  bool first = true;
  for (unsigned bit = 1; bit < 256; bit <<= 1) {
    if (!(bits & bit)) continue;
    if (!first) sp();
    first = false;
    raw(to_string(static_cast<SpecialUse>(bit)));
  }
  return *this;
}

Writer& Writer::set(const NumberSet& numbers) {
  put_number_set(out_, numbers);
  return *this;
}

Writer& Writer::uids(const std::vector<Uid>& ascending) {
  NumberSet numbers;
  for (const auto uid : ascending) numbers.push_back(uid.value());
  return set(numbers);
}

Writer& Writer::result_range(const ResultRange& range) {
  const std::string_view sign = range.from_end ? "-" : "";
  return raw(sign).number(range.first).raw(":").raw(sign).number(range.last);
}

Writer& Writer::date_time(const text::DateTime& d) { return quoted(text::format_imap_date_time(d)); }

Writer& Writer::fetch_name(const FetchAttribute& a) {
  put_fetch_name(out_, a);
  return *this;
}

Writer& Writer::esearch(std::string_view tag, bool uid) {
  return untagged().raw("ESEARCH (TAG ").quoted(tag).raw(uid ? ") UID" : ")");
}

Writer& Writer::tagged(std::string_view tag, Completion result, std::string_view code,
                       std::string_view text) {
  out_ += tag;
  out_ += ' ';
  put_condition(out_, result == Completion::ok ? "OK" : result == Completion::no ? "NO" : "BAD", code, text);
  return *this;
}

Writer& Writer::untagged_status(std::string_view condition, std::string_view code, std::string_view text) {
  out_ += "* ";
  put_condition(out_, condition, code, text);
  return *this;
}

Writer& Writer::continuation(std::string_view text) { return raw("+ ").raw(text).crlf(); }

void put_fetch_name(std::string& out, const FetchAttribute& a) {
  Writer w(out);
  switch (a.item) {
    case FetchItem::envelope:
      w.raw("ENVELOPE");
      return;
    case FetchItem::flags:
      w.raw("FLAGS");
      return;
    case FetchItem::internal_date:
      w.raw("INTERNALDATE");
      return;
    case FetchItem::rfc822:
      w.raw("RFC822");
      return;
    case FetchItem::rfc822_header:
      w.raw("RFC822.HEADER");
      return;
    case FetchItem::rfc822_size:
      w.raw("RFC822.SIZE");
      return;
    case FetchItem::rfc822_text:
      w.raw("RFC822.TEXT");
      return;
    case FetchItem::body:
      w.raw("BODY");
      return;
    case FetchItem::body_structure:
      w.raw("BODYSTRUCTURE");
      return;
    case FetchItem::uid:
      w.raw("UID");
      return;
    case FetchItem::mod_seq:
      w.raw("MODSEQ");
      return;
    case FetchItem::save_date:
      w.raw("SAVEDATE");
      return;
    case FetchItem::email_id:
      w.raw("EMAILID");
      return;
    case FetchItem::thread_id:
      w.raw("THREADID");
      return;
    case FetchItem::preview:
      w.raw("PREVIEW");
      return;
    case FetchItem::binary:
    case FetchItem::binary_size:
    case FetchItem::section:
      break;
  }
  // [RFC3501 7.4.2] also for BODY.PEEK
  w.raw(a.item == FetchItem::section ? "BODY[" : a.item == FetchItem::binary ? "BINARY[" : "BINARY.SIZE[");
  for (std::size_t i = 0; i < a.section.part.size(); ++i) {
    if (i > 0) w.raw(".");
    w.number(a.section.part[i]);
  }
  const auto text = a.section.text;
  if (!a.section.part.empty() && text != SectionText::whole) w.raw(".");
  if (text == SectionText::header) w.raw("HEADER");
  if (text == SectionText::text) w.raw("TEXT");
  if (text == SectionText::mime) w.raw("MIME");
  if (text == SectionText::header_fields || text == SectionText::header_fields_not) {
    w.raw(text == SectionText::header_fields ? "HEADER.FIELDS (" : "HEADER.FIELDS.NOT (");
    for (std::size_t i = 0; i < a.section.fields.size(); ++i) {
      if (i > 0) w.sp();
      w.astring(a.section.fields[i]);
    }
    w.close();
  }
  w.raw("]");
  if (a.partial) w.raw("<").number(a.partial->offset).raw(">");
}

}  // namespace posthorn::imap
