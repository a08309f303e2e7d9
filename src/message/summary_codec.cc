// The stored form of a Summary: docs/formats/summary.md.
#include <limits>
#include <utility>

#include "message/summary.h"

namespace posthorn::message {
namespace {

constexpr char kVersion = 1;

std::unexpected<Error> corrupt(const char* what) {
  return fail(Errc::corrupt, std::string("message summary: ") + what);
}

// ---- Writing

class Writer {
 public:
  void put_number(std::uint64_t v) {
    for (; v >= 0x80; v >>= 7) out_ += static_cast<char>(v | 0x80);
    out_ += static_cast<char>(v);
  }
  void put_signed(std::int64_t v) {
    put_number(static_cast<std::uint64_t>(v) << 1 ^ static_cast<std::uint64_t>(v >> 63));
  }
  void put_text(std::string_view s) {
    put_number(s.size());
    out_ += s;
  }
  void put_optional(const std::optional<std::string>& s) {
    put_number(s ? s->size() + 1 : 0);
    if (s) out_ += *s;
  }
  void put_byte(char c) { out_ += c; }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

void put_addresses(Writer& w, const std::vector<Address>& list) {
  w.put_number(list.size());
  for (const Address& a : list) {
    w.put_byte(
        static_cast<char>(static_cast<int>(a.kind) | (a.name.empty() ? 0 : 4) | (a.adl.empty() ? 0 : 8)));
    if (!a.name.empty()) w.put_text(a.name);
    if (!a.adl.empty()) w.put_text(a.adl);
    if (a.kind != Address::Kind::group_end) w.put_text(a.mailbox);
    if (a.kind == Address::Kind::mailbox) w.put_text(a.host);
  }
}

void put_envelope(Writer& w, const Envelope& e) {
  for (const auto* text : {&e.date, &e.subject, &e.in_reply_to, &e.message_id}) w.put_optional(*text);
  for (const auto* list : {&e.from, &e.sender, &e.reply_to, &e.to, &e.cc, &e.bcc}) put_addresses(w, *list);
}

void put_params(Writer& w, const Params& params) {
  w.put_number(params.size());
  for (const Param& p : params) {
    w.put_text(p.name);
    w.put_text(p.value);
  }
}

void put_part(Writer& w, const Summary& s, const Part& p) {
  const std::uint64_t start = p.parent == kNoPart ? 0 : s.parts[p.parent].body.offset;
  w.put_number(p.header.offset - start);
  w.put_number(p.header.size);
  w.put_number(p.body.size);
  w.put_number(p.lines);
  w.put_text(p.type);
  w.put_text(p.subtype);
  put_params(w, p.params);
  w.put_text(p.encoding);
  for (const auto* text : {&p.id, &p.description, &p.md5, &p.location}) w.put_optional(*text);
  w.put_optional(p.disposition ? std::optional(p.disposition->type) : std::nullopt);
  if (p.disposition) put_params(w, p.disposition->params);
  w.put_number(p.languages.size());
  for (const std::string& language : p.languages) w.put_text(language);
  w.put_byte(p.is_message() ? 1 : 0);
  if (p.is_message()) put_envelope(w, s.envelopes[p.envelope]);
}

// ---- Reading

class Reader {
 public:
  explicit Reader(std::string_view s) : rest_(s) {}

  bool at_end() const { return rest_.empty(); }
  Result<std::uint64_t> take_number() {
    std::uint64_t v = 0;
    for (int shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      if (shift == 63 && byte > 1) break;
      v |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) return v;
    }
    return corrupt("bad number");
  }
  Result<std::int64_t> take_signed() {
    TRY(const std::uint64_t v, take_number());
    return static_cast<std::int64_t>(v >> 1 ^ (~(v & 1) + 1));
  }
  Result<std::uint32_t> take_u32() {
    TRY(const std::uint64_t v, take_number());
    if (v > std::numeric_limits<std::uint32_t>::max()) return corrupt("number out of range");
    return static_cast<std::uint32_t>(v);
  }
  Result<unsigned char> take_byte() {
    if (rest_.empty()) return corrupt("cut short");
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }
  Result<std::string_view> take_bytes(std::uint64_t size) {
    if (size > rest_.size()) return corrupt("cut short");
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }
  Result<std::string_view> take_section() {
    TRY(const std::uint64_t size, take_number());
    return take_bytes(size);
  }
  Result<std::string> take_text() {
    TRY(const std::string_view bytes, take_section());
    return std::string(bytes);
  }
  Result<std::optional<std::string>> take_optional() {
    TRY(const std::uint64_t size, take_number());
    if (size == 0) return std::optional<std::string>();
    TRY(const std::string_view bytes, take_bytes(size - 1));
    return std::optional(std::string(bytes));
  }
  // Every item takes a byte or more, so a count cannot make us allocate more than the input is long.
  Result<std::size_t> take_count() {
    TRY(const std::uint64_t n, take_number());
    if (n > rest_.size()) return corrupt("impossible count");
    return static_cast<std::size_t>(n);
  }

 private:
  std::string_view rest_;
};

Result<std::vector<Address>> take_addresses(Reader& r) {
  TRY(const std::size_t count, r.take_count());
  std::vector<Address> list(count);
  for (Address& a : list) {
    TRY(const unsigned char bits, r.take_byte());
    if ((bits & 3) > 2 || bits > 15) return corrupt("bad address");
    a.kind = static_cast<Address::Kind>(bits & 3);
    if ((bits & 4) != 0) {
      TRY(a.name, r.take_text());
    }
    if ((bits & 8) != 0) {
      TRY(a.adl, r.take_text());
    }
    if (a.kind != Address::Kind::group_end) {
      TRY(a.mailbox, r.take_text());
    }
    if (a.kind == Address::Kind::mailbox) {
      TRY(a.host, r.take_text());
    }
  }
  return list;
}

Result<Envelope> take_envelope(Reader& r) {
  Envelope e;
  for (auto* text : {&e.date, &e.subject, &e.in_reply_to, &e.message_id}) {
    TRY(*text, r.take_optional());
  }
  for (auto* list : {&e.from, &e.sender, &e.reply_to, &e.to, &e.cc, &e.bcc}) {
    TRY(*list, take_addresses(r));
  }
  return e;
}

Result<Params> take_params(Reader& r) {
  TRY(const std::size_t count, r.take_count());
  Params params(count);
  for (Param& p : params) {
    TRY(p.name, r.take_text());
    TRY(p.value, r.take_text());
  }
  return params;
}

struct Prefix {
  std::uint64_t size = 0, header_size = 0;
  std::uint32_t flags = 0, received_count = 0;
  std::optional<text::DateTime> sent;
  std::string_view references, envelope;
};

Result<Prefix> take_prefix(Reader& r) {
  TRY(const unsigned char version, r.take_byte());
  if (version != kVersion) return corrupt("unknown version");
  Prefix p;
  TRY(p.size, r.take_number());
  TRY(p.header_size, r.take_number());
  if (p.header_size > p.size) return corrupt("header longer than the message");
  TRY(p.flags, r.take_u32());
  TRY(p.received_count, r.take_u32());
  TRY(const unsigned char has_sent, r.take_byte());
  if (has_sent > 1) return corrupt("bad date");
  if (has_sent == 1) {
    TRY(const std::int64_t seconds, r.take_signed());
    TRY(const std::int64_t offset, r.take_signed());
    constexpr std::int64_t kFar = 1'000'000'000'000;  // keeps arithmetic on it defined
    if (offset < -1439 || offset > 1439 || seconds < -kFar || seconds > kFar) return corrupt("bad date");
    p.sent =
        text::DateTime{std::chrono::sys_seconds(std::chrono::seconds(seconds)), static_cast<int>(offset)};
  }
  TRY(p.references, r.take_section());
  TRY(p.envelope, r.take_section());
  return p;
}

// In the stored form an optional text in a section of its own.
Result<std::optional<std::string>> references_of(std::string_view section) {
  Reader r(section);
  TRY(auto references, r.take_optional());
  if (!r.at_end()) return corrupt("bad references");
  return references;
}

Result<Envelope> envelope_of(std::string_view section) {
  Reader r(section);
  TRY(Envelope envelope, take_envelope(r));
  if (!r.at_end()) return corrupt("bad envelope");
  return envelope;
}

bool contains(const Range& outer, std::uint64_t offset, std::uint64_t size) {
  if (offset < outer.offset || offset - outer.offset > outer.size) return false;
  return size <= outer.size - (offset - outer.offset);
}

// The ranges of a part against its message or its parent's body.
Result<void> take_ranges(Reader& r, const Range& outer, Part& p) {
  TRY(const std::uint64_t distance, r.take_number());
  TRY(p.header.size, r.take_number());
  TRY(p.body.size, r.take_number());
  TRY(p.lines, r.take_number());
  if (distance > outer.size) return corrupt("part outside its parent");
  p.header.offset = outer.offset + distance;
  if (!contains(outer, p.header.offset, p.header.size)) return corrupt("part outside its parent");
  p.body.offset = p.header.offset + p.header.size;
  if (!contains(outer, p.body.offset, p.body.size)) return corrupt("part outside its parent");
  if (p.lines > p.body.size) return corrupt("more lines than bytes");
  return {};
}

// Among its siblings; an embedded message fills its part.
Result<void> check_place(const Summary& s, const Part& p, PartIndex before) {
  auto end = [](const Range& range) { return range.offset + range.size; };
  if (before != kNoPart && p.header.offset < end(s.parts[before].body)) return corrupt("parts overlap");
  if (p.parent == kNoPart || !s.parts[p.parent].is_message()) return {};
  const Range& outer = s.parts[p.parent].body;
  if (p.header.offset != outer.offset || end(p.body) != end(outer)) return corrupt("bad embedded message");
  return {};
}

Result<void> take_description(Reader& r, Summary& s, Part& p) {
  TRY(p.type, r.take_text());
  TRY(p.subtype, r.take_text());
  TRY(p.params, take_params(r));
  TRY(p.encoding, r.take_text());
  for (auto* text : {&p.id, &p.description, &p.md5, &p.location}) {
    TRY(*text, r.take_optional());
  }
  TRY(auto disposition, r.take_optional());
  if (disposition) {
    p.disposition.emplace();
    p.disposition->type = *std::move(disposition);
    TRY(p.disposition->params, take_params(r));
  }
  TRY(const std::size_t languages, r.take_count());
  for (std::size_t i = 0; i < languages; ++i) {
    TRY(auto language, r.take_text());
    p.languages.push_back(std::move(language));
  }
  TRY(const unsigned char is_message, r.take_byte());
  if (is_message > 1) return corrupt("bad part");
  if (is_message == 1) {
    p.envelope = static_cast<std::uint32_t>(s.envelopes.size());
    TRY(Envelope envelope, take_envelope(r));
    s.envelopes.push_back(std::move(envelope));
  }
  return {};
}

// The tree in pre-order: each part with the count of its children.  No recursion: `waiting` are the parts
// that need more children.
Result<void> take_parts(Reader& r, Summary& s) {
  struct Waiting {
    PartIndex part, last_child;
    std::size_t missing;
  };
  std::vector<Waiting> waiting;
  TRY(const std::size_t count, r.take_count());
  if (count == 0) return corrupt("no parts");
  s.parts.clear();
  for (PartIndex index = 0; index < count; ++index) {
    while (!waiting.empty() && waiting.back().missing == 0) waiting.pop_back();
    if (waiting.empty() != (index == 0)) return corrupt("broken part tree");
    Part p;
    PartIndex before = kNoPart;
    if (!waiting.empty()) {
      Waiting& above = waiting.back();
      p.parent = above.part;
      (above.last_child == kNoPart ? s.parts[p.parent].first_child : s.parts[above.last_child].next_sibling) =
          index;
      before = std::exchange(above.last_child, index);
      --above.missing;
    }
    TRY_OK(take_ranges(r, index == 0 ? Range{0, s.size} : s.parts[p.parent].body, p));
    TRY_OK(check_place(s, p, before));
    TRY_OK(take_description(r, s, p));
    TRY(const std::size_t children, r.take_count());
    if (p.is_message() ? children != 1 : p.is_multipart() != (children > 0))
      return corrupt("broken part tree");
    if (p.is_message() && p.is_multipart()) return corrupt("broken part tree");
    s.parts.push_back(std::move(p));
    if (children > 0) waiting.push_back({index, kNoPart, children});
  }
  for (const Waiting& w : waiting)
    if (w.missing != 0) return corrupt("broken part tree");
  const Part& root = s.parts.front();
  if (root.header != Range{0, s.header_size} || root.body.size != s.size - s.header_size)
    return corrupt("bad root part");
  return {};
}

}  // namespace

std::string encode(const Summary& s) {
  Writer w;
  w.put_byte(kVersion);
  w.put_number(s.size);
  w.put_number(s.header_size);
  w.put_number(s.flags);
  w.put_number(s.received_count);
  w.put_byte(s.sent ? 1 : 0);
  if (s.sent) {
    w.put_signed(s.sent->time.time_since_epoch().count());
    w.put_signed(s.sent->offset_minutes);
  }
  Writer references, envelope;
  references.put_optional(s.references);
  w.put_text(references.take());
  put_envelope(envelope, s.envelope());
  w.put_text(envelope.take());

  std::vector<std::uint32_t> children(s.parts.size());
  for (const Part& p : s.parts)
    if (p.parent != kNoPart) ++children[p.parent];
  w.put_number(s.parts.size());
  for (std::size_t i = 0; i < s.parts.size(); ++i) {
    put_part(w, s, s.parts[i]);
    w.put_number(children[i]);
  }
  return w.take();
}

Result<Summary> decode_summary(std::string_view bytes) {
  Reader r(bytes);
  TRY(const Prefix prefix, take_prefix(r));
  Summary s;
  s.size = prefix.size;
  s.header_size = prefix.header_size;
  s.flags = prefix.flags;
  s.received_count = prefix.received_count;
  s.sent = prefix.sent;
  TRY(s.references, references_of(prefix.references));
  TRY(s.envelopes.front(), envelope_of(prefix.envelope));
  TRY_OK(take_parts(r, s));
  if (!r.at_end()) return corrupt("bytes after the end");
  return s;
}

Result<SummaryView> SummaryView::open(std::string_view bytes) {
  Reader r(bytes);
  TRY(const Prefix prefix, take_prefix(r));
  SummaryView view;
  view.bytes_ = bytes;
  view.references_ = prefix.references;
  view.envelope_ = prefix.envelope;
  view.size_ = prefix.size;
  view.header_size_ = prefix.header_size;
  view.sent_ = prefix.sent;
  return view;
}

Result<Envelope> SummaryView::envelope() const { return envelope_of(envelope_); }
Result<std::optional<std::string>> SummaryView::references() const { return references_of(references_); }

}  // namespace posthorn::message
