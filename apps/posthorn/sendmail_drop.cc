#include "sendmail_drop.h"

#include <pwd.h>
#include <sysexits.h>
#include <unistd.h>

#include <cstdio>

#include "app/data_dir.h"
#include "config/config.h"
#include "config/core_settings.h"
#include "proto/smtp/address.h"
#include "server/drop/sender_policy.h"
#include "server/drop/settings.h"
#include "text/ascii.h"

namespace posthorn {
namespace {

// Where mail is left when the configuration cannot be read, which may hold passwords.
constexpr const char* kUsualDirectory = "/var/spool/posthorn";

std::string user_name() {
  const auto* entry = ::getpwuid(::getuid());
  return entry ? entry->pw_name : "user" + std::to_string(::getuid());
}

}  // namespace

int exit_code_of(Errc code) {
  switch (code) {
    case Errc::denied: return EX_NOPERM;
    case Errc::not_found: return EX_TEMPFAIL;  // the directory: it is made when the server starts
    case Errc::no_space:
    case Errc::io:
    case Errc::busy: return EX_TEMPFAIL;
    case Errc::too_large:
    case Errc::syntax: return EX_DATAERR;
    case Errc::invalid: return EX_USAGE;
    case Errc::unsupported: return EX_UNAVAILABLE;
    default: return EX_TEMPFAIL;
  }
}

Result<DropPlace> find_drop(const std::string& config_file) {
  auto loaded = config::load_file(config_file);
  if (loaded.config) {
    config::apply(*loaded.config);
    const auto named = drop::kDropDirectory.get();
    return DropPlace{.directory = named.empty() ? app::drop_path(loaded.config->data_dir) : named,
                     .hostname = loaded.config->hostname,
                     .max_size = static_cast<std::uint64_t>(config::kMaxMessageSize.get())};
  }
  if (::access(kUsualDirectory, W_OK | X_OK) == 0) return DropPlace{.directory = kUsualDirectory, .hostname = "localhost", .max_size = {}};
  std::fputs(config::to_text(loaded).c_str(), stderr);
  return fail(Errc::io, "the configuration " + config_file + " cannot be used, and there is no " + kUsualDirectory);
}

Result<void> check_sender(const DropPlace& place, const drop::DropEnvelope& envelope) {
  if (!place.max_size || !envelope.sender || envelope.sender->empty()) return {};
  const auto name = user_name();
  if (::getuid() == 0 || drop::is_among(name, drop::kTrustedUsers.get())) return {};
  const auto& sender = *envelope.sender;
  const std::string_view local = std::string_view(sender).substr(0, sender.find('@'));
  if (text::iequals(local.substr(0, local.find('+')), name)) return {};
  return fail(Errc::denied, "user " + name + " may not send as " + sender + "; sendmail.trusted_users can allow it");
}

Result<void> check_addresses(const drop::DropEnvelope& envelope) {
  const auto check = [](const std::string& address) -> Result<void> {
    const auto whole = address.find('@') == address.npos ? address + "@localhost" : address;
    if (auto mailbox = smtp::parse_mailbox(whole); !mailbox)
      return fail(Errc::syntax, "'" + address + "' is no address: " + mailbox.error().text);
    return {};
  };
  for (const auto& to : envelope.recipients) TRY_OK(check(to));
  if (envelope.sender && !envelope.sender->empty()) TRY_OK(check(*envelope.sender));
  return {};
}

}  // namespace posthorn
