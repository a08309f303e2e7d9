// Man pages and completion for bash, made of the same data as --help.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace CLI {
class App;
class Option;
}

namespace posthorn {

// A sub-command or an option that users are told of.
bool is_shown(const CLI::App&);
bool is_shown(const CLI::Option&);

// posthorn(1), and one page for each sub-command, those below it included: name of the file and text, in roff with man(7)'s macros.
std::vector<std::pair<std::string, std::string>> man_pages(CLI::App& top, std::string_view version);

// A script for bash: the names of sub-commands and options, the values of those that take one of several, and files.
std::string bash_completion(CLI::App& top);

}  // namespace posthorn
