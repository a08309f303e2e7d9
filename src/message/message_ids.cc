#include "message/message_ids.h"

#include "text/ascii.h"

namespace posthorn::message {
namespace {

constexpr std::size_t kMaxIds = 10'000;

// Behind '<': the id up to its '>', which is consumed; empty when there is none.
std::string take_id(std::string_view& in) {
  std::string id;
  bool quoted = false;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const char c = in[i];
    if (quoted && c == '\\' && i + 1 < in.size()) {
      id += in[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == '>' && !quoted) {
      in.remove_prefix(i + 1);
      return id;
    } else if (c == '<' && !quoted) {
      break;  // the one before was never closed
    } else if (quoted || (!text::is_wsp(c) && c != '\r' && c != '\n')) {
      id += c;
    }
  }
  return {};
}

}  // namespace

std::vector<std::string> message_ids(std::string_view value) {
  std::vector<std::string> ids;
  for (auto at = value.find('<'); at != value.npos && ids.size() < kMaxIds; at = value.find('<')) {
    value.remove_prefix(at + 1);
    if (auto id = take_id(value); !id.empty()) ids.push_back(std::move(id));
  }
  return ids;
}

}  // namespace posthorn::message
