#include "message/downgrade.h"

#include <algorithm>
#include <utility>

#include "base/result.h"
#include "message/header_downgrade.h"
#include "text/ascii.h"

namespace posthorn::message {
namespace {

using Encoding = TransferEncoder::Encoding;
using Kind = Piece::Kind;

std::string_view name_of(Content content) {
  return content == Content::seven_bit ? "7bit" : content == Content::eight_bit ? "8bit" : "binary";
}

// nullopt: none of the three, which say that nothing is encoded.
std::optional<Content> content_of(std::string_view label) {
  if (label.empty()) return Content::seven_bit;  // [RFC2045 6.1]
  for (const auto content : {Content::seven_bit, Content::eight_bit, Content::binary})
    if (label == name_of(content)) return content;
  return std::nullopt;
}

Encoding encoding_for(const Part& part, const Piece& body) {
  if (part.encoding == name_of(Encoding::quoted_printable)) return Encoding::quoted_printable;
  if (part.encoding == name_of(Encoding::base64)) return Encoding::base64;
  // Where quoted-printable is the shorter one; it can be read as it stands.
  const bool is_text = part.type == "text" || part.type == "message";
  return is_text && body.bytes.escapes * 6 <= body.range.size + 60 ? Encoding::quoted_printable : Encoding::base64;
}

class Planner {
 public:
  Planner(const Summary& summary, const ContentFacts& facts, const HostTakes& host) : summary_(summary), facts_(facts), host_(host) {
    plan_.host = host;
  }

  DowngradePlan run() {
    plan_.content = std::min(facts_.whole.content, host_.content);
    if (host_.content == Content::binary && facts_.whole.longest_line > kLineLimit) plan_.content = Content::binary;  // [RFC2045 2.9]
    if (fits(facts_.whole, host_)) return std::move(plan_);
    encodings_.resize(summary_.parts.size());
    is_leaf_.resize(summary_.parts.size());
    for (const auto& piece : facts_.pieces) {
      is_leaf_[piece.part] = piece.kind == Kind::body;
      if (!decide(piece)) return std::move(plan_);
    }
    if (!decide_between()) return std::move(plan_);
    for (const auto& piece : facts_.pieces)
      if (!add_change(piece)) return std::move(plan_);
    if (!plan_.changes.empty() || plan_.mend_between) plan_.fit = Fit::convert;
    return std::move(plan_);
  }

 private:
  bool refuse(std::string_view status, std::string_view what) {
    plan_.fit = Fit::impossible;
    plan_.changes.clear();
    plan_.status = status;
    plan_.reason = std::string(what) + ", and the next host does not offer ";
    plan_.reason += host_.content == Content::seven_bit && facts_.whole.content == Content::eight_bit ? "8BITMIME" : "BINARYMIME";
    return false;
  }
  bool must_change(const ContentOfBytes& bytes) const { return bytes.content > host_.content; }
  bool is_long(std::uint64_t line) const { return host_.line != 0 && line > host_.line; }

  bool decide(const Piece& piece);
  bool decide_between();
  bool add_change(const Piece& piece);
  std::string_view label_for(const Part& part, const Piece& header) const;

  const Summary& summary_;
  const ContentFacts& facts_;
  const HostTakes& host_;
  DowngradePlan plan_;
  std::vector<std::optional<Encoding>> encodings_;  // of the parts
  std::vector<bool> is_leaf_;
  bool encodes_ = false;  // some part
};

bool Planner::decide(const Piece& piece) {
  const bool must = must_change(piece.bytes);
  switch (piece.kind) {
    case Kind::sealed:
      return !must || refuse("5.6.2", "The message has signed text that is not 7-bit and must not be converted");
    case Kind::header:
      if (!must) return true;
      if (!piece.changeable) return refuse("5.6.3", "The message has a very long header that is not 7-bit");
      return piece.can_be_ascii || host_.content != Content::seven_bit || refuse("5.6.3", "The message has an address or a content type that is not ASCII");
    case Kind::body:
      if (!must && !is_long(piece.bytes.longest_line)) return true;
      if (!piece.changeable) return !must || refuse("5.6.3", "The message has a part that is not 7-bit and cannot be converted");
      encodings_[piece.part] = encoding_for(summary_.parts[piece.part], piece);
      encodes_ = true;
      return true;
  }
  return true;
}

// [RFC2046 5.1.1] What stands there is no content; but a delimiter has to stay what it is.
bool Planner::decide_between() {
  plan_.mend_between = must_change(facts_.between);
  if (!plan_.mend_between) return true;
  for (const auto& piece : facts_.pieces) {
    const Part& part = summary_.parts[piece.part];
    if (piece.kind != Kind::header || !part.is_multipart()) continue;
    const std::string boundary = find_param_utf8(part.params, "boundary").value_or("");
    const bool is_kept = std::ranges::all_of(boundary, [&](char c) {
      return text::is_ascii(c) ? c >= ' ' : host_.content != Content::seven_bit;
    });
    if (!is_kept) return refuse("5.6.3", "The message has delimiters that are not 7-bit");
  }
  return true;
}

// [RFC2045 6.4] What encloses something encoded says no more than what is left inside; only then, for until then nobody
// minded that a label was wrong, and signatures of the header may depend on it.
std::string_view Planner::label_for(const Part& part, const Piece& header) const {
  if (const auto& encoding = encodings_[header.part]) return name_of(*encoding);
  if (!encodes_) return "";
  const auto content = content_of(part.encoding);
  if (content && *content <= host_.content) return "";
  if (!is_leaf_[header.part]) return name_of(host_.content);
  return content ? name_of(std::min(host_.content, facts_.whole.content)) : "";
}

bool Planner::add_change(const Piece& piece) {
  DowngradePlan::Change change;
  change.kind = piece.kind;
  change.part = piece.part;
  change.range = piece.range;
  bool changes = false;
  if (piece.kind == Kind::header) {
    change.label = label_for(summary_.parts[piece.part], piece);
    if (!change.label.empty() && !piece.changeable) return refuse("5.6.3", "The message has a very long header");
    changes = !change.label.empty() || must_change(piece.bytes) || is_long(piece.foldable_line);
  } else if (piece.kind == Kind::body) {
    change.encoding = encodings_[piece.part];
    changes = change.encoding.has_value();
  }
  change.keep = !changes;
  if (changes || plan_.mend_between) plan_.changes.push_back(std::move(change));
  return true;
}

}  // namespace

bool fits(const ContentOfBytes& whole, const HostTakes& host) {
  if (host.content == Content::binary) return true;
  return whole.content <= host.content && (host.line == 0 || whole.longest_line <= host.line);
}

Utf8Need utf8_need(bool came_with_smtp_utf8, bool header_has_utf8, std::string_view reverse_path,
                   std::span<const std::string> recipients) {
  const auto is_ascii = [](const std::string& address) { return text::is_ascii(address); };
  if (!text::is_ascii(reverse_path) || !std::ranges::all_of(recipients, is_ascii)) return Utf8Need::address;
  return came_with_smtp_utf8 && header_has_utf8 ? Utf8Need::header : Utf8Need::none;
}

DowngradePlan plan_downgrade(const Summary& summary, const ContentFacts& facts, const HostTakes& host) {
  return Planner(summary, facts, host).run();
}

Downgrader::Downgrader(const Summary& summary, const DowngradePlan& plan) : summary_(summary), plan_(plan) {
  CHECK(plan.fit != Fit::impossible);
}

void Downgrader::feed(std::string_view bytes, std::string& out) {
  while (!bytes.empty()) {
    if (next_ == plan_.changes.size()) return mend(bytes, out);
    const auto& range = plan_.changes[next_].range;
    const auto end = range.offset + range.size;
    if (position_ == end) {
      end_change(out);
      continue;
    }
    if (!inside_ && position_ == range.offset) begin_change();
    const auto taken = bytes.substr(0, std::min<std::uint64_t>((inside_ ? end : range.offset) - position_, bytes.size()));
    bytes.remove_prefix(taken.size());
    position_ += taken.size();
    inside_ ? take(taken, out) : mend(taken, out);
  }
}

void Downgrader::begin_change() {
  inside_ = true;
  const auto& change = plan_.changes[next_];
  if (!change.encoding) return;
  Part label_only;  // TransferDecoder never decodes multiparts and messages
  label_only.encoding = summary_.parts[change.part].encoding;
  decoder_ = TransferDecoder::of(label_only);
  encoder_.emplace(*change.encoding);
}

void Downgrader::take(std::string_view bytes, std::string& out) {
  const auto& change = plan_.changes[next_];
  if (change.keep) {
    out += bytes;
  } else if (change.kind == Kind::header) {
    header_ += bytes;
  } else if (!decoder_ || decoder_->is_identity()) {
    encoder_->feed(bytes, out);
  } else {
    std::string decoded;
    decoder_->feed(bytes, decoded);
    encoder_->feed(decoded, out);
  }
}

void Downgrader::end_change(std::string& out) {
  const auto& change = plan_.changes[next_++];
  if (change.kind == Kind::header && !change.keep) {
    const PartIndex parent = summary_.parts[change.part].parent;
    out += rewrite_header(header_, {.label = change.label,
                                    .is_of_message = parent == kNoPart || summary_.parts[parent].is_message(),
                                    .to_ascii = plan_.host.content == Content::seven_bit,
                                    .line = plan_.host.line});
    header_.clear();
  } else if (encoder_) {
    std::string decoded;
    if (decoder_) decoder_->finish(decoded);
    encoder_->feed(decoded, out);
    // At the end of the message no delimiter brings the line end that the transport needs.
    position_ == summary_.size ? encoder_->finish_line(out) : encoder_->finish(out);
  }
  decoder_.reset();
  encoder_.reset();
  inside_ = false;
}

void Downgrader::mend(std::string_view bytes, std::string& out) {
  if (!plan_.mend_between) {
    out += bytes;
    return;
  }
  for (const char c : bytes) {
    if (std::exchange(mended_cr_, c == '\r') && c != '\n') out += ' ';
    if (c == '\n') {
      out += "\r\n";
    } else if (c != '\r') {
      out += c == '\0' || (!text::is_ascii(c) && plan_.host.content == Content::seven_bit) ? '?' : c;
    }
  }
}

void Downgrader::finish(std::string& out) {
  while (next_ < plan_.changes.size()) end_change(out);
  if (std::exchange(mended_cr_, false)) out += ' ';
}

}  // namespace posthorn::message
