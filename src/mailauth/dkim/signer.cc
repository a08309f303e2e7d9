#include "mailauth/dkim/signer.h"

#include <algorithm>

#include "crypto/base64.h"
#include "mailauth/dkim/tag_writer.h"
#include "message/address.h"
#include "message/header.h"
#include "text/ascii.h"

namespace posthorn::mailauth::dkim {
namespace {

constexpr std::size_t kStep = 4096;  // taken into the header at once; little of a body is copied in vain

// One past the empty line that ends the header, or npos.  Nothing before `from` ends it.
std::size_t header_end(std::string_view header, std::size_t from) {
  if (header.starts_with("\r\n")) return 2;  // no header at all
  const auto found = header.find("\r\n\r\n", from < 3 ? 0 : from - 3);
  return found == header.npos ? found : found + 4;
}

// [RFC5322 2.2] What programs make of such a header differs, and so would what they verify.
bool has_bare_newline(std::string_view s) {
  for (std::size_t i = s.find_first_of("\r\n"); i != s.npos; i = s.find_first_of("\r\n", i + 2))
    if (!s.substr(i).starts_with("\r\n")) return true;
  return false;
}

std::string domain_of_author(std::string_view header) {
  std::string domain;
  for (const auto& field : message::HeaderView(header).find_all("From"))
    for (const auto& address : message::parse_address_list(field.value)) {
      if (address.kind != message::Address::Kind::mailbox) continue;
      auto host = text::to_lower(address.host);
      if (host.empty() || (!domain.empty() && host != domain)) return {};
      domain = std::move(host);
    }
  return domain;
}

// [RFC5321 4.1.2] [RFC6376 3.5] of d= and s=
bool is_name(std::string_view s) {
  return !s.empty() && s.size() <= 253 && std::ranges::all_of(s, [](char c) {
    return text::is_alpha(c) || text::is_digit(c) || c == '-' || c == '.' || c == '_';
  });
}

}  // namespace

void Signer::feed(std::string_view piece) {
  while (state_ == State::header && !piece.empty()) {
    const auto before = header_.size();
    header_ += piece.substr(0, kStep);
    const auto end = header_end(header_, before);
    if (end == header_.npos) {
      piece.remove_prefix(header_.size() - before);
      if (header_.size() > kMaxHeader) {
        trouble_ = Error{Errc::too_large, "a header of more than 256 KiB"};
        header_ = {};
        state_ = State::body;
      }
      continue;
    }
    piece.remove_prefix(end - before);
    header_.resize(end);
    end_header();
  }
  if (piece.empty()) return;
  if (state_ == State::header_read) take_header();
  if (!trouble_) body_.feed(piece);
}

void Signer::end_header() {
  state_ = State::header_read;
  if (header_.size() > kMaxHeader)
    trouble_ = Error{Errc::too_large, "a header of more than 256 KiB"};
  else if (has_bare_newline(header_))
    trouble_ = Error{Errc::invalid, "a CR or LF by itself in the header"};
  else if (!message::HeaderView(header_).find("From"))
    trouble_ = Error{Errc::invalid, "no From field"};
  if (!trouble_) author_domain_ = domain_of_author(header_);
}

void Signer::take_header() {
  state_ = State::body;
  const auto header = std::move(header_);
  header_ = {};
  if (trouble_) return;
  fields_ = choose_signed_fields(header_form_, header);
  present_ = find_signatures(header);
}

void Signer::end() {
  if (state_ == State::header) end_header();
  if (state_ == State::header_read) take_header();
  state_ = State::ended;
  body_digest_ = body_.finish();
}

Result<std::string> Signer::finish(const Identity& identity) const {
  CHECK(state_ == State::ended && (identity.time || !identity.lifetime));
  if (trouble_) return std::unexpected(*trouble_);
  if (!is_name(identity.domain)) return fail(Errc::invalid, "'" + identity.domain + "' is no domain to sign for");
  std::string out;
  const auto body_hash = crypto::encode_base64(crypto::view(body_digest_), crypto::Padding::equals);
  for (const auto& key : identity.keys) {
    if (!is_name(key.name)) return fail(Errc::invalid, "'" + key.name + "' is no selector");
    if (std::ranges::find(present_, PresentSignature{identity.domain, key.name, body_hash}) != present_.end()) continue;
    TRY(const auto field, sign(identity, key));
    out += field;
  }
  return out;
}

Result<std::string> Signer::sign(const Identity& identity, const crypto::NamedKey& key) const {
  const auto seconds = [](SysTime time) { return std::to_string(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count()); };
  TagWriter tags("DKIM-Signature");
  tags.put("v=1;");
  tags.put("a=" + std::string(name_of(key.key->algorithm())) + "-sha256;");
  tags.put("c=" + std::string(name_of(header_form_)) + '/' + std::string(name_of(body_form_)) + ';');
  tags.put("d=" + identity.domain + ';');
  tags.put("s=" + key.name + ';');
  if (!identity.user.empty()) tags.put("i=" + quoted_printable(identity.user) + ';');
  if (identity.time) tags.put("t=" + seconds(*identity.time) + ';');
  if (identity.lifetime) tags.put("x=" + seconds(*identity.time + *identity.lifetime) + ';');
  tags.put_list("h=", fields_.names);
  tags.put("bh=" + crypto::encode_base64(crypto::view(body_digest_), crypto::Padding::equals) + ';');
  tags.start_last("b=");

  // [RFC6376 3.7] The signed fields, and this one with its b= empty and without CRLF at its end.
  crypto::Sha256 hash;
  hash.update(fields_.text);
  hash.update(canonical_field(header_form_, tags.text()));
  TRY(const auto signature, key.key->sign(hash.finish()));
  tags.put_value(crypto::encode_base64(signature, crypto::Padding::equals));
  return tags.take();
}

}  // namespace posthorn::mailauth::dkim
