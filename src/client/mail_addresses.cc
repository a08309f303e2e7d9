#include "client/mail_addresses.h"

#include "message/address.h"
#include "message/compose.h"
#include "message/encoded_word.h"
#include "text/ascii.h"
#include "text/idna.h"
#include "text/utf8.h"

namespace posthorn::client {
namespace {

constexpr std::size_t kMost = 10'000;

std::unexpected<Error> wrong(std::string_view typed, const std::string& why) {
  return fail(Errc::syntax, "'" + std::string(typed.substr(0, 200)) + "' is no address: " + why);
}

Result<smtp::Mailbox> to_mailbox(const message::Address& a) {
  if (a.host.empty()) return fail(Errc::syntax, "there is no domain in it");
  smtp::Mailbox mailbox{a.mailbox, a.host};
  // [RFC6531 3.3] Only a local part beyond ASCII needs a server that knows of it.
  if (text::is_ascii(mailbox.local_part) && !text::is_ascii(mailbox.domain)) {
    TRY(mailbox.domain, text::domain_to_ascii(mailbox.domain));
  }
  return smtp::parse_mailbox(smtp::to_string(mailbox));
}

}  // namespace

Result<std::vector<TypedAddress>> parse_typed_addresses(std::string_view typed) {
  if (!text::is_valid_utf8(typed)) return wrong(typed, "it is no UTF-8");
  for (const char c : typed)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7F') return wrong(typed, "there is a control character in it");
  std::vector<TypedAddress> out;
  for (const auto& one : message::parse_address_list(typed, kMost + 1)) {
    if (one.kind != message::Address::Kind::mailbox) continue;
    auto mailbox = to_mailbox(one);
    // Old mail may have it without quotes; who types it has made a mistake.
    if (one.mailbox.contains('@') && !typed.contains('"')) return wrong(typed, "there is more than one @ in it");
    if (!mailbox) return wrong(typed, mailbox.error().text);
    out.push_back({message::decode_encoded_words(one.name), *std::move(mailbox)});
  }
  if (out.empty()) return wrong(typed, "there is none in it");
  if (out.size() > kMost) return fail(Errc::syntax, "there are too many addresses");
  return out;
}

Result<TypedAddress> parse_typed_address(std::string_view typed) {
  TRY(auto all, parse_typed_addresses(typed));
  if (all.size() != 1) return wrong(typed, "there must be exactly one");
  return std::move(all.front());
}

std::string header_text(const TypedAddress& a) {
  const auto address = smtp::to_string(a.mailbox);
  if (a.name.empty()) return address;
  auto name = message::encode_encoded_words(a.name);
  bool words = !name.empty();  // of atoms, with blanks between them
  for (const char c : name) words = words && (text::is_alpha(c) || text::is_digit(c) || c == ' ');
  // What looks like an encoded word and is none must not become one.
  if (name == a.name && !words) name = message::quote_if_needed(name);
  return name + " <" + address + '>';
}

}  // namespace posthorn::client
