#include "message/parser.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "message/part_header.h"
#include "text/ascii.h"

namespace posthorn::message {
namespace {

constexpr std::size_t kMaxBoundary = 1000;  // [RFC2046 5.1.1] says 70; what is longer than this is none

// A part whose body has begun and not ended.
struct Open {
  PartIndex part = 0;
  PartIndex last_child = kNoPart;
  std::string boundary;               // of a multipart, until its close delimiter was seen
  std::uint64_t newlines_before = 0;  // in the message, up to the body
  bool is_multipart = false;
};

bool is_embedded_message(const Part& part) {
  return part.type == "message" && (part.subtype == "rfc822" || part.subtype == "global");  // [RFC6532 3.7]
}

// [RFC2046 5.1.1] A boundary does not end with white space.  Departure from [RFC2231 4]: it may be encoded.
std::string boundary_of(const Part& part) {
  const std::string* plain = find_param(part.params, "boundary");
  return std::string(text::trim(plain != nullptr ? *plain : find_param_utf8(part.params, "boundary").value_or("")));
}

// In blocks whose count fits a byte, which compilers turn into vector code of byte lanes: four times
// std::count.
std::uint64_t count_newlines(std::string_view s) {
  constexpr std::size_t kBlock = 128;
  std::uint64_t count = 0;
  while (s.size() >= kBlock) {
    std::uint8_t in_block = 0;
    for (std::size_t i = 0; i < kBlock; ++i) in_block = static_cast<std::uint8_t>(in_block + (s[i] == '\n'));
    count += in_block;
    s.remove_prefix(kBlock);
  }
  for (const char c : s) count += c == '\n';
  return count;
}

bool is_empty_line(std::string_view text) { return text == "\r\n" || text == "\n" || text == "\r"; }

}  // namespace

// The states: in Mode::header, `current` is the part whose header lines come in; every line is looked at.  In
// Mode::body the last of `open` owns the bytes (a leaf, or a multipart with its preamble, epilogue, or what
// is past a limit); only lines beginning with "-" are looked at, and none when no multipart is open.
struct Parser::Impl {
  enum class Mode { header, body };

  explicit Impl(const Limits& l) : limits(l), fields(l) { fields.start(HeaderKind::top); }

  Limits limits;
  PartHeader fields;
  Summary summary;
  std::vector<Open> open;  // root first; those with a boundary are `boundaries`
  std::size_t boundaries = 0;
  std::size_t longest_boundary = 0;  // of all that were opened
  PartIndex current = 0;
  Mode mode = Mode::header;

  std::uint64_t position = 0;  // bytes consumed
  std::uint64_t newlines = 0;  // line ends among them
  unsigned line_end = 0;       // bytes of the last line end: 1 or 2
  bool at_line_start = true;
  bool ends_with_cr = false;  // the last byte consumed

  // The line being looked at, and the counts at its start.
  std::uint64_t line_start = 0;
  std::uint64_t newlines_before = 0;
  unsigned line_end_before = 0;
  bool collecting = false;  // it came in pieces, `line` has what there is (up to a limit)
  std::string line;

  std::uint64_t region =
      0;  // no part ends before this: the start of a header or body, or the end of the last delimiter line

  void feed(std::string_view in);
  void consume_line(std::string_view bytes, bool whole);
  std::size_t line_limit() const;
  void look_at(std::string_view text);
  bool take_delimiter(std::string_view text);
  void end_header(std::uint64_t at, std::uint64_t newlines_there);
  void start_part(PartIndex parent, HeaderKind kind);
  void close_down_to(std::size_t count, std::uint64_t at, std::uint64_t newlines_there);
  void refuse_children(Part& part, std::uint32_t flag);
  Summary finish();
};

// Counts bytes with at most one line end, at their end.
void Parser::Impl::consume_line(std::string_view bytes, bool whole) {
  position += bytes.size();
  if (whole) {
    ++newlines;
    line_end = (bytes.size() > 1 ? bytes[bytes.size() - 2] == '\r' : ends_with_cr) ? 2 : 1;
  }
  at_line_start = whole;
  ends_with_cr = bytes.back() == '\r';
}

// Longer lines are looked at only up to here.
std::size_t Parser::Impl::line_limit() const { return std::max(limits.field_bytes, longest_boundary + 4); }

void Parser::Impl::feed(std::string_view in) {
  while (!in.empty()) {
    if (mode == Mode::body && boundaries == 0 && !collecting) {  // nothing can follow but bytes
      position += in.size();
      newlines += count_newlines(in);
      return;
    }
    const void* const lf = std::memchr(in.data(), '\n', in.size());
    const bool whole = lf != nullptr;
    const std::string_view piece = in.substr(
        0, whole ? static_cast<std::size_t>(static_cast<const char*>(lf) - in.data()) + 1 : in.size());
    in.remove_prefix(piece.size());
    if (!collecting) {
      const bool look = at_line_start && (mode == Mode::header || piece.front() == '-');
      if (!look) {
        consume_line(piece, whole);
        continue;
      }
      line_start = position;
      newlines_before = newlines;
      line_end_before = line_end;
    }
    consume_line(piece, whole);
    if (whole && !collecting) {
      if (piece.size() > line_limit() && mode == Mode::header) fields.note(Summary::kHeaderLimit);
      look_at(piece.substr(0, line_limit()));
      continue;
    }
    collecting = !whole;
    const std::size_t room = line_limit() - line.size();
    if (piece.size() > room && mode == Mode::header) fields.note(Summary::kHeaderLimit);
    line += piece.substr(0, room);
    if (whole) look_at(std::exchange(line, {}));
  }
}

void Parser::Impl::look_at(std::string_view text) {
  if (mode == Mode::header && is_empty_line(text)) return end_header(position, newlines);
  if (boundaries > 0 && text.starts_with("--") && take_delimiter(text)) return;
  if (mode == Mode::header) fields.line(text);
}

// [RFC2046 5.1.1] "--" boundary ends everything that is open inside its multipart, and begins a part or the
// epilogue.  It suffices that the line begins so; of nested boundaries where one begins with the other, the
// longer one is meant.
bool Parser::Impl::take_delimiter(std::string_view text) {
  std::size_t found = open.size();
  std::size_t length = 0;
  for (std::size_t i = open.size(); i-- > 0;) {
    const std::string& boundary = open[i].boundary;
    if (boundary.size() > length && text.substr(2).starts_with(boundary)) {
      found = i;
      length = boundary.size();
    }
  }
  if (found == open.size()) return false;
  // The line end before the delimiter belongs to it, unless nothing has come since the region began.
  const std::uint64_t at = std::max(region, line_start - line_end_before);
  const std::uint64_t newlines_there = newlines_before - (at < line_start ? 1 : 0);
  if (mode == Mode::header) fields.note(Summary::kMalformed);
  while (mode == Mode::header) end_header(at, newlines_there);
  close_down_to(found + 1, at, newlines_there);

  Open& entry = open.back();
  region = position;
  if (text.substr(2 + length).starts_with("--")) {
    // The end of this line may belong to the delimiter of an outer multipart that follows at once.
    if (at_line_start) region -= line_end;
    entry.boundary.clear();
    --boundaries;
    if (entry.last_child != kNoPart) return true;
    fields.note(Summary::kMalformed);
  } else if (summary.parts.size() < limits.parts) {
    start_part(entry.part, HeaderKind::part);
  } else {
    fields.note(Summary::kPartLimit);
  }
  return true;
}

// The part becomes the last child of the last of `open`.
void Parser::Impl::start_part(PartIndex parent, HeaderKind kind) {
  const auto index = static_cast<PartIndex>(summary.parts.size());
  Part part;
  part.parent = parent;
  part.header.offset = region;
  summary.parts.push_back(std::move(part));
  Open& entry = open.back();
  (entry.last_child == kNoPart ? summary.parts[parent].first_child
                               : summary.parts[entry.last_child].next_sibling) = index;
  entry.last_child = index;
  current = index;
  mode = Mode::header;
  fields.start(kind);
}

// A leaf after all: its bytes are opaque.
void Parser::Impl::refuse_children(Part& part, std::uint32_t flag) {
  fields.note(flag);
  part.type = "application";
  part.subtype = "octet-stream";
  part.params.clear();
}

void Parser::Impl::end_header(std::uint64_t at, std::uint64_t newlines_there) {
  Part& part = summary.parts[current];
  const Part* const parent = part.parent == kNoPart ? nullptr : &summary.parts[part.parent];
  const bool of_message = parent == nullptr || parent->is_message();
  Envelope* const envelope =
      !of_message ? nullptr : &summary.envelopes[parent == nullptr ? 0 : parent->envelope];
  const bool in_digest = parent != nullptr && parent->type == "multipart" && parent->subtype == "digest";
  const bool has_type = (fields.finish(part, envelope, summary), fields.has_content_type());
  if (!has_type && in_digest) {  // [RFC2046 5.1.5]
    part.type = "message";
    part.subtype = "rfc822";
  }
  part.header.size = at - part.header.offset;
  part.body.offset = at;
  mode = Mode::body;
  region = at;

  Open entry{.part = current, .newlines_before = newlines_there};
  const bool message = is_embedded_message(part);
  if (part.is_multipart()) {
    std::string boundary = boundary_of(part);
    if (boundary.empty() || boundary.size() > kMaxBoundary) {
      fields.note(Summary::kMalformed);  // shown as the text it is
      part.type = "text";
      part.subtype = "plain";
      part.params.clear();
    } else {
      entry.boundary = std::move(boundary);
      entry.is_multipart = true;
    }
  }
  if (message || entry.is_multipart) {
    if (summary.parts.size() >= limits.parts || open.size() + 1 >= limits.depth) {
      refuse_children(part,
                      summary.parts.size() >= limits.parts ? Summary::kPartLimit : Summary::kDepthLimit);
      entry.boundary.clear();
      entry.is_multipart = false;
    }
  }
  if (!entry.boundary.empty()) {
    ++boundaries;
    longest_boundary = std::max(longest_boundary, entry.boundary.size());
  }
  open.push_back(std::move(entry));
  if (!message || !is_embedded_message(part)) return;
  part.envelope = static_cast<std::uint32_t>(summary.envelopes.size());
  summary.envelopes.emplace_back();
  start_part(current, HeaderKind::embedded);
}

// Ends the bodies of all but the first `count` of `open`.
void Parser::Impl::close_down_to(std::size_t count, std::uint64_t at, std::uint64_t newlines_there) {
  for (; open.size() > count; open.pop_back()) {
    const Open& entry = open.back();
    Part& part = summary.parts[entry.part];
    part.body.size = at - part.body.offset;
    part.lines = newlines_there - entry.newlines_before;
    if (!entry.boundary.empty()) {
      --boundaries;
      fields.note(Summary::kMalformed);
    }
    if (!entry.is_multipart || entry.last_child != kNoPart) continue;
    // No delimiter was ever seen.  [RFC3501 9] BODYSTRUCTURE needs a part, and the reader the text: it is the
    // only child.
    Part child;
    child.parent = entry.part;
    child.header = {part.body.offset, 0};
    child.body = part.body;
    child.lines = part.lines;
    part.first_child = static_cast<PartIndex>(summary.parts.size());
    summary.parts.push_back(std::move(child));
  }
}

Summary Parser::Impl::finish() {
  if (std::exchange(collecting, false)) look_at(std::exchange(line, {}));
  while (mode == Mode::header) end_header(position, newlines);
  close_down_to(0, position, newlines);
  summary.size = position;
  summary.header_size = summary.parts.front().header.size;
  summary.flags = fields.flags();
  summary.received_count = fields.received_count();
  return std::move(summary);
}

Parser::Parser(Limits limits) : impl_(std::make_unique<Impl>(limits)) {}
Parser::~Parser() = default;
Parser::Parser(Parser&&) noexcept = default;
Parser& Parser::operator=(Parser&&) noexcept = default;

void Parser::feed(std::string_view bytes) { impl_->feed(bytes); }
Summary Parser::finish() { return impl_->finish(); }
std::uint32_t Parser::received_count() const { return impl_->fields.received_count(); }
bool Parser::header_done() const { return impl_->current != 0 || impl_->mode == Impl::Mode::body; }

Summary parse_message(std::string_view message, Limits limits) {
  Parser parser(limits);
  parser.feed(message);
  return parser.finish();
}

}  // namespace posthorn::message
