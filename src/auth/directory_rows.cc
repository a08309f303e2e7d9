#include "auth/directory_rows.h"

namespace posthorn::auth::rows {
namespace {

constexpr char kVersion = 1;
// 1 had no keys of SCRAM-SHA-1, 2 no APOP and no settings.  An account without these is written as 2, which older programs can read.
constexpr char kAccountVersion = 3;

void put_u32(std::string& out, std::uint32_t v) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(v >> shift));
}
void put_u64(std::string& out, std::uint64_t v) {
  put_u32(out, static_cast<std::uint32_t>(v >> 32));
  put_u32(out, static_cast<std::uint32_t>(v));
}
void put_text(std::string& out, std::string_view s) {
  put_u32(out, static_cast<std::uint32_t>(s.size()));
  out.append(s);
}

// Takes fields from the front of a value.
struct Reader {
  std::string_view in;
  bool ok = true;

  std::string_view take(std::size_t n) {
    if (in.size() < n) ok = false;
    const auto piece = in.substr(0, n);
    in.remove_prefix(piece.size());
    return piece;
  }
  std::uint64_t number(std::size_t bytes) {
    std::uint64_t v = 0;
    for (const char c : take(bytes)) v = v << 8 | static_cast<unsigned char>(c);
    return v;
  }
  std::string text() { return std::string(take(number(4))); }
  // Returns it; those from 1 to `newest` can be read.
  char version(char newest = kVersion) {
    const auto v = static_cast<char>(number(1));
    if (v < 1 || v > newest) ok = false;
    return v;
  }
  Result<void> end(std::string_view what) const {
    if (ok && in.empty()) return {};
    return fail(Errc::corrupt, "directory: a row of kind " + std::string(what) + " cannot be read");
  }
};

std::string key_of(Kind kind, const LocalAddress& a) {
  return static_cast<char>(kind) + a.domain + '\0' + a.local;
}

}  // namespace

std::string next_id_key() { return "n"; }
std::string secret_key() { return "s"; }
std::string domain_key(std::string_view domain) { return 'd' + std::string(domain); }
std::string account_key(const LocalAddress& a) { return key_of(Kind::account, a); }
std::string alias_key(const LocalAddress& a) { return key_of(Kind::alias, a); }
std::string id_key(AccountId id) { return 'i' + encode_id(id); }
std::string pending_key(AccountId id) { return 'p' + encode_id(id); }
std::string dkim_key(std::string_view domain, std::string_view selector) {
  return key_of(Kind::dkim_key, {std::string(selector), std::string(domain)});
}

KeyRange all_of(Kind kind) {
  const char c = static_cast<char>(kind);
  return {std::string(1, c), std::string(1, static_cast<char>(c + 1))};
}
KeyRange of_domain(Kind kind, std::string_view domain) {
  const std::string prefix = static_cast<char>(kind) + std::string(domain);
  return {prefix + '\0', prefix + '\1'};
}
std::string behind(std::string key) {
  key.push_back('\0');
  return key;
}

std::string encode_id(AccountId id) {
  std::string out;
  put_u64(out, id.value());
  return out;
}
std::string encode_domain() { return std::string(1, kVersion); }

std::string encode_account(const AccountRecord& r) {
  const bool has_more = !r.apop_secret.empty() || !r.settings.empty();
  std::string out(1, has_more ? kAccountVersion : char{2});
  put_u64(out, r.id.value());
  put_text(out, r.secrets.password_hash);
  put_text(out, r.secrets.scram_sha256);
  put_text(out, r.secrets.scram_sha1);
  if (!has_more) return out;
  put_text(out, r.apop_secret);
  put_u32(out, static_cast<std::uint32_t>(r.settings.size()));
  for (const auto& [name, value] : r.settings) {
    put_text(out, name);
    put_text(out, value);
  }
  return out;
}

std::string encode_alias(const AliasRecord& r) {
  std::string out(1, kVersion);
  put_u32(out, static_cast<std::uint32_t>(r.targets.size()));
  for (const auto& t : r.targets) put_text(out, t);
  return out;
}

std::string encode_dkim_key(const DkimKey& k, std::string_view private_key) {
  const auto seconds = [](const std::optional<SysTime>& t) {
    return t ? static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(*t).time_since_epoch().count()) : 0;
  };
  std::string out(1, kVersion);
  out.push_back(static_cast<char>(k.algorithm));
  out.push_back(static_cast<char>(k.state));
  put_u64(out, seconds(k.created));
  put_u64(out, seconds(k.activated));
  put_u64(out, seconds(k.retired));
  put_text(out, k.public_key);
  put_text(out, private_key);
  return out;
}

void put_new_dkim_key(kv::Batch& batch, std::string_view domain, const crypto::NamedKey& made, DkimKeyState state) {
  DkimKey key{.selector = made.name, .algorithm = made.key->algorithm(), .state = state, .created = now(), .public_key = made.key->public_key()};
  if (state == DkimKeyState::active) key.activated = key.created;
  batch.put(kv::Space::directory, kPartition, dkim_key(domain, key.selector), encode_dkim_key(key, made.key->to_pem()));
}

Result<AccountId> decode_id(std::string_view value) {
  Reader in{value};
  const AccountId id(in.number(8));
  TRY_OK(in.end("id"));
  return id;
}

Result<LocalAddress> address_of_key(std::string_view key) {
  const auto zero = key.find('\0');
  if (key.size() < 2 || zero == std::string_view::npos) return fail(Errc::corrupt, "directory: a key cannot be read");
  return LocalAddress{std::string(key.substr(zero + 1)), std::string(key.substr(1, zero - 1))};
}

Result<AccountRecord> decode_account(std::string_view key, std::string_view value) {
  TRY(const auto address, address_of_key(key));
  AccountRecord r;
  r.address = address.text();
  Reader in{value};
  const auto version = in.version(kAccountVersion);
  r.id = AccountId(in.number(8));
  r.secrets.password_hash = in.text();
  r.secrets.scram_sha256 = in.text();
  if (version >= 2) r.secrets.scram_sha1 = in.text();
  if (version >= 3) {
    r.apop_secret = in.text();
    for (auto n = in.number(4); n > 0 && in.ok; --n) {
      auto name = in.text();
      r.settings[std::move(name)] = in.text();
    }
  }
  TRY_OK(in.end("account"));
  return r;
}

Result<AliasRecord> decode_alias(std::string_view key, std::string_view value) {
  TRY(const auto address, address_of_key(key));
  AliasRecord r;
  r.address = address.text();
  Reader in{value};
  in.version();
  for (auto n = in.number(4); n > 0 && in.ok; --n) r.targets.push_back(in.text());
  TRY_OK(in.end("alias"));
  return r;
}

Result<StoredDkimKey> decode_dkim_key(std::string_view key, std::string_view value) {
  TRY(auto name, address_of_key(key));
  Reader in{value};
  in.version();
  const auto algorithm = in.number(1), state = in.number(1);
  if (algorithm < 1 || algorithm > 2 || state < 1 || state > 3) in.ok = false;
  const auto time = [&in]() -> std::optional<SysTime> {
    const auto seconds = in.number(8);
    if (seconds > 1ull << 40) in.ok = false;
    if (seconds == 0) return std::nullopt;
    return SysTime(std::chrono::seconds(static_cast<std::int64_t>(seconds)));
  };
  StoredDkimKey out{{.selector = std::move(name.local), .algorithm = crypto::KeyAlgorithm(algorithm), .state = DkimKeyState(state)}, {}};
  out.key.created = time().value_or(SysTime());
  out.key.activated = time();
  out.key.retired = time();
  out.key.public_key = in.text();
  out.private_key = in.text();
  if (out.key.state == DkimKeyState::retired && !out.key.retired) in.ok = false;
  TRY_OK(in.end("DKIM key"));
  return out;
}

Result<AccountId> id_of_pending_key(std::string_view key) { return decode_id(key.substr(key.empty() ? 0 : 1)); }

}  // namespace posthorn::auth::rows
