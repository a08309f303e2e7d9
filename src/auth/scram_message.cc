#include "auth/scram_message.h"

#include <algorithm>
#include <utility>

#include "text/ascii.h"
#include "text/base64.h"
#include "text/utf8.h"

namespace posthorn::auth::scram {
namespace {

// Attributes from the front of a message.
class Reader {
 public:
  explicit Reader(std::string_view message) : rest_(message) {}

  std::string_view rest() const { return rest_; }
  // The text up to the next comma, which goes too.  What follows the last comma ends the message.
  Result<std::string_view> take() {
    if (ended_) return fail(Errc::syntax, "SCRAM: an attribute is missing");
    const auto comma = rest_.find(',');
    const auto text = rest_.substr(0, comma);
    ended_ = comma == std::string_view::npos;
    rest_.remove_prefix(ended_ ? rest_.size() : comma + 1);
    return text;
  }
  // attr-val, of the attribute `name`; its value.
  Result<std::string_view> take(char name) {
    TRY(const auto text, take());
    if (text.size() < 3 || text[0] != name || text[1] != '=') return fail(Errc::syntax, "SCRAM: another attribute was expected");
    return text.substr(2);
  }
  // [RFC5802 5.1] Optional extensions that are unknown are ignored.
  Result<void> take_extensions() {
    while (!ended_) {
      TRY(const auto text, take());
      if (text.size() < 3 || !text::is_alpha(text[0]) || text[0] == 'm' || text[1] != '=')
        return fail(Errc::syntax, "SCRAM: that is no extension");
    }
    return {};
  }

 private:
  std::string_view rest_;
  bool ended_ = false;
};

Result<void> check_message(std::string_view message) {
  if (message.size() <= kMaxMessage && text::is_valid_utf8(message) && message.find('\0') == std::string_view::npos) return {};
  return fail(Errc::syntax, "SCRAM: too long, or no UTF-8");
}

// saslname: =2C is a comma and =3D an equals sign; no other = may be in it.
Result<std::string> decode_saslname(std::string_view in) {
  std::string out;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (in[i] != '=') {
      out += in[i];
      continue;
    }
    const auto code = in.substr(i + 1, 2);
    if (code != "2C" && code != "3D") return fail(Errc::syntax, "SCRAM: a name with a bare '='");
    out += code == "2C" ? ',' : '=';
    i += 2;
  }
  return out;
}

bool is_nonce(std::string_view s) {
  return !s.empty() && std::ranges::all_of(s, [](char c) { return c > 0x20 && c < 0x7f && c != ','; });
}

Result<void> parse_gs2_header(Reader& in, ClientFirst& out) {
  TRY(const auto flag, in.take());
  if (flag == "n" || flag == "y") {
    out.binding = flag.front();
  } else {
    if (!flag.starts_with("p=") || flag.size() == 2 || !std::ranges::all_of(flag.substr(2), [](char c) {
          return text::is_alpha(c) || text::is_digit(c) || c == '.' || c == '-';
        }))
      return fail(Errc::syntax, "SCRAM: no channel binding flag");
    out.binding = 'p';
    out.binding_type = flag.substr(2);
  }
  TRY(const auto authzid, in.take());
  if (authzid.empty()) return {};
  // GNU SASL's tool says "a=" for nobody.
  if (!authzid.starts_with("a=")) return fail(Errc::syntax, "SCRAM: no authzid");
  TRY(out.authorize_as, decode_saslname(authzid.substr(2)));
  return {};
}

}  // namespace

Result<ClientFirst> parse_client_first(std::string_view message) {
  TRY_OK(check_message(message));
  Reader in(message);
  ClientFirst out;
  TRY_OK(parse_gs2_header(in, out));
  out.gs2_header = message.substr(0, message.size() - in.rest().size());
  out.bare = in.rest();
  TRY(const auto name, in.take('n'));
  TRY(out.user, decode_saslname(name));
  TRY(out.nonce, in.take('r'));
  if (!is_nonce(out.nonce)) return fail(Errc::syntax, "SCRAM: that is no nonce");
  TRY_OK(in.take_extensions());
  return out;
}

Result<ClientFinal> parse_client_final(std::string_view message) {
  TRY_OK(check_message(message));
  // The proof is the last attribute, with extensions before it.
  const auto last = message.rfind(",p=");
  if (last == std::string_view::npos) return fail(Errc::syntax, "SCRAM: no proof");
  ClientFinal out;
  out.without_proof = message.substr(0, last);
  TRY(out.proof, text::base64_decode(message.substr(last + 3)));
  if (out.proof.empty()) return fail(Errc::syntax, "SCRAM: no proof");
  Reader in(out.without_proof);
  TRY(const auto binding, in.take('c'));
  TRY(out.binding, text::base64_decode(binding));
  TRY(out.nonce, in.take('r'));
  TRY_OK(in.take_extensions());
  return out;
}

std::string server_first(std::string_view nonce, const crypto::ScramKeys& keys) {
  return "r=" + std::string(nonce) + ",s=" + text::base64_encode(keys.salt) + ",i=" + std::to_string(keys.iterations);
}

std::string server_final(std::string_view signature) { return "v=" + text::base64_encode(signature); }

std::string server_error(std::string_view error_value) { return "e=" + std::string(error_value); }

}  // namespace posthorn::auth::scram
