// The manual and the sample say what the program does: they are compared with the sources, so that settings
// of folders that this test does not link are seen too.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "config/config.h"
#include "config/suggest.h"

namespace posthorn::config {
namespace {

namespace fs = std::filesystem;
const fs::path kRoot = POSTHORN_SOURCE_DIR;

std::string content(const fs::path& path) {
  std::stringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

// The names of all settings declared in src/, each with its file.
std::map<std::string, std::string> declared_settings() {
  static const std::regex kDeclaration(R"re(Setting<[^;{}]*\{\s*(?://[^\n]*\s*)*"([a-z0-9_.]+)")re");
  std::map<std::string, std::string> out;
  for (const auto& file : fs::recursive_directory_iterator(kRoot / "src")) {
    const std::string name = file.path().string();
    if (!name.ends_with(".h") && !name.ends_with(".cc")) continue;
    if (name.ends_with("_test.cc") || name.ends_with("base/settings.h")) continue;  // examples
    const std::string text = content(file.path());
    for (std::sregex_iterator i(text.begin(), text.end(), kDeclaration), end; i != end; ++i)
      out[(*i)[1]] = name;
  }
  return out;
}

TEST(Manual, ListsEverySetting) {
  const std::string manual = content(kRoot / "docs/configuration.md");
  const auto declared = declared_settings();
  EXPECT_TRUE(declared.contains("log.level"));
  EXPECT_TRUE(declared.contains("max_message_size"));
  for (const auto& [name, file] : declared)
    EXPECT_NE(manual.find("| `" + name + "` |"), std::string::npos)
        << "docs/configuration.md has no row for the setting " << name << " of " << file
        << ": put the output of settings_markdown() there";
}

TEST(Manual, ListsNoSettingThatDoesNotExist) {
  const std::string manual = content(kRoot / "docs/configuration.md");
  const auto declared = declared_settings();
  static const std::regex kRow(R"re(\n\| `([a-z0-9_]+(\.[a-z0-9_]+)+)` \|)re");
  for (std::sregex_iterator i(manual.begin(), manual.end(), kRow), end; i != end; ++i)
    EXPECT_TRUE(declared.contains((*i)[1])) << (*i)[1];
}

TEST(Sample, LoadsWithoutProblems) {
  const auto loaded = load_file((kRoot / "packaging/posthorn.toml").string());
  EXPECT_EQ(to_text(loaded), "");
  EXPECT_TRUE(loaded.config.has_value());
}

TEST(Sample, CommentedKeysExist) {
  std::istringstream in(content(kRoot / "packaging/posthorn.toml"));
  static const std::regex kTable(R"(#\[+([a-z0-9_.]+)\]+\s*)"), kKey(R"(#([a-z0-9_]+) = .*)");
  const auto declared = declared_settings();
  const std::set<std::string> own = {"data_dir",
                                     "tls.certificate",
                                     "tls.key",
                                     "listen.protocol",
                                     "listen.address",
                                     "listen.tls",
                                     "listen.allow_plaintext_auth"};
  std::string table;
  std::smatch found;
  for (std::string line; std::getline(in, line);) {
    if (std::regex_match(line, found, kTable)) table = found[1].str() + ".";
    if (std::regex_match(line, found, kKey))
      EXPECT_TRUE(declared.contains(table + found[1].str()) || own.contains(table + found[1].str())) << line;
  }
}

TEST(Suggest, FindsTheNearestWord) {
  EXPECT_EQ(edit_distance("hostname", "hostnam"), 1u);
  EXPECT_EQ(edit_distance("hsotname", "hostname"), 1u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  const std::vector<std::string> words = {"hostname", "data_dir", "tls"};
  EXPECT_EQ(nearest("host_name", words), "hostname");
  EXPECT_EQ(nearest("datadir", words), "data_dir");
  EXPECT_EQ(nearest("tsl", words), "tls");
  EXPECT_EQ(nearest("zebra", words), "");
}

}  // namespace
}  // namespace posthorn::config
