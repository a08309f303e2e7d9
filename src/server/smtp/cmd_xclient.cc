// XCLIENT and XFORWARD: one who is trusted with it says who the client behind it is.  (Postfix' XCLIENT_README and XFORWARD_README)
#include "base/log.h"
#include "net/connection.h"
#include "server/smtp/session.h"

namespace posthorn::server {
namespace {

using Name = smtp::ClientAttribute::Name;

// The last one of that name; null: it was not said.
const std::string* find(const std::vector<smtp::ClientAttribute>& attributes, Name name) {
  const std::string* found = nullptr;
  for (const auto& attribute : attributes)
    if (attribute.name == name) found = &attribute.value;
  return found;
}

std::string_view shown(const std::vector<smtp::ClientAttribute>& attributes, Name name) {
  const auto* const value = find(attributes, name);
  return value ? std::string_view(*value) : std::string_view();
}

// An address that the other side does not know is one of nobody's: it is in no network.
net::Peer changed(net::Peer peer, const std::vector<smtp::ClientAttribute>& attributes) {
  const auto* const ip = find(attributes, Name::addr);
  const auto* const port = find(attributes, Name::port);
  if (ip) {
    const auto address = IpAddress::parse(*ip);
    peer = address ? net::peer_at(*address, 0) : net::Peer{};
  }
  if (port) peer.port = static_cast<std::uint16_t>(port->empty() ? 0 : std::stoul(*port));
  return peer;
}

}  // namespace

// The session is then where it was at its beginning, but for TLS, which cannot be undone.
Task<> SmtpSession::cmd_xclient(smtp::Command& command) {
  if (!may_xclient_) co_return refuse(550, {5, 7, 0}, "Not for you", "XCLIENT");
  const auto attributes = std::move(std::get<smtp::XClient>(command).attributes);
  std::optional<auth::Identity> identity;
  if (const auto* const login = find(attributes, Name::login); login && !login->empty() && !is_lmtp()) {
    auto account = co_await context_.services.directory.find_account(*login);
    if (!account) {
      const bool unknown = account.error().code == Errc::not_found;
      co_return unknown ? refuse(550, {5, 7, 8}, "No such user", "XCLIENT") : refuse(451, {4, 3, 0}, "Temporary failure here", "XCLIENT");
    }
    identity = auth::Identity{account->id, account->address};
  }
  const auto peer = changed(connection_.peer(), attributes);
  if (context_.admit && !context_.admit(peer))
    co_return refuse(421, {4, 7, 0}, "Too many connections from that address, try again later", "XCLIENT");
  log::info("smtp.xclient", {{"session", context_.session_id},
                             {"by", connection_.peer().text()},
                             {"peer", peer.text()},
                             {"name", shown(attributes, Name::name)},
                             {"helo", shown(attributes, Name::helo)},
                             {"account", identity ? identity->address : std::string()}});
  connection_.set_peer(peer);
  reset_transaction();
  state_ = State::connected;
  said_ = Said::nothing;
  helo_.clear();
  identity_ = std::move(identity);
  look_up_trust();
  greet();
}

// For the log only, until the end of the next transaction.
Task<> SmtpSession::cmd_xforward(smtp::Command& command) {
  if (!may_xforward_) co_return refuse(550, {5, 7, 0}, "Not for you", "XFORWARD");
  for (auto& attribute : std::get<smtp::XForward>(command).attributes) {
    std::erase_if(forwarded_, [&](const auto& old) { return old.name == attribute.name; });
    forwarded_.push_back(std::move(attribute));
  }
  reply(250, {2, 0, 0}, "Ok");
}

std::string SmtpSession::forwarded_text() const {
  constexpr std::pair<Name, std::string_view> kShown[] = {{Name::name, "name"},   {Name::addr, "addr"},   {Name::port, "port"},    {Name::proto, "proto"},
                                                          {Name::helo, "helo"},   {Name::ident, "ident"}, {Name::source, "source"}};
  std::string out;
  for (const auto& [name, word] : kShown)
    if (const auto value = shown(forwarded_, name); !value.empty()) {
      out += (out.empty() ? "" : " ");
      out += word;
      out += '=';
      out += value;
    }
  return out;
}

}  // namespace posthorn::server
