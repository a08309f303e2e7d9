#include "search/words.h"

#include <algorithm>
#include <array>

#include "search/stored.h"
#include "store/codec.h"
#include "text/ascii.h"
#include "text/find.h"

namespace posthorn::search {
namespace {

constexpr std::uint32_t kGroup = 64;  // words
constexpr std::uint32_t kMaxRows = 1 << 16;

constexpr auto kWordBytes = [] {
  std::array<bool, 256> t{};
  for (std::size_t c = 0; c < 256; ++c) t[c] = c >= 0x80 || text::is_alpha(static_cast<char>(c)) || text::is_digit(static_cast<char>(c));
  return t;
}();

std::unexpected<Error> corrupt(const char* what) { return fail(Errc::corrupt, std::string("search index: ") + what); }

// The next word of the text from `at`, which then is behind it; empty at the end.
std::string_view take_word(std::string_view text, std::size_t& at) {
  while (at < text.size() && !is_word_byte(text[at])) ++at;
  const std::size_t begin = at;
  while (at < text.size() && is_word_byte(text[at])) ++at;
  return text.substr(begin, at - begin);
}

}  // namespace

bool is_word_byte(char c) { return kWordBytes[static_cast<unsigned char>(c)]; }

NeedleWords words_of_needle(std::string_view needle) {
  NeedleWords out;
  std::size_t at = 0;
  for (auto word = take_word(needle, at); !word.empty(); word = take_word(needle, at)) out.pieces.emplace_back(word);
  out.is_exact = out.pieces.size() == 1 && out.pieces[0].size() == needle.size() && needle.size() <= kMaxNeedle;
  std::ranges::sort(out.pieces, std::ranges::greater(), &std::string::size);
  if (out.pieces.size() > kMaxPieces) out.pieces.resize(kMaxPieces);
  for (auto& piece : out.pieces) piece.resize(std::min(piece.size(), kMaxNeedle));
  return out;
}

// ---- Dictionary

Result<Dictionary> Dictionary::decode(std::string_view stored) {
  TRY(std::string plain, unpack(stored));
  store::RowReader in(plain);
  Dictionary out;
  const auto rows = in.varint32();
  if (rows > kMaxRows) return corrupt("too many rows");
  TRY(out.uids_, take_uids(in, rows));
  const auto unread = in.varint32();
  if (unread > rows) return corrupt("rows");
  for (std::uint64_t i = 0, row = 0; i < unread; ++i) {
    row += in.varint32() + (i > 0);
    if (!in.ok() || row >= rows) return corrupt("rows");
    out.unread_.push_back(static_cast<std::uint32_t>(row));
  }
  const auto postings = in.varint32();
  if (postings > 0xFFFF) return corrupt("postings");
  for (std::uint64_t i = 0, word = 0; i < postings; ++i) {
    word += in.varint32();
    if (!in.ok() || word > plain.size()) return corrupt("postings");
    out.first_word_.push_back(static_cast<std::uint32_t>(word));
  }
  out.words_ = out.first_word_.back();
  out.group_offsets_.reserve(out.words_ / kGroup + 1);
  std::uint64_t offset = 0;
  for (std::uint32_t word = 0; word < out.words_; word += kGroup) {
    out.group_offsets_.push_back(static_cast<std::uint32_t>(offset));
    offset += in.varint32();
    if (!in.ok() || offset > plain.size()) return corrupt("words");
  }
  if (!in.ok() || in.rest().size() != offset) return corrupt("words");
  const auto pool = in.rest();
  const auto ends = static_cast<std::uint32_t>(std::ranges::count(pool, '\0'));
  if (ends != out.words_ || (ends > 0 && pool.back() != '\0')) return corrupt("words");
  out.pool_at_ = plain.size() - pool.size();
  out.bytes_ = std::move(plain);
  return out;
}

std::vector<std::uint32_t> Dictionary::find(std::string_view needle) const {
  std::vector<std::uint32_t> found;
  const auto pool = this->pool();
  std::uint32_t word = 0;   // the word that begins at `start`
  std::size_t start = 0;
  for (auto at = text::find_bytes(pool, needle); at != std::string::npos; at = text::find_bytes(pool, needle, start)) {
    const auto group = static_cast<std::uint32_t>(std::ranges::upper_bound(group_offsets_, at) - group_offsets_.begin()) - 1;
    if (group * kGroup > word) {
      word = group * kGroup;
      start = group_offsets_[group];
    }
    for (;;) {
      const auto end = pool.find('\0', start);
      start = end + 1;
      if (end > at) break;
      ++word;
    }
    if (word >= words_) break;
    found.push_back(word++);
  }
  return found;
}

std::uint16_t Dictionary::postings_of(std::uint32_t word) const {
  return static_cast<std::uint16_t>(std::ranges::upper_bound(first_word_, word) - first_word_.begin() - 1);
}

// ---- Postings: for each word a number, twice the bytes that follow, and one when they are a bit for each row; else they are the
// distances of its rows.

Result<Postings> Postings::decode(std::string_view stored) {
  TRY(Postings out, [&]() -> Result<Postings> {
    Postings p;
    TRY(p.bytes_, unpack(stored));
    return p;
  }());
  store::RowReader in(out.bytes_);
  while (!in.rest().empty()) {
    out.offsets_.push_back(static_cast<std::uint32_t>(out.bytes_.size() - in.rest().size()));
    const auto length = in.varint32() / 2;
    if (!in.ok() || length > in.rest().size()) return corrupt("postings");
    in = store::RowReader(in.rest().substr(length));
  }
  out.offsets_.push_back(static_cast<std::uint32_t>(out.bytes_.size()));
  return out;
}

std::vector<std::uint32_t> Postings::rows_of(std::uint32_t word) const {
  std::vector<std::uint32_t> rows;
  if (word >= words()) return rows;
  store::RowReader in(std::string_view(bytes_).substr(offsets_[word], offsets_[word + 1] - offsets_[word]));
  if (in.varint32() & 1) {
    const auto bits = in.rest();
    for (std::uint32_t i = 0; i < bits.size(); ++i)
      for (unsigned bit = 0; bit < 8; ++bit)
        if (static_cast<unsigned char>(bits[i]) >> bit & 1) rows.push_back(8 * i + bit);
    return rows;
  }
  for (std::uint64_t row = 0; !in.rest().empty();) {
    row += in.varint32();
    if (!in.ok() || row >= kMaxRows) break;
    rows.push_back(static_cast<std::uint32_t>(row));
  }
  return rows;
}

}  // namespace posthorn::search
