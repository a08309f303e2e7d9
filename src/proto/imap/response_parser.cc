#include "proto/imap/response_grammar.h"
#include "text/ascii.h"

namespace posthorn::imap {
namespace {

using Kind = StatusResponse::Kind;

std::optional<Kind> status_kind(std::string_view word, bool tagged) {
  if (text::iequals(word, "OK")) return Kind::ok;
  if (text::iequals(word, "NO")) return Kind::no;
  if (text::iequals(word, "BAD")) return Kind::bad;
  if (tagged) return std::nullopt;
  if (text::iequals(word, "BYE")) return Kind::bye;
  if (text::iequals(word, "PREAUTH")) return Kind::preauth;
  return std::nullopt;
}

// The "]" that ends the code: one within a quoted string does not.
std::size_t end_of_code(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') ++i;
    else if (text[i] == '"') quoted = !quoted;
    else if (text[i] == ']' && !quoted) return i;
  }
  // Tolerance: a quote that does not end belongs to the words.
  return text.find(']');
}

Parsed parse_status(std::string_view tag, Kind kind, std::string_view rest, const ResponseLimits& limits) {
  StatusResponse out;
  out.kind = kind;
  out.tag = tag;
  if (rest.starts_with(' ')) rest.remove_prefix(1);
  if (rest.starts_with('[')) {
    const auto end = end_of_code(rest);
    if (end == rest.npos) return fail(Errc::syntax, "a response code does not end");
    TRY(out.code, parse_response_code(rest.substr(1, end - 1), limits));
    rest.remove_prefix(end + 1);
  }
  out.text = text::trim(rest);
  return Response(std::move(out));
}

Parsed take_numbered(Cursor& in, const ResponseLimits& limits) {
  TRY(const auto number, in.take_number());
  TRY_OK(in.take_space());
  if (in.take_word("FETCH")) {
    if (number == 0) return fail(Errc::syntax, "a FETCH of message 0");
    TRY_OK(in.take_space());
    return take_fetch_response(in, number, limits);
  }
  if (in.take_word("EXISTS")) return Response(ExistsResponse{number});
  if (in.take_word("RECENT")) return Response(RecentResponse{number});
  if (in.take_word("EXPUNGE")) {
    if (number == 0) return fail(Errc::syntax, "an EXPUNGE of message 0");
    return Response(ExpungeResponse{number});
  }
  TRY(const auto word, take_word_of_server(in));
  return Response(OtherResponse{upper(word)});
}

Parsed take_vanished(Cursor& in, const ResponseLimits& limits) {
  VanishedResponse out;
  if (in.take('(')) {
    if (!in.take_word("EARLIER")) return fail(Errc::syntax, "an unknown word in VANISHED");
    out.earlier = true;
    TRY_OK(in.expect(')'));
    TRY_OK(in.take_space());
  }
  TRY(out.uids, take_numbers(in, limits));
  return Response(std::move(out));
}

Parsed take_search(Cursor& in, const ResponseLimits& limits) {
  SearchResponse out;
  while (in.take(' ')) {
    if (in.peek() == '(') {  // [RFC7162 3.1.5] (MODSEQ n)
      TRY_OK(skip_value(in, limits));
      continue;
    }
    if (in.at_end()) break;
    if (out.numbers.size() == limits.set_items) return fail(Errc::limit, "too many numbers in SEARCH");
    TRY(const auto number, in.take_nz_number());
    out.numbers.push_back(number);
  }
  return Response(std::move(out));
}

Parsed take_esearch(Cursor& in, const ResponseLimits& limits) {
  EsearchResponse out;
  while (in.take(' ')) {
    if (in.take('(')) {
      if (!in.take_word("TAG")) return fail(Errc::syntax, "ESEARCH without a tag");
      TRY_OK(in.take_space());
      TRY(out.tag, in.take_astring());
      TRY_OK(in.expect(')'));
      continue;
    }
    TRY(const auto word, take_word_of_server(in));
    if (text::iequals(word, "UID")) {
      out.uid = true;
      continue;
    }
    TRY_OK(in.take_space());
    if (text::iequals(word, "ALL")) {
      TRY(out.all, take_numbers(in, limits));
    } else if (text::iequals(word, "MIN")) {
      TRY(out.min, in.take_nz_number());
    } else if (text::iequals(word, "MAX")) {
      TRY(out.max, in.take_nz_number());
    } else if (text::iequals(word, "COUNT")) {
      TRY(out.count, in.take_number());
    } else {
      TRY_OK(skip_value(in, limits));
    }
  }
  return Response(std::move(out));
}

Parsed take_id(Cursor& in, const ResponseLimits& limits) {
  IdResponse out;
  if (in.take_word("NIL")) return Response(std::move(out));
  TRY_OK(in.expect('('));
  while (!in.take(')')) {
    if (in.take(' ')) continue;
    if (out.fields.size() == limits.words) return fail(Errc::limit, "too many fields in ID");
    TRY(auto name, in.take_string());
    TRY_OK(in.take_space());
    TRY(auto value, in.take_nstring());
    out.fields.emplace_back(std::move(name), value.value_or(""));
  }
  return Response(std::move(out));
}

Parsed take_untagged(Cursor& in, const ResponseLimits& limits) {
  if (text::is_digit(in.peek())) return take_numbered(in, limits);
  TRY(const auto word, take_word_of_server(in));
  const std::string name = upper(word);
  if (const auto kind = status_kind(name, false)) return parse_status({}, *kind, in.rest(), limits);
  if (name == "SEARCH") return take_search(in, limits);
  if (name == "ESEARCH") return take_esearch(in, limits);
  if (name == "CAPABILITY") return Response(CapabilityResponse{take_upper_words(in, limits)});
  if (name == "ENABLED") return Response(EnabledResponse{take_upper_words(in, limits)});
  const bool known = name == "LIST" || name == "LSUB" || name == "STATUS" || name == "FLAGS" || name == "VANISHED" || name == "NAMESPACE" || name == "ID";
  if (!known) return Response(OtherResponse{name});
  TRY_OK(in.take_space());
  if (name == "STATUS") return take_status_items_response(in, limits);
  if (name == "VANISHED") return take_vanished(in, limits);
  if (name == "NAMESPACE") return take_namespace_response(in, limits);
  if (name == "ID") return take_id(in, limits);
  if (name == "FLAGS") {
    TRY(auto flags, take_server_flags(in, limits));
    return Response(FlagsResponse{std::move(flags)});
  }
  return take_list_response(in, name == "LSUB", limits);
}

}  // namespace

Result<Response> parse_response(std::string_view text, const ResponseLimits& limits) {
  if (text.starts_with("* ")) {
    Cursor in(text.substr(2));
    return take_untagged(in, limits);
  }
  if (text.starts_with('+')) return Response(ContinuationResponse{std::string(text::trim(text.substr(1)))});
  const auto space = text.find(' ');
  if (space == 0 || space == text.npos || space > 256) return fail(Errc::syntax, "that is no response");
  const auto rest = text.substr(space + 1);
  const auto end = rest.find(' ');
  const auto kind = status_kind(rest.substr(0, end), true);
  if (!kind) return fail(Errc::syntax, "that is no response");
  return parse_status(text.substr(0, space), *kind, end == rest.npos ? std::string_view() : rest.substr(end), limits);
}

std::string for_people(std::string_view said, std::size_t longest) {
  std::string out;
  for (const char c : said.substr(0, longest)) {
    const auto octet = static_cast<unsigned char>(c);
    out += octet < 0x20 || octet == 0x7f ? '?' : c;
  }
  if (said.size() > longest) out += "...";
  return out;
}

}  // namespace posthorn::imap
