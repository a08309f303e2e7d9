#include <gtest/gtest.h>

#include "server/common/transcript_testing.h"
#include "server/smtp/smtp_session.h"

namespace posthorn::server {
namespace {

class SmtpTranscript : public testing::TestWithParam<std::string> {};

TEST_P(SmtpTranscript, GoesAsWritten) {
  for (const auto& problem : run_transcript_file(GetParam(), run_smtp_session, config::Protocol::smtp)) ADD_FAILURE() << problem;
}

INSTANTIATE_TEST_SUITE_P(Files, SmtpTranscript,
                         testing::ValuesIn(transcript_files(POSTHORN_SOURCE_DIR "/tests/session/smtp")),
                         [](const auto& info) {
                           const auto slash = info.param.rfind('/') + 1;
                           return info.param.substr(slash, info.param.rfind('.') - slash);
                         });

}  // namespace
}  // namespace posthorn::server
