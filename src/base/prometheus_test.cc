#include "base/prometheus.h"

#include <gtest/gtest.h>

#include <set>

namespace posthorn {
namespace {

TEST(Prometheus, NamesKindsAndSentences) {
  const MetricSample samples[] = {{"queue.entries", "Messages.", MetricKind::gauge, -3}, {"smtp.sign-ins", "A \\ and\na \"quote\".", MetricKind::counter, 9}};
  EXPECT_EQ(prometheus_text(samples),
            "# HELP posthorn_queue_entries Messages.\n"
            "# TYPE posthorn_queue_entries gauge\n"
            "posthorn_queue_entries -3\n"
            "# HELP posthorn_smtp_sign_ins_total A \\\\ and\\na \"quote\".\n"
            "# TYPE posthorn_smtp_sign_ins_total counter\n"
            "posthorn_smtp_sign_ins_total 9\n");
  EXPECT_EQ(prometheus_info("build", "Which.", "version", "1\"\\\n"),
            "# HELP posthorn_build Which.\n# TYPE posthorn_build gauge\nposthorn_build{version=\"1\\\"\\\\\\n\"} 1\n");
}

TEST(Prometheus, EveryMetricHasItsOwnNameAndASentence) {
  std::set<std::string> names;
  for (const auto& sample : metric_samples()) {
    EXPECT_TRUE(names.insert(sample.name).second) << sample.name;
    EXPECT_TRUE(sample.help.ends_with('.')) << sample.name;
    EXPECT_EQ(sample.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-"), std::string::npos) << sample.name;
  }
}

}  // namespace
}  // namespace posthorn
