#include "intake/trace.h"

#include "text/date.h"

namespace posthorn::intake {

std::string with_protocol(Transport transport, Secured secured, SignedIn signed_in, Utf8 utf8) {
  std::string name;
  // [RFC6531 4.3] UTF8SMTP is ESMTP with the extension: it has no E, and HELO cannot have it.
  if (utf8 == Utf8::yes) name = transport == Transport::lmtp ? "UTF8LMTP" : "UTF8SMTP";
  else if (transport == Transport::lmtp) name = "LMTP";
  else if (transport == Transport::esmtp || secured == Secured::yes || signed_in == SignedIn::yes) name = "ESMTP";
  else name = "SMTP";
  if (secured == Secured::yes) name += 'S';
  if (signed_in == SignedIn::yes) name += 'A';
  return name;
}

void put_return_path(std::string& out, std::string_view reverse_path) {
  out += "Return-Path: <";
  out += reverse_path;
  out += ">\r\n";
}

// [RFC5321 4.1.3]
static std::string address_literal(std::string_view ip) {
  return (ip.find(':') == ip.npos ? "[" : "[IPv6:") + std::string(ip) + ']';
}

void put_received(std::string& out, const Origin& origin, std::string_view hostname, std::string_view id,
                  std::string_view recipient, std::chrono::sys_seconds time) {
  out += "Received: from ";
  if (!origin.helo.empty()) out += origin.helo;
  else if (!origin.ip.empty()) out += address_literal(origin.ip);
  else out += "localhost";
  if (!origin.ip.empty()) out += " (" + address_literal(origin.ip) + ')';
  out += "\r\n\tby ";
  out += hostname;
  out += " with ";
  out += origin.with;
  if (!origin.tls_version.empty()) out += " (" + origin.tls_version + ' ' + origin.tls_cipher + ')';
  out += "\r\n\tid ";
  out += id;
  if (!recipient.empty()) {
    out += "\r\n\tfor <";
    out += recipient;
    out += '>';
  }
  if (origin.priority) out += " PRIORITY " + std::to_string(*origin.priority);
  out += ";\r\n\t";
  out += text::format_rfc5322_date({time, 0});
  out += "\r\n";
}

}  // namespace posthorn::intake
