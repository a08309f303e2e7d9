#include "server/smap/snapshot_id.h"

#include "crypto/digest.h"

namespace posthorn::smap {
namespace {

constexpr std::string_view kVersion = "1";
constexpr std::size_t kCode = 16;                            // bytes of it
constexpr std::size_t kFields = 8 + 4 + 4 + 8 + 4 + 4;       // bytes

void put_number(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xFF);
}

std::uint64_t take_number(std::string_view& in, std::size_t bytes) {
  std::uint64_t value = 0;
  for (const char c : in.substr(0, bytes)) value = value << 8 | static_cast<unsigned char>(c);
  in.remove_prefix(bytes);
  return value;
}

std::string code_of(std::string_view fields, AccountId user, std::string_view secret) {
  std::string text = "smap snapshot ";
  text.append(kVersion).append(fields);
  put_number(text, user.value(), 8);
  const auto digest = crypto::hmac_sha256(secret, text);
  return std::string(crypto::view(digest).substr(0, kCode));
}

}  // namespace

std::string snapshot_id(const Snapshot& snapshot, AccountId user, std::string_view secret) {
  std::string fields;
  put_number(fields, snapshot.owner.value(), 8);
  put_number(fields, snapshot.mailbox.value(), 4);
  put_number(fields, snapshot.uid_validity.value(), 4);
  put_number(fields, snapshot.mod_seq.value(), 8);
  put_number(fields, snapshot.messages, 4);
  put_number(fields, snapshot.last_uid.value(), 4);
  return std::string(kVersion) + crypto::to_hex(fields + code_of(fields, user, secret));
}

std::optional<Snapshot> parse_snapshot_id(std::string_view id, AccountId user, std::string_view secret) {
  if (id.size() != kVersion.size() + 2 * (kFields + kCode) || !id.starts_with(kVersion)) return {};
  const auto bytes = crypto::from_hex(id.substr(kVersion.size()));
  if (!bytes) return {};
  auto in = std::string_view(*bytes).substr(0, kFields);
  if (!crypto::constant_time_equal(std::string_view(*bytes).substr(kFields), code_of(in, user, secret))) return {};
  Snapshot snapshot;
  snapshot.owner = AccountId(take_number(in, 8));
  snapshot.mailbox = MailboxId(static_cast<std::uint32_t>(take_number(in, 4)));
  snapshot.uid_validity = UidValidity(static_cast<std::uint32_t>(take_number(in, 4)));
  snapshot.mod_seq = ModSeq(take_number(in, 8));
  snapshot.messages = static_cast<std::uint32_t>(take_number(in, 4));
  snapshot.last_uid = Uid(static_cast<std::uint32_t>(take_number(in, 4)));
  return snapshot;
}

}  // namespace posthorn::smap
