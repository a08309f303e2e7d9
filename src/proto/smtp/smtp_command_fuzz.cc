// Any line parses to a command or an error; a path that was understood survives writing and reading.
#include <cstddef>
#include <cstdint>
#include <string>

#include "proto/smtp/command.h"

using namespace posthorn;
using namespace posthorn::smtp;

static void check_path(const std::optional<Mailbox>& path) {
  std::string text;
  put_path(text, path);
  std::string_view rest = text;
  const AddressLimits limits{.path = 4096};  // the written form may need more backslashes
  if (path && path->domain.empty()) {
    CHECK(take_forward_path(rest, limits).value() == *path);
  } else {
    CHECK(take_reverse_path(rest, limits).value() == path);
  }
  CHECK(rest.empty());
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const auto got = parse_command(line, {.transaction_is_utf8 = true});
  if (!got) {
    const auto text = to_string(got.error().reply);
    CHECK(got.error().reply.code >= 500 && text.ends_with("\r\n") && text.find('\n') == text.size() - 1);
    return 0;
  }
  if (const auto* mail = std::get_if<Mail>(&*got)) check_path(mail->reverse_path);
  if (const auto* rcpt = std::get_if<Rcpt>(&*got)) check_path(rcpt->forward_path);
  return 0;
}
