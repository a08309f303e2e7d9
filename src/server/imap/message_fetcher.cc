#include "server/imap/message_fetcher.h"

#include <algorithm>
#include <utility>

#include "message/header.h"
#include "proto/imap/writer.h"
#include "server/imap/put_bodystructure.h"
#include "server/imap/put_envelope.h"

namespace posthorn::imap {
namespace {

constexpr std::uint64_t kPiece = blob::kChunkSize;
// A header up to this size is selected from in memory; a larger one is read twice, first for the length of the literal.
constexpr std::uint64_t kHeldHeader = 1 << 20;

text::DateTime date_of(const store::InternalDate& date) {
  return {std::chrono::sys_seconds(std::chrono::seconds(date.seconds)), date.zone_minutes};
}

bool selects_fields(const FetchAttribute& a) {
  return a.item == FetchItem::section &&
         (a.section.text == SectionText::header_fields || a.section.text == SectionText::header_fields_not);
}

bool is_whole_message(const FetchAttribute& a) {
  return a.item == FetchItem::rfc822 ||
         (a.item == FetchItem::section && a.section.part.empty() && a.section.text == SectionText::whole);
}

SectionText text_of(const FetchAttribute& a) {
  if (a.item == FetchItem::rfc822_header) return SectionText::header;
  if (a.item == FetchItem::rfc822_text) return SectionText::text;
  if (a.item == FetchItem::rfc822) return SectionText::whole;
  return a.section.text;
}

message::Section message_section(SectionText text) {
  switch (text) {
    case SectionText::whole: return message::Section::whole;
    case SectionText::header:
    case SectionText::header_fields:
    case SectionText::header_fields_not: return message::Section::header;
    case SectionText::text: return message::Section::text;
    case SectionText::mime: return message::Section::mime;
  }
  return message::Section::whole;
}

// [RFC3501 6.4.5] A partial fetch that starts behind the end gives an empty string.
message::Range cut(message::Range range, const std::optional<Partial>& partial) {
  if (!partial) return range;
  const auto skip = std::min(partial->offset, range.size);
  return {range.offset + skip, std::min(partial->count, range.size - skip)};
}

}  // namespace

bool needs_bytes(const FetchAttribute& a) {
  return a.item == FetchItem::section || a.item == FetchItem::rfc822 || a.item == FetchItem::rfc822_header ||
         a.item == FetchItem::rfc822_text;
}

bool needs_summary(const FetchAttribute& a) {
  if (a.item == FetchItem::envelope || a.item == FetchItem::body || a.item == FetchItem::body_structure) return true;
  return needs_bytes(a) && !is_whole_message(a);
}

MessageFetcher::MessageFetcher(store::Account& account, net::Connection& connection,
                               const std::vector<FetchAttribute>& attributes)
    : account_(account),
      connection_(connection),
      attributes_(attributes),
      many_reads_(std::ranges::count_if(attributes, needs_bytes) > 1) {}

Task<Result<MessageFetcher::Outcome>> MessageFetcher::put(Target target, std::chrono::seconds patience) {
  decoded_.reset();
  window_.clear();
  window_offset_ = 0;
  flushed_ = false;
  patience_ = patience;
  auto& out = connection_.output();
  const auto start = out.size();
  bool has_flags = false, first = true;
  Writer(out).untagged().number(target.sequence_number).raw(" FETCH (");
  for (const auto& attribute : attributes_) {
    if (!std::exchange(first, false)) out += ' ';
    has_flags |= attribute.item == FetchItem::flags;
    auto done = co_await put_item(target, attribute);
    if (done) continue;
    lost_ |= flushed_;  // what the client has of this response cannot be taken back
    if (!lost_) out.resize(start);
    if (lost_ || done.error().code != Errc::not_found) co_return std::unexpected(std::move(done).error());
    co_return Outcome::gone;
  }
  if (target.tell_flags && !has_flags) {
    out += first ? "FLAGS " : " FLAGS ";
    put_flags(out, target.entry, target.recent, *target.state);
  }
  out += ")\r\n";
  CO_TRY_OK(co_await flush_if_large());
  co_return Outcome::done;
}

Task<Result<void>> MessageFetcher::put_item(const Target& target, const FetchAttribute& attribute) {
  put_fetch_name(connection_.output(), attribute);
  connection_.output() += ' ';
  if (!needs_bytes(attribute)) co_return put_simple(target, attribute);
  CO_TRY(const auto range, find_range(target, attribute));
  if (range && selects_fields(attribute)) co_return co_await put_fields(target, *range, attribute);
  co_return co_await put_range(target, range, attribute.partial);
}

Result<void> MessageFetcher::put_simple(const Target& target, const FetchAttribute& attribute) {
  auto& out = connection_.output();
  Writer w(out);
  switch (attribute.item) {
    case FetchItem::flags: put_flags(out, target.entry, target.recent, *target.state); break;
    case FetchItem::internal_date: w.date_time(date_of(target.entry.internal_date)); break;
    case FetchItem::rfc822_size: w.number(target.entry.size); break;
    case FetchItem::uid: w.number(target.entry.uid.value()); break;
    case FetchItem::mod_seq: w.open().number(target.entry.mod_seq.value()).close(); break;
    case FetchItem::envelope: {
      if (target.summary.empty()) return fail(Errc::not_found);
      TRY(const auto view, message::SummaryView::open(target.summary));
      TRY_OK(view.read_envelope(envelope_));
      put_envelope(out, envelope_);
      break;
    }
    case FetchItem::body:
    case FetchItem::body_structure: {
      if (target.summary.empty()) return fail(Errc::not_found);
      TRY(const auto view, message::SummaryView::open(target.summary));
      TRY_OK(view.read_structure(structure_));
      put_bodystructure(out, structure_, ExtensionData(attribute.item == FetchItem::body_structure));
      break;
    }
    case FetchItem::save_date:
    case FetchItem::email_id:
    case FetchItem::thread_id:
    case FetchItem::preview:
    case FetchItem::binary:
    case FetchItem::binary_size:
    case FetchItem::rfc822:
    case FetchItem::rfc822_header:
    case FetchItem::rfc822_text:
    case FetchItem::section: break;  // put_range() and put_fields()
  }
  return {};
}

Result<const message::Summary*> MessageFetcher::summary(const Target& target) {
  if (target.summary.empty()) return fail(Errc::not_found);
  if (!decoded_) {
    TRY(decoded_, message::decode_summary(target.summary));
  }
  return &*decoded_;
}

// Where the bytes are; nullopt: there is no such section.
Result<std::optional<message::Range>> MessageFetcher::find_range(const Target& target, const FetchAttribute& attribute) {
  const auto text = text_of(attribute);
  if (is_whole_message(attribute)) return message::Range{0, target.entry.size};
  if (attribute.section.part.empty()) {
    if (text == SectionText::mime) return std::nullopt;
    if (target.summary.empty()) return fail(Errc::not_found);
    TRY(const auto view, message::SummaryView::open(target.summary));
    if (text == SectionText::text) return message::Range{view.header_size(), view.size() - view.header_size()};
    return message::Range{0, view.header_size()};
  }
  TRY(const auto* whole, summary(target));
  return message::find_section(*whole, attribute.section.part, message_section(text));
}

// A literal, in pieces.  The first is read before anything is written, so that a missing message shows in time.
Task<Result<void>> MessageFetcher::put_range(const Target& target, std::optional<message::Range> found,
                                             std::optional<Partial> partial) {
  auto& out = connection_.output();
  if (!found) {
    out += "NIL";
    co_return Result<void>{};
  }
  const auto range = cut(*found, partial);
  if (range.size == 0) {
    out += "\"\"";
    co_return Result<void>{};
  }
  std::uint64_t done = 0;
  while (done < range.size) {
    CO_TRY(const auto piece, co_await read(target, range.offset + done, range.size - done));
    if (done == 0) Writer(out).literal_header(range.size);
    out += piece;
    done += piece.size();
    if (done < range.size) CO_TRY_OK(co_await flush_if_large());
  }
  co_return Result<void>{};
}

Task<Result<void>> MessageFetcher::put_fields(const Target& target, message::Range header, const FetchAttribute& attribute) {
  auto& out = connection_.output();
  const auto select = attribute.section.text == SectionText::header_fields ? message::Select::listed : message::Select::not_listed;
  // Pass 0 counts, pass 1 writes; a header of normal size is selected from once and held.
  std::uint64_t size = 0;
  std::string selected;
  const bool held = header.size <= kHeldHeader;
  for (int pass = held ? 1 : 0; pass < 2; ++pass) {
    message::HeaderSelector selector(attribute.section.fields, select);
    message::Range wanted = cut({0, size}, attribute.partial);  // of what is selected; when it is not held
    std::uint64_t at = 0;
    if (pass == 1 && !held) Writer(out).literal_header(wanted.size);
    for (std::uint64_t done = 0; done < header.size;) {
      CO_TRY(const auto piece, co_await read(target, header.offset + done, header.size - done));
      done += piece.size();
      selector.feed(piece, selected);
      if (done == header.size) selector.finish(selected);
      if (held) continue;
      if (pass == 0) {
        size += selected.size();
      } else {
        const auto end = at + selected.size();
        const auto from = std::clamp(wanted.offset, at, end), to = std::clamp(wanted.offset + wanted.size, at, end);
        out.append(selected, from - at, to - from);
        at = end;
        CO_TRY_OK(co_await flush_if_large());
      }
      selected.clear();
    }
    if (header.size == 0) selector.finish(selected);
  }
  if (held || header.size == 0) {
    const auto part = cut({0, selected.size()}, attribute.partial);
    Writer(out).literal(std::string_view(selected).substr(part.offset, part.size));
  }
  co_return Result<void>{};
}

// At least one byte of the message from `offset`; valid until the next call.
Task<Result<std::string_view>> MessageFetcher::read(const Target& target, std::uint64_t offset, std::uint64_t length) {
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
