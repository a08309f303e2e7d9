// The words of some thousand messages: a dictionary, and which messages have each word.
//
// A word is a maximal run of letters, digits and bytes above 0x7F in casemapped text; so a needle that has nothing else is in a text
// exactly when it is in one of its words.  A longer word than kMaxWord stands in overlapping pieces, so that every needle of up to
// kMaxNeedle bytes is in one of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "search/uids.h"

namespace posthorn::search {

inline constexpr std::size_t kMaxWord = 256;
inline constexpr std::size_t kMaxNeedle = 64;

bool is_word_byte(char c);
// The words of a needle, the longest first, cut after kMaxNeedle bytes, at most kMaxPieces: a text that contains the needle has all of them in words.
inline constexpr std::size_t kMaxPieces = 4;
struct NeedleWords {
  std::vector<std::string> pieces;
  bool is_exact = false;  // the needle is one word and not cut: a text that has it in a word contains it
};
NeedleWords words_of_needle(std::string_view needle);

// What of the words is in one row of the store: all words, and where their postings are.
class Dictionary {
 public:
  // Errc::corrupt: version, checksum or form is wrong.
  static Result<Dictionary> decode(std::string_view stored);

  const std::vector<Uid>& uids() const { return uids_; }              // the rows, ascending
  const std::vector<std::uint32_t>& unread() const { return unread_; }  // rows whose words are not all here: look at them; ascending
  std::uint32_t words() const { return words_; }
  std::uint16_t postings() const { return static_cast<std::uint16_t>(first_word_.size() - 1); }  // rows of postings
  // The numbers of the words that contain the needle, ascending.  REQUIRES: not empty, word bytes only.
  std::vector<std::uint32_t> find(std::string_view needle) const;
  // The row of postings that has the word.
  std::uint16_t postings_of(std::uint32_t word) const;
  std::uint32_t first_word(std::uint16_t postings) const { return first_word_[postings]; }
  template <class F>
  void for_each(F f) const;  // f(word), in order

 private:
  std::string_view pool() const { return std::string_view(bytes_).substr(pool_at_); }

  std::vector<Uid> uids_;
  std::vector<std::uint32_t> unread_;
  std::uint32_t words_ = 0;
  std::vector<std::uint32_t> first_word_{0};   // of each row of postings; at the end the number of words
  std::vector<std::uint32_t> group_offsets_;   // in pool(), of every kGroup-th word
  std::string bytes_;                          // as it was stored; the words begin at pool_at_, each with a zero byte behind it
  std::size_t pool_at_ = 0;
};

// One row of postings.
class Postings {
 public:
  static Result<Postings> decode(std::string_view stored);
  // Calls f(row) for every row that has the word; words count from the first one of these postings.
  template <class F>
  void for_each(std::uint32_t word, F f) const;
  std::uint32_t words() const { return static_cast<std::uint32_t>(offsets_.size() - 1); }

 private:
  std::vector<std::uint32_t> rows_of(std::uint32_t word) const;
  std::string bytes_;
  std::vector<std::uint32_t> offsets_;
};

// Collects the words of messages.
class WordsBuilder {
 public:
  WordsBuilder();
  // REQUIRES: ascending UIDs, also over merge().
  void add(Uid uid, std::string_view casemapped_text);
  void add_unread(Uid uid);
  // Everything of a dictionary and its postings, behind what is here.
  Result<void> merge(const Dictionary&, const std::vector<Postings>&);

  std::uint32_t rows() const { return static_cast<std::uint32_t>(uids_.size()); }
  std::size_t bytes() const { return arena_.size() + 16 * words_.size() + 8 * pairs_.size(); }  // about what it holds

  struct Stored {
    std::string dictionary;
    std::vector<std::string> postings;
  };
  Stored encode() const;

 private:
  struct Word {
    std::uint32_t offset, length, last_row;  // in arena_
  };
  struct Pair {
    std::uint32_t word;
    std::uint32_t row;
  };
  std::string_view text_of(const Word& w) const { return std::string_view(arena_).substr(w.offset, w.length); }
  bool note(std::string_view word, std::uint32_t row);  // is it new for the row?
  std::uint32_t intern(std::string_view word);
  void grow();

  std::vector<Uid> uids_;
  std::vector<std::uint32_t> unread_;
  std::string arena_;
  std::vector<Word> words_;
  std::vector<std::uint32_t> slots_;  // hash table of words: number + 1
  std::vector<Pair> pairs_;           // by row
};

template <class F>
void Dictionary::for_each(F f) const {
  for (std::size_t at = 0; at < pool().size();) {
    const auto end = pool().find('\0', at);
    f(pool().substr(at, end - at));
    at = end + 1;
  }
}

template <class F>
void Postings::for_each(std::uint32_t word, F f) const {
  for (const auto row : rows_of(word)) f(row);
}

}  // namespace posthorn::search
