// posthorn manual: man pages and completion.
#include <sys/stat.h>
#include <sysexits.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "cli.h"
#include "manual.h"

namespace posthorn {
namespace {

struct ManualOptions {
  std::string command, directory;
  bool bash = false;
};

int complain(int code, const std::string& text) {
  std::fprintf(stderr, "posthorn manual: %s\n", text.c_str());
  return code;
}

int write_pages(CLI::App& top, const std::string& directory) {
  if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) return complain(EX_CANTCREAT, "cannot make " + directory + ": " + std::strerror(errno));
  for (const auto& [name, text] : man_pages(top, POSTHORN_VERSION)) {
    std::ofstream out(directory + "/" + name, std::ios::binary);
    out << text << std::flush;
    if (!out) return complain(EX_CANTCREAT, "cannot write " + directory + "/" + name);
  }
  return EX_OK;
}

int manual(CLI::App& top, const ManualOptions& o) {
  if (o.bash) {
    std::fputs(bash_completion(top).c_str(), stdout);
    return EX_OK;
  }
  if (!o.directory.empty()) return write_pages(top, o.directory);
  const auto wanted = o.command.empty() ? std::string("posthorn.1") : "posthorn-" + o.command + ".1";
  for (const auto& [name, text] : man_pages(top, POSTHORN_VERSION)) {
    if (name != wanted) continue;
    std::fputs(text.c_str(), stdout);
    return EX_OK;
  }
  return complain(EX_USAGE, "there is no command " + o.command);
}

}  // namespace

void add_manual_command(CLI::App& top, Run& chosen) {
  static ManualOptions o;
  auto* const sub = top.add_subcommand("manual", "Print a manual page, or the completion for bash");
  auto* const command = sub->add_option("command", o.command, "Of this command; without it the overview");
  auto* const directory = sub->add_option("--directory", o.directory, "Write all pages into this directory instead, as /usr/local/share/man/man1")->excludes(command);
  sub->add_flag("--bash", o.bash, "Print the completion for bash instead, for /etc/bash_completion.d/posthorn")->excludes(command)->excludes(directory);
  sub->footer("Examples:\n  posthorn manual copy | man -l -\n  posthorn manual --bash > /etc/bash_completion.d/posthorn");
  sub->callback([&top, &chosen] { chosen = [&top] { return manual(top, o); }; });
}

}  // namespace posthorn
