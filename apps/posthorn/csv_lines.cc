#include "csv_lines.h"

#include <fstream>
#include <iostream>

namespace posthorn {
namespace {

constexpr std::size_t kMaxLine = 8192;

std::optional<std::vector<std::string>> fields_of(std::string_view line) {
  std::vector<std::string> out;
  for (;;) {
    auto field = take_csv_field(line);
    if (!field) return {};
    out.push_back(*std::move(field));
    if (line.empty()) return out;
    line.remove_prefix(1);
  }
}

}  // namespace

std::optional<std::string> take_csv_field(std::string_view& in) {
  std::string out;
  if (!in.starts_with('"')) {
    out = in.substr(0, in.find(','));
    in.remove_prefix(out.size());
    return out;
  }
  for (in.remove_prefix(1);;) {
    const auto quote = in.find('"');
    if (quote == in.npos) return {};
    out += in.substr(0, quote);
    in.remove_prefix(quote + 1);
    if (!in.starts_with('"')) break;
    out += '"';
    in.remove_prefix(1);
  }
  if (!in.empty() && in.front() != ',') return {};
  return out;
}

Result<std::vector<std::pair<std::size_t, std::vector<std::string>>>> read_csv_lines(const std::string& file) {
  std::ifstream opened;
  if (file != "-") opened.open(file);
  if (file != "-" && !opened) return fail(Errc::not_found, "cannot read " + file);
  std::istream& in = file == "-" ? std::cin : opened;
  std::vector<std::pair<std::size_t, std::vector<std::string>>> out;
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty() || line.front() == '#' || (number == 1 && line.starts_with("source,"))) continue;
    if (line.size() > kMaxLine) return fail(Errc::limit, file + ", line " + std::to_string(number) + ": too long");
    auto fields = fields_of(line);
    if (!fields) return fail(Errc::syntax, file + ", line " + std::to_string(number) + ": a quote that does not end");
    out.emplace_back(number, *std::move(fields));
  }
  if (in.bad()) return fail(Errc::io, "cannot read " + file);
  return out;
}

}  // namespace posthorn
