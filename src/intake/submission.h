// What users may send, by whatever protocol they hand it over: as whom, and to whom. [RFC6409]
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "async/task.h"
#include "auth/authenticator.h"
#include "auth/directory.h"
#include "base/result.h"
#include "intake/envelope.h"
#include "intake/header_editor.h"
#include "proto/smtp/address.h"
#include "store/mail_store.h"

namespace posthorn::intake {

// An address that leads to the account, through aliases too, or one that the settings allow it.
Task<Result<bool>> may_send_as(auth::Directory&, auth::Identity, std::string local_part, std::string domain);

// Why not.  The text may be shown to the user.
struct Objection {
  enum class What : std::uint8_t { not_theirs, too_many } what = What::not_theirs;
  std::string text;
};

// The sender of the envelope, as smtp.sender_check has it.  The null reverse-path is everybody's, for receipts. [RFC8098]
Task<Result<std::optional<Objection>>> judge_sender(auth::Directory&, auth::Identity, std::optional<smtp::Mailbox>);

// Every mailbox of every From and Sender field, likewise.  A message without them, or with a group that is empty [RFC6854], names nobody.
// REQUIRES: the editor lives on.
Task<Result<std::optional<Objection>>> judge_authors(auth::Directory&, auth::Identity, const HeaderEditor&);

// Where a recipient leads.  An empty domain is that of <postmaster> [RFC5321 4.5.1]: our own, or the first one.
// Errors: invalid: no domain of this server; not_found; limit: it leads in a circle, or to too many; over_quota: so many bytes do not fit.
Task<Result<smtp::ForwardPath>> resolve_here(auth::Directory&, store::MailStore&, std::string hostname, smtp::Mailbox, std::uint64_t size);

// A domain that is not ours.  Address-literals are such, our own too; there are no other ways to name a recipient: "%", "!" and quoted "@" are
// characters of a local-part like others, and a source route is dropped.
smtp::ForwardPath path_elsewhere(const smtp::Mailbox&);

// Aliases may lead to many: this bounds what an envelope may hold and one commit may touch.
inline constexpr std::size_t kMaxTargets = 10'000;
inline std::size_t targets_of(const smtp::ForwardPath& path) { return path.accounts.size() + path.remote.size(); }

}  // namespace posthorn::intake
