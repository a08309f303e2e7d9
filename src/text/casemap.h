// i;unicode-casemap [RFC5051]: the normal form in which SEARCH compares, and a matcher for streams of it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace posthorn::text {

// [RFC5051 2] Each character: simple titlecase mapping, then full decomposition.  Malformed UTF-8 becomes
// U+FFFD.
std::string casemap(std::string_view utf8);

// The same in chunks that may be cut inside a character.
class CasemapStream {
 public:
  void feed(std::string_view utf8, std::string& out);  // appends
  void finish(std::string& out);                       // ready for reuse

 private:
  std::string held_;  // the start of a cut character, at most 3 bytes
};

// Finds a needle in a stream of chunks; it may straddle any number of them.  Linear in the input
// (Knuth-Morris-Pratt at the seams, memchr/memmem style skipping inside).  Needle and chunks are both in
// normal form (casemap) already.
class SubstringMatcher {
 public:
  explicit SubstringMatcher(std::string needle);

  bool feed(std::string_view
                chunk);  // true once the needle has been seen; stays true.  An empty needle always matches
  bool found() const { return found_; }
  void reset();  // forget the stream: what came before can no longer be part of a match

 private:
  std::string needle_;
  std::vector<std::size_t> fail_;  // KMP failure function
  std::size_t matched_ = 0;
  bool found_ = false;
};

// casemap(haystack) contains casemap(needle)?
bool icontains(std::string_view haystack, std::string_view needle);

}  // namespace posthorn::text
