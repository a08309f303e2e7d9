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
std::string account_of(const MailUrl& url, const std::string& mailbox) {
  const bool pop3 = url.scheme == Scheme::pop3 || url.scheme == Scheme::pop3s;
  const auto port = url.port == 0 ? client::default_port(url.scheme) : url.port;
  const bool usual = port == client::default_port(pop3 ? Scheme::pop3 : Scheme::imap) ||
                     port == client::default_port(pop3 ? Scheme::pop3s : Scheme::imaps);
  return std::string(pop3 ? "pop3" : "imap") + "\n" + url.user + "\n" + text::to_lower(url.host) + "\n" +
         (usual ? "" : std::to_string(port)) + "\n" + mailbox;
}

}  // namespace

Result<std::string> usual_state_file(const MailUrl& source, const std::string& mailbox,
                                     const MailUrl& target) {
  auto folder = state_folder();
  if (!folder)
    return fail(folder.error().code, folder.error().text + ": say by --state where to remember what was fetched");
  const auto digest =
      crypto::to_hex(crypto::view(crypto::sha256(account_of(source, mailbox) + "\n" + name_of_place(target))))
          .substr(0, 16);
  std::string name;
  for (const char c : (source.user + "@" + source.host).substr(0, 150))
    name += text::is_alpha(c) || text::is_digit(c) || c == '@' || c == '-' || (c == '.' && !name.empty())
                ? c
                : '_';
  return *folder + "/fetch/" + name + "-" + digest;
}

}  // namespace posthorn
