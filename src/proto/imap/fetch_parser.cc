// FETCH. [RFC3501 6.4.5] [RFC7162 3.1.4]
#include <algorithm>

#include "proto/imap/grammar.h"
#include "text/ascii.h"

namespace posthorn::imap {
namespace {

struct NamedItem {
  std::string_view name;
  FetchItem item;
};

constexpr NamedItem kItems[] = {
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

// section, behind its "["
Result<Section> take_section(Cursor& in, const ParserLimits& limits) {
  Section section;
  if (in.take(']')) return section;
  bool wants_text = true;
  while (wants_text && text::is_digit(in.peek())) {
    if (section.part.size() >= limits.part_depth) return fail(Errc::limit, "Part number too deep");
    TRY(const auto number, in.take_nz_number());
    section.part.push_back(number);
    wants_text = in.take('.');
  }
  if (wants_text) TRY_OK(take_section_text(in, section, limits));
  TRY_OK(in.expect(']'));
  return section;
}

Result<FetchAttribute> take_attribute(Cursor& in, const ParserLimits& limits) {
  FetchAttribute out;
  const auto name = take_item_name(in);
  if (in.peek() == '[' && (text::iequals(name, "BODY") || text::iequals(name, "BODY.PEEK"))) {
    in.take('[');
    out.item = FetchItem::section;
    out.peek = name.size() > 4;
    TRY(out.section, take_section(in, limits));
    if (!in.take('<')) return out;
    Partial partial;
    TRY(partial.offset, in.take_number63());
    TRY_OK(in.expect('.'));
    TRY(partial.count, in.take_number63());
    if (partial.count == 0) return fail(Errc::syntax, "Partial fetch of nothing");
    TRY_OK(in.expect('>'));
    out.partial = partial;
    return out;
  }
  const auto* known = std::find_if(std::begin(kItems), std::end(kItems),
                                   [&](const auto& i) { return text::iequals(i.name, name); });
  if (known == std::end(kItems)) return fail(Errc::syntax, "Unknown item to fetch");
  out.item = known->item;
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

}  // namespace

// "FETCH" SP sequence-set SP (macro / fetch-att / "(" fetch-att *(SP fetch-att) ")") [SP "(" fetch-modifier
// ")"]
Result<AnyCommand> take_fetch(Cursor& in, const ParserLimits& limits) {
  Fetch out;
  TRY_OK(in.take_space());
  TRY(out.set, take_sequence_set(in, limits));
  TRY_OK(in.take_space());
  TRY(out.attributes, take_attributes(in, limits));
  if (in.at_end()) return out;
  TRY_OK(in.take_space());
  TRY_OK(in.expect('('));
  // VANISHED needs QRESYNC [RFC7162 3.2.6], which is not offered.
  if (!in.take_word("CHANGEDSINCE")) return fail(Errc::syntax, "Unknown FETCH modifier");
  TRY_OK(in.take_space());
  // [RFC7162 7] Departure: 0 is accepted and means everything.
  TRY(out.changed_since, in.take_number63());
  TRY_OK(in.expect(')'));
  return out;
}

}  // namespace posthorn::imap
