#include "check/autoconfig.h"

#include <charconv>
#include <optional>

#include "check/settings.h"
#include "check/xml_reader.h"
#include "dns/name.h"
#include "text/ascii.h"

namespace posthorn::check {
namespace {

std::optional<Service> service_of(const XmlElement& server) {
  const auto type = server.attribute("type");
  if (server.name == "incomingServer" && type == "imap") return Service::imap;
  if (server.name == "incomingServer" && type == "pop3") return Service::pop3;
  if (server.name == "outgoingServer" && type == "smtp") return Service::submission;
  return {};
}

std::string_view text_of(const XmlElement& server, std::string_view name) {
  const auto* child = server.child(name);
  return child ? std::string_view(child->text) : std::string_view();
}

std::optional<Candidate> read_server(const XmlElement& server, const std::string& address) {
  const auto service = service_of(server);
  if (!service) return {};
  Candidate out{.service = *service};
  const auto host = dns::Name::from_domain(user_by_form(text_of(server, "hostname"), address));
  if (!host || !host->is_host_name()) return {};
  out.host = host->text();
  const auto port = text_of(server, "port");
  const auto [end, code] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (code != std::errc() || end != port.data() + port.size() || out.port == 0) return {};
  const auto socket = text_of(server, "socketType");
  out.security = text::iequals(socket, "SSL")        ? Security::implicit
                 : text::iequals(socket, "STARTTLS") ? Security::starttls
                                                     : Security::none;
  out.user_form = text_of(server, "username").substr(0, 256);
  return out;
}

}  // namespace

Result<std::vector<Candidate>> parse_autoconfig(std::string_view document, const std::string& address) {
  TRY(const auto root, parse_xml(document));
  const auto* provider = root.name == "clientConfig" ? root.child("emailProvider") : nullptr;
  if (!provider) return fail(Errc::syntax, "the document has no clientConfig with an emailProvider");
  std::vector<Candidate> out;
  for (const auto& child : provider->children) {
    auto server = read_server(child, address);
    if (server && out.size() < kAutoconfigServers) out.push_back(*std::move(server));
  }
  return out;
}

}  // namespace posthorn::check
