// "Content-Transfer-Encoding: binary" to base64, for readers that cannot take NUL. [RFC3516 4.4] [RFC2045 6]
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "message/summary.h"

namespace posthorn::message {

// Multiparts and embedded messages keep their label, their parts are encoded; all other bytes pass as they are.
// Memory: one header.  The result does not depend on how the bytes are cut.
class BinaryToBase64 {
 public:
  explicit BinaryToBase64(const Summary& summary);
  bool is_needed() const { return !regions_.empty(); }  // some part is to be encoded

  // All bytes of the message of that summary, in order.
  void feed(std::string_view bytes, std::string& out);
  void finish(std::string& out);

 private:
  struct Region {
    Range range;
    bool is_header = false;
  };
  void end_region(std::string& out);
  void put_line(std::string_view bytes, std::string& out);

  std::vector<Region> regions_;  // ascending, disjoint
  std::size_t next_ = 0;         // region
  std::uint64_t position_ = 0;
  std::string held_;  // the header, or the body bytes that make no whole line yet
  bool line_begun_ = false;
};

}  // namespace posthorn::message
