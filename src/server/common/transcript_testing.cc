#include "server/common/transcript_testing.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "server/common/transcript_runner_testing.h"

namespace posthorn::server {

std::vector<std::string> run_transcript(std::string_view text, const std::string& name, const RunSession& run,
                                        config::Protocol protocol) {
  auto scenarios = transcript::parse_transcript(text);
  if (!scenarios) return {name + ": " + scenarios.error().text};
  if (scenarios->empty()) return {name + ": no scenario"};
  std::vector<std::string> problems;
  for (const auto& scenario : *scenarios) {
    transcript::Runner runner(scenario, name, run, protocol);
    run_task(runner.run());
    problems.insert(problems.end(), runner.problems().begin(), runner.problems().end());
  }
  return problems;
}

std::vector<std::string> run_transcript_file(const std::string& path, const RunSession& run, config::Protocol protocol) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return {path + ": cannot be read"};
  std::ostringstream text;
  text << in.rdbuf();
  return run_transcript(text.str(), std::filesystem::path(path).filename(), run, protocol);
}

std::vector<std::string> transcript_files(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

}  // namespace posthorn::server
