#include "sendmail_input.h"

#include <errno.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/settings.h"
#include "message/address.h"
#include "message/header.h"
#include "proto/smtp/address.h"
#include "server/drop/drop_file.h"

namespace posthorn {
namespace {

constexpr std::size_t kMaxHeader = 1 << 20;

// Its empty line included; npos: it goes on.
std::size_t header_end(std::string_view text) {
  if (text.starts_with('\n')) return 1;
  if (text.starts_with("\r\n")) return 2;
  const auto lf = text.find("\n\n"), crlf = text.find("\n\r\n");
  if (lf == text.npos && crlf == text.npos) return text.npos;
  return lf < crlf ? lf + 2 : crlf + 3;
}

}  // namespace

Result<std::string> SendmailInput::next() {
  while (!ended_) {
    char piece[32 * 1024];
    const auto n = ::read(STDIN_FILENO, piece, sizeof piece);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(Errc::io, std::string("cannot read the message: ") + std::strerror(errno));
    ended_ = n == 0;
    const std::string_view bytes(piece, static_cast<std::size_t>(n));
    std::string out = dot_ends_ ? up_to_dot(bytes) : std::string(bytes);
    if (!out.empty()) return out;
  }
  return std::string();
}

std::string SendmailInput::up_to_dot(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    line_ += c;
    if (at_line_start_ && (line_ == "." || line_ == ".\r")) continue;
    if (at_line_start_ && (line_ == ".\n" || line_ == ".\r\n")) {
      ended_ = dot_seen_ = true;
      break;
    }
    out += line_;
    line_.clear();
    at_line_start_ = c == '\n';
  }
  if (ended_ && !dot_seen_ && line_ != "." && line_ != ".\r") out += line_;  // a last line without an end may be the dot, too
  return out;
}

Result<std::string> read_header(SendmailInput& input) {
  std::string text;
  while (header_end(text) == text.npos) {
    if (text.size() > kMaxHeader) return fail(Errc::too_large, "the header is larger than " + size_text(kMaxHeader));
    TRY(const auto more, input.next());
    if (more.empty()) break;
    text += more;
  }
  return text;
}

std::vector<std::string> header_recipients(std::string_view text) {
  // "From ann Thu ..." of mailbox files is no field, and would hide the others.
  if (text.starts_with("From ")) text.remove_prefix(std::min(text.size(), text.find('\n') + 1));
  const message::HeaderView fields(text.substr(0, header_end(text)));
  bool resent = false;
  for (const auto* name : {"Resent-To", "Resent-Cc", "Resent-Bcc"}) resent = resent || fields.find(name).has_value();
  std::vector<std::string> out;
  for (const std::string name : {"To", "Cc", "Bcc"})
    for (const auto& field : fields.find_all((resent ? "Resent-" : "") + name))
      for (const auto& a : message::parse_address_list(field.value, drop::kMaxDropRecipients + 1)) {
        if (a.kind != message::Address::Kind::mailbox || a.mailbox.empty()) continue;
        const auto address = smtp::to_string({a.mailbox, a.host.empty() ? "localhost" : a.host});
        out.push_back(a.host.empty() ? address.substr(0, address.rfind('@')) : address);
      }
  return out;
}

}  // namespace posthorn
