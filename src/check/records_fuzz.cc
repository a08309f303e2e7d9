// Texts of strangers' zones.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "check/dkim_keys.h"
#include "check/dmarc.h"
#include "check/spf.h"
#include "check/tags.h"
#include "check/transport.h"

namespace {
// Whoever says that something is wrong says what to do.
void expect_advice(const posthorn::check::Findings& all) {
  for (const auto& f : all.all)
    if (f.level >= posthorn::check::Level::warning && f.advice.empty()) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace posthorn::check;
  const std::string text(reinterpret_cast<const char*>(data), size);
  (void)parse_tags(text);
  (void)parse_spf("v=spf1 " + text);
  (void)report_domains(text);
  expect_advice(judge_spf({"v=spf1 " + text}, {}));
  expect_advice(judge_dmarc({"v=DMARC1; " + text}, "example.org", false));
  expect_advice(judge_dkim_key({text}, "s1"));
  expect_advice(judge_tlsrpt({text}, "example.org"));
  return 0;
}
