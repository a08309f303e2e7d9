// Sessions as transcripts.
#include <gtest/gtest.h>

#include "server/common/transcript_testing.h"
#include "server/imap/imap_session.h"
#include "server/imap/session.h"

namespace posthorn::imap {
namespace {

class Transcript : public testing::TestWithParam<std::string> {};

TEST_P(Transcript, Runs) {
  for (const auto& problem : server::run_transcript_file(GetParam(), run_imap_session, config::Protocol::imap))
    ADD_FAILURE() << problem;
}

INSTANTIATE_TEST_SUITE_P(Imap, Transcript,
                         testing::ValuesIn(server::transcript_files(POSTHORN_SOURCE_DIR "/tests/session/imap")),
                         [](const auto& info) {
                           const auto slash = info.param.rfind('/') + 1;
                           return info.param.substr(slash, info.param.rfind('.') - slash);
                         });

// Stands for SMAP: says which line it was given.
Task<> answer_smap(server::SessionContext context) {
  const auto line = co_await context.connection.read_line(1000, net::LineEnd::any_lf, after(std::chrono::minutes(1)));
  if (line) context.connection.put("SMAP: " + std::string(*line) + "\r\n");
  (void)co_await context.connection.flush(after(std::chrono::minutes(1)));
  context.connection.close();
}

// [SMAP1 3.1, 3.2]
constexpr std::string_view kHandOver = R"(
@account ann@example.test secret
@allow_plaintext_auth

== the first line that begins so hands the connection over
S: * OK [CAPABILITY IMAP4rev1 * SMAP1 KEYWORDS ACL ACL2=UNION] *
C: a1 NOOP
C: \smap1 CAPABILITY
S: a1 OK *
S: SMAP: \smap1 CAPABILITY
S!: closed

== wherever the network cuts it
S: * OK *
C: \c
C: \SMA\c
C!: wait 5
C: P1\c
C!: wait 5
C:  NOOP
S: SMAP: \SMAP1 NOOP
S!: closed

== but not in the middle of another one, and nothing that looks alike
S: * OK *
C: a1 LOGIN {6}
S: + *
C: \SMAP1 secret
S: a1 NO *
C: \SMAP12 NOOP
S: * BAD *
C: \S\c
C!: wait 5
C: ELECT
S: * BAD *
C: a2 CAPABILITY
S: * CAPABILITY * SMAP1 *
S: a2 OK *

== and not behind the sign-in
S: * OK *
C: a1 LOGIN ann@example.test secret
S: a1 OK *
C: \SMAP1 NOOP
S: * BAD *

== switched off as other capabilities
@setting imap.capabilities_off SMAP1
S: * OK *
C: \SMAP1 NOOP
S: * BAD *

== or by itself
@setting smap.enabled false
S: * OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE IDLE STARTTLS AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-1 AUTH=PLAIN AUTH=LOGIN] *
C: \SMAP1 NOOP
S: * BAD *
)";

TEST(Smap, HasTheConnectionFromItsFirstLineOn) {
  const server::RunSession run = [](server::SessionContext context) {
    context.services.run_smap_session = answer_smap;
    return run_imap_session(std::move(context));
  };
  for (const auto& problem : server::run_transcript(kHandOver, "smap", run, config::Protocol::imap)) ADD_FAILURE() << problem;
}

// The other end of the control socket, which takes over mail with its UIDs.
constexpr std::string_view kRestoringSession = R"(
@account ann@example.test secret
@allow_plaintext_auth

== signed in from the start
S: * PREAUTH [CAPABILITY * XPOSTHORN-RESTORE *] *
C: a1 XRESTORE INBOX 77 1
S: a1 OK *
C: a2 APPEND INBOX (\Seen) "01-Feb-2003 04:05:06 +0000" XUID 77 5 {4+}
C: abcd
S: a2 OK [APPENDUID 77 5] *
C: a3 APPEND INBOX XUID 77 9 {4+}
C: efgh\c
C:  XUID 77 12 {4+}
C: ijkl
S: a3 OK [APPENDUID 77 9,12] *
C: a4 APPEND INBOX XUID 77 12 {4+}
C: mnop
S: a4 NO [CANNOT] *
C: b4 APPEND INBOX XUID 78 13 {4+}
C: mnop
S: b4 NO [CANNOT] *
C: a5 XRESTORE INBOX 77 40
S: a5 OK *
C: a6 XRESTORE INBOX 78 40
S: a6 NO [CANNOT] *
C: a7 XRESTORE nowhere 78 40
S: a7 NO [NONEXISTENT] *
C: a8 STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY)
S: * STATUS "INBOX" (MESSAGES 3 UIDNEXT 40 UIDVALIDITY 77)
S: a8 OK *
)";

Task<> run_known(server::SessionContext context) {
  auto record = co_await context.services.directory.find_account("ann@example.test");
  CHECK(record);
  context.known_client = auth::Identity{record->id, record->address};
  co_await run_imap_session(std::move(context));
}

TEST(Restoring, IsForWhoIsKnown) {
  for (const auto& problem : server::run_transcript(kRestoringSession, "restoring", run_known, config::Protocol::imap)) ADD_FAILURE() << problem;
  constexpr std::string_view kStranger = R"(
@account ann@example.test secret
@allow_plaintext_auth

== nobody else has it
S: * OK *
C: a1 LOGIN ann@example.test secret
S: a1 OK *
C: a2 XRESTORE INBOX 77 1
S: a2 BAD *
C: a3 APPEND INBOX XUID 77 5 {4+}
C: abcd
S: a3 BAD *
)";
  for (const auto& problem : server::run_transcript(kStranger, "stranger", run_imap_session, config::Protocol::imap)) ADD_FAILURE() << problem;
}

// An idle connection is meant to take less than 8 KiB in all.
static_assert(sizeof(Session) < 1536);

}  // namespace
}  // namespace posthorn::imap
