#include "send_message.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <set>

#include "base/settings.h"
#include "client/given_message.h"
#include "client/letter.h"
#include "client/mail_addresses.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "message/address.h"
#include "message/header.h"
#include "sendmail_input.h"
#include "text/ascii.h"
#include "text/utf8.h"

namespace posthorn {
namespace {

using client::TypedAddress;

constexpr std::size_t kMaxText = 16 << 20;

text::DateTime local_now() {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const std::time_t time = std::chrono::system_clock::to_time_t(seconds);
  std::tm local{};
  ::localtime_r(&time, &local);
  return {.time = seconds, .offset_minutes = static_cast<int>(local.tm_gmtoff / 60)};
}

// What is wrong with an option is the user's to put right.
template <class T>
Result<T> as_option(std::string_view option, Result<T> value) {
  if (value) return value;
  return fail(Errc::invalid, std::string(option) + ": " + value.error().text);
}

Result<std::vector<TypedAddress>> addresses_of(std::string_view option, const std::vector<std::string>& given) {
  std::vector<TypedAddress> all;
  for (const auto& one : given) {
    TRY(auto some, as_option(option, client::parse_typed_addresses(one)));
    std::ranges::move(some, std::back_inserter(all));
  }
  return all;
}

struct People {
  std::vector<TypedAddress> to, cc, bcc;
};
Result<People> people_of(const SendOptions& o) {
  People out;
  TRY(out.to, addresses_of("--to", o.to));
  TRY(out.cc, addresses_of("--cc", o.cc));
  TRY(out.bcc, addresses_of("--bcc", o.bcc));
  return out;
}

// [RFC5321 2.4] Domains are the same in upper and lower case; local parts may not be.
std::string as_key(const smtp::Mailbox& mailbox) { return mailbox.local_part + '@' + text::to_lower(mailbox.domain); }

void add_recipients(Outgoing& out, const std::vector<TypedAddress>& more) {
  std::set<std::string> known;
  for (const auto& one : out.recipients) known.insert(as_key(one.forward_path));
  for (const auto& one : more) {
    const bool is_new = known.insert(as_key(one.mailbox)).second;
    if (is_new) out.recipients.push_back({.forward_path = one.mailbox, .notify = {}, .original_recipient = {}});
  }
}

Result<std::string> read_text(const std::string& path) {
  TRY(const auto file, client::open_message_file(path));
  if (file.size > kMaxText) return fail(Errc::too_large, "the text in " + file.name + " is larger than 16 MiB: attach it");
  std::string text(static_cast<std::size_t>(file.size), '\0');
  for (std::size_t have = 0; have < text.size();) {
    const auto n = ::pread(file.file->fd(), text.data() + have, text.size() - have, static_cast<off_t>(have));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0)
      return fail(Errc::io, "cannot read " + file.name + (n < 0 ? std::string(": ") + std::strerror(errno) : ": it has become shorter"));
    have += static_cast<std::size_t>(n);
  }
  return text;
}

Result<std::string> text_for(const SendOptions& o) {
  if (o.body) return *o.body;
  if (!o.body_file.empty()) return read_text(o.body_file);
  // As mail(1) does; a terminal is not waited for.
  if (o.html_file == "-" || ::isatty(STDIN_FILENO)) return std::string();
  return read_text("-");
}

Result<TypedAddress> author_of(const SendOptions& o, const std::string& user) {
  if (!o.from.empty()) return as_option("--from", client::parse_typed_address(o.from));
  auto address = client::parse_typed_address(user);
  if (!address) return fail(Errc::invalid, "who sends it? Say --from");
  return address;
}

Result<std::pair<std::string, std::string>> field_of(const std::string& given) {
  const auto colon = given.find(':');
  if (colon == given.npos) return fail(Errc::invalid, "--header '" + given + "': a field is \"Name: value\"");
  return std::pair(given.substr(0, colon), std::string(text::trim(std::string_view(given).substr(colon + 1))));
}

Result<Outgoing> write_message(const SendOptions& o, const std::string& user, const People& people) {
  client::Letter letter;
  TRY(letter.from, author_of(o, user));
  letter.to = people.to;
  letter.cc = people.cc;
  letter.subject = o.subject.value_or("");
  for (const auto& one : o.headers) {
    TRY(auto field, field_of(one));
    letter.fields.push_back(std::move(field));
  }
  for (const auto& path : o.attach) {
    TRY(auto file, client::open_regular_file(path));
    letter.attachments.push_back({.file = std::move(file.file), .path = path, .size = file.size});
  }
  TRY(letter.text, text_for(o));
  if (!o.html_file.empty()) {
    TRY(letter.html, read_text(o.html_file));
  }
  letter.date = local_now();
  letter.message_id = client::make_message_id(letter.from.mailbox.domain);
  letter.boundary = crypto::to_hex(crypto::random_bytes(16));
  Outgoing out;
  TRY(out.pieces, client::write_letter(letter));
  out.message_id = letter.message_id;
  out.mail.reverse_path = letter.from.mailbox;
  out.mail.size = client::length_of(out.pieces);
  // Addresses in the header are all that can be beyond ASCII.
  const auto utf8 = [](const std::vector<TypedAddress>& all) {
    return std::ranges::any_of(all, [](const auto& a) { return smtp::needs_smtp_utf8(a.mailbox); });
  };
  out.mail.smtp_utf8 = smtp::needs_smtp_utf8(letter.from.mailbox) || utf8(people.to) || utf8(people.cc);
  if (out.mail.smtp_utf8) out.mail.body = smtp::Body::eight_bit_mime;
  return out;
}

// [RFC5321 3.9.2] of a message that is there: Sender, else the first of From.
Result<std::optional<smtp::Mailbox>> sender_of(const SendOptions& o, const std::string& header, const std::string& user) {
  if (o.from == "<>") return std::nullopt;
  if (!o.from.empty()) {
    TRY(auto given, as_option("--from", client::parse_typed_address(o.from)));
    return std::move(given.mailbox);
  }
  const message::HeaderView fields(header);
  for (const auto* name : {"Sender", "From"}) {
    const auto field = fields.find(name);
    if (!field) continue;
    const auto list = message::parse_address_list(field->value, 1);
    if (list.empty() || list.front().host.empty()) continue;
    auto address = client::parse_typed_address(smtp::to_string({list.front().mailbox, list.front().host}));
    if (address) return std::move(address->mailbox);
  }
  auto address = client::parse_typed_address(user);
  if (address) return std::move(address->mailbox);
  return fail(Errc::invalid, "who sends it? The message has no From: say --from");
}

Result<Outgoing> take_message(const SendOptions& o, const std::string& user) {
  TRY(const auto file, client::open_message_file(o.file.empty() ? "-" : o.file));
  TRY(auto given, client::prepare_message(file, o.as_is ? std::nullopt : std::optional(local_now())));
  Outgoing out;
  out.pieces = std::move(given.pieces);
  out.message_id = std::move(given.message_id);
  TRY(out.mail.reverse_path, sender_of(o, given.header, user));
  out.mail.size = given.size;
  out.longest_line = given.longest_line;
  out.mail.body = given.eight_bit ? smtp::Body::eight_bit_mime : smtp::Body::seven_bit;
  // [RFC6532 3] What is no UTF-8 is an old custom, and goes as 8-bit.
  out.mail.smtp_utf8 = given.utf8_header && text::is_valid_utf8(given.header);
  if (o.read_recipients) {
    std::vector<TypedAddress> named;
    for (const auto& one : header_recipients(given.header)) {
      auto some = client::parse_typed_addresses(one);
      if (!some) return fail(Errc::syntax, "a recipient of the message: " + some.error().text);
      std::ranges::move(*some, std::back_inserter(named));
    }
    add_recipients(out, named);
  }
  return out;
}

Result<smtp::Notify> notify_of(const std::string& given) {
  smtp::Notify out;
  for (std::string_view rest = given; !rest.empty();) {
    const auto word = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    if (text::iequals(word, "never"))
      out.never = true;
    else if (text::iequals(word, "success"))
      out.success = true;
    else if (text::iequals(word, "failure"))
      out.failure = true;
    else if (text::iequals(word, "delay"))
      out.delay = true;
    else
      return fail(Errc::invalid, "--notify '" + std::string(word) + "': there are never, success, failure and delay");
  }
  if (out.never && (out.success || out.failure || out.delay)) return fail(Errc::invalid, "--notify: never excludes the others");
  return out;
}

// [RFC3461 4.2] The address as it was given, for the notices.
smtp::OriginalRecipient original_of(const smtp::Mailbox& mailbox) {
  return {.address_type = smtp::needs_smtp_utf8(mailbox) ? "utf-8" : "rfc822", .address = smtp::to_string(mailbox)};
}

Result<void> add_wishes(Outgoing& out, const SendOptions& o) {
  auto& mail = out.mail;
  if (!o.notify.empty()) {
    TRY(const auto notify, notify_of(o.notify));
    for (auto& one : out.recipients) {
      one.notify = notify;
      one.original_recipient = original_of(one.forward_path);
    }
  }
  if (!o.ret.empty()) mail.ret = o.ret == "full" ? smtp::Return::full : smtp::Return::headers;
  if (!o.envelope_id.empty()) {
    const bool printable_ascii = std::ranges::all_of(o.envelope_id, [](char c) { return c >= ' ' && c < '\x7F'; });
    if (!printable_ascii || o.envelope_id.size() > 100) return fail(Errc::invalid, "--envid: at most 100 characters of printable ASCII");
    mail.envelope_id = o.envelope_id;
  }
  mail.require_tls = o.require_tls;
  if (!o.hold_for.empty()) {
    TRY(const auto time, as_option("--hold-for", parse_duration(o.hold_for)));
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(time).count();
    if (seconds < 1 || seconds > 999'999'999) return fail(Errc::invalid, "--hold-for: from 1 to 999999999 seconds");  // [RFC4865 4.1]
    mail.hold_for_seconds = static_cast<std::uint32_t>(seconds);
  }
  if (!o.hold_until.empty()) {
    TRY(const auto when, as_option("--hold-until", text::parse_rfc3339_date_time(o.hold_until)));
    mail.hold_until = when.time;
  }
  for (const auto& one : out.recipients) mail.smtp_utf8 = mail.smtp_utf8 || smtp::needs_smtp_utf8(one.forward_path);
  mail.smtp_utf8 = mail.smtp_utf8 || (mail.reverse_path && smtp::needs_smtp_utf8(*mail.reverse_path));
  return {};
}

}  // namespace

Result<Outgoing> make_outgoing(const SendOptions& o, const std::string& user) {
  TRY(const auto people, people_of(o));
  if (people.to.empty() && people.cc.empty() && people.bcc.empty() && !o.read_recipients)
    return fail(Errc::invalid, o.writes() ? "to whom? Say --to" : "to whom? Say --to, or -t for those whom the message names");
  TRY(auto out, o.writes() ? write_message(o, user, people) : take_message(o, user));
  for (const auto* group : {&people.to, &people.cc, &people.bcc}) add_recipients(out, *group);
  if (out.recipients.empty()) return fail(Errc::invalid, "the message names no recipients");
  TRY_OK(add_wishes(out, o));
  return out;
}

}  // namespace posthorn
