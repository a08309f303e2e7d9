// Any line parses to a command or an error; a path that was understood survives writing and reading, and what parameters say is of the
// form that their types promise.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "proto/smtp/command.h"
#include "proto/smtp/xtext.h"
#include "text/utf8.h"

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

static bool has_control(std::string_view s) {
  return std::ranges::any_of(s, [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; });
}

static void check_mail(const Mail& mail) {
  check_path(mail.reverse_path);
  if (mail.envelope_id) CHECK(is_printable(*mail.envelope_id) && from_xtext(to_xtext(*mail.envelope_id)) == mail.envelope_id);
  if (mail.deliver_by) CHECK(std::abs(mail.deliver_by->seconds) <= 999'999'999 && (mail.deliver_by->seconds > 0 || !mail.deliver_by->return_if_late));
  if (mail.hold_for_seconds) CHECK(*mail.hold_for_seconds >= 1 && *mail.hold_for_seconds <= 999'999'999);
  CHECK(!mail.hold_for_seconds || !mail.hold_until);
  if (mail.priority) CHECK(*mail.priority >= -9 && *mail.priority <= 9);
}

static void check_rcpt(const Rcpt& rcpt) {
  check_path(rcpt.forward_path);
  if (const auto& n = rcpt.notify) CHECK(n->never != (n->success || n->failure || n->delay));
  if (const auto& o = rcpt.original_recipient) {
    CHECK(!o->address.empty() && !has_control(o->address) && text::is_valid_utf8(o->address));
    CHECK(from_unitext(to_unitext(o->address)) == o->address || has_control(o->address) || o->address.find('\t') != std::string::npos);
  }
}

static void check_attributes(const std::vector<ClientAttribute>& attributes) {
  for (const auto& a : attributes) CHECK(a.value.size() <= 255 && !has_control(a.value));
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const auto got = parse_command(line, {.transaction_is_utf8 = true});
  if (!got) {
    const auto text = to_string(got.error().reply);
    CHECK(got.error().reply.code >= 500 && text.ends_with("\r\n") && text.find('\n') == text.size() - 1);
    return 0;
  }
  if (const auto* mail = std::get_if<Mail>(&*got)) check_mail(*mail);
  if (const auto* rcpt = std::get_if<Rcpt>(&*got)) check_rcpt(*rcpt);
  if (const auto* xclient = std::get_if<XClient>(&*got)) check_attributes(xclient->attributes);
  if (const auto* xforward = std::get_if<XForward>(&*got)) check_attributes(xforward->attributes);
  return 0;
}
