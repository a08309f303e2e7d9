#include "manual.h"

#include <CLI/CLI.hpp>
#include <algorithm>

namespace posthorn {
namespace {

// Text as roff has it: no escapes, no requests, and hyphens that can be searched for.
std::string roff(std::string_view text) {
  std::string out;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') out += "\\e";
    else if (c == '-') out += "\\-";
    else out += c;
    line_start = c == '\n';
  }
  return out;
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return out;
}

std::vector<const CLI::App*> subcommands_of(const CLI::App& app) {
  auto all = app.get_subcommands([](const CLI::App* sub) { return is_shown(*sub); });
  return {all.begin(), all.end()};
}

// "FILE", or what a value must be: "INT:INT in [0 - 100]" is "INT (0 to 100)" in words of the description.
std::string value_name(const CLI::Option& option) {
  if (option.get_expected_max() == 0 || option.get_type_size() == 0) return {};
  auto type = option.get_type_name();
  if (const auto more = type.find(':'); more != type.npos && type.find('{') == type.npos) type.resize(more);
  if (const auto choice = type.find('{'); choice != type.npos) type = type.substr(choice);
  return type == "TEXT" ? "VALUE" : type;
}

std::string option_tag(const CLI::Option& option) {
  std::string out;
  for (const auto& name : option.get_snames()) out += (out.empty() ? "" : ", ") + ("\\fB\\-" + roff(name) + "\\fR");
  for (const auto& name : option.get_lnames()) out += (out.empty() ? "" : ", ") + ("\\fB\\-\\-" + roff(name) + "\\fR");
  const auto value = value_name(option);
  if (!value.empty()) out += " \\fI" + roff(value) + "\\fR";
  return out;
}

std::string description_of(const CLI::Option& option) {
  std::string out = roff(option.get_description()) + (option.get_description().empty() ? "" : ".");
  if (!option.get_default_str().empty() && option.get_default_str() != "false") out += " Default: " + roff(option.get_default_str()) + ".";
  if (!option.get_excludes().empty()) {
    std::string others;
    for (const auto* other : option.get_excludes()) others += (others.empty() ? "" : ", ") + ("\\fB" + roff(other->get_name(false, false)) + "\\fR");
    out += " Not with " + others + ".";
  }
  return out;
}

std::string synopsis(const CLI::App& app, const std::string& name) {
  std::string out = "\\fB" + roff(name) + "\\fR";
  if (app.get_options([](const CLI::Option* o) { return !o->get_positional() && is_shown(*o); }).size() > 1) out += " [\\fIoptions\\fR]";
  for (const auto* option : app.get_options()) {
    if (!option->get_positional()) continue;
    const auto word = "\\fI" + roff(option->get_name(true)) + "\\fR" + (option->get_expected_max() > 1 ? " ..." : "");
    out += option->get_required() ? " " + word : " [" + word + "]";
  }
  return out;
}

void put_options(std::string& out, const CLI::App& app) {
  for (const bool positional : {true, false})
    for (const auto* option : app.get_options()) {
      if (option->get_positional() != positional || !is_shown(*option)) continue;
      out += ".TP\n" + (positional ? "\\fI" + roff(option->get_name(true)) + "\\fR" : option_tag(*option)) + "\n" + description_of(*option) + "\n";
    }
}

// The footer of --help: a line that ends with ":" is a heading, lines that begin with a space are as they are, an empty line ends a paragraph.
void put_footer(std::string& out, const std::string& footer) {
  bool literal = false;
  std::string_view rest = footer;
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const bool indented = line.starts_with(' ');
    if (indented != literal) out += indented ? ".PP\n.nf\n.RS 4\n" : ".RE\n.fi\n";
    literal = indented;
    if (indented) out += roff(line.substr(line.find_first_not_of(' '))) + "\n";
    else if (line.empty()) out += ".PP\n";
    else if (line.ends_with(':') && line.find(' ') == line.npos) out += ".SH " + upper(line.substr(0, line.size() - 1)) + "\n";
    else out += roff(line) + "\n";
  }
  if (literal) out += ".RE\n.fi\n";
}

void put_commands(std::string& out, const CLI::App& app, const std::string& name) {
  for (const auto* sub : subcommands_of(app)) {
    const auto full = name + " " + sub->get_name();
    out += ".SS " + synopsis(*sub, full) + "\n" + roff(sub->get_description()) + ".\n";
    put_options(out, *sub);
    put_footer(out, sub->get_footer());
    put_commands(out, *sub, full);
  }
}

std::string head(std::string_view name, std::string_view description, std::string_view version) {
  return ".TH " + upper(name) + " 1 \"\" \"posthorn " + std::string(version) + "\" \"Posthorn\"\n.SH NAME\n" + roff(name) + " \\- " + roff(description) + "\n";
}

std::string page_of(const CLI::App& command, std::string_view version) {
  const auto name = "posthorn " + command.get_name();
  std::string out = head("posthorn-" + command.get_name(), command.get_description(), version) + ".SH SYNOPSIS\n";
  const auto subs = subcommands_of(command);
  if (subs.empty()) out += synopsis(command, name) + "\n";
  for (const auto* sub : subs) {
    const auto deeper = subcommands_of(*sub);
    if (deeper.empty()) out += synopsis(*sub, name + " " + sub->get_name()) + "\n.br\n";
    for (const auto* one : deeper) out += synopsis(*one, name + " " + sub->get_name() + " " + one->get_name()) + "\n.br\n";
  }
  out += ".SH OPTIONS\n";
  put_options(out, command);
  if (!subs.empty()) out += ".SH COMMANDS\n";
  put_commands(out, command, name);
  put_footer(out, command.get_footer());
  out += ".SH SEE ALSO\n.BR posthorn (1)\n";
  return out;
}

}  // namespace

bool is_shown(const CLI::App& app) { return !app.get_group().empty() && !app.get_name().empty(); }
bool is_shown(const CLI::Option& option) { return !option.get_group().empty(); }

std::vector<std::pair<std::string, std::string>> man_pages(CLI::App& top, std::string_view version) {
  std::vector<std::pair<std::string, std::string>> out;
  std::string page = head("posthorn", top.get_description(), version) +
                     ".SH SYNOPSIS\n\\fBposthorn\\fR \\fIcommand\\fR [\\fIoptions\\fR] ...\n.SH OPTIONS\n";
  put_options(page, top);
  page += ".SH COMMANDS\n";
  std::string others;
  for (const auto* sub : subcommands_of(top)) {
    const auto name = "posthorn-" + sub->get_name();
    page += ".TP\n.BR " + roff(name) + " (1)\n" + roff(sub->get_description()) + ".\n";
    out.emplace_back(name + ".1", page_of(*sub, version));
  }
  put_footer(page, top.get_footer());
  out.emplace(out.begin(), "posthorn.1", std::move(page));
  return out;
}

}  // namespace posthorn
