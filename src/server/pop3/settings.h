// What an operator may change about POP3, for the server and for single accounts, and what is counted.
#pragma once

#include <chrono>
#include <string>

#include "auth/account_setting.h"
#include "base/metrics.h"
#include "base/settings.h"
#include "server/pop3/texts.h"
#include "store/mailbox.h"

namespace posthorn::pop3 {

inline const Setting<std::chrono::seconds> kIdleTimeout{
    "pop3.idle_timeout", std::chrono::minutes(10), std::chrono::minutes(10), std::chrono::hours(24),  // [RFC1939 3]
    "Close a connection that has been silent for this long."};
inline const Setting<std::chrono::milliseconds> kTransferTimeout{
    "pop3.transfer_timeout", std::chrono::minutes(10), std::chrono::milliseconds(100), std::chrono::hours(1),
    "Close a connection that has not taken a piece of our answer (some 300 KiB) after this long."};
inline const Setting<std::int64_t> kMaxErrors{
    "pop3.max_errors", 20, 1, 1'000'000, "Close a connection after this many bad commands or failed sign-ins before a sign-in."};
inline const Setting<std::chrono::seconds> kLoginDelay{
    "pop3.login_delay", std::chrono::seconds(0), std::chrono::seconds(0), std::chrono::hours(24),  // [RFC2449 6.5]
    "How long an account must wait after a sign-in by POP3 until the next one; 0: not at all."};
inline const Setting<bool> kApop{
    "pop3.apop", false, "Let accounts sign in by APOP that have a secret for it (`posthorn account apop`), which is kept in clear."};
// Most clients have never heard of UTF8, and stop at a message that they cannot have.
inline const Setting<bool> kRefuseUtf8{
    "pop3.refuse_utf8", false, "Refuse messages that need UTF8 and have no form in ASCII to clients that have not asked for it ([UTF8]), instead of sending them as they are."};
inline const Setting<std::chrono::seconds> kLoginTimeout{
    "pop3.login_timeout", std::chrono::minutes(3), std::chrono::seconds(1), std::chrono::hours(1),
    "Close a connection that has not signed in after this long."};
inline constexpr std::string_view kLanguageTags[] = {"en", "de"};  // in the order of Language
inline const Setting<Language> kLanguage{"pop3.language", Language::english, kLanguageTags,
                                         "The language a client gets that asks for the server's own (LANG *)."};

// --- what an account may have for itself, too (`posthorn account set`)

inline const TextForm kMailboxName{
    [](std::string_view name) -> Result<void> {
      if (store::normal_mailbox_name(name)) return {};
      return fail(Errc::invalid, "is not the name of a mailbox");
    },
    "the name of a mailbox"};
inline const Setting<std::string> kMailbox{"pop3.mailbox", "INBOX", kMailboxName, "The mailbox that POP3 shows."};
inline const Setting<bool> kExclusiveLock{
    "pop3.exclusive_lock", false, "Answer [IN-USE] to a sign-in while another POP3 session of the account lasts."};
inline const Setting<bool> kHideSeen{"pop3.hide_seen", false, "Show only messages that have not been read by IMAP."};
inline const Setting<bool> kLeaveOnServer{
    "pop3.leave_on_server", false,
    "What a POP3 client deletes is hidden from POP3 only, and stays in the mailbox for IMAP, with the keyword $POP3Deleted."};
inline const Setting<std::chrono::seconds> kDeleteAfter{
    "pop3.delete_after", std::chrono::seconds(0), std::chrono::seconds(0), std::chrono::hours(24 * 3650),
    "At QUIT, remove what the client was shown or has deleted and has been in the mailbox this long, read or not; 0: never."};
inline const Setting<std::chrono::seconds> kLeastRetention{
    "pop3.least_retention", std::chrono::hours(24 * 7), std::chrono::hours(24), std::chrono::hours(24 * 3650),  // [RFC2449 6.7]
    "A shorter pop3.delete_after counts as this one; clients are told it before they sign in."};

inline const auth::AccountSetting<std::string> kMailboxOfAccount{kMailbox};
inline const auth::AccountSetting<bool> kExclusiveLockOfAccount{kExclusiveLock};
inline const auth::AccountSetting<bool> kHideSeenOfAccount{kHideSeen};
inline const auth::AccountSetting<bool> kLeaveOnServerOfAccount{kLeaveOnServer};
inline const auth::AccountSetting<std::chrono::seconds> kDeleteAfterOfAccount{kDeleteAfter};

// A handshake is not idleness: [RFC1939 3] does not ask for patience with it.
inline constexpr std::chrono::seconds kHandshakeTimeout{60};

inline Counter retrieved{"pop3.retrieved", "Messages sent by RETR."};
inline Counter deleted{"pop3.deleted", "Messages removed at QUIT."};

}  // namespace posthorn::pop3
