// For tests and fuzzers: converting in pieces, and what must hold of what comes out.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "message/binary.h"
#include "message/downgrade.h"
#include "message/parser.h"

namespace posthorn::message {

inline ContentFacts scan_in_pieces(const Summary& summary, std::string_view message, std::size_t piece) {
  ContentScan scan(summary);
  for (std::size_t at = 0; at < message.size(); at += piece) scan.feed(message.substr(at, piece));
  return scan.finish();
}

inline std::string downgrade_in_pieces(const Summary& summary, const DowngradePlan& plan, std::string_view message, std::size_t piece) {
  Downgrader converter(summary, plan);
  std::string out;
  for (std::size_t at = 0; at < message.size(); at += piece) converter.feed(message.substr(at, piece), out);
  converter.finish(out);
  return out;
}

inline DowngradePlan plan_for(std::string_view message, const HostTakes& host) {
  const auto summary = parse_message(message);
  return plan_downgrade(summary, scan_in_pieces(summary, message, message.size() + 1), host);
}

inline std::string decoded_body(const Part& part, std::string_view message) {
  Part label_only;
  label_only.encoding = part.encoding;
  auto decoder = TransferDecoder::of(label_only);
  const auto body = message.substr(part.body.offset, part.body.size);
  if (!decoder) return std::string(body);
  std::string out;
  decoder->feed(body, out);
  decoder->finish(out);
  return out;
}

}  // namespace posthorn::message
