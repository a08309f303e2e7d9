// What Courier gives, by SMAP and by IMAP, for a message whose file it cannot open: somebody has removed it, or it may not be read. [SMAP1 5.2]
#pragma once

#include <string>
#include <string_view>

namespace posthorn::client {

inline constexpr std::string_view kStandInHeader = "From: System Administrator <root@localhost>\nSubject: message unavailable\n";

// Tells it from messages, in whatever pieces and with whatever line ends it comes.  Courier tells its size as that of the message.
class StandInWatch {
 public:
  void put(std::string_view octets) {
    for (const char c : octets) {
      if (text_.size() > kText.size()) return;
      if (c != '\r') text_ += c;
    }
  }
  bool is_stand_in() const { return text_ == kText; }

 private:
  static constexpr std::string_view kText =
      "From: System Administrator <root@localhost>\nSubject: message unavailable\n\nThis message is no longer available on the server.\n";
  std::string text_;  // of the front, without CR
};

}  // namespace posthorn::client
