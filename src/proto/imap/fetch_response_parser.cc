// FETCH as a server sends it. [RFC3501 7.4.2] [RFC7162 7] [RFC8474 5]
#include "proto/imap/response_grammar.h"
#include "text/ascii.h"

namespace posthorn::imap {
namespace {

// "BODY[HEADER.FIELDS (A B)]<0>": to the space behind it that is not within brackets.
Result<std::string> take_attribute_name(Cursor& in) {
  const auto rest = in.rest();
  std::size_t n = 0;
  int brackets = 0;
  for (; n < rest.size(); ++n) {
    if (rest[n] == '[') ++brackets;
    if (rest[n] == ']') --brackets;
    if (brackets <= 0 && (rest[n] == ' ' || rest[n] == '(' || rest[n] == ')')) break;
  }
  if (n == 0 || n > 64 * 1024) return fail(Errc::syntax, "the name of an attribute is missing");
  in.advance(n);
  return upper(rest.substr(0, n));
}

bool is_section(std::string_view name) {
  return name.starts_with("BODY[") || name.starts_with("BINARY[") || name == "RFC822" || name == "RFC822.TEXT" || name == "RFC822.HEADER";
}

Result<std::string> take_object_id(Cursor& in) {
  if (in.take_word("NIL")) return std::string();
  TRY_OK(in.expect('('));
  TRY(const auto id, take_word_of_server(in));
  TRY_OK(in.expect(')'));
  return std::string(id);
}

// `open_end`: what is behind the name of the last section comes later.
Result<void> take_attribute(Cursor& in, FetchResponse& out, bool open_end, const ResponseLimits& limits) {
  TRY(auto name, take_attribute_name(in));
  TRY_OK(in.take_space());
  if (is_section(name)) {
    auto& section = out.sections.emplace_back(std::move(name), std::nullopt);
    if (open_end && in.at_end()) return {};
    if (in.take('~')) return fail(Errc::syntax, "a literal is in the wrong place");
    TRY(section.text, in.take_nstring());
  } else if (name == "UID") {
    TRY(out.uid, in.take_nz_number());
  } else if (name == "FLAGS") {
    TRY(out.flags, take_server_flags(in, limits));
  } else if (name == "MODSEQ") {
    TRY_OK(in.expect('('));
    TRY(out.mod_seq, in.take_number63());
    TRY_OK(in.expect(')'));
  } else if (name == "RFC822.SIZE") {
    TRY(out.size, in.take_number63());
  } else if (name == "INTERNALDATE") {
    TRY(const auto text, in.take_string());
    // Tolerance: a date that is none is no reason to lose the message.
    if (auto date = text::parse_imap_date_time(text)) out.internal_date = *date;
  } else if (name == "EMAILID") {
    TRY(out.email_id, take_object_id(in));
  } else {
    TRY_OK(skip_value(in, limits));
  }
  return {};
}

Result<FetchResponse> take_attributes(Cursor& in, std::uint32_t number, bool open_end, const ResponseLimits& limits) {
  FetchResponse out;
  out.number = number;
  TRY_OK(in.expect('('));
  for (std::size_t count = 0; !in.take(')'); ++count) {
    if (open_end && in.at_end()) return out;
    if (count == limits.words) return fail(Errc::limit, "too many attributes");
    if (in.take(' ')) continue;
    TRY_OK(take_attribute(in, out, open_end, limits));
  }
  return out;
}

}  // namespace

Parsed take_fetch_response(Cursor& in, std::uint32_t number, const ResponseLimits& limits) {
  TRY(auto out, take_attributes(in, number, false, limits));
  return Response(std::move(out));
}

Result<FetchResponse> parse_fetch_front(std::string_view text, const ResponseLimits& limits) {
  Cursor in(text);
  TRY_OK(in.expect('*'));
  TRY_OK(in.take_space());
  TRY(const auto number, in.take_nz_number());
  TRY_OK(in.take_space());
  if (!in.take_word("FETCH")) return fail(Errc::syntax, "no FETCH response");
  TRY_OK(in.take_space());
  TRY(auto out, take_attributes(in, number, true, limits));
  if (out.sections.empty()) return fail(Errc::syntax, "a literal belongs to no section");
  return out;
}

}  // namespace posthorn::imap
