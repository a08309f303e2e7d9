#include "search/mailbox_indexer.h"

#include <algorithm>
#include <utility>

#include "async/reactor.h"
#include "search/drop.h"
#include "search/indexer.h"
#include "search/keys.h"
#include "store/mail_store.h"

namespace posthorn::search {
namespace {

using kv::Space;
constexpr std::size_t kReadAtOnce = 32;         // messages of up to a chunk
constexpr std::size_t kMergeAt = 8;             // words of so many segments become one
constexpr std::uint64_t kMergeBytes = 16 << 20;  // of words in memory

// A message piece by piece, on a thread that may wait.
class BlockingReader {
 public:
  BlockingReader(store::Account& account, MessageId id, const std::atomic<bool>& stopping) : account_(account), id_(id), stopping_(stopping) {}

  Result<std::string_view> read(std::uint64_t offset, std::size_t want) {
    if (stopping_) return fail(Errc::cancelled);
    if (offset < offset_ || offset >= offset_ + window_.size()) {
      TRY(window_, run_task(account_.read(id_, offset, blob::kChunkSize)));
      offset_ = offset;
    }
    return std::string_view(window_).substr(offset - offset_, want);
  }

 private:
  store::Account& account_;
  MessageId id_;
  const std::atomic<bool>& stopping_;
  std::string window_;
  std::uint64_t offset_ = 0;
};

// Packs what has been read of one message.
void pack_one(SegmentPacker& packer, store::Account& account, const store::Entry& entry, std::string_view summary, std::optional<std::string_view> whole,
              const std::atomic<bool>& stopping) {
  PackedMessage message{.uid = entry.uid, .summary = summary, .size = entry.size};
  if (whole) {
    const message::ReadBytes read = [&](std::uint64_t offset, std::size_t want) -> Result<std::string_view> {
      return offset < whole->size() ? whole->substr(offset, want) : std::string_view();
    };
    message.start = *whole;
    message.read = &read;
    return packer.add(message);
  }
  BlockingReader reader(account, entry.message, stopping);
  const message::ReadBytes read = [&](std::uint64_t offset, std::size_t want) { return reader.read(offset, want); };
  std::string start;
  if (const auto got = reader.read(0, blob::kChunkSize)) start = *got;
  message.start = start;
  message.read = &read;
  packer.add(message);
}

}  // namespace

Task<Result<MailboxIndexer::Step>> MailboxIndexer::run() {
  const auto mailbox = account_->mailbox(mailbox_);
  if (!mailbox) co_return Step{};
  CO_TRY_OK(co_await load_state());
  decide_rebuild(*mailbox);
  const Uid last(mailbox->uid_next.value() - 1);
  if (!state_.rebuilding && last.value() < state_.until.value() + std::uint64_t{Block::kMaxRows})
    co_return Step{.look_again = Uid(static_cast<std::uint32_t>(std::min<std::uint64_t>(state_.until.value() + std::uint64_t{Block::kMaxRows} + 1, 0xFFFFFFFF)))};

  CO_TRY(const auto view, co_await account_->view(mailbox_));
  const auto from = view->lower_bound(Uid(state_.until.value() + 1));
  if (view->size() - from < Block::kMaxRows) {
    if (state_.rebuilding) CO_TRY_OK(co_await end_rebuild());
    const std::uint64_t missing = Block::kMaxRows - (view->size() - from);
    co_return Step{.look_again = Uid(static_cast<std::uint32_t>(std::min<std::uint64_t>(mailbox->uid_next.value() + missing, 0xFFFFFFFF)))};
  }
  SegmentPacker packer(state_.words ? SegmentPacker::Words::yes : SegmentPacker::Words::no);
  CO_TRY_OK(co_await pack_segment(*view, from, packer));
  CO_TRY_OK(co_await write_segment(packer));
  if (is_time_to_merge()) CO_TRY_OK(co_await merge_words());
  co_return Step{.more = true, .packed = packer.rows()};
}

Task<Result<void>> MailboxIndexer::load_state() {
  CO_TRY(row_, co_await account_->store().kv().get(Space::index_state, account_->id().value(), mailbox_key(mailbox_)));
  if (!row_) co_return Result<void>{};
  auto state = IndexState::decode(*row_);
  if (state) {
    state_ = *std::move(state);
    co_return Result<void>{};
  }
  co_await drop_index(account_, mailbox_);
  row_.reset();
  co_return Result<void>{};
}

// When most of what was packed has gone, or words are wanted that were not, all is packed anew; the old segments serve until theirs turn comes.
void MailboxIndexer::decide_rebuild(const store::MailboxState& mailbox) {
  const bool wants_words = kTextIndex.get();
  if (state_.rows == 0 && !state_.rebuilding) state_.words = wants_words;
  if (mailbox.messages < state_.rows / 2 || (wants_words && !state_.words)) state_ = {.rebuilding = true, .words = wants_words};
  if (!wants_words) {
    state_.words = false;
    state_.small.clear();
  }
}

Task<Result<void>> MailboxIndexer::pack_segment(const store::View& view, std::uint32_t from, SegmentPacker& packer) {
  const auto to = from + Block::kMaxRows;
  for (auto begin = from; begin < to && !packer.is_full();) {
    const auto end = static_cast<std::uint32_t>(std::min<std::size_t>(begin + kReadAtOnce, to));
    std::vector<MessageId> ids;
    std::vector<const store::Entry*> entries;
    view.for_each(begin, end, [&](std::uint32_t, const store::Entry& entry) {
      ids.push_back(entry.message);
      entries.push_back(&entry);
    });
    CO_TRY(const auto summaries, co_await account_->summaries(ids));
    CO_TRY(const auto whole, co_await account_->read_whole(std::move(ids)));
    const auto pack_all = [&] {
      for (std::size_t i = 0; i < entries.size() && !packer.is_full() && !stopping_; ++i)
        pack_one(packer, *account_, *entries[i], summaries[i], whole[i], stopping_);
    };
    co_await cpu_.run(pack_all);
    if (stopping_) co_return fail(Errc::cancelled);
    begin = end;
  }
  co_return Result<void>{};
}

Task<Result<void>> MailboxIndexer::write_segment(const SegmentPacker& packer) {
  kv::Batch batch;
  if (state_.rebuilding)
    for (auto c = Column::summary; c <= Column::header_postings; c = Column(std::uint8_t(c) + 1))
      batch.erase_range(Space::column, account_->id().value(), segment_key(mailbox_, c, Uid(state_.until.value() + 1)),
                        after_segment_key(mailbox_, c, packer.last()));
  co_await cpu_.run([&] { packer.put_rows(batch, account_->id(), mailbox_); });
  state_.until = packer.last();
  state_.rows += packer.rows();
  if (state_.words) {
    const auto bytes = packer.words_bytes();
    if (bytes > kMergeBytes / 2) state_.small.clear();  // large enough as it is
    else state_.small.push_back({packer.first(), bytes});
  }
  co_return co_await commit(std::move(batch));
}

Task<Result<void>> MailboxIndexer::end_rebuild() {
  kv::Batch batch;
  for (auto c = Column::summary; c <= Column::header_postings; c = Column(std::uint8_t(c) + 1))
    batch.erase_range(Space::column, account_->id().value(), segment_key(mailbox_, c, Uid(state_.until.value() + 1)),
                      column_key(mailbox_, Column(std::uint8_t(c) + 1)));
  state_.rebuilding = false;
  co_return co_await commit(std::move(batch));
}

bool MailboxIndexer::is_time_to_merge() const {
  std::uint64_t bytes = 0;
  for (const auto& small : state_.small) bytes += small.bytes;
  return state_.small.size() >= kMergeAt || (state_.small.size() > 1 && bytes > kMergeBytes);
}

Task<Result<void>> MailboxIndexer::merge_words() {
  kv::Batch batch;
  auto merged = co_await merge_scope(batch, Column::body_words, Column::body_postings);
  if (merged) merged = co_await merge_scope(batch, Column::header_words, Column::header_postings);
  if (!merged && merged.error().code == Errc::corrupt) co_await drop_index(account_, mailbox_);
  if (!merged) co_return merged;
  state_.small.clear();
  co_return co_await commit(std::move(batch));
}

Task<Result<void>> MailboxIndexer::merge_scope(kv::Batch& batch, Column words, Column postings) {
  auto& kv = account_->store().kv();
  const auto partition = account_->id().value();
  WordsBuilder builder;
  for (const auto& small : state_.small) {
    const auto key = segment_key(mailbox_, words, small.first);
    CO_TRY(const auto dictionary, co_await kv.get(Space::column, partition, key));
    CO_TRY(const auto rows, co_await kv.scan({Space::column, partition, segment_key(mailbox_, postings, small.first),
                                              after_segment_key(mailbox_, postings, small.first), 0x10000}));
    if (!dictionary || rows.more) co_return fail(dictionary ? Errc::limit : Errc::corrupt, "search index: words are not as they should be");
    const auto merge = [&]() -> Result<void> {
      TRY(const auto decoded, Dictionary::decode(*dictionary));
      std::vector<Postings> lists;
      for (const auto& row : rows.rows) {
        TRY(auto list, Postings::decode(row.value));
        lists.push_back(std::move(list));
      }
      return builder.merge(decoded, lists);
    };
    CO_TRY_OK(co_await cpu_.run(merge));
    batch.erase(Space::column, partition, key);
    for (const auto& row : rows.rows) batch.erase(Space::column, partition, row.key);
  }
  co_await cpu_.run([&] { put_words(batch, account_->id(), mailbox_, words, postings, state_.small.front().first, builder); });
  co_return Result<void>{};
}

Task<Result<void>> MailboxIndexer::commit(kv::Batch batch) {
  auto& kv = account_->store().kv();
  const auto partition = account_->id().value();
  CO_TRY(const auto lock, co_await kv.lock_partition(partition));
  CO_TRY(const auto row, co_await kv.get(Space::index_state, partition, mailbox_key(mailbox_)));
  if (!account_->mailbox(mailbox_) || row != row_) co_return fail(Errc::busy, "the index has been dropped meanwhile");
  auto encoded = state_.encode();
  batch.put(Space::index_state, partition, mailbox_key(mailbox_), encoded);
  CO_TRY_OK(co_await kv.write_ahead(std::move(batch)));
  row_ = std::move(encoded);
  co_return Result<void>{};
}

}  // namespace posthorn::search
