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

// An idle connection is meant to take less than 8 KiB in all.
static_assert(sizeof(Session) < 1536);

}  // namespace
}  // namespace posthorn::imap
