// XCLIENT and XFORWARD, as Postfix' XCLIENT_README and XFORWARD_README describe them.
#include <algorithm>

#include "proto/smtp/parameters.h"
#include "proto/smtp/words.h"
#include "proto/smtp/xtext.h"
#include "text/ascii.h"

namespace posthorn::smtp {
namespace {

using Name = ClientAttribute::Name;

constexpr std::size_t kMaxValue = 255;

struct Known {
  std::string_view word;
  Name name;
};
constexpr Known kXClient[] = {{"NAME", Name::name}, {"ADDR", Name::addr},         {"PORT", Name::port},
                              {"PROTO", Name::proto}, {"HELO", Name::helo},       {"LOGIN", Name::login},
                              {"DESTADDR", Name::destaddr}, {"DESTPORT", Name::destport}};
constexpr Known kXForward[] = {{"NAME", Name::name}, {"ADDR", Name::addr}, {"PORT", Name::port},    {"PROTO", Name::proto},
                               {"HELO", Name::helo}, {"IDENT", Name::ident}, {"SOURCE", Name::source}};

std::unexpected<CommandError> refuse(std::string text) { return std::unexpected(CommandError{Reply(501, {5, 5, 4}, std::move(text))}); }

bool is_unavailable(std::string_view s) { return text::iequals(s, "[UNAVAILABLE]") || text::iequals(s, "[TEMPUNAVAIL]"); }

// "192.0.2.1", "IPV6:2001:db8::1"; without the tag too, as some say it.
std::optional<std::string> numeric_address(std::string_view s) {
  constexpr std::string_view kTag = "IPV6:";
  if (is_address_literal('[' + std::string(s) + ']'))
    return std::string(text::istarts_with(s, kTag) ? s.substr(kTag.size()) : s);
  if (is_address_literal("[IPv6:" + std::string(s) + ']')) return std::string(s);
  return {};
}

std::optional<std::string> one_of(std::string_view s, std::string_view first, std::string_view second) {
  for (const auto choice : {first, second})
    if (text::iequals(s, choice)) return std::string(choice);
  return {};
}

// The value in the form that ClientAttribute promises; nothing: it is not of its form.
std::optional<std::string> checked(Name name, std::string value) {
  switch (name) {
    case Name::addr:
    case Name::destaddr: return numeric_address(value);
    case Name::port:
    case Name::destport: {
      const auto port = value.size() <= 5 ? to_number(value) : std::nullopt;
      return port && *port <= 65535 ? std::optional(std::move(value)) : std::nullopt;
    }
    case Name::proto: return one_of(value, "SMTP", "ESMTP");
    case Name::source: return one_of(value, "LOCAL", "REMOTE");
    case Name::name:
    case Name::helo:
    case Name::login:
    case Name::ident: break;
  }
  const bool clean = std::ranges::none_of(value, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  return clean && !value.empty() && value.size() <= kMaxValue ? std::optional(std::move(value)) : std::nullopt;
}

template <std::size_t N>
std::expected<std::vector<ClientAttribute>, CommandError> take_attributes(std::string_view in, const Known (&known)[N],
                                                                          std::string_view verb) {
  std::vector<ClientAttribute> out;
  if (in.empty()) return refuse("Syntax: " + std::string(verb) + " attribute=value ...");
  while (!in.empty()) {
    const auto word = take_word(in);
    const auto equals = word.find('=');
    const auto* const found = std::ranges::find_if(known, [&](const Known& k) { return text::iequals(k.word, word.substr(0, equals)); });
    if (equals == word.npos || found == std::end(known)) return refuse("Bad " + std::string(verb) + " attribute");
    const auto decoded = from_xtext(word.substr(equals + 1));
    if (decoded && is_unavailable(*decoded)) {
      out.push_back({found->name, {}});
      continue;
    }
    auto value = decoded ? checked(found->name, *decoded) : std::nullopt;
    if (!value) return refuse("Bad " + std::string(found->word) + " attribute");
    out.push_back({found->name, *std::move(value)});
  }
  return out;
}

}  // namespace

std::expected<XClient, CommandError> take_xclient(std::string_view in) {
  auto attributes = take_attributes(in, kXClient, "XCLIENT");
  if (!attributes) return std::unexpected(std::move(attributes).error());
  return XClient{*std::move(attributes)};
}

std::expected<XForward, CommandError> take_xforward(std::string_view in) {
  auto attributes = take_attributes(in, kXForward, "XFORWARD");
  if (!attributes) return std::unexpected(std::move(attributes).error());
  return XForward{*std::move(attributes)};
}

}  // namespace posthorn::smtp
