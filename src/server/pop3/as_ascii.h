// A message with UTF-8 in its header for a client that has not said UTF8: a surrogate in ASCII. [RFC6856 2.1]
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "async/task.h"
#include "base/result.h"
#include "message/downgrade.h"
#include "store/account.h"

namespace posthorn::pop3 {

// Header fields become encoded words, bodies quoted-printable or base64: as for a host without SMTPUTF8 and 8BITMIME.  8-bit text in bodies
// below an ASCII header is no reason for it: clients have always taken that [RFC1939 11].
// Memory: one header of the message, and some bytes a part.
class AsAscii {
 public:
  // False: it may be sent as it is, without asking further.  `first` is its beginning, up to a chunk.
  static bool may_be_needed(std::string_view first, std::uint64_t size);
  // Null: it may be sent as it is.
  // unsupported: it cannot be had in ASCII (an address is international, or a signature would break).  Else errors of reading.
  static Task<Result<std::unique_ptr<AsAscii>>> make(store::AccountPtr, MessageId, std::uint64_t size, std::string first);

  // The next bytes of the message; what is to be sent of them is appended to `out`.
  void feed(std::string_view bytes, std::string& out) { converter_.feed(bytes, out); }
  void finish(std::string& out) { converter_.finish(out); }

 private:
  AsAscii(message::Summary summary, message::DowngradePlan plan)
      : summary_(std::move(summary)), plan_(std::move(plan)), converter_(summary_, plan_) {}
  const message::Summary summary_;
  const message::DowngradePlan plan_;
  message::Downgrader converter_;
};

}  // namespace posthorn::pop3
