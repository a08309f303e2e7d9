#include "mailauth/dkim/signed_fields.h"

#include <map>

#include "message/header.h"
#include "text/ascii.h"

namespace posthorn::mailauth::dkim {
namespace {

enum class Seal : std::uint8_t { always, when_there, never };

// What a reader sees or acts upon.  Left out is what others may change or add [RFC6376 5.4.1]: Received, Return-Path, Comments, Keywords.
// [RFC8058 4] List-Unsubscribe and List-Unsubscribe-Post must be covered for one-click to work.
constexpr struct {
  std::string_view name;
  Seal seal;
} kFields[] = {
    {"from", Seal::always},
    {"sender", Seal::when_there},
    {"reply-to", Seal::always},
    {"subject", Seal::always},
    {"date", Seal::always},
    {"message-id", Seal::when_there},
    {"to", Seal::always},
    {"cc", Seal::always},
    {"in-reply-to", Seal::when_there},
    {"references", Seal::when_there},
    {"mime-version", Seal::when_there},
    {"content-type", Seal::when_there},
    {"content-transfer-encoding", Seal::when_there},
    {"content-disposition", Seal::when_there},
    {"autocrypt", Seal::when_there},
    {"resent-date", Seal::never},
    {"resent-from", Seal::never},
    {"resent-sender", Seal::never},
    {"resent-to", Seal::never},
    {"resent-cc", Seal::never},
    {"resent-message-id", Seal::never},
    {"list-id", Seal::never},
    {"list-help", Seal::never},
    {"list-unsubscribe", Seal::never},
    {"list-unsubscribe-post", Seal::never},
    {"list-subscribe", Seal::never},
    {"list-post", Seal::never},
    {"list-owner", Seal::never},
    {"list-archive", Seal::never},
};

// The fields of each name, in lower case, from the top of the header to its bottom.
using FieldsByName = std::map<std::string, std::vector<std::string_view>, std::less<>>;

FieldsByName fields_by_name(std::string_view header) {
  FieldsByName out;
  for (const auto& field : message::HeaderView(header))
    if (!field.name.empty()) out[text::to_lower(field.name)].push_back(field.whole);
  return out;
}

// [RFC6376 5.4.2]; takes what it uses out of `fields`.
std::string take_text(Canonicalization form, FieldsByName fields, const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) {
    const auto found = fields.find(text::to_lower(name));
    if (found == fields.end() || found->second.empty()) continue;  // [RFC6376 5.4] no such field (any more): nothing
    out += canonical_field(form, found->second.back());
    out += "\r\n";
    found->second.pop_back();
  }
  return out;
}

}  // namespace

SignedFields choose_signed_fields(Canonicalization form, std::string_view header) {
  auto fields = fields_by_name(header);
  SignedFields out;
  for (const auto& [name, seal] : kFields) {
    const auto found = fields.find(name);
    const std::size_t there = found == fields.end() ? 0 : found->second.size();
    const bool sealed = seal == Seal::always || (seal == Seal::when_there && there > 0);
    out.names.insert(out.names.end(), there + (sealed ? 1 : 0), std::string(name));
  }
  out.text = take_text(form, std::move(fields), out.names);
  return out;
}

std::string text_of_fields(Canonicalization form, std::string_view header, const std::vector<std::string>& names) {
  return take_text(form, fields_by_name(header), names);
}

}  // namespace posthorn::mailauth::dkim
