// Metrics in the text format 0.0.4 of Prometheus.
#pragma once

#include <span>
#include <string>

#include "base/metrics.h"

namespace posthorn {

inline constexpr std::string_view kPrometheusType = "text/plain; version=0.0.4; charset=utf-8";

// "smtp.messages_accepted" is posthorn_smtp_messages_accepted_total: what only rises ends with _total.  Each with its HELP and TYPE line.
// REQUIRES: names are letters, digits, '.', '_' and '-', and no two are the same.
std::string prometheus_text(std::span<const MetricSample>);

// One line by hand: a gauge with one label, whose value may be anything.
std::string prometheus_info(std::string_view name, std::string_view help, std::string_view label, std::string_view value);

}  // namespace posthorn
