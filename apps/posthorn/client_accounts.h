// The accounts file: names for places, with what is needed to get in.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "client_options.h"

namespace posthorn {

// `$XDG_CONFIG_HOME/posthorn/accounts.toml`, or `~/.config/posthorn/accounts.toml`; empty: no home is known.
std::string usual_accounts_file();

// All of them, by name; everything in the file is checked, whichever is asked for.  The errors of find_place().
// `file` empty: the usual one, and none if it does not exist.
Result<std::map<std::string, Place>> read_accounts(const std::string& file);

}  // namespace posthorn
