// What each piece of a message has, and whether it may be changed.
#include <algorithm>

#include "message/downgrade.h"
#include "message/header.h"
#include "message/header_downgrade.h"
#include "message/param.h"
#include "text/ascii.h"

namespace posthorn::message {
namespace {

constexpr std::size_t kLongestHeader = 1 << 20;

// What is not looked into although a message is in it: message/global may be encoded as a whole [RFC6532 3.7], and
// message/rfc822 that says so in spite of [RFC2045 6.4] is left as it came, for it may be true.
bool is_opaque(const Part& part) {
  return part.is_message() && (part.subtype == "global" || part.encoding == "base64" || part.encoding == "quoted-printable");
}

bool is_signed(const Part& part) { return part.type == "multipart" && part.subtype == "signed"; }

// [RFC2045 6.4] Multiparts and messages are not encoded, but the newer kinds of message [RFC6533 4.4].  [RFC2045 6.3] An
// encoding of somebody's own is not to be wrapped in another.
bool may_be_encoded(const Part& part) {
  if (part.encoding.starts_with("x-")) return false;
  return part.type != "message" || part.subtype.starts_with("global");
}

// The parser shows what is broken or past a limit as another type; relabelling that would make the real one worse.
bool is_what_it_says(const Part& part, bool in_digest, std::string_view header) {
  const HeaderView fields(header);
  const auto label = fields.find("Content-Transfer-Encoding");
  if (part.encoding != (label ? parse_token(label->value) : "")) return false;
  const auto type_field = fields.find("Content-Type");
  if (!type_field) return part.type == (in_digest ? "message" : "text");
  const auto type = parse_content_type(type_field->value);
  return type ? type->type == part.type && type->subtype == part.subtype : part.type == "text";
}

}  // namespace

ContentScan::ContentScan(const Summary& summary) : summary_(summary) {
  const auto& parts = summary.parts;
  const auto add_piece = [this](Piece::Kind kind, PartIndex part, const Range& range, bool of_this_message) {
    Piece& piece = facts_.pieces.emplace_back();
    piece.kind = kind;
    piece.part = part;
    piece.range = range;
    piece.of_this_message = of_this_message;
  };
  std::vector<bool> embedded(parts.size(), false);
  PartIndex closed = kNoPart;  // descendants of it are not looked at
  for (PartIndex i = 0; i < parts.size(); ++i) {
    const Part& part = parts[i];
    if (i > 0) embedded[i] = embedded[part.parent] || parts[part.parent].is_message();
    if (closed != kNoPart && part.parent != kNoPart && part.parent >= closed) continue;  // pre-order
    closed = kNoPart;
    using Kind = Piece::Kind;
    add_piece(Kind::header, i, part.header, !embedded[i]);
    const bool is_closed = is_signed(part) || is_opaque(part);
    if (!is_closed && (part.is_multipart() || part.is_message())) continue;
    add_piece(is_signed(part) ? Kind::sealed : Kind::body, i, part.body, !embedded[i]);
    facts_.pieces.back().changeable = part.header.size > 0 && may_be_encoded(part);
    if (is_closed) closed = i;
  }
}

void ContentScan::feed(std::string_view bytes) {
  whole_.feed(bytes);
  while (!bytes.empty()) {
    if (next_ == facts_.pieces.size()) {
      meter_.feed(bytes);
      return;
    }
    const Piece& piece = facts_.pieces[next_];
    const auto end = piece.range.offset + piece.range.size;
    if (position_ == end) {
      end_piece();
      continue;
    }
    if (!inside_ && position_ == piece.range.offset) {
      end_gap();
      inside_ = true;
    }
    const auto taken = bytes.substr(0, std::min<std::uint64_t>((inside_ ? end : piece.range.offset) - position_, bytes.size()));
    bytes.remove_prefix(taken.size());
    position_ += taken.size();
    meter_.feed(taken);
    if (inside_ && piece.kind == Piece::Kind::header) header_ += taken.substr(0, kLongestHeader + 1 - header_.size());
  }
}

void ContentScan::end_gap() {
  facts_.between.add(meter_.result());
  meter_ = {};
}

void ContentScan::end_piece() {
  if (!inside_) end_gap();  // a piece of nothing
  inside_ = false;
  Piece& piece = facts_.pieces[next_++];
  piece.bytes = meter_.result();
  meter_ = {};
  if (piece.kind == Piece::Kind::header) judge_header(piece);
  // What is sealed has headers too.
  const bool may_have_header = piece.kind == Piece::Kind::sealed && (summary_.flags & Summary::kHas8Bit) != 0;
  if (piece.of_this_message && piece.bytes.has_8bit) facts_.header_has_utf8 |= piece.kind == Piece::Kind::header || may_have_header;
}

void ContentScan::judge_header(Piece& piece) {
  const Part& part = summary_.parts[piece.part];
  const Part* const parent = part.parent == kNoPart ? nullptr : &summary_.parts[part.parent];
  const bool in_digest = parent != nullptr && parent->is_multipart() && parent->subtype == "digest";
  piece.changeable = header_.size() <= kLongestHeader;
  piece.can_be_ascii = piece.changeable && (!piece.bytes.has_8bit || can_be_ascii(header_));
  piece.foldable_line = piece.changeable ? longest_foldable_line(header_) : 0;
  if (next_ < facts_.pieces.size() && facts_.pieces[next_].part == piece.part)
    facts_.pieces[next_].changeable &= piece.changeable && is_what_it_says(part, in_digest, header_);
  header_.clear();
}

ContentFacts ContentScan::finish() {
  while (next_ < facts_.pieces.size()) end_piece();
  end_gap();
  facts_.whole = whole_.result();
  return std::move(facts_);
}

}  // namespace posthorn::message
