// `account import`: many accounts from a file of address,password lines.
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "csv_lines.h"
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

// "address,password".  A password without quotes goes to the end of the line, commas included.
std::optional<Row> take_row(std::size_t line, std::string_view in) {
  if (in.size() > kMaxLine) return {};
  auto address = take_csv_field(in);
  if (!address || address->empty() || in.empty()) return {};
  in.remove_prefix(1);
  auto password = in.starts_with('"') ? take_csv_field(in) : std::string(std::exchange(in, {}));
  if (!password || password->empty() || !in.empty()) return {};
  return Row{line, *std::move(address), *std::move(password)};
}

class Import {
 public:
  Import(app::AdminLink& link, std::string name) : link_(link), name_(std::move(name)) {}

  int run(std::istream& in) {
    std::string text;
    for (std::size_t line = 1; std::getline(in, text); ++line) {
      if (!text.empty() && text.back() == '\r') text.pop_back();
      if (text.empty() || text.front() == '#' || (line == 1 && text == "address,password")) continue;
      auto row = take_row(line, text);
      if (!row) {
        complain(line, "not a line of the form address,password");
        continue;
      }
      rows_.push_back(*std::move(row));
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
