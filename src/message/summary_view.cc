// Reads the stored form of a Summary: docs/formats/summary.md.
#include "message/summary_view.h"

#include <limits>
#include <utility>

namespace posthorn::message {
namespace {

constexpr char kVersion = 1;

// After the first problem everything reads as nothing.
class Reader {
 public:
  explicit Reader(std::string_view s) : rest_(s) {}

  bool ok() const { return problem_ == nullptr; }
  std::string_view rest() const { return rest_; }
  void fail_with(const char* what) {
    if (ok()) problem_ = what;
    rest_ = {};
  }
  // What was read is sound, and everything was read.
  Result<void> finish() {
    if (!rest_.empty()) fail_with("bytes after the end");
    return result();
  }
  Result<void> result() const {
    if (ok()) return {};
    return fail(Errc::corrupt, std::string("message summary: ") + problem_);
  }

  std::uint64_t number() {
    if (!rest_.empty() && static_cast<unsigned char>(rest_.front()) < 0x80) {  // nearly always
      const auto v = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      return v;
    }
    std::uint64_t v = 0;
    for (int shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      if (shift == 63 && byte > 1) break;
      v |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) return v;
    }
    fail_with("bad number");
    return 0;
  }
  std::int64_t signed_number() {
    const std::uint64_t v = number();
    return static_cast<std::int64_t>(v >> 1 ^ (~(v & 1) + 1));
  }
  std::uint32_t u32() {
    const std::uint64_t v = number();
    if (v > std::numeric_limits<std::uint32_t>::max()) fail_with("number out of range");
    return ok() ? static_cast<std::uint32_t>(v) : 0;
  }
  unsigned char byte() {
    if (rest_.empty()) fail_with("cut short");
    if (!ok()) return 0;
    const auto v = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return v;
  }
  std::string_view bytes(std::uint64_t size) {
    if (size > rest_.size()) fail_with("cut short");
    if (!ok()) return {};
    const std::string_view out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }
  std::string_view text() { return bytes(number()); }
  std::optional<std::string_view> optional_text() {
    const std::uint64_t size = number();
    if (size == 0) return std::nullopt;
    return bytes(size - 1);
  }
  // Every item takes a byte or more, so a count cannot make us allocate more than the input is long.
  std::size_t count() {
    const std::uint64_t n = number();
    if (n > rest_.size()) fail_with("impossible count");
    return ok() ? static_cast<std::size_t>(n) : 0;
  }

 private:
  std::string_view rest_;
  const char* problem_ = nullptr;
};

void read_addresses(Reader& r, std::vector<AddressView>& list) {
  const std::size_t count = r.count();
  for (std::size_t i = 0; i < count && r.ok(); ++i) {
    const unsigned char bits = r.byte();
    if ((bits & 3) > 2 || bits > 15) r.fail_with("bad address");
    AddressView& a = list.emplace_back();
    a.kind = static_cast<Address::Kind>(bits & 3);
    if ((bits & 4) != 0) a.name = r.text();
    if ((bits & 8) != 0) a.adl = r.text();
    if (a.kind != Address::Kind::group_end) a.mailbox = r.text();
    if (a.kind == Address::Kind::mailbox) a.host = r.text();
  }
}

void read_envelope(Reader& r, EnvelopeView& e) {
  for (auto* text : {&e.date, &e.subject, &e.in_reply_to, &e.message_id}) *text = r.optional_text();
  e.addresses.clear();
  for (std::size_t i = 0; i < EnvelopeView::kLists; ++i) {
    read_addresses(r, e.addresses);
    e.begin[i + 1] = static_cast<std::uint32_t>(e.addresses.size());
  }
}

PartView::Slice read_params(Reader& r, std::vector<ParamView>& params) {
  PartView::Slice slice{.begin = static_cast<std::uint32_t>(params.size())};
  const std::size_t count = r.count();
  for (std::size_t i = 0; i < count && r.ok(); ++i) {
    const auto name = r.text();
    params.push_back({name, r.text()});
  }
  slice.end = static_cast<std::uint32_t>(params.size());
  return slice;
}

bool contains(const Range& outer, std::uint64_t offset, std::uint64_t size) {
  if (offset < outer.offset || offset - outer.offset > outer.size) return false;
  return size <= outer.size - (offset - outer.offset);
}

// The ranges of a part against its message or its parent's body.
void read_ranges(Reader& r, const Range& outer, PartView& p) {
  const std::uint64_t distance = r.number();
  p.header.size = r.number();
  p.body.size = r.number();
  p.lines = r.number();
  if (distance > outer.size) return r.fail_with("part outside its parent");
  p.header.offset = outer.offset + distance;
  if (!contains(outer, p.header.offset, p.header.size)) return r.fail_with("part outside its parent");
  p.body.offset = p.header.offset + p.header.size;
  if (!contains(outer, p.body.offset, p.body.size)) return r.fail_with("part outside its parent");
  if (p.lines > p.body.size) r.fail_with("more lines than bytes");
}

// Among its siblings; an embedded message fills its part.
void check_place(Reader& r, const StructureView& s, const PartView& p, PartIndex before) {
  auto end = [](const Range& range) { return range.offset + range.size; };
  if (before != kNoPart && p.header.offset < end(s.parts[before].body)) return r.fail_with("parts overlap");
  if (p.parent == kNoPart || !s.parts[p.parent].is_message()) return;
  const Range& outer = s.parts[p.parent].body;
  if (p.header.offset != outer.offset || end(p.body) != end(outer)) r.fail_with("bad embedded message");
}

void read_description(Reader& r, StructureView& s, PartView& p) {
  p.type = r.text();
  p.subtype = r.text();
  p.params = read_params(r, s.params);
  p.encoding = r.text();
  for (auto* text : {&p.id, &p.description, &p.md5, &p.location}) *text = r.optional_text();
  p.disposition = r.optional_text();
  if (p.disposition) p.disposition_params = read_params(r, s.params);
  p.languages.begin = static_cast<std::uint32_t>(s.languages.size());
  const std::size_t languages = r.count();
  for (std::size_t i = 0; i < languages && r.ok(); ++i) s.languages.push_back(r.text());
  p.languages.end = static_cast<std::uint32_t>(s.languages.size());
  const unsigned char is_message = r.byte();
  if (is_message > 1) r.fail_with("bad part");
  if (is_message != 1) return;
  p.envelope = static_cast<std::uint32_t>(s.envelopes.size());
  read_envelope(r, s.envelopes.emplace_back());
}

// The tree in pre-order: each part with the count of its children.  No recursion: `waiting` are the parts
// that need more children.
void read_parts(Reader& r, std::uint64_t message_size, StructureView& s) {
  struct Waiting {
    PartIndex part, last_child;
    std::size_t missing;
  };
  std::vector<Waiting> waiting;
  const std::size_t count = r.count();
  if (count == 0) return r.fail_with("no parts");
  for (PartIndex index = 0; index < count; ++index) {
    while (!waiting.empty() && waiting.back().missing == 0) waiting.pop_back();
    if (waiting.empty() != (index == 0)) return r.fail_with("broken part tree");
    PartView p;
    PartIndex before = kNoPart;
    if (!waiting.empty()) {
      Waiting& above = waiting.back();
      p.parent = above.part;
      (above.last_child == kNoPart ? s.parts[p.parent].first_child : s.parts[above.last_child].next_sibling) = index;
      before = std::exchange(above.last_child, index);
      --above.missing;
    }
    read_ranges(r, index == 0 ? Range{0, message_size} : s.parts[p.parent].body, p);
    if (!r.ok()) return;
    check_place(r, s, p, before);
    read_description(r, s, p);
    const std::size_t children = r.count();
    if (!r.ok()) return;
    if (p.is_message() ? children != 1 : p.is_multipart() != (children > 0)) return r.fail_with("broken part tree");
    if (p.is_message() && p.is_multipart()) return r.fail_with("broken part tree");
    s.parts.push_back(p);
    if (children > 0) waiting.push_back({index, kNoPart, children});
  }
  for (const Waiting& w : waiting)
    if (w.missing != 0) return r.fail_with("broken part tree");
}

}  // namespace

Result<SummaryView> SummaryView::open(std::string_view bytes) {
  Reader r(bytes);
  SummaryView v;
  v.bytes_ = bytes;
  if (r.byte() != kVersion) r.fail_with("unknown version");
  v.size_ = r.number();
  v.header_size_ = r.number();
  if (v.header_size_ > v.size_) r.fail_with("header longer than the message");
  v.flags_ = r.u32();
  v.received_count_ = r.u32();
  const unsigned char has_sent = r.byte();
  if (has_sent > 1) r.fail_with("bad date");
  if (has_sent == 1) {
    const std::int64_t seconds = r.signed_number();
    const std::int64_t offset = r.signed_number();
    constexpr std::int64_t kFar = 1'000'000'000'000;  // keeps arithmetic on it defined
    if (offset < -1439 || offset > 1439 || seconds < -kFar || seconds > kFar) r.fail_with("bad date");
    else v.sent_ = text::DateTime{std::chrono::sys_seconds(std::chrono::seconds(seconds)), static_cast<int>(offset)};
  }
  v.references_ = r.text();
  v.envelope_ = r.text();
  v.parts_ = r.rest();
  TRY_OK(r.result());
  return v;
}

Result<void> SummaryView::read_envelope(EnvelopeView& out) const {
  Reader r(envelope_);
  message::read_envelope(r, out);
  return r.finish();
}

Result<void> SummaryView::read_structure(StructureView& out) const {
  out.parts.clear();
  out.params.clear();
  out.languages.clear();
  out.envelopes.clear();
  Reader r(parts_);
  read_parts(r, size_, out);
  TRY_OK(r.finish());
  const PartView& root = out.parts.front();
  if (root.header != Range{0, header_size_} || root.body.size != size_ - header_size_)
    return fail(Errc::corrupt, "message summary: bad root part");
  return {};
}

// In the stored form an optional text in a section of its own.
Result<std::optional<std::string>> SummaryView::references() const {
  Reader r(references_);
  const auto references = r.optional_text();
  TRY_OK(r.finish());
  return references ? std::optional(std::string(*references)) : std::nullopt;
}

}  // namespace posthorn::message
