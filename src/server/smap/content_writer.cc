#include "server/smap/content_writer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "message/binary.h"
#include "message/header_lines.h"
#include "message/lf_lines.h"
#include "proto/smap/multi_line.h"
#include "proto/smap/words.h"
#include "server/smap/section_ids.h"

namespace posthorn::smap {
namespace {

using message::PartIndex;
using message::Range;

constexpr std::size_t kChunk = 64 << 10;  // of a binary reply, at least: but for the last one

std::string words_of(std::uint32_t number, std::string_view label) { return "FETCH " + std::to_string(number) + ' ' + std::string(label); }

// From the start of a section's header to the end of its body.
Range whole_of(const message::Part& part) { return {part.header.offset, part.body.offset + part.body.size - part.header.offset}; }

// The message itself is shown as nothing [SMAP1 6.3].
std::string shown_id(const SectionIds& ids, PartIndex part) { return part == 0 ? std::string() : ids.of(part); }

// Stored bytes on their way to the client: line ends, then transfer encoding.
class Outward {
 public:
  explicit Outward(const message::Part* decoded) {
    if (!decoded) return;
    decoder_ = message::TransferDecoder::of(*decoded);
    if (decoder_ && decoder_->is_identity()) decoder_.reset();
    as_it_is_ = decoded->encoding == "binary" && !decoded->is_multipart() && !decoded->is_message();
  }
  void feed(std::string_view bytes, std::string& out) {
    if (as_it_is_) {
      out += bytes;
    } else if (!decoder_) {
      lines_.feed(bytes, out);
    } else {
      text_.clear();
      lines_.feed(bytes, text_);
      decoder_->feed(text_, out);
    }
  }
  void finish(std::string& out) {
    text_.clear();
    lines_.finish(decoder_ ? text_ : out);
    if (!decoder_) return;
    decoder_->feed(text_, out);
    decoder_->finish(out);
  }

 private:
  message::LfLines lines_;
  std::optional<message::TransferDecoder> decoder_;
  bool as_it_is_ = false;
  std::string text_;
};

// Appends whole or broken lines; those that begin with a dot get another.
void put_stuffed(std::string& out, std::string_view lines, bool& at_line_start) {
  while (!lines.empty()) {
    if (at_line_start && lines.front() == '.') out += '.';
    const auto newline = lines.find('\n');
    at_line_start = newline != lines.npos;
    const auto line = lines.substr(0, at_line_start ? newline + 1 : newline);
    out += line;
    lines.remove_prefix(line.size());
  }
}

}  // namespace

Task<Result<void>> ContentWriter::put(Target target, const FetchItem& item) {
  if (target.summary.empty()) co_return fail(Errc::not_found, "the message has gone");
  CO_TRY(const auto view, message::SummaryView::open(target.summary));
  ContentReader reader(account_, target.entry.message, view.size());
  message::Summary summary;
  PartIndex part = 0;
  // Of most messages no more than the size of their header is needed.
  const bool is_whole = item.mime_id.empty() && item.part != Part::mime && item.part != Part::body_decoded;
  if (is_whole) {
    summary.parts[0].header = {0, view.header_size()};
    summary.parts[0].body = {view.header_size(), view.size() - view.header_size()};
  } else {
    CO_TRY(summary, view.decode());
    part = find_section(summary, item.mime_id);
    if (part == message::kNoPart) co_return fail(Errc::invalid, "there is no such section");
  }
  const auto& section = summary.parts[part];
  switch (item.part) {
    case Part::mime: co_return co_await put_structure(reader, target.number, item, summary, part);
    case Part::headers: co_return co_await put_header(reader, words_of(target.number, "HEADERS"), section.header, item);
    case Part::raw_headers: co_return co_await put_header(reader, words_of(target.number, "RAWHEADERS"), section.header, item);
    case Part::body: co_return co_await put_body(reader, words_of(target.number, "CONTENTS"), section.body, section.lines);
    case Part::all: co_return co_await put_body(reader, words_of(target.number, "CONTENTS"), whole_of(section), section.lines);
    case Part::body_decoded:
      co_return co_await put_body(reader, words_of(target.number, "CONTENTS"), section.body, section.lines, &section);
  }
  co_return fail(Errc::invalid);
}

// A section and those in it, which follow it.
Task<Result<void>> ContentWriter::put_structure(ContentReader& reader, std::uint32_t number, const FetchItem& item,
                                                const message::Summary& summary, PartIndex root) {
  const SectionIds ids(summary);
  for (PartIndex i = root; i < summary.parts.size(); ++i) {
    if (turns_.over()) co_await turns_.next();
    const auto& part = summary.parts[i];
    if (i != root && part.parent < root) break;
    const auto size = part.body.size - std::min(part.lines, part.body.size);
    auto words = words_of(number, "LINES=" + std::to_string(part.lines) + " SIZE=" + std::to_string(size) + ' ');
    put_attribute(words, "MIME.ID", shown_id(ids, i));
    if (part.parent != message::kNoPart) {
      words += ' ';
      put_attribute(words, "MIME.PARENT", shown_id(ids, part.parent));
    }
    CO_TRY_OK(co_await put_header(reader, std::move(words), part.header, item));
  }
  co_return Result<void>{};
}

Task<Result<void>> ContentWriter::put_header(ContentReader& reader, std::string words, Range header, const FetchItem& item) {
  std::string begin = "{." + std::to_string(header.size) + "} " + words + "\n";
  message::HeaderLines lines([&item](std::string_view name) { return item.headers.selects(name); },
                             item.part == Part::raw_headers ? message::Folding::kept : message::Folding::undone);
  std::string chosen;
  bool at_line_start = true;
  while (header.size > 0) {
    auto piece = co_await reader.take(header);
    if (!piece) {
      cut_ = begin.empty();
      co_return std::unexpected(std::move(piece).error());
    }
    output_ += std::exchange(begin, {});
    chosen.clear();
    lines.feed(*piece, chosen);
    put_stuffed(output_, chosen, at_line_start);
    CO_TRY_OK(co_await flush_if_large_());
  }
  output_ += begin;
  chosen.clear();
  lines.finish(chosen);
  put_stuffed(output_, chosen, at_line_start);
  output_ += ".\n";
  co_return co_await flush_if_large_();
}

Task<Result<void>> ContentWriter::put_body(ContentReader& reader, std::string words, Range range, std::uint64_t lines,
                                           const message::Part* decoded) {
  const auto estimate = range.size - std::min(lines, range.size);
  Outward outward(decoded);
  std::optional<BinaryReply> reply;
  std::string chunk;
  const auto put_chunk = [&](std::uint64_t total) {
    if (!reply) reply.emplace(words, total);
    reply->put(output_, chunk);
    chunk.clear();
  };
  while (range.size > 0) {
    auto piece = co_await reader.take(range);
    if (!piece) {
      refused_ = reply.has_value();
      if (refused_) output_ += "-ERR Cannot retrieve message\n";
      co_return std::unexpected(std::move(piece).error());
    }
    outward.feed(*piece, chunk);
    if (chunk.size() < kChunk || range.size == 0) continue;
    put_chunk(estimate);
    CO_TRY_OK(co_await flush_if_large_());
  }
  outward.finish(chunk);
  put_chunk(reply ? estimate : chunk.size());
  reply->finish(output_);
  co_return co_await flush_if_large_();
}

}  // namespace posthorn::smap
