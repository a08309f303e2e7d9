// File names in a Maildir, and the flags in them. [https://cr.yp.to/proto/maildir.html]
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace posthorn::mailfile {

// The letters behind ":2,".  Capitals are those of Maildir: D(raft) F(lagged) P(assed on) R(eplied) S(een)
// T(rashed); small letters are keywords, which maildir_keywords.h names.
class MaildirFlags {
 public:
  constexpr MaildirFlags() = default;
  // What is no letter is not heeded.
  constexpr explicit MaildirFlags(std::string_view letters) {
    for (const char c : letters) add(c);
  }
  constexpr bool has(char letter) const { return (bits_ & bit(letter)) != 0; }
  constexpr void add(char letter) { bits_ |= bit(letter); }
  constexpr void remove(char letter) { bits_ &= ~bit(letter); }
  constexpr bool empty() const { return bits_ == 0; }
  std::string letters() const;  // in ASCII's order, as they stand in a name
  friend bool operator==(const MaildirFlags&, const MaildirFlags&) = default;

 private:
  static constexpr std::uint64_t bit(char c) {
    if (c >= 'A' && c <= 'Z') return std::uint64_t{1} << (c - 'A');
    if (c >= 'a' && c <= 'z') return std::uint64_t{1} << (c - 'a' + 26);
    return 0;
  }
  std::uint64_t bits_ = 0;
};

// "1700000000.M5P7Q1.host,U=12,S=300:2,FS".
// INVARIANT 1: parse_maildir_name(x).text() is x.
// INVARIANT 2: `unique` is not empty and neither it nor `fields` has "/", ":" or NUL; it does not begin with
// ".".
struct MaildirName {
  std::string unique;  // to the first ","; no other message of this folder has it, and it stays when flags or
                       // fields change
  std::string fields;  // ",U=12,S=300", as it stands
  std::optional<MaildirFlags> flags;  // nullopt: there is no ":2,"
  // The info, when we would write another (":1,...", ":2,SF"): replaced by the next change of flags.
  std::string rest;

  std::string base() const { return unique + fields; }
  std::string text() const;
  // The number behind ",U=", ",S=" (bytes of the file) or ",W=" (with CRLF for every end of a line).
  std::optional<std::uint64_t> field(char letter) const;
  void set_field(char letter, std::optional<std::uint64_t> value);
  std::optional<std::uint32_t> uid() const;
  friend bool operator==(const MaildirName&, const MaildirName&) = default;
};
// nullopt: a name that is no message's (empty, hidden, too long, with "/").
std::optional<MaildirName> parse_maildir_name(std::string_view);

// A name that no other process on no other host makes: time, microseconds, process, counter, random bits,
// host.  Threads: any.
MaildirName make_maildir_name();

}  // namespace posthorn::mailfile
