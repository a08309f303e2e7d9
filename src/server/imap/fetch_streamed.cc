// MessageFetcher for what is not at hand: read in pieces, flushed as they come.
#include <algorithm>
#include <utility>

#include "message/binary.h"
#include "message/header.h"
#include "proto/imap/writer.h"
#include "server/imap/message_fetcher.h"

namespace posthorn::imap {
namespace {

constexpr std::uint64_t kPiece = blob::kChunkSize;
// A header or an encoded part up to this size is worked on in memory; a longer one is read twice, first for the length of the literal.
constexpr std::uint64_t kHeld = 1 << 20;

}  // namespace

Task<Result<MessageFetcher::Outcome>> MessageFetcher::put(Target target, std::chrono::seconds patience) {
  window_.clear();
  window_offset_ = 0;
  flushed_ = false;
  patience_ = patience;
  auto& out = connection_.output();
  const auto start = out.size();
  begin(target);
  bool first = true;
  for (const Item& item : items_) {
    if (!std::exchange(first, false)) out += ' ';
    out += item.name;
    auto done = co_await put_item(target, item);
    if (done) continue;
    lost_ |= flushed_;  // what the client has of this response cannot be taken back
    if (!lost_) out.resize(start);
    if (!lost_ && done.error().code == Errc::not_found) co_return Outcome::gone;
    if (!lost_ && done.error().code == Errc::unsupported) co_return Outcome::undecodable;
    co_return std::unexpected(std::move(done).error());
  }
  end(target);
  CO_TRY_OK(co_await flush_if_large());
  co_return Outcome::done;
}

Task<Result<void>> MessageFetcher::put_item(const Target& target, const Item& item) {
  if (!item.needs_bytes) co_return put_simple(target, item.attribute);
  if (put_at_hand(target, item)) co_return Result<void>{};
  const auto& attribute = item.attribute;
  CO_TRY(const auto range, find_range(target, attribute));
  if (!range) {
    connection_.output() += attribute.item == FetchItem::preview ? "\"\"" : attribute.item == FetchItem::binary_size ? "0" : "NIL";
    co_return Result<void>{};
  }
  const bool binary = attribute.item == FetchItem::binary || attribute.item == FetchItem::binary_size;
  if (range->size <= kHeld && (binary || item.is_fields || attribute.item == FetchItem::preview)) {
    CO_TRY(const auto bytes, co_await gather(target, *range));
    co_return put_from(bytes, target, item);
  }
  if (item.is_fields) co_return co_await stream_fields(target, *range, attribute);
  if (binary) {
    static const message::Part kMessageItself{.type = "message"};
    const auto* part = &kMessageItself;
    if (!attribute.section.part.empty()) {
      CO_TRY(const auto* whole, summary(target));
      part = &whole->parts[message::find_part(*whole, attribute.section.part)];
    }
    co_return co_await stream_binary(target, *range, *part, attribute);
  }
  co_return co_await stream_range(target, cut(*range, attribute.partial));
}

// A literal, in pieces.  The first is read before anything is written, so that a missing message shows in time.
Task<Result<void>> MessageFetcher::stream_range(const Target& target, message::Range range) {
  auto& out = connection_.output();
  if (range.size == 0) out += "\"\"";
  for (std::uint64_t done = 0; done < range.size;) {
    CO_TRY(const auto piece, co_await read(target, range.offset + done, range.size - done));
    Writer w(out);
    if (done == 0) w.literal_header(range.size);
    w.char8(piece);
    done += piece.size();
    if (done < range.size) CO_TRY_OK(co_await flush_if_large());
  }
  co_return Result<void>{};
}

// Two passes over something whose length shows at the end: the first counts, the second writes the part that is wanted.
class MessageFetcher::Passes {
 public:
  explicit Passes(std::string& out, const std::optional<Partial>& partial) : out_(out), partial_(partial) {}
  bool counting() const { return counting_; }
  std::uint64_t size() const { return at_; }
  void take(std::string_view bytes) {
    const auto wanted = counting_ ? cut({0, ~std::uint64_t{0}}, partial_) : wanted_;
    const auto end = at_ + bytes.size();
    const auto from = std::clamp(wanted.offset, at_, end), to = std::clamp(wanted.offset + std::min(wanted.size, ~wanted.offset), at_, end);
    const auto part = bytes.substr(from - at_, to - from);
    if (counting_) has_nul_ |= part.find('\0') != part.npos;
    else if (is_literal8_) out_ += part;
    else Writer(out_).char8(part);
    at_ = end;
  }
  void begin_writing(bool binary) {
    wanted_ = cut({0, at_}, partial_);
    counting_ = false;
    at_ = 0;
    is_literal8_ = binary && has_nul_;
    if (is_literal8_) Writer(out_).literal8_header(wanted_.size);
    else Writer(out_).literal_header(wanted_.size);
  }

 private:
  std::string& out_;
  const std::optional<Partial> partial_;
  message::Range wanted_;
  std::uint64_t at_ = 0;
  bool counting_ = true;
  bool has_nul_ = false;
  bool is_literal8_ = false;
};

Task<Result<void>> MessageFetcher::stream_fields(const Target& target, message::Range header, const FetchAttribute& attribute) {
  const auto select = attribute.section.text == SectionText::header_fields ? message::Select::listed : message::Select::not_listed;
  Passes passes(connection_.output(), attribute.partial);
  for (int pass = 0; pass < 2; ++pass) {
    message::HeaderSelector selector(attribute.section.fields, select);
    if (pass == 1) passes.begin_writing(false);
    std::string selected;
    for (std::uint64_t done = 0; done < header.size;) {
      CO_TRY(const auto piece, co_await read(target, header.offset + done, header.size - done));
      done += piece.size();
      selected.clear();
      selector.feed(piece, selected);
      if (done == header.size) selector.finish(selected);
      passes.take(selected);
      if (pass == 1) CO_TRY_OK(co_await flush_if_large());
    }
  }
  co_return Result<void>{};
}

Task<Result<void>> MessageFetcher::stream_binary(const Target& target, message::Range body, const message::Part& part,
                                                 const FetchAttribute& attribute) {
  if (!message::TransferDecoder::of(part)) co_return fail(Errc::unsupported);
  Passes passes(connection_.output(), attribute.partial);
  for (int pass = 0; pass < 2; ++pass) {
    auto decoder = message::TransferDecoder::of(part);
    if (pass == 1) passes.begin_writing(true);
    std::string decoded;
    for (std::uint64_t done = 0; done < body.size;) {
      CO_TRY(const auto piece, co_await read(target, body.offset + done, body.size - done));
      done += piece.size();
      decoded.clear();
      decoder->feed(piece, decoded);
      if (done == body.size) decoder->finish(decoded);
      passes.take(decoded);
      if (pass == 1) CO_TRY_OK(co_await flush_if_large());
    }
    if (attribute.item == FetchItem::binary_size) {
      Writer(connection_.output()).number(passes.size());
      break;
    }
  }
  co_return Result<void>{};
}

Task<Result<std::string>> MessageFetcher::gather(const Target& target, message::Range range) {
  std::string out;
  while (out.size() < range.size) {
    CO_TRY(const auto piece, co_await read(target, range.offset + out.size(), range.size - out.size()));
    out += piece;
  }
  co_return out;
}

// At least one byte of the message from `offset`; valid until the next call.
Task<Result<std::string_view>> MessageFetcher::read(const Target& target, std::uint64_t offset, std::uint64_t length) {
  if (target.row.bytes && offset < target.row.bytes->size()) co_return target.row.bytes->substr(offset, length);
  if (offset < window_offset_ || offset >= window_offset_ + window_.size()) {
    // With several sections to come, a small message is read once as a whole.
    const bool all = many_reads_ && target.entry.size <= kPiece;
    const auto from = all ? 0 : offset;
    const auto wanted = all ? target.entry.size : std::min(length, kPiece);
    CO_TRY(window_, co_await account_.read(target.entry.message, from, wanted));
    window_offset_ = from;
    if (offset >= window_offset_ + window_.size()) co_return fail(Errc::corrupt, "the message is shorter than its summary says");
  }
  co_return std::string_view(window_).substr(offset - window_offset_, length);
}

Task<Result<void>> MessageFetcher::flush_if_large() {
  if (connection_.output().size() < net::Connection::kLargeOutput) co_return Result<void>{};
  flushed_ = true;
  auto done = co_await connection_.flush(after(patience_));
  lost_ |= !done;
  co_return done;
}

}  // namespace posthorn::imap
