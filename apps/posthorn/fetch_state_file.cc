// Where posthorn fetch remembers, when it is not told.
#include "crypto/digest.h"
#include "fetch_options.h"
#include "state_folder.h"
#include "text/ascii.h"

namespace posthorn {
namespace {

using client::MailUrl;
using client::Scheme;

// Whether TLS begins at once or later says nothing about whose mail it is.
struct Account {
  std::string protocol, user, host, port, mailbox;  // port: empty: a usual one
};

Account account_of(const MailUrl& url, const std::string& mailbox) {
  const bool pop3 = url.scheme == Scheme::pop3 || url.scheme == Scheme::pop3s;
  const auto port = url.port == 0 ? client::default_port(url.scheme) : url.port;
  const bool smap = url.scheme == Scheme::smap || url.scheme == Scheme::smaps;  // by UIDs of its own
  const bool usual = port == client::default_port(pop3 ? Scheme::pop3 : Scheme::imap) ||
                     port == client::default_port(pop3 ? Scheme::pop3s : Scheme::imaps);
  return {.protocol = pop3 ? "pop3" : smap ? "smap" : "imap",
          .user = url.user,
          .host = text::to_lower(url.host),
          .port = usual ? "" : std::to_string(port),
          .mailbox = mailbox};
}

std::string lines_of(const Account& a) {
  return a.protocol + "\n" + a.user + "\n" + a.host + "\n" + a.port + "\n" + a.mailbox;
}

std::string place_of(const MailUrl& target, const std::string& more) {
  return name_of_place(target) + (more.empty() ? "" : "\n" + more);
}

}  // namespace

Result<std::string> usual_state_file(const MailUrl& source, const std::string& mailbox, const MailUrl& target,
                                     const std::string& more) {
  auto folder = state_folder();
  if (!folder)
    return fail(folder.error().code,
                folder.error().text + ": say by --state where to remember what was fetched");
  const auto account = lines_of(account_of(source, mailbox));
  const auto digest = crypto::to_hex(crypto::view(crypto::sha256(account + "\n" + place_of(target, more)))).substr(0, 16);
  std::string name;
  for (const char c : (source.user + "@" + source.host).substr(0, 150))
    name += text::is_alpha(c) || text::is_digit(c) || c == '@' || c == '-' || (c == '.' && !name.empty())
                ? c
                : '_';
  return *folder + "/fetch/" + name + "-" + digest;
}

std::string owner_of_state(const MailUrl& source, const std::string& mailbox, const MailUrl& target,
                           const std::string& more) {
  constexpr std::size_t kLongest = 100;  // as it is; a line of the journal has to hold it, with three octets for one
  const auto a = account_of(source, mailbox);
  auto place = place_of(target, more);
  if (place.size() > kLongest) place = crypto::to_hex(crypto::view(crypto::sha256(place))).substr(0, 32);
  std::string out;
  for (const char c : a.protocol + ":" + a.user + "@" + a.host + (a.port.empty() ? "" : ":" + a.port) +
                          (mailbox.empty() ? "" : "/" + mailbox) + ">" + place) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f && c != '%')
      out += c;
    else
      out += std::string("%") + "0123456789ABCDEF"[byte >> 4] + "0123456789ABCDEF"[byte & 15];
  }
  return out;
}

}  // namespace posthorn
