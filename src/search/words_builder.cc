#include <algorithm>
#include <functional>
#include <span>
#include <utility>

#include "search/stored.h"
#include "search/words.h"
#include "store/codec.h"

namespace posthorn::search {
namespace {

constexpr std::uint32_t kNoRow = 0xFFFFFFFF;
constexpr std::uint32_t kGroup = 64;
constexpr std::size_t kPostingsBytes = 32 << 10;  // of a row, before compression
constexpr std::size_t kMaxWordsOfMessage = 20'000;

std::string encode_rows(std::span<const std::uint32_t> rows, std::uint32_t all) {
  std::string distances;
  std::uint32_t before = 0;
  for (const auto row : rows) {
    store::put_varint(distances, row - before);
    before = row;
  }
  const std::size_t bits = (all + 7) / 8;
  std::string out;
  if (distances.size() <= bits) {
    store::put_varint(out, 2 * distances.size());
    return out + distances;
  }
  std::string bitmap(bits, '\0');
  for (const auto row : rows) bitmap[row / 8] = static_cast<char>(bitmap[row / 8] | 1 << row % 8);
  store::put_varint(out, 2 * bits + 1);
  return out + bitmap;
}

}  // namespace

WordsBuilder::WordsBuilder() : slots_(1 << 12) {}

void WordsBuilder::grow() {
  std::vector<std::uint32_t> bigger(2 * slots_.size());
  for (std::uint32_t w = 0; w < words_.size(); ++w) {
    auto slot = std::hash<std::string_view>()(text_of(words_[w])) & (bigger.size() - 1);
    while (bigger[slot] != 0) slot = (slot + 1) & (bigger.size() - 1);
    bigger[slot] = w + 1;
  }
  slots_ = std::move(bigger);
}

std::uint32_t WordsBuilder::intern(std::string_view word) {
  auto slot = std::hash<std::string_view>()(word) & (slots_.size() - 1);
  for (; slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1))
    if (text_of(words_[slots_[slot] - 1]) == word) return slots_[slot] - 1;
  const auto number = static_cast<std::uint32_t>(words_.size());
  slots_[slot] = number + 1;
  words_.push_back({static_cast<std::uint32_t>(arena_.size()), static_cast<std::uint32_t>(word.size()), kNoRow});
  arena_ += word;
  if (2 * words_.size() > slots_.size()) grow();
  return number;
}

bool WordsBuilder::note(std::string_view word, std::uint32_t row) {
  const auto number = intern(word);
  if (words_[number].last_row == row) return false;
  words_[number].last_row = row;
  pairs_.push_back({number, row});
  return true;
}

void WordsBuilder::add(Uid uid, std::string_view text) {
  const auto row = rows();
  uids_.push_back(uid);
  std::size_t fresh = 0;
  for (std::size_t at = 0; at < text.size();) {
    while (at < text.size() && !is_word_byte(text[at])) ++at;
    std::size_t begin = at;
    while (at < text.size() && is_word_byte(text[at])) ++at;
    for (; at - begin > kMaxWord; begin += kMaxWord - kMaxNeedle + 1) fresh += note(text.substr(begin, kMaxWord), row);
    if (at > begin) fresh += note(text.substr(begin, at - begin), row);
    if (fresh > kMaxWordsOfMessage) return unread_.push_back(row);
  }
}

void WordsBuilder::add_unread(Uid uid) {
  unread_.push_back(rows());
  uids_.push_back(uid);
}

Result<void> WordsBuilder::merge(const Dictionary& dictionary, const std::vector<Postings>& postings) {
  const auto base = rows();
  const auto count = static_cast<std::uint32_t>(dictionary.uids().size());
  uids_.insert(uids_.end(), dictionary.uids().begin(), dictionary.uids().end());
  for (const auto row : dictionary.unread()) unread_.push_back(base + row);
  bool sound = postings.size() == dictionary.postings();
  for (std::uint16_t p = 0; sound && p < postings.size(); ++p)
    sound = postings[p].words() == dictionary.first_word(p + 1) - dictionary.first_word(p);
  if (!sound) return fail(Errc::corrupt, "search index: postings do not fit their words");
  std::uint32_t word = 0;
  std::uint16_t p = 0;
  dictionary.for_each([&](std::string_view text) {
    while (word >= dictionary.first_word(p + 1)) ++p;
    const auto number = intern(text);
    postings[p].for_each(word++ - dictionary.first_word(p), [&](std::uint32_t row) {
      if (row < count) pairs_.push_back({number, base + row});
      else sound = false;
    });
  });
  if (!sound) return fail(Errc::corrupt, "search index: postings of a row that is none");
  return {};
}

WordsBuilder::Stored WordsBuilder::encode() const {
  // Rows by word: pairs are in the order of rows already.
  std::vector<std::uint32_t> first(words_.size() + 1);
  for (const auto& pair : pairs_) ++first[pair.word + 1];
  for (std::size_t w = 0; w < words_.size(); ++w) first[w + 1] += first[w];
  std::vector<std::uint32_t> rows_of(pairs_.size());
  auto next = first;
  for (const auto& pair : pairs_) rows_of[next[pair.word]++] = pair.row;

  std::vector<std::uint32_t> order(words_.size());
  for (std::uint32_t w = 0; w < order.size(); ++w) order[w] = w;
  std::ranges::sort(order, {}, [&](std::uint32_t w) { return text_of(words_[w]); });

  Stored out;
  std::string pool, groups, directory, postings;
  std::uint32_t in_postings = 0, group_begin = 0;
  const auto end_postings = [&] {
    if (in_postings == 0) return;
    store::put_varint(directory, std::exchange(in_postings, 0));
    out.postings.push_back(pack(postings));
    postings.clear();
  };
  for (std::uint32_t i = 0; i < order.size(); ++i) {
    if (i > 0 && i % kGroup == 0) {
      store::put_varint(groups, pool.size() - group_begin);
      group_begin = static_cast<std::uint32_t>(pool.size());
    }
    const auto w = order[i];
    pool += text_of(words_[w]);
    pool += '\0';
    postings += encode_rows(std::span(rows_of).subspan(first[w], first[w + 1] - first[w]), rows());
    ++in_postings;
    if (postings.size() >= kPostingsBytes) end_postings();
  }
  end_postings();
  if (!order.empty()) store::put_varint(groups, pool.size() - group_begin);

  std::string plain;
  store::put_varint(plain, rows());
  put_uids(plain, uids_);
  store::put_varint(plain, unread_.size());
  for (std::size_t i = 0; i < unread_.size(); ++i) store::put_varint(plain, i == 0 ? unread_[0] : unread_[i] - unread_[i - 1] - 1);
  store::put_varint(plain, out.postings.size());
  plain += directory + groups + pool;
  out.dictionary = pack(plain);
  return out;
}

}  // namespace posthorn::search
