#include "proto/smtp/reply.h"

#include <algorithm>

namespace posthorn::smtp {
namespace {

constexpr std::size_t kMaxLine = 512;  // [RFC5321 4.5.3.1.5] with CRLF

void put_line(std::string& out, int code, EnhancedCode enhanced, std::string_view text, bool last) {
  const std::size_t begin = out.size();
  out += std::to_string(code);
  out += last ? ' ' : '-';
  if (enhanced.klass != 0) {
    out += std::to_string(enhanced.klass) + '.' + std::to_string(enhanced.subject) + '.' +
           std::to_string(enhanced.detail) + ' ';
  }
  auto room = kMaxLine - 2 - std::min(out.size() - begin, kMaxLine - 2);
  if (text.size() > room) {
    while (room > 0 && (static_cast<unsigned char>(text[room]) & 0xC0) == 0x80)
      --room;  // not inside of UTF-8
    text = text.substr(0, room);
  }
  for (char c : text) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  out += "\r\n";
}

}  // namespace

void put_reply(std::string& out, const Reply& reply) {
  if (reply.lines.empty()) return put_line(out, reply.code, reply.enhanced, {}, true);
  for (std::size_t i = 0; i < reply.lines.size(); ++i)
    put_line(out, reply.code, reply.enhanced, reply.lines[i], i + 1 == reply.lines.size());
}

void put_reply(std::string& out, int code, EnhancedCode enhanced, std::string_view text) {
  put_line(out, code, enhanced, text, true);
}

std::string to_string(const Reply& reply) {
  std::string out;
  put_reply(out, reply);
  return out;
}

}  // namespace posthorn::smtp
