// What is read from the DNS or the store is bounded, and a mailbox cannot end a line of a header.
#include <cstddef>
#include <cstdint>

#include "delivery/tls_report_target.h"

using namespace posthorn;
using namespace posthorn::delivery;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string all(reinterpret_cast<const char*>(data), size);
  if (const auto targets = tls_report_targets(std::vector{all})) {
    CHECK(!targets->empty() && targets->size() <= kMaxReportTargets);
    for (const auto& t : *targets) {
      CHECK(t.mailbox.find_first_of("\r\n\0") == t.mailbox.npos);
      CHECK(!t.mailbox.empty() || t.url.tls);
    }
  }
  if (const auto row = decode_tls_report_row(all)) CHECK(decode_tls_report_row(encode(*row)).value() == *row);
  TlsCounts counts;
  counts.add({.type = ReportedPolicy::Type::sts, .strings = {all}, .mx_hosts = {all}}, TlsFailure{all, all, all, all, all});
  const auto json = tls_report_json({.organization = all, .contact = all, .id = all, .domain = all, .start = {}, .end = {}}, counts);
  for (const char c : json) CHECK(static_cast<unsigned char>(c) >= ' ');
  return 0;
}
