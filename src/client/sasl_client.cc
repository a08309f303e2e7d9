#include "client/sasl_client.h"

#include <algorithm>

#include "client/sasl_scram.h"
#include "text/ascii.h"

namespace posthorn::client {
namespace {

// What one mechanism needs.
struct Mechanism {
  std::string_view name;
  enum class Secret { password, token, certificate } secret;
  bool shown;  // the secret itself goes over the wire
  bool bound;  // needs a channel that can be bound
};

// Best first.
constexpr Mechanism kMechanisms[] = {
    {"SCRAM-SHA-256-PLUS", Mechanism::Secret::password, false, true},
    {"SCRAM-SHA-1-PLUS", Mechanism::Secret::password, false, true},
    {"SCRAM-SHA-256", Mechanism::Secret::password, false, false},
    {"SCRAM-SHA-1", Mechanism::Secret::password, false, false},
    {"PLAIN", Mechanism::Secret::password, true, false},
    {"LOGIN", Mechanism::Secret::password, true, false},
    {"OAUTHBEARER", Mechanism::Secret::token, true, false},
    {"XOAUTH2", Mechanism::Secret::token, true, false},
    {"EXTERNAL", Mechanism::Secret::certificate, false, false},
};

bool is_offered(std::span<const std::string> offered, std::string_view name) {
  return std::ranges::any_of(offered, [&](const auto& one) { return text::iequals(one, name); });
}

bool has(const Credentials& c, Mechanism::Secret secret) {
  switch (secret) {
    case Mechanism::Secret::password: return c.password.has_value();
    case Mechanism::Secret::token: return c.token.has_value();
    case Mechanism::Secret::certificate: return c.external;
  }
  return false;
}

// NUL and ^A separate the fields of some mechanisms.
bool can_be_said(const Credentials& c) {
  const auto clean = [](std::string_view s) { return s.find('\0') == s.npos; };
  const auto visible = [](std::string_view s) {
    return std::ranges::none_of(s, [](char b) { return static_cast<unsigned char>(b) < 0x20; });
  };
  return clean(c.user) && clean(c.authorize_as) && clean(c.password.value_or("")) && (!c.token || (visible(*c.token) && visible(c.user)));
}

// [RFC4616 2]
class Plain final : public SaslClient {
 public:
  explicit Plain(const Credentials& c) : message_(c.authorize_as + '\0' + c.user + '\0' + *c.password) {}
  std::optional<std::string> initial_response() override { return message_; }
  Result<std::string> respond(std::string_view) override { return fail(Errc::syntax, "PLAIN: a challenge that is none of this mechanism"); }

 private:
  std::string message_;
};

// Its prompts are of many wordings: the first asks for the name, the second for the password.
class Login final : public SaslClient {
 public:
  explicit Login(const Credentials& c) : answers_{c.user, *c.password} {}
  std::optional<std::string> initial_response() override { return {}; }
  Result<std::string> respond(std::string_view) override {
    if (said_ == 2) return fail(Errc::syntax, "LOGIN: a third question");
    return answers_[said_++];
  }

 private:
  std::string answers_[2];
  int said_ = 0;
};

class External final : public SaslClient {
 public:
  explicit External(const Credentials& c) : authorize_as_(c.authorize_as) {}
  std::optional<std::string> initial_response() override { return authorize_as_; }
  Result<std::string> respond(std::string_view) override {
    return fail(Errc::syntax, "EXTERNAL: a challenge that is none of this mechanism");
  }

 private:
  std::string authorize_as_;
};

// A challenge is the error in JSON; the server says no when it has an answer to it, which has no meaning. [RFC7628 3.2.3]
class Bearer final : public SaslClient {
 public:
  Bearer(std::string message, std::string answer) : message_(std::move(message)), answer_(std::move(answer)) {}
  std::optional<std::string> initial_response() override { return message_; }
  Result<std::string> respond(std::string_view) override { return answer_; }

 private:
  std::string message_, answer_;
};

// [RFC7628 3.1]
std::string oauth_bearer_message(const Credentials& c, const ChannelState& channel) {
  std::string escaped;
  for (const char b : c.authorize_as.empty() ? c.user : c.authorize_as) {
    if (b == ',') escaped += "=2C";
    else if (b == '=') escaped += "=3D";
    else escaped += b;
  }
  std::string out = escaped.empty() ? "n,," : "n,a=" + escaped + ",";
  if (!channel.host.empty()) out += "\x01host=" + channel.host;
  if (channel.port) out += "\x01port=" + std::to_string(channel.port);
  return out +
         "\x01"
         "auth=Bearer " +
         *c.token + "\x01\x01";
}

std::unique_ptr<SaslClient> make_scram(std::string_view mechanism, const Credentials& c, std::span<const std::string> offered,
                                       const ChannelState& channel) {
  ScramClient::Options o;
  const bool plus = mechanism.ends_with("-PLUS");
  const auto plain_name = mechanism.substr(0, mechanism.size() - (plus ? 5 : 0));
  o.hash = plain_name == "SCRAM-SHA-1" ? crypto::ScramHash::sha1 : crypto::ScramHash::sha256;
  o.user = c.user;
  o.password = *c.password;
  o.authorize_as = c.authorize_as;
  o.nonce = make_nonce();
  // [RFC5802 6] "y": we could bind, but somebody may have hidden that the server can.
  const bool server_binds =
      std::ranges::any_of(offered, [](const auto& one) { return text::istarts_with(one, "SCRAM-") && one.ends_with("-PLUS"); });
  if (plus) {
    o.binding_flag = "p=" + channel.binding_type;
    o.binding_data = channel.binding_data;
  } else if (!channel.binding_data.empty() && !server_binds) {
    o.binding_flag = "y";
  }
  return std::make_unique<ScramClient>(std::move(o));
}

}  // namespace

bool shows_secret(std::string_view mechanism) {
  return std::ranges::any_of(kMechanisms, [&](const auto& one) { return one.name == mechanism && one.shown; });
}

std::vector<std::string> fitting_mechanisms(const Credentials& c, std::span<const std::string> offered, const ChannelState& channel) {
  std::vector<std::string> out;
  if (!can_be_said(c)) return out;
  for (const auto& one : kMechanisms)
    if (has(c, one.secret) && is_offered(offered, one.name) && (!one.shown || channel.encrypted || c.allow_plaintext) &&
        (!one.bound || !channel.binding_data.empty()))
      out.emplace_back(one.name);
  return out;
}

std::string why_none_fits(const Credentials& c, std::span<const std::string> offered, const ChannelState& channel) {
  if (!can_be_said(c)) return "the user name, the password or the token has characters that no mechanism can carry";
  if (offered.empty()) return "the server does not offer AUTH here";
  auto encrypted = channel;
  encrypted.encrypted = true;
  if (!fitting_mechanisms(c, offered, encrypted).empty())
    return "without TLS the server offers only mechanisms that would show the password or token";
  std::string list;
  for (const auto& one : offered) list += ' ' + one.substr(0, 40);
  return "the server offers no mechanism for what we sign in by, only" + list.substr(0, 400);
}

std::unique_ptr<SaslClient> make_sasl_client(std::string_view mechanism, const Credentials& c, std::span<const std::string> offered,
                                             const ChannelState& channel) {
  if (mechanism.starts_with("SCRAM-")) return make_scram(mechanism, c, offered, channel);
  if (mechanism == "PLAIN") return std::make_unique<Plain>(c);
  if (mechanism == "LOGIN") return std::make_unique<Login>(c);
  if (mechanism == "EXTERNAL") return std::make_unique<External>(c);
  if (mechanism == "OAUTHBEARER") return std::make_unique<Bearer>(oauth_bearer_message(c, channel), "\x01");
  CHECK(mechanism == "XOAUTH2");
  return std::make_unique<Bearer>("user=" + c.user +
                                      "\x01"
                                      "auth=Bearer " +
                                      *c.token + "\x01\x01",
                                  "");
}

}  // namespace posthorn::client
