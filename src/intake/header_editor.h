// What is changed in the header of a message that comes in, while it streams by.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace posthorn::intake {

// 1. Return-Path fields at the top go: only the last server, which we are, says it. [RFC5321 4.4]
// 2. An mbox line ("From ann@example.test Thu ...") before the first field goes: it is no field, and some programs send it.
// 3. If the first line is no field then there is no header: an empty line is put before it, or the text would run into the
//    trace fields.
// 4. Fields that are asked for and missing are added behind the last one (not on top: nothing but a field name is ever
//    held). [RFC6409 8]
// 5. Bcc and Resent-Bcc fields go where asked: only a sender's own copy has them. [RFC5322 3.6.3]
// 6. Every other byte passes unchanged, and the result does not depend on how the bytes were cut.
// 7. What From, Sender and TLS-Required say is remembered on the way, kMaxKept bytes of it at most.
class HeaderEditor {
 public:
  struct Missing {
    bool date = false;
    bool message_id = false;
    bool from = false;
  };
  // `complete` is asked once, at the end of the header, for the fields to add (whole, with CRLF).  None: nothing is added.
  using Complete = std::function<std::string(Missing)>;
  enum class Bcc : unsigned char { keep, drop };
  explicit HeaderEditor(Complete complete = {}, Bcc bcc = Bcc::keep) : complete_(std::move(complete)), bcc_(bcc) {}

  // Appends what becomes of `bytes`.
  void edit(std::string_view bytes, std::string& out);
  // Behind the last byte.
  void finish(std::string& out);
  // Fields seen so far: their names in lower case and their values as they stand, folded and with the blank at the front.
  static constexpr std::size_t kMaxKept = 64 * 1024;
  struct Kept {
    std::string name, value;
  };
  const std::vector<Kept>& kept() const { return kept_; }
  bool kept_all() const { return kept_bytes_ <= kMaxKept; }
  std::uint32_t received_count() const { return received_; }  // Received fields
  // "TLS-Required: No" [RFC8689 3]
  bool says_tls_is_optional() const;

  // From now on edit() would only copy.
  bool in_body() const { return state_ == State::body; }

 private:
  // line_start -name-> name -':'-> copy or skip -LF-> line_start; line_start -empty line-> body
  enum class State : unsigned char { line_start, name, copy, skip, body };
  void take_name_byte(char c, std::string& out);
  void decide_field(std::string& out);
  void decide_no_field(std::string& out);
  void end_header(std::string& out);
  void keep(std::string_view bytes);

  Complete complete_;
  State state_ = State::line_start;
  State fate_ = State::copy;   // of the field that a continuation line belongs to
  bool at_top_ = true;         // no field has been let through
  std::uint32_t received_ = 0;
  bool has_date_ = false, has_message_id_ = false, has_from_ = false;
  Bcc bcc_;
  bool keeping_ = false;       // the field under way is the last of kept_
  std::vector<Kept> kept_;
  std::size_t kept_bytes_ = 0;  // names and values, what was too much included
  std::string held_;           // the beginning of a line that is not understood yet; short
  std::size_t name_size_ = 0;  // of it, without the blanks behind, which may stand before the colon [RFC5322 4.5]
};

}  // namespace posthorn::intake
