// Raw deflate in both directions of a connection. [RFC1951] [RFC4978 3]
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace posthorn::net {

// Some 65 KiB for what is sent and 40 KiB for what is received; after rest() only what the peer may refer back to: as much as it has
// sent, at most 32 KiB.  Threads: one at a time.
class Deflate {
 public:
  Deflate();
  ~Deflate();

  // Appends the compressed bytes, complete: the peer can read all of `plain` from them.
  void compress(std::string_view plain, std::string& out);
  // Appends at most `limit` bytes to out, and takes from the front of `in` what they were made of.  more_output(): there is more, even if
  // nothing is left in `in`.  Errc::syntax: this is no deflate; closed: the peer has ended its stream.
  Result<void> decompress(std::string_view& in, std::size_t limit, std::string& out);
  bool more_output() const { return more_output_; }
  // Gives back what memory can be had again when it is needed.
  void rest();

 private:
  struct Streams;
  Result<void> wake_input();

  std::unique_ptr<Streams> streams_;
  std::string dictionary_;  // what was received last, while the input rests
  bool more_output_ = false;
};

}  // namespace posthorn::net
