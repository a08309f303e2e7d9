#include "store/mailbox.h"

#include "text/ascii.h"
#include "text/normalize.h"
#include "text/utf8.h"

namespace posthorn::store {

Rights MailboxState::rights_of(AccountId who, AccountId owner, const AnyoneIn& anyone) const {
  if (who == owner) return kAllRights;
  Rights granted, taken;
  for (const AclEntry& e : acl) {
    if (e.who != who && (e.who != kAnyone || (!e.negative && !anyone.counts(owner)))) continue;
    Rights& side = e.negative ? taken : granted;
    side = side | e.rights;
  }
  return granted - taken;
}

std::uint8_t changeable_flags(Rights rights) {
  std::uint8_t flags = 0;
  if (rights.contains(kKeepSeen)) flags |= kSeen;
  if (rights.contains(kDeleteMessages)) flags |= kDeleted;
  if (rights.contains(kWrite)) flags |= kAllSystemFlags & ~(kSeen | kDeleted);
  return flags;
}

Result<std::string> normal_mailbox_name(std::string_view name) {
  constexpr std::size_t kMaxBytes = 1000;
  const auto bad_length = [] { return fail(Errc::invalid, "a mailbox name has 1 to 1000 bytes"); };
  if (name.empty() || name.size() > 3 * kMaxBytes) return bad_length();
  if (!text::is_valid_utf8(name)) return fail(Errc::invalid, "a mailbox name is UTF-8");
  std::string out = text::nfc(name);
  name = out;
  if (name.size() > kMaxBytes) return bad_length();
  std::size_t levels = 0, start = 0;
  for (std::size_t i = 0; i <= name.size(); ++i) {
    if (i < name.size() && name[i] != '/') {
      if (static_cast<unsigned char>(name[i]) < 0x20 || name[i] == 0x7F)
        return fail(Errc::invalid, "a mailbox name has no control characters");
      continue;
    }
    if (i == start) return fail(Errc::invalid, "a mailbox name has no empty level");
    if (i - start > 255) return fail(Errc::invalid, "a level of a mailbox name has at most 255 bytes");
    if (++levels > 100) return fail(Errc::invalid, "a mailbox name has at most 100 levels");
    start = i + 1;
  }
  // [RFC3501 5.1] INBOX in any case is the same; its children follow it.
  if (text::iequals(name.substr(0, 5), "inbox") && (name.size() == 5 || name[5] == '/')) out.replace(0, 5, "INBOX");
  return out;
}

Result<std::string> new_mailbox_name(std::string_view name) {
  TRY(auto out, normal_mailbox_name(name));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto rest = std::string_view(out).substr(i);
    const bool is_c1 = rest.starts_with('\xC2') && static_cast<unsigned char>(rest[1]) < 0xA0;
    if (is_c1 || rest.starts_with("\u2028") || rest.starts_with("\u2029")) return fail(Errc::invalid, "a mailbox name has no control characters");
  }
  return out;
}

}  // namespace posthorn::store
