#include "message/search_text.h"

#include <algorithm>
#include <optional>
#include <string>

#include "message/encoded_word.h"
#include "message/header.h"
#include "text/ascii.h"
#include "text/base64.h"
#include "text/casemap.h"
#include "text/charset.h"
#include "text/find.h"
#include "text/quoted_printable.h"

namespace posthorn::message {
namespace {

constexpr std::size_t kChunk = 64 << 10;
constexpr std::size_t kMaxField = 256 << 10;  // a longer header field is decoded in pieces

enum class Go { on, stop };

// Gives every chunk of the range to take(chunk) -> Go.
template <class Take>
Result<Go> read_range(const Range& range, const ReadBytes& read, Take take) {
  for (std::uint64_t done = 0; done < range.size;) {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(kChunk, range.size - done));
    TRY(const std::string_view chunk, read(range.offset + done, want));
    if (chunk.empty() || chunk.size() > want)
      return fail(Errc::io, "message is shorter than its summary says");
    done += chunk.size();
    if (take(chunk) == Go::stop) return Go::stop;
  }
  return Go::on;
}

Go give(const TextSink& sink, std::string_view utf8) {
  return utf8.empty() || sink(utf8) ? Go::on : Go::stop;
}

// Complete fields of a growing header, decoded.
class HeaderText {
 public:
  explicit HeaderText(const TextSink& sink) : sink_(sink) {}

  Go feed(std::string_view bytes) {
    held_ += bytes;
    std::size_t start = 0;
    for (;;) {
      const std::size_t lf = held_.find('\n', scanned_);
      if (lf == held_.npos || lf + 1 == held_.size()) {
        scanned_ = lf == held_.npos ? held_.size() : lf;
        break;
      }
      scanned_ = lf + 1;
      if (text::is_wsp(held_[scanned_])) continue;
      if (put(std::string_view(held_).substr(start, scanned_ - start)) == Go::stop) return Go::stop;
      start = scanned_;
    }
    if (held_.size() - start > kMaxField) {
      if (put(std::string_view(held_).substr(start)) == Go::stop) return Go::stop;
      start = scanned_ = held_.size();
    }
    held_.erase(0, start);
    scanned_ -= std::min(scanned_, start);
    return Go::on;
  }
  Go finish() { return held_.empty() ? Go::on : put(held_); }

 private:
  Go put(std::string_view field) {
    std::string out = decode_encoded_words(field) + '\n';
    if (const auto params = extended_params_text(field); !params.empty()) out += params + '\n';  // file names [RFC2231 4]
    return give(sink_, out);
  }

  const TextSink& sink_;
  std::string held_;
  std::size_t scanned_ = 0;
};

Result<Go> header_text(const Range& range, const ReadBytes& read, const TextSink& sink) {
  HeaderText out(sink);
  TRY(const Go go, read_range(range, read, [&](std::string_view chunk) { return out.feed(chunk); }));
  return go == Go::stop ? go : out.finish();
}

enum class Transfer { identity, base64, quoted_printable };

Transfer transfer_of(const Part& part) {
  if (part.encoding == "base64") return Transfer::base64;
  return part.encoding == "quoted-printable" ? Transfer::quoted_printable : Transfer::identity;
}

std::string_view charset_of(const Part& part) {
  const std::string* charset = find_param(part.params, "charset");
  return charset == nullptr ? std::string_view() : *charset;
}

// [RFC3501 6.4.4] Transfer encoding and charset are undone before comparing.
class BodyText {
 public:
  BodyText(const Part& part, const TextSink& sink)
      : sink_(sink), label_(charset_of(part)), keeps_ascii_(text::keeps_ascii(label_)), transfer_(transfer_of(part)) {}
  Go feed(std::string_view chunk) {
    bytes_.clear();
    if (transfer_ == Transfer::identity) return convert(chunk);
    transfer_ == Transfer::base64 ? base64_.feed(chunk, bytes_) : quoted_printable_.feed(chunk, bytes_);
    return convert(bytes_);
  }
  Go finish() {
    bytes_.clear();
    if (transfer_ == Transfer::base64) base64_.finish(bytes_);
    if (transfer_ == Transfer::quoted_printable) quoted_printable_.finish(bytes_);
    if (convert(bytes_) == Go::stop) return Go::stop;
    utf8_.clear();
    if (charset_) charset_->finish(utf8_);
    return give(sink_, utf8_ + '\n');
  }

 private:
  Go convert(std::string_view bytes) {
    if (!charset_ && keeps_ascii_ && text::is_ascii(bytes)) return give(sink_, bytes);
    if (!charset_) charset_.emplace(label_);
    utf8_.clear();
    charset_->feed(bytes, utf8_);
    return give(sink_, utf8_);
  }

  const TextSink& sink_;
  const std::string_view label_;
  const bool keeps_ascii_;
  const Transfer transfer_;
  text::Base64Decoder base64_;
  text::QuotedPrintableDecoder quoted_printable_;
  std::optional<text::CharsetConverter> charset_;  // made when something is not plain
  std::string bytes_, utf8_;
};

Result<Go> body_text(const Part& part, const ReadBytes& read, const TextSink& sink) {
  BodyText out(part, sink);
  TRY(const Go go, read_range(part.body, read, [&](std::string_view chunk) { return out.feed(chunk); }));
  return go == Go::stop ? go : out.finish();
}

// Delivery reports and the like are text too.
bool is_text(const Part& part) {
  return part.first_child == kNoPart && (part.type == "text" || part.type == "message");
}

}  // namespace

Result<void> extract_search_text(const Summary& summary, SearchScope scope, const ReadBytes& read,
                                 const TextSink& sink) {
  for (PartIndex i = 0; i < summary.parts.size(); ++i) {
    const Part& part = summary.parts[i];
    if (i > 0 || scope != SearchScope::body) {
      TRY(const Go go, header_text(part.header, read, sink));
      if (go == Go::stop) return {};
    }
    if (scope == SearchScope::header) return {};
    if (!is_text(part)) continue;
    TRY(const Go go, body_text(part, read, sink));
    if (go == Go::stop) return {};
  }
  return {};
}

Result<bool> search_text_contains(const Summary& summary, SearchScope scope, std::string_view needle,
                                  const ReadBytes& read) {
  text::SubstringMatcher matcher{std::string(needle)};
  if (matcher.found()) return true;
  text::CasemapStream casemap;
  std::string normal;
  TRY_OK(extract_search_text(summary, scope, read, [&](std::string_view utf8) {
    normal.clear();
    casemap.feed(utf8, normal);
    return !matcher.feed(normal);
  }));
  return matcher.found();
}

namespace {

// What of a needle decides how it is compared.
class Needle {
 public:
  explicit Needle(std::string_view needle)
      : bytes(needle), is_ascii(text::is_ascii(needle)), has_line_end(needle.find_first_of("\r\n") != needle.npos) {
    for (std::size_t at = 0; at < needle.size(); ++at) {
      const std::size_t begin = at;
      while (at < needle.size() && static_cast<unsigned char>(needle[at]) > ' ') ++at;
      if (at - begin > longest_word.size()) longest_word = needle.substr(begin, at - begin);
    }
  }
  bool is_one_word() const { return longest_word.size() == bytes.size(); }

  const std::string_view bytes;
  const bool is_ascii;
  const bool has_line_end;
  std::string_view longest_word;  // without white space and controls, which unfolding changes
};

bool extracted_contains(const Needle& needle, auto extract) {
  text::SubstringMatcher matcher{std::string(needle.bytes)};
  text::CasemapStream casemap;
  std::string normal;
  const TextSink sink = [&](std::string_view utf8) {
    normal.clear();
    casemap.feed(utf8, normal);
    return !matcher.feed(normal);
  };
  return extract(sink) && matcher.found();
}

// A header of ASCII without encoded words and encoded parameters changes by unfolding only, which no word feels.
bool is_plain(std::string_view header) {
  return text::is_ascii(header) && text::find_bytes(header, "=?") == header.npos && header.find('*') == header.npos;
}

bool header_has(const Range& range, std::string_view block, const Needle& needle, const ReadBytes& read) {
  if (block.size() <= kMaxField && is_plain(block)) {
    if (!needle.is_ascii || text::find_upper(block, needle.longest_word) == block.npos) return false;
    if (needle.is_one_word()) return true;
  }
  return extracted_contains(needle, [&](const TextSink& sink) { return header_text(range, read, sink).has_value(); });
}

bool body_has(const Part& part, std::string_view body, const Needle& needle, const ReadBytes& read) {
  if (transfer_of(part) == Transfer::identity && text::keeps_ascii(charset_of(part)) && text::is_ascii(body))
    return needle.is_ascii && text::find_upper(body, needle.bytes) != body.npos;
  return extracted_contains(needle, [&](const TextSink& sink) { return body_text(part, read, sink).has_value(); });
}

}  // namespace

bool search_text_contains(const Summary& summary, SearchScope scope, std::string_view needle_bytes, std::string_view message) {
  const ReadBytes read = [message](std::uint64_t offset, std::size_t want) -> Result<std::string_view> {
    if (offset >= message.size()) return std::string_view();
    return message.substr(offset, want);
  };
  const Needle needle(needle_bytes);
  // Only a line end can be part of two parts.
  if (needle_bytes.empty() || needle.has_line_end || message.size() != summary.size) {
    const auto found = search_text_contains(summary, scope, needle_bytes, read);
    return found && *found;
  }
  const auto bytes_of = [&](const Range& range) { return message.substr(range.offset, range.size); };
  for (PartIndex i = 0; i < summary.parts.size(); ++i) {
    const Part& part = summary.parts[i];
    if ((i > 0 || scope != SearchScope::body) && header_has(part.header, bytes_of(part.header), needle, read)) return true;
    if (scope == SearchScope::header) return false;
    if (is_text(part) && body_has(part, bytes_of(part.body), needle, read)) return true;
  }
  return false;
}

bool header_contains(std::string_view block, std::string_view name, std::string_view needle) {
  for (const HeaderField& field : HeaderView(block)) {
    if (field.name.empty() || !text::iequals(field.name, name)) continue;
    if (needle.empty() || text::casemap(decode_encoded_words(field.value)).find(needle) != std::string::npos) return true;
    if (text::casemap(extended_params_text(field.whole)).find(needle) != std::string::npos) return true;
  }
  return false;
}

}  // namespace posthorn::message
