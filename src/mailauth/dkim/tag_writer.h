// Writes a field that is a tag-list [RFC6376 3.2], folded so that its lines stay short.  Private to this folder.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace posthorn::mailauth::dkim {

class TagWriter {
 public:
  explicit TagWriter(std::string_view field_name);

  void put(std::string_view tag);  // "v=1;", on a line with what was before it where there is room
  // "h=a:b:c;", folded behind colons.  REQUIRES: values is not empty.
  void put_list(std::string_view tag, const std::vector<std::string>& values);
  // The last tag, on a line of its own and without value; text() is then what is hashed.
  void start_last(std::string_view tag);
  void put_value(std::string_view base64);  // of the last tag, folded anywhere

  const std::string& text() const { return out_; }
  std::string take();  // whole, with CRLF

 private:
  void fold();
  std::size_t room() const;  // in this line

  std::string out_;
  std::size_t line_start_ = 0;
};

// [RFC6376 2.11] dkim-quoted-printable
std::string quoted_printable(std::string_view bytes);

}  // namespace posthorn::mailauth::dkim
