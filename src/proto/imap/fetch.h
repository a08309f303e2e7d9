// What FETCH asks for. [RFC3501 6.4.5]
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace posthorn::imap {

enum class FetchItem : std::uint8_t {
  envelope,
  flags,
  internal_date,
  rfc822,
  rfc822_header,
  rfc822_size,
  rfc822_text,
  body,  // BODY: the structure without extension data
  body_structure,
  section,  // BODY[...] and BODY.PEEK[...]
  uid,
  mod_seq,  // [RFC7162 3.1.4]
  save_date,    // [RFC8514]
  email_id,     // [RFC8474]
  thread_id,    // [RFC8474]
  preview,      // [RFC8970]
  binary,       // [RFC3516] BINARY[...] and BINARY.PEEK[...]: section.part and partial
  binary_size,  // [RFC3516] BINARY.SIZE[...]: section.part
};

enum class SectionText : std::uint8_t {
  whole,  // BODY[], BODY[1]
  header,
  header_fields,
  header_fields_not,
  text,
  mime,  // only behind a part number
};

struct Section {
  std::vector<std::uint32_t> part;  // "4.1.2"; empty: the message itself
  SectionText text = SectionText::whole;
  std::vector<std::string> fields;  // of header_fields and header_fields_not, as the client spelled them
  friend bool operator==(const Section&, const Section&) = default;
};

struct Partial {
  std::uint64_t offset = 0;
  std::uint64_t count = 0;  // never 0
  friend bool operator==(const Partial&, const Partial&) = default;
};

struct FetchAttribute {
  FetchItem item = FetchItem::flags;
  bool peek = false;  // of a section or binary: do not set \Seen
  bool lazy = false;  // of a preview: only if it is at hand [RFC8970 3.1]
  Section section{};
  std::optional<Partial> partial{};
  friend bool operator==(const FetchAttribute&, const FetchAttribute&) = default;
};

// [RFC3501 6.4.5] BODY[...], RFC822 and RFC822.TEXT set \Seen; so does BINARY[...] [RFC3516 4.2].
inline bool sets_seen(const FetchAttribute& a) {
  return ((a.item == FetchItem::section || a.item == FetchItem::binary) && !a.peek) || a.item == FetchItem::rfc822 ||
         a.item == FetchItem::rfc822_text;
}

// "BODY[4.1.HEADER.FIELDS (DATE FROM)]<0>": the name of the item in the response, for every FetchItem.
void put_fetch_name(std::string& out, const FetchAttribute&);

}  // namespace posthorn::imap
