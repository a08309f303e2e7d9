// Sessions as transcripts.
#include <gtest/gtest.h>

#include "server/common/transcript_testing.h"
#include "server/smap/session.h"
#include "server/smap/smap_session.h"

namespace posthorn::smap {
namespace {

class Transcript : public testing::TestWithParam<std::string> {};

TEST_P(Transcript, Runs) {
  for (const auto& problem : server::run_transcript_file(GetParam(), run_smap_session, config::Protocol::imap)) ADD_FAILURE() << problem;
}

INSTANTIATE_TEST_SUITE_P(Smap, Transcript, testing::ValuesIn(server::transcript_files(POSTHORN_SOURCE_DIR "/tests/session/smap")),
                         [](const auto& info) {
                           const auto slash = info.param.rfind('/') + 1;
                           return info.param.substr(slash, info.param.rfind('.') - slash);
                         });

// An idle connection is meant to take less than 8 KiB in all.
static_assert(sizeof(Session) < 1024);

}  // namespace
}  // namespace posthorn::smap
