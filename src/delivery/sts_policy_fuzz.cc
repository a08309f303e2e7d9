// A policy that is accepted means the same when it is written again, and an id is one that a record can have.
#include <cstddef>
#include <cstdint>

#include "delivery/sts_policy.h"

using namespace posthorn;
using namespace posthorn::delivery;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  if (const auto policy = parse_sts_policy(all)) {
    CHECK(policy->mx.size() <= StsLimits::kPatterns && (policy->mode == StsPolicy::Mode::none || !policy->mx.empty()));
    CHECK(policy->max_age.count() >= 0 && policy->max_age <= StsLimits::kMaxAge);
    std::string written;
    for (const auto& line : policy->lines()) written += line + '\n';
    CHECK(written.size() > StsLimits::kPolicy || parse_sts_policy(written).value() == *policy);
    CHECK(!policy->allows("") && !policy->allows("."));
  }
  const std::string half(all.substr(0, size / 2)), rest(all.substr(size / 2)), whole(all);
  for (const auto& records : {std::vector<std::string>{whole}, std::vector<std::string>{half, rest}})
    if (const auto id = sts_id(records)) CHECK(!id->empty() && id->size() <= 32 && id->find_first_of("; =\r\n") == id->npos);
  return 0;
}
