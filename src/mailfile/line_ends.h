// CRLF as it comes from servers, to LF as files have it, and back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace posthorn::mailfile {

// A CR before an LF goes; every other CR stays.  The result does not depend on how the text is cut.
class ToLf {
 public:
  void put(std::string& out, std::string_view text);
  void finish(std::string& out);
  // So many LF stand in the result: what it grows by where lines must end with CRLF.
  std::uint64_t bare() const { return lines_; }

 private:
  bool after_cr_ = false;  // the last byte was a CR, and is not written yet
  std::uint64_t lines_ = 0;
};

// LF becomes CRLF, CRLF stays, and so does every other CR.  The result does not depend on how the text is cut.
class ToCrlf {
 public:
  void put(std::string& out, std::string_view text);
  // So many octets put() would write of it.
  std::uint64_t count(std::string_view text);

 private:
  char last_ = 0;
};

}  // namespace posthorn::mailfile
