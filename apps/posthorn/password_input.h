// Passwords from files, standard input or the terminal; never from the command line, which others can see.
#pragma once

#include <string>

#include "base/result.h"

namespace posthorn {

// `file`: its first line; "-": the first line of standard input; empty: asked for twice on the terminal.
Result<std::string> read_password(const std::string& file);

}  // namespace posthorn
