// Push parser for RFC 5322 and MIME.  Bytes in any chunks, a Summary at the end; bodies are never held.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "message/summary.h"

namespace posthorn::message {

// Mail is never refused for its MIME: past a limit the rest is opaque and the Summary has a flag.
struct Limits {
  std::size_t header_bytes =
      1 << 20;  // kept of all fields of all parts together; also bounds what a Summary holds
  std::size_t field_bytes = 256 << 10;  // kept of one field
  std::size_t parts = 10'000;           // in the whole message, root included
  std::size_t depth = 100;              // of multiparts and embedded messages
  std::size_t addresses = 10'000;       // in all address lists together
};

// 1. The Summary does not depend on how the bytes were cut.
// 2. Memory is bounded by Limits, time is linear in the input (times the nesting at lines that begin with
// "--").
// 3. Every range lies inside the message and inside its parent's body; siblings do not overlap.
// Lines end with CRLF; a bare LF is taken as a line end too (APPENDed mail has them), a bare CR is not.
class Parser {
 public:
  explicit Parser(Limits limits = {});
  ~Parser();
  Parser(Parser&&) noexcept;
  Parser& operator=(Parser&&) noexcept;

  void feed(std::string_view bytes);
  Summary finish();  // REQUIRES: called once, last

  // Received fields in the top header so far; final once header_done().
  std::uint32_t received_count() const;
  bool header_done() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A message that is in memory anyway.
Summary parse_message(std::string_view message, Limits limits = {});

}  // namespace posthorn::message
