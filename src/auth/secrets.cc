#include "auth/secrets.h"

#include <algorithm>
#include <utility>

#include "auth/mechanisms.h"
#include "crypto/password.h"
#include "text/saslprep.h"
#include "text/utf8.h"

namespace posthorn::auth {
namespace {

using crypto::ScramHash;

// [RFC4616 2] [RFC5802 2.2] The forms in which a password may have been hashed: SASLprep's, and as given, which is what 0.1
// took.  What SASLprep refuses is taken as given by us and by the clients we know.
struct Forms {
  std::string prepared;
  std::string_view given;
  bool differ() const { return prepared != given; }
};
Forms forms_of(std::string_view password) {
  auto prepared = text::saslprep(password);
  return {prepared ? *std::move(prepared) : std::string(password), password};
}

Result<bool> matches(const Secrets& kept, std::string_view password) {
  if (!kept.password_hash.empty()) return crypto::verify_password(password, kept.password_hash);
  const auto& text = kept.scram_sha256.empty() ? kept.scram_sha1 : kept.scram_sha256;
  TRY(const auto keys, crypto::parse_scram_keys(text));
  return password.size() <= crypto::kMaxPassword && crypto::verify_scram_password(keys, password);
}

// A hash is made anew for a better one only: nobody's argon2id becomes sha256.
bool out_of_date(const std::string& hash) {
  const auto scheme = crypto::kPasswordScheme.get();
  return hash.empty() || (scheme == crypto::PasswordScheme::argon2id && crypto::needs_rehash(hash, scheme));
}

Result<Secrets> completed(Secrets kept, std::string_view prepared) {
  if (out_of_date(kept.password_hash)) {
    TRY(kept.password_hash, crypto::hash_password(prepared, crypto::kPasswordScheme.get()));
  }
  const auto complete = [&](std::string& keys, ScramHash hash) {
    if (keys.empty() && is_switched_on(hash)) keys = crypto::to_text(crypto::make_scram_keys(hash, prepared));
  };
  complete(kept.scram_sha256, ScramHash::sha256);
  complete(kept.scram_sha1, ScramHash::sha1);
  return kept;
}

}  // namespace

Result<Secrets> make_secrets(std::string_view password) {
  // [RFC4616 2] What PLAIN cannot carry would be a password that nobody can sign in with.
  if (!text::is_valid_utf8(password) ||
      std::ranges::any_of(password, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
    return fail(Errc::invalid, "a password is UTF-8 text without control characters");
  return completed({}, forms_of(password).prepared);
}

Result<Verdict> judge_password(const Secrets& kept, std::string_view password) {
  const auto forms = forms_of(password);
  Verdict verdict{false, kept};
  TRY(verdict.right, matches(kept, forms.prepared));
  if (!verdict.right && forms.differ()) {
    TRY(verdict.right, matches(kept, forms.given));
    if (verdict.right) verdict.secrets = {};  // nothing of it is the prepared password's
  }
  if (!verdict.right) return verdict;
  auto fresh = completed(verdict.secrets, forms.prepared);
  verdict.secrets = fresh ? *std::move(fresh) : kept;  // another time
  return verdict;
}

void judge_unknown_user(std::string_view password) {
  const auto forms = forms_of(password);
  for (int i = 0; i < (forms.differ() ? 2 : 1); ++i)
    (void)crypto::verify_unknown_user(forms.prepared, crypto::kPasswordScheme.get());
}

}  // namespace posthorn::auth
