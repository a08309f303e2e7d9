// Lines of SMAP and the words in them. [SMAP1 1.2, 1.3]
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace posthorn::smap {

inline constexpr std::size_t kMaxLine = 8000;  // bytes of a command, without its end [SMAP1 1.2]

// The words of one line, taken one by one.  Any bytes are words: a quote that is not closed means to the end of the line, and text right
// behind a closing quote begins another word [SMAP1 1.3].
class Words {
 public:
  explicit Words(std::string_view line);  // without its LF; copies

  bool at_end() const { return at_ == words_.size(); }
  std::size_t left() const { return words_.size() - at_; }
  // At the end the line goes on with empty words for ever.
  const std::string& peek() const { return at_end() ? kNothing : words_[at_]; }
  std::string take() { return at_end() ? std::string() : std::move(words_[at_++]); }

 private:
  static const std::string kNothing;
  std::vector<std::string> words_;
  std::size_t at_ = 0;
};

// Appends "word" in quotes, those in it doubled.  What would end the line or the word for a reader becomes a space: control characters.
void put_word(std::string& out, std::string_view word);
// "NAME=value" as one word in quotes.
void put_attribute(std::string& out, std::string_view name, std::string_view value);

// A folder's path [SMAP1 1.4]: the words up to an empty one, which is taken, or the end.  syntax: none; a word with a control character,
// without valid UTF-8, or more than kMaxLevels words.
inline constexpr std::size_t kMaxLevels = 100;
Result<std::vector<std::string>> take_path(Words&);

// Fit for names of folders, keywords and identifiers: UTF-8 without control characters [SMAP1 1.3].
bool is_text(std::string_view word);

// "NAME=value" at its first '='; without one the value is empty and has_value false.
struct Attribute {
  std::string_view name, value;  // of the word
  bool has_value = false;
};
Attribute split_attribute(std::string_view word);

}  // namespace posthorn::smap
