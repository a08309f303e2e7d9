// FETCH. [RFC3501 6.4.5] [RFC3516 7] [RFC7162 7] [RFC8474 7] [RFC8514 5] [RFC8970 6] [RFC9394 4]
#include <algorithm>
#include <utility>

#include "proto/imap/grammar.h"

namespace posthorn::imap {
namespace {

constexpr Named<FetchItem> kItems[] = {
    {"ENVELOPE", FetchItem::envelope},
    {"FLAGS", FetchItem::flags},
    {"INTERNALDATE", FetchItem::internal_date},
    {"RFC822", FetchItem::rfc822},
    {"RFC822.HEADER", FetchItem::rfc822_header},
    {"RFC822.SIZE", FetchItem::rfc822_size},
    {"RFC822.TEXT", FetchItem::rfc822_text},
    {"BODY", FetchItem::body},
    {"BODYSTRUCTURE", FetchItem::body_structure},
    {"UID", FetchItem::uid},
    {"MODSEQ", FetchItem::mod_seq},
    {"SAVEDATE", FetchItem::save_date},
    {"EMAILID", FetchItem::email_id},
    {"THREADID", FetchItem::thread_id},
    {"PREVIEW", FetchItem::preview},
};

// Those that have a section in brackets.
struct SectionItem {
  FetchItem item;
  bool peek;
};
constexpr Named<SectionItem> kSectionItems[] = {
    {"BODY", {FetchItem::section, false}},
    {"BODY.PEEK", {FetchItem::section, true}},
    {"BINARY", {FetchItem::binary, false}},
    {"BINARY.PEEK", {FetchItem::binary, true}},
    {"BINARY.SIZE", {FetchItem::binary_size, false}},
};

std::string_view take_item_name(Cursor& in) {
  const auto all = in.rest();
  std::size_t n = 0;
  while (n < all.size() && is_char(all[n], kAtomChar) && all[n] != '[' && all[n] != '<') ++n;
  in.advance(n);
  return all.substr(0, n);
}

// header-list
Result<std::vector<std::string>> take_header_list(Cursor& in, const ParserLimits& limits) {
  std::vector<std::string> fields;
  TRY_OK(in.expect('('));
  do {
    if (fields.size() >= limits.header_fields) return fail(Errc::limit, "Too many header fields");
    TRY(auto field, in.take_astring());
    fields.push_back(std::move(field));
  } while (in.take(' '));
  TRY_OK(in.expect(')'));
  return fields;
}

// section-text; section-msgtext is the same without MIME
Result<void> take_section_text(Cursor& in, Section& section, const ParserLimits& limits) {
  const auto name = take_item_name(in);
  if (text::iequals(name, "HEADER")) {
    section.text = SectionText::header;
  } else if (text::iequals(name, "TEXT")) {
    section.text = SectionText::text;
  } else if (text::iequals(name, "MIME") && !section.part.empty()) {
    section.text = SectionText::mime;
  } else if (text::iequals(name, "HEADER.FIELDS") || text::iequals(name, "HEADER.FIELDS.NOT")) {
    const bool negated = name.size() > std::string_view("HEADER.FIELDS").size();
    section.text = negated ? SectionText::header_fields_not : SectionText::header_fields;
    TRY_OK(in.take_space());
    TRY(section.fields, take_header_list(in, limits));
  } else {
    return fail(Errc::syntax, "Bad section");
  }
  return {};
}

// section, behind its "["; section-binary is the same without section-text
Result<Section> take_section(Cursor& in, FetchItem item, const ParserLimits& limits) {
  Section section;
  if (in.take(']')) return section;
  bool wants_text = true;
  while (wants_text && text::is_digit(in.peek())) {
    if (section.part.size() >= limits.part_depth) return fail(Errc::limit, "Part number too deep");
    TRY(const auto number, in.take_nz_number());
    section.part.push_back(number);
    wants_text = in.take('.');
  }
  if (wants_text && item != FetchItem::section) return fail(Errc::syntax, "Bad part number");
  if (wants_text) TRY_OK(take_section_text(in, section, limits));
  TRY_OK(in.expect(']'));
  return section;
}

// partial, behind its "<"
Result<Partial> take_partial(Cursor& in) {
  Partial partial;
  TRY(partial.offset, in.take_number63());
  TRY_OK(in.expect('.'));
  TRY(partial.count, in.take_number63());
  if (partial.count == 0) return fail(Errc::syntax, "Partial fetch of nothing");
  TRY_OK(in.expect('>'));
  return partial;
}

Result<FetchAttribute> take_attribute(Cursor& in, const ParserLimits& limits) {
  FetchAttribute out;
  const auto name = take_item_name(in);
  if (in.peek() == '[') {
    const auto* known = find_named(kSectionItems, name);
    if (!known) return fail(Errc::syntax, "Unknown item to fetch");
    in.take('[');
    out.item = known->item;
    out.peek = known->peek;
    TRY(out.section, take_section(in, out.item, limits));
    if (out.item == FetchItem::binary_size || !in.take('<')) return out;
    TRY(out.partial, take_partial(in));
    return out;
  }
  const auto* known = find_named(kItems, name);
  if (!known) return fail(Errc::syntax, "Unknown item to fetch");
  out.item = *known;
  // A parenthesis behind PREVIEW may also be that of the FETCH modifiers.
  if (out.item == FetchItem::preview && text::istarts_with(in.rest(), " (LAZY")) {
    in.advance(2);
    do {
      if (!in.take_word("LAZY")) return fail(Errc::syntax, "Unknown PREVIEW modifier");
    } while (in.take(' '));
    TRY_OK(in.expect(')'));
    out.lazy = true;
  }
  return out;
}

using enum FetchItem;

// [RFC3501 6.4.5] Macros stand alone.
std::optional<std::vector<FetchItem>> take_macro(Cursor& in) {
  if (in.take_word("ALL")) return std::vector{flags, internal_date, rfc822_size, envelope};
  if (in.take_word("FAST")) return std::vector{flags, internal_date, rfc822_size};
  if (in.take_word("FULL")) return std::vector{flags, internal_date, rfc822_size, envelope, body};
  return {};
}

Result<std::vector<FetchAttribute>> take_attributes(Cursor& in, const ParserLimits& limits) {
  std::vector<FetchAttribute> out;
  if (const auto macro = take_macro(in)) {
    for (const auto item : *macro) out.push_back({.item = item});
    return out;
  }
  const bool list = in.take('(');
  do {
    TRY(auto attribute, take_attribute(in, limits));
    if (std::find(out.begin(), out.end(), attribute) != out.end()) continue;
    if (out.size() >= limits.fetch_attributes) return fail(Errc::limit, "Too many items to fetch");
    out.push_back(std::move(attribute));
  } while (list && in.take(' '));
  if (list) TRY_OK(in.expect(')'));
  return out;
}

// "(" fetch-modifier *(SP fetch-modifier) ")"
Result<void> take_modifiers(Cursor& in, Fetch& out) {
  TRY_OK(in.expect('('));
  do {
    if (in.take_word("CHANGEDSINCE") && !out.changed_since) {
      TRY_OK(in.take_space());
      // [RFC7162 7] Departure: 0 is accepted and means everything.
      TRY(out.changed_since, in.take_number63());
    } else if (in.take_word("VANISHED")) {
      out.vanished = true;
    } else if (in.take_word("PARTIAL") && !out.partial) {
      TRY_OK(in.take_space());
      TRY(out.partial, take_result_range(in));
    } else {
      return fail(Errc::syntax, "Unknown FETCH modifier");
    }
  } while (in.take(' '));
  return in.expect(')');
}

}  // namespace

// "FETCH" SP sequence-set SP (macro / fetch-att / "(" fetch-att *(SP fetch-att) ")") [SP modifiers]
Outcome take_uid_fetch(Cursor& in, const ParserLimits& limits) {
  Fetch out;
  TRY_OK(in.take_space());
  TRY(out.set, take_sequence_set(in, limits));
  TRY_OK(in.take_space());
  TRY(out.attributes, take_attributes(in, limits));
  if (in.at_end()) return out;
  TRY_OK(in.take_space());
  TRY_OK(take_modifiers(in, out));
  if (out.vanished && !out.changed_since)
    return fail(Errc::syntax, "VANISHED needs CHANGEDSINCE");  // [RFC7162 3.2.6]
  return out;
}

Outcome take_fetch(Cursor& in, const ParserLimits& limits) {
  TRY(auto command, take_uid_fetch(in, limits));
  const auto& fetch = std::get<Fetch>(command);
  // [RFC7162 3.2.6] [RFC9394 3.3]
  if (fetch.vanished || fetch.partial) return fail(Errc::syntax, "VANISHED and PARTIAL are of UID FETCH");
  return command;
}

}  // namespace posthorn::imap
