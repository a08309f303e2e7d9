#include "delivery/forwarder.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/file_descriptor.h"
#include "crypto/random.h"
#include "delivery/settings.h"
#include "mailauth/srs.h"
#include "proto/smtp/address.h"

namespace posthorn::delivery {
namespace {

mailauth::Srs srs_of_now(const std::string& secret) {
  mailauth::SrsRules rules;
  rules.secrets = mailauth::srs_secrets(secret, now());
  return mailauth::Srs(std::move(rules));
}

}  // namespace

std::string Forwarder::reverse_path(const queue::Entry& entry, const queue::Recipient& recipient) const {
  const auto& sender = entry.reverse_path;
  const bool is_forwarded = !recipient.forwarded_for.empty() && !sender.empty();
  if (!is_forwarded || !kSrs.get() || router_.is_local(domain_of(sender))) return sender;
  const auto from = smtp::parse_mailbox(sender);
  const auto forwarder = domain_of(recipient.forwarded_for);
  if (!from || forwarder.empty()) return sender;
  const auto made = srs_of_now(secret_).forward({.local_part = from->local_part, .domain = from->domain}, forwarder, now());
  // Too long for it: the owner of the forwarding address gets what comes back.
  if (!made) return recipient.forwarded_for;
  return smtp::to_string({.local_part = made->local_part, .domain = made->domain});
}

std::optional<std::string> Forwarder::original(std::string_view local_part, std::string_view domain) const {
  if (!mailauth::Srs::is_srs(local_part) || !router_.is_local(domain)) return std::nullopt;
  const auto made = srs_of_now(secret_).reverse(local_part, now());
  if (!made) return std::nullopt;
  return smtp::to_string({.local_part = made->local_part, .domain = made->domain});
}

Result<std::string> ensure_secret(const std::string& path) {
  const auto failed = [&](const char* what) { return fail(Errc::io, path + ": " + what + ": " + std::strerror(errno)); };
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file.fd() < 0) return failed("cannot be opened");
  std::string secret(64, '\0');
  const auto size = ::read(file.fd(), secret.data(), secret.size());
  if (size < 0) return failed("cannot be read");
  secret.resize(static_cast<std::size_t>(size));
  if (secret.size() >= 16) return secret;
  secret = crypto::random_bytes(32);
  if (::pwrite(file.fd(), secret.data(), secret.size(), 0) != static_cast<ssize_t>(secret.size())) return failed("cannot be written");
  if (::fsync(file.fd()) != 0) return failed("cannot be synced");
  return secret;
}

}  // namespace posthorn::delivery
