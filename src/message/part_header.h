// What the parser keeps of one header: the fields a Summary holds, within the limits.  Internal to parser.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "message/parser.h"
#include "message/summary.h"

namespace posthorn::message {

enum class HeaderKind {
  top,       // of the message itself
  embedded,  // of a message in a message/rfc822 part
  part,      // of a body part
};

class PartHeader {
 public:
  explicit PartHeader(const Limits& limits);

  void start(HeaderKind kind);
  void line(std::string_view text);  // any but the empty line; its line end may be missing
  void note(std::uint32_t flag) { flags_ |= flag; }

  // At the end of the header: type, encoding and so on into the part; envelope fields into the envelope (null
  // for Kind part); what only the top header says into the summary.
  void finish(Part& part, Envelope* envelope, Summary& summary);
  bool has_content_type() const { return has_content_type_; }

  std::uint32_t received_count() const { return received_count_; }
  std::uint32_t flags() const { return flags_; }

 private:
  enum class Field : std::uint8_t;
  struct Known;
  static const Known kKnown[];

  static Field field_named(std::string_view name);
  bool wants(Field field) const;
  void append(std::string_view bytes);
  void end_field();
  void take_addresses(std::vector<Address>& list);

  std::size_t field_bytes_;
  std::size_t bytes_left_;
  std::size_t addresses_left_;
  HeaderKind kind_ = HeaderKind::top;
  Field field_{};
  std::string value_;  // raw, of the field being read

  bool has_content_type_ = false;
  std::uint32_t flags_ = 0;
  std::uint32_t received_count_ = 0;
  Part part_;
  Envelope envelope_;
  std::optional<std::string> references_;
};

}  // namespace posthorn::message
