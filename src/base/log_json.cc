#include "base/log_json.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/log_text.h"

namespace posthorn::log {
namespace {

constexpr char kHex[] = "0123456789abcdef";

void put_unicode_escape(std::string& out, unsigned c) {
  out += "\\u00";
  out += kHex[(c >> 4) & 15];
  out += kHex[c & 15];
}

// One character, or one byte that is none.  Returns its length.
std::size_t put_next(std::string& out, std::string_view text) {
  const char c = text.front();
  const auto n = utf8_length(text);
  if (n == 0) {
    out += "\\\\x";
    out += kHex[static_cast<unsigned char>(c) >> 4];
    out += kHex[static_cast<unsigned char>(c) & 15];
    return 1;
  }
  if (n > 1) {
    // For those who look at the file itself.
    if (terminal_obeys(text.substr(0, n))) {
      if (n == 2) put_unicode_escape(out, static_cast<unsigned char>(text[1]));
      else {
        const auto code = (static_cast<unsigned char>(text[1]) & 0x3fu) << 6 | (static_cast<unsigned char>(text[2]) & 0x3fu);  // U+20xx
        out += "\\u20";
        out += kHex[(code >> 4) & 15];
        out += kHex[code & 15];
      }
    } else {
      out += text.substr(0, n);
    }
    return n;
  }
  switch (c) {
    case '"': out += "\\\""; break;
    case '\\': out += "\\\\"; break;
    case '\n': out += "\\n"; break;
    case '\r': out += "\\r"; break;
    case '\t': out += "\\t"; break;
    default:
      if (c < ' ' || c == 0x7f) put_unicode_escape(out, static_cast<unsigned char>(c));
      else out += c;
  }
  return 1;
}

void put_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t taken = 0;
  while (!text.empty()) {
    if (taken + std::max<std::size_t>(utf8_length(text), 1) > kMaxValue) {
      out += "...";
      break;
    }
    const auto n = put_next(out, text);
    text.remove_prefix(n);
    taken += n;
  }
  out += '"';
}

void put_value(std::string& out, const Value& v) {
  switch (v.kind) {
    case Value::Kind::text: return put_string(out, v.text);
    case Value::Kind::integer: return put_number(out, v.integer);
    case Value::Kind::natural: return put_number(out, v.natural);
    case Value::Kind::boolean: out += v.natural ? "true" : "false"; return;
    case Value::Kind::real:
      if (std::isfinite(v.real)) put_number(out, v.real);
      else out += "null";
      return;
  }
}

}  // namespace

std::string format_json_line(std::string_view time, Level level, std::string_view event, Fields fields) {
  std::string line = "{";
  line.reserve(240);
  if (!time.empty()) {
    line += "\"time\":";
    put_string(line, time);
    line += ',';
  }
  line.append("\"level\":\"").append(kLevelNames[static_cast<std::size_t>(level)]).append("\",\"event\":\"");
  put_key(line, event);
  line += '"';
  std::vector<std::string> taken = {"time", "level", "event", "cut"};
  for (const Field& field : fields) {
    const std::size_t before = line.size();
    std::string key;
    put_key(key, field.key);
    while (std::ranges::find(taken, key) != taken.end()) key += '_';
    line.append(",\"").append(key).append("\":");
    put_value(line, field.value);
    // Whole fields are left out, so that what is there stays well-formed.
    if (line.size() > kMaxLine - 16) {
      line.resize(before);
      line += ",\"cut\":true";
      break;
    }
    taken.push_back(std::move(key));
  }
  line += '}';
  return line;
}

}  // namespace posthorn::log
