// A header block [RFC5322 2.2] as a view, and the selections of it that IMAP asks for.
#pragma once

#include <cstddef>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace posthorn::message {

// One field of a block.  All views point into the block.
struct HeaderField {
  std::string_view
      name;  // without white space before the colon [RFC5322 4.5]; empty for a line that is no field
  std::string_view value;  // raw: after the colon, folding included, the last line end not
  std::string_view whole;  // name to last line end, exactly as in the source
  std::size_t offset = 0;  // of whole in the block
};

// Does not own the block.  The block ends at its first empty line or at its end.  Lines end with CRLF or LF.
class HeaderView {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = HeaderField;
    using difference_type = std::ptrdiff_t;
    using pointer = const HeaderField*;
    using reference = const HeaderField&;

    Iterator() = default;
    Iterator(std::string_view block, std::size_t at) : block_(block), next_(at) { ++*this; }
    reference operator*() const { return field_; }
    pointer operator->() const { return &field_; }
    Iterator& operator++();
    friend bool operator==(const Iterator& i, std::default_sentinel_t) { return i.done_; }

   private:
    std::string_view block_;
    std::size_t next_ = 0;
    HeaderField field_;
    bool done_ = false;
  };

  explicit HeaderView(std::string_view block) : block_(block) {}
  Iterator begin() const { return Iterator(block_, 0); }
  std::default_sentinel_t end() const { return {}; }

  std::optional<HeaderField> find(std::string_view name) const;  // the first of that name, case-insensitively
  std::vector<HeaderField> find_all(std::string_view name) const;

 private:
  std::string_view block_;
};

// [RFC5322 2.2.3] The value on one line: line ends removed, the white space after them kept, the outer white
// space removed; stray CR, LF and NUL become spaces.  Departure: so does a tab that folds, for it stands where the
// sender had a blank, and who searches for two words does not know where they were folded.
std::string unfold(std::string_view value);

// [RFC3501 6.4.5] BODY[HEADER.FIELDS (names)] and .NOT: whole fields as in the source, in its order.  Lines
// that are no field belong to .NOT.
enum class Select { listed, not_listed };

// Streaming, so that a header of any size costs no memory.
class HeaderSelector {
 public:
  HeaderSelector(std::vector<std::string> names, Select select);
  void feed(std::string_view block_bytes, std::string& out);
  void finish(std::string& out);  // adds the ending empty line
 private:
  void decide(std::string& out);
  bool is_listed(std::string_view name) const;

  std::vector<std::string> names_;  // lower case
  Select select_;
  enum class State { line_start, name, copy, skip, done };
  State state_ = State::line_start;
  bool copying_ = false;     // what became of the field before, for its folded lines
  bool seen_field_ = false;  // a folded line needs a field before it
  std::size_t longest_ = 0;  // of names_
  std::string held_;         // the name being read, little more than longest_
};

std::string select_header_fields(std::string_view block, std::span<const std::string> names, Select select);

}  // namespace posthorn::message
