#include "base/prometheus.h"

namespace posthorn {
namespace {

enum class Quoting { help, label };

// What ends a line, a quotation or an escape.
void put_escaped(std::string& out, std::string_view text, Quoting quoting) {
  for (const char c : text) {
    if (c == '\n') out += "\\n";
    else if (c == '\\') out += "\\\\";
    else if (c == '"' && quoting == Quoting::label) out += "\\\"";
    else out += c;
  }
}

std::string name_of(std::string_view name, MetricKind kind) {
  std::string out = "posthorn_";
  for (const char c : name) out += c == '.' || c == '-' ? '_' : c;
  if (kind == MetricKind::counter) out += "_total";
  return out;
}

void put_head(std::string& out, const std::string& name, std::string_view help, MetricKind kind) {
  out.append("# HELP ").append(name).append(" ");
  put_escaped(out, help, Quoting::help);
  out.append("\n# TYPE ").append(name).append(kind == MetricKind::counter ? " counter\n" : " gauge\n");
}

}  // namespace

std::string prometheus_text(std::span<const MetricSample> samples) {
  std::string out;
  out.reserve(samples.size() * 160);
  for (const auto& sample : samples) {
    const auto name = name_of(sample.name, sample.kind);
    put_head(out, name, sample.help, sample.kind);
    out.append(name).append(" ").append(std::to_string(sample.value)).append("\n");
  }
  return out;
}

std::string prometheus_info(std::string_view name, std::string_view help, std::string_view label, std::string_view value) {
  std::string out;
  const auto full = name_of(name, MetricKind::gauge);
  put_head(out, full, help, MetricKind::gauge);
  out.append(full).append("{").append(label).append("=\"");
  put_escaped(out, value, Quoting::label);
  return out.append("\"} 1\n");
}

}  // namespace posthorn
