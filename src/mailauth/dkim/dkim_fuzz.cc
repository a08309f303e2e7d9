// Any message, cut anywhere: canonical bodies are what the standard says, and the signatures do not depend on the cuts.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "mailauth/dkim/by_the_book.h"
#include "mailauth/dkim/signer.h"
#include "mailauth/dkim/testing_keys.h"
#include "message/header.h"
#include "text/ascii.h"

namespace {

using namespace posthorn;
using namespace posthorn::mailauth::dkim;

std::string canonical_body(Canonicalization form, std::string_view body, std::size_t piece) {
  std::string out;
  BodyCanonicalizer canonicalizer(form);
  const BodyCanonicalizer::Sink sink = [&out](std::string_view s) { out += s; };
  for (std::size_t at = 0; at < body.size(); at += piece) {
    const std::string copy(body.substr(at, piece));  // so that ASan sees a view that is kept
    canonicalizer.feed(copy, sink);
  }
  canonicalizer.finish(sink);
  return out;
}

Signer read(Canonicalization form, std::string_view message, std::size_t piece) {
  Signer signer(form, form);
  for (std::size_t at = 0; at < message.size(); at += piece) {
    const std::string copy(message.substr(at, piece));
    signer.feed(copy);
  }
  signer.end();
  return signer;
}

void check_fields(std::string_view message) {
  for (const auto& field : message::HeaderView(message)) {
    if (field.name.empty()) continue;
    const auto relaxed = canonical_field(Canonicalization::relaxed, field.whole);
    const auto colon = relaxed.find(':');
    CHECK(colon != relaxed.npos && relaxed.substr(0, colon) == text::to_lower(field.name));
    const auto value = std::string_view(relaxed).substr(colon + 1);
    CHECK(value.find('\t') == value.npos && value.find("  ") == value.npos && !value.starts_with(' ') && !value.ends_with(' '));
    CHECK(field.whole.starts_with(canonical_field(Canonicalization::simple, field.whole)));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  static const crypto::NamedKey key = key_of("selector", kEd25519KeyOf8463);
  const Identity identity{.domain = "example.test", .keys = {key}};
  const std::size_t piece = 1 + data[0] % 64u;
  const std::string_view message(reinterpret_cast<const char*>(data) + 1, size - 1);
  check_fields(message);
  for (const auto form : {Canonicalization::simple, Canonicalization::relaxed}) {
    CHECK(canonical_body(form, message, piece) == by_the_book(form, message));
    const auto whole = read(form, message, message.size()), cut = read(form, message, piece);
    CHECK(whole.author_domain() == cut.author_domain());
    const auto fields = whole.finish(identity), again = cut.finish(identity);
    CHECK(fields.has_value() == again.has_value());
    if (fields) CHECK(*fields == *again && fields->starts_with("DKIM-Signature: ") && fields->ends_with("\r\n"));
  }
  return 0;
}
