// Writes IMAP: the small rules of [RFC3501 9], and whole status responses.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "proto/imap/command.h"

namespace posthorn::imap {

enum class Completion : std::uint8_t { ok, no, bad };  // tagged
// How what is not US-ASCII goes out: names as modified UTF-7 and strings as literals, or both as UTF-8 in
// quoted strings, which a client must have enabled. [RFC6855 3]
enum class Names : std::uint8_t { utf7, utf8 };

// Appends to a string that it does not own. Each method returns the writer, so responses read as they are
// sent:
//   w.untagged().number(3).sp().raw("EXISTS").crlf();
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  Writer& raw(std::string_view text) {
    out_ += text;
    return *this;
  }
  Writer& sp() {
    out_ += ' ';
    return *this;
  }
  Writer& open() {
    out_ += '(';
    return *this;
  }
  Writer& close() {
    out_ += ')';
    return *this;
  }
  Writer& crlf() {
    out_ += "\r\n";
    return *this;
  }
  Writer& nil() {
    out_ += "NIL";
    return *this;
  }
  Writer& number(std::uint64_t);

  Writer& quoted(std::string_view);  // REQUIRES: can_be_quoted() in the mode of the client
  Writer& literal(std::string_view);           // "{n}" CRLF octets, as char8() has them
  Writer& literal_header(std::uint64_t size);  // the caller sends the octets
  // Octets of a literal.  [RFC3501 9] CHAR8 has no NUL, but mail does: the octet 0x80 takes its place, as with other servers.  BINARY
  // shows what is there.
  Writer& char8(std::string_view);
  Writer& literal8_header(std::uint64_t size);            // "~{n}": what may hold NUL [RFC3516 7]
  Writer& string(std::string_view, Names = Names::utf7);  // quoted if possible and short, else literal
  Writer& nstring(std::optional<std::string_view>);
  Writer& astring(std::string_view, Names = Names::utf7);       // atom if possible, else string
  Writer& mailbox(std::string_view utf8, Names = Names::utf7);  // always quoted
  Writer& flags(const FlagList&);                               // "(\\Seen $Forwarded)"
  Writer& special_uses(std::uint8_t bits);                      // "\\Sent \\Drafts", without parentheses
  Writer& set(const NumberSet&);
  Writer& uids(const std::vector<Uid>& ascending);  // as a compact uid-set; REQUIRES: ascending, not empty
  Writer& result_range(const ResultRange&);         // "-1:-100" [RFC9394 4]
  Writer& date_time(const text::DateTime&);         // "\"17-Jul-1996 02:44:25 -0700\""
  Writer& fetch_name(const FetchAttribute&);

  Writer& untagged() {
    out_ += "* ";
    return *this;
  }
  // "* ESEARCH (TAG \"a1\") UID": the return data follow, each behind its space. [RFC4731 3.2]
  Writer& esearch(std::string_view tag, bool uid);
  // "a1 NO [TRYCREATE] No such mailbox" CRLF; code may be empty; text is cleaned of control characters and
  // never empty.
  Writer& tagged(std::string_view tag, Completion, std::string_view code, std::string_view text);
  Writer& untagged_status(std::string_view condition, std::string_view code,
                          std::string_view text);  // OK NO BAD BYE PREAUTH
  Writer& continuation(std::string_view text);     // "+ " text CRLF

 private:
  std::string& out_;
};

// [RFC3501 9] quoted: TEXT-CHAR, that is 7-bit without NUL, CR, LF; or valid UTF-8 without them [RFC6855 3].
bool can_be_quoted(std::string_view, Names = Names::utf7);
bool is_atom(std::string_view);
bool is_astring_atom(std::string_view);

}  // namespace posthorn::imap
