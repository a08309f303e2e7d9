// `account import`: many accounts from a file of address,password lines.
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "output.h"

namespace posthorn {

namespace json = boost::json;

namespace {

constexpr std::size_t kBatch = 500;
constexpr std::size_t kMaxLine = 8192;

struct Row {
  std::size_t line;
  std::string address, password;
};

// One field of a CSV line: bare up to the comma (the second one: up to the end), or in double quotes, doubled inside. [RFC4180 2]
std::optional<std::string> take_field(std::string_view& in, bool last) {
  std::string out;
  if (!in.starts_with('"')) {
    const auto end = last ? std::string_view::npos : in.find(',');
    if (!last && end == std::string_view::npos) return {};
    out = in.substr(0, end);
    in.remove_prefix(last ? in.size() : end + 1);
    return out;
  }
  for (in.remove_prefix(1);;) {
    const auto quote = in.find('"');
    if (quote == std::string_view::npos) return {};
    out += in.substr(0, quote);
    in.remove_prefix(quote + 1);
    if (!in.starts_with('"')) break;
    out += '"';
    in.remove_prefix(1);
  }
  if (last) return in.empty() ? std::optional(out) : std::nullopt;
  if (!in.starts_with(',')) return {};
  in.remove_prefix(1);
  return out;
}

class Import {
 public:
  Import(app::AdminLink& link, std::string name) : link_(link), name_(std::move(name)) {}

  int run(std::istream& in) {
    std::string text;
    for (std::size_t line = 1; std::getline(in, text); ++line) {
      if (!text.empty() && text.back() == '\r') text.pop_back();
      if (text.empty() || text.front() == '#' || (line == 1 && text == "address,password")) continue;
      std::string_view rest = text;
      auto address = text.size() > kMaxLine ? std::nullopt : take_field(rest, false);
      auto password = address ? take_field(rest, true) : std::nullopt;
      if (!password || address->empty() || password->empty()) {
        complain(line, "not a line of the form address,password");
        continue;
      }
      rows_.push_back({line, *std::move(address), *std::move(password)});
      if (rows_.size() == kBatch && !send()) return kFailed;
    }
    if (!rows_.empty() && !send()) return kFailed;
    say("imported " + std::to_string(added_) + " accounts, " + std::to_string(failed_) + " lines failed");
    return failed_ == 0 ? kDone : kFailed;
  }

 private:
  void complain(std::size_t line, const std::string& text) {
    ++failed_;
    std::cerr << name_ << ':' << line << ": " << text << '\n';
  }

  bool send() {
    json::array accounts;
    for (const auto& row : rows_) accounts.push_back(json::object{{"address", row.address}, {"password", row.password}});
    const auto answer = ask(link_, {}, {{"command", "account.add"}, {"accounts", std::move(accounts)}});
    const auto* results = answer ? answer->if_contains("results") : nullptr;
    if (!results || !results->is_array() || results->get_array().size() != rows_.size()) {
      say_failed(answer ? Error{Errc::syntax, "the answer cannot be read"} : answer.error());
      std::cerr << "posthorn: stopped at line " << rows_.front().line << " of " << name_ << ", " << added_
                << " accounts have been imported\n";
      return false;
    }
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const auto* result = results->get_array()[i].if_object();
      const auto error = result ? text_of(*result, "error") : std::string("the answer cannot be read");
      if (error.empty())
        ++added_;
      else
        complain(rows_[i].line, error);
    }
    rows_.clear();
    return true;
  }

  app::AdminLink& link_;
  const std::string name_;
  std::vector<Row> rows_;
  std::size_t added_ = 0, failed_ = 0;
};

}  // namespace

int account_import(const Common& common, const std::string& file) {
  std::ifstream from_file;
  if (file != "-") {
    from_file.open(file);
    if (!from_file) return say_failed({Errc::not_found, "cannot read " + file});
  }
  const auto link = open_link(common);
  if (!link) return kFailed;
  return Import(*link, file == "-" ? "standard input" : file).run(file == "-" ? std::cin : from_file);
}

}  // namespace posthorn
