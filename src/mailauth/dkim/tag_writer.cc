#include "mailauth/dkim/tag_writer.h"

#include <algorithm>

namespace posthorn::mailauth::dkim {
namespace {

constexpr std::size_t kLine = 76;  // [RFC5322 2.1.1] 78 at most should be; relays that put a blank in front are forgiven

}  // namespace

TagWriter::TagWriter(std::string_view field_name) : out_(field_name) { out_ += ':'; }

std::size_t TagWriter::room() const { return kLine - std::min(kLine, out_.size() - line_start_); }

void TagWriter::fold() {
  out_ += "\r\n";
  line_start_ = out_.size();
}

void TagWriter::put(std::string_view tag) {
  if (tag.size() + 1 > room()) fold();
  out_ += ' ';
  out_ += tag;
}

void TagWriter::put_list(std::string_view tag, const std::vector<std::string>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto value = values[i] + (i + 1 < values.size() ? ':' : ';');
    if (i == 0) {
      put(std::string(tag) + value);
      continue;
    }
    if (value.size() > room()) {
      fold();
      out_ += ' ';
    }
    out_ += value;
  }
}

void TagWriter::start_last(std::string_view tag) {
  fold();
  out_ += ' ';
  out_ += tag;
}

void TagWriter::put_value(std::string_view base64) {
  while (!base64.empty()) {
    if (room() == 0) {
      fold();
      out_ += ' ';
    }
    const auto n = std::min(room(), base64.size());
    out_ += base64.substr(0, n);
    base64.remove_prefix(n);
  }
}

std::string TagWriter::take() {
  fold();
  return std::move(out_);
}

std::string quoted_printable(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : bytes) {
    const auto u = static_cast<unsigned char>(c);
    if (u > ' ' && u < 0x7f && c != ';' && c != '=') {
      out += c;
      continue;
    }
    out += '=';
    out += kDigits[u >> 4];
    out += kDigits[u & 15];
  }
  return out;
}

}  // namespace posthorn::mailauth::dkim
