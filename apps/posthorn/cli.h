// The command line: every sub-command, or group of them, adds itself.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace posthorn {

// What was chosen, in the end; it answers with the exit code of the program.
using Run = std::function<int()>;

// The commands that act as clients of other servers.  They need no configuration of ours, and exit with the codes of sysexits.h.  The
// arguments live as long as the program.
void add_send_command(CLI::App& top, Run& chosen);   // send_cli.cc
void add_fetch_command(CLI::App& top, Run& chosen);  // fetch_cli.cc
void add_check_command(CLI::App& top, Run& chosen);  // check_cli.cc
void add_sync_command(CLI::App& top, Run& chosen);   // sync_cli.cc
void add_copy_commands(CLI::App& top, Run& chosen);  // copy_cli.cc: copy, export, import
void add_manual_command(CLI::App& top, Run& chosen);  // manual_cli.cc

}  // namespace posthorn
