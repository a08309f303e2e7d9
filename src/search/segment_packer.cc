#include "search/segment_packer.h"

#include "search/keys.h"
#include "text/casemap.h"

namespace posthorn::search {
namespace {

constexpr std::size_t kMaxSegmentBytes = 4 << 20;   // of all columns, before compression
constexpr std::size_t kMaxWordsBytes = 16 << 20;    // in memory
constexpr std::size_t kMaxText = 4 << 20;           // of a message; a longer one is looked at

// The casemapped text of the scope; false: too long, or unreadable.
bool read_text(const message::Summary& summary, message::SearchScope scope, const message::ReadBytes& read, std::string& out) {
  text::CasemapStream casemap;
  out.clear();
  const auto done = message::extract_search_text(summary, scope, read, [&](std::string_view utf8) {
    casemap.feed(utf8, out);
    return out.size() <= kMaxText;
  });
  return done && out.size() <= kMaxText;
}

}  // namespace

bool SegmentPacker::is_full() const {
  return rows() >= Block::kMaxRows || bytes_ >= kMaxSegmentBytes || words_bytes() >= kMaxWordsBytes;
}

void SegmentPacker::add(const PackedMessage& message) {
  if (rows() == 0) first_ = message.uid;
  last_ = message.uid;
  const RowSource source{.summary = message.summary, .header = header_at_start(message.start, message.start.size() == message.size)};
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const auto column = kRowColumns[i];
    const bool known = is_from_header(column) ? !message.start.empty() : !message.summary.empty();
    const auto row = known ? make_row(column, source) : std::nullopt;
    row ? columns_[i].add(message.uid, *row) : columns_[i].add_not_held(message.uid);
    bytes_ += row ? row->size() : 0;
  }
  if (with_words_) add_words(message);
}

void SegmentPacker::add_words(const PackedMessage& message) {
  const auto summary = message::decode_summary(message.summary);
  const auto add_scope = [&](message::SearchScope scope, WordsBuilder& words) {
    const bool is_read = summary && message.read != nullptr && read_text(*summary, scope, *message.read, text_);
    is_read ? words.add(message.uid, text_) : words.add_unread(message.uid);
  };
  add_scope(message::SearchScope::body, body_);
  add_scope(message::SearchScope::header, header_);
  if (text_.capacity() > kMaxText / 4) text_ = {};
}

void SegmentPacker::put_rows(kv::Batch& batch, AccountId account, MailboxId mailbox) const {
  for (std::size_t i = 0; i < columns_.size(); ++i)
    batch.put(kv::Space::column, account.value(), segment_key(mailbox, kRowColumns[i], first_), columns_[i].encode());
  if (!with_words_) return;
  put_words(batch, account, mailbox, Column::body_words, Column::body_postings, first_, body_);
  put_words(batch, account, mailbox, Column::header_words, Column::header_postings, first_, header_);
}

void put_words(kv::Batch& batch, AccountId account, MailboxId mailbox, Column words, Column postings, Uid first, const WordsBuilder& builder) {
  auto stored = builder.encode();
  batch.put(kv::Space::column, account.value(), segment_key(mailbox, words, first), std::move(stored.dictionary));
  for (std::size_t i = 0; i < stored.postings.size(); ++i)
    batch.put(kv::Space::column, account.value(), postings_key(mailbox, postings, first, static_cast<std::uint16_t>(i)), std::move(stored.postings[i]));
}

}  // namespace posthorn::search
