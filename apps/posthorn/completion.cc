// Completion for bash, as a script that needs nothing else.
#include <CLI/CLI.hpp>
#include <cctype>

#include "manual.h"

namespace posthorn {
namespace {

std::string options_of(const CLI::App& app) {
  std::string out;
  for (const auto* option : app.get_options()) {
    if (option->get_positional() || !is_shown(*option)) continue;
    for (const auto& name : option->get_lnames()) out += " --" + name;
    for (const auto& name : option->get_snames()) out += " -" + name;
  }
  return out.empty() ? out : out.substr(1);
}

// "{full,hdrs}" of a type that is one of several, with spaces between them.
std::string choices_of(const CLI::Option& option) {
  const auto type = option.get_type_name();
  const auto begin = type.find('{'), end = type.find('}');
  if (begin == type.npos || end == type.npos) return {};
  std::string out = type.substr(begin + 1, end - begin - 1);
  for (char& c : out)
    if (c == ',') c = ' ';
  return out;
}

void put_cases(std::string& out, const CLI::App& app, const std::string& path) {
  std::string subs;
  for (const auto* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!is_shown(*sub)) continue;
    subs += (subs.empty() ? "" : " ") + sub->get_name();
    put_cases(out, *sub, path.empty() ? sub->get_name() : path + " " + sub->get_name());
  }
  std::string with_value;
  for (const auto* option : app.get_options()) {
    if (option->get_positional() || option->get_expected_max() == 0) continue;
    for (const auto& name : option->get_lnames()) with_value += (with_value.empty() ? "" : "|") + ("--" + name);
    for (const auto& name : option->get_snames()) with_value += (with_value.empty() ? "" : "|") + ("-" + name);
    const auto choices = choices_of(*option);
    if (!choices.empty())
      for (const auto& name : option->get_lnames()) out += "    '" + path + " =--" + name + "') words='" + choices + "';;\n";
  }
  out += "    '" + path + "') words='" + subs + "' options='" + options_of(app) + "';;\n";
  if (!with_value.empty()) out += "    '" + path + " ='*) case \"${1##* =}\" in " + with_value + ") words=;; *) return 1;; esac;;\n";
}

}  // namespace

std::string bash_completion(CLI::App& top) {
  std::string out =
      "# Completion of posthorn for bash; made by \"posthorn manual --bash\".\n"
      "_posthorn_words() {\n  words= options=\n  case \"$1\" in\n";
  put_cases(out, top, "");
  out +=
      "    *) return 1;;\n  esac\n}\n\n"
      "_posthorn() {\n"
      "  local words options path= word i current=\"${COMP_WORDS[COMP_CWORD]}\" previous=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
      "  # The sub-commands that have been chosen; what an option takes is none.\n"
      "  for ((i = 1; i < COMP_CWORD; ++i)); do\n"
      "    word=\"${COMP_WORDS[i]}\"\n"
      "    if [[ $word == -* ]]; then\n"
      "      if _posthorn_words \"$path =$word\"; then ((++i)); fi\n"
      "    elif _posthorn_words \"${path:+$path }$word\"; then\n"
      "      path=\"${path:+$path }$word\"\n"
      "    fi\n"
      "  done\n"
      "  COMPREPLY=()\n"
      "  if [[ $previous == -* ]] && _posthorn_words \"$path =$previous\"; then\n"
      "    if [[ -n $words ]]; then mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
      "    else mapfile -t COMPREPLY < <(compgen -f -- \"$current\"); fi\n"
      "    return\n"
      "  fi\n"
      "  _posthorn_words \"$path\" || return\n"
      "  if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$current\")\n"
      "  elif [[ -n $words ]]; then mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
      "  else mapfile -t COMPREPLY < <(compgen -f -- \"$current\"); fi\n"
      "}\n"
      "complete -o filenames -F _posthorn posthorn\n";
  return out;
}

}  // namespace posthorn
