// Passwords from files, standard input or the terminal; never from the command line, which others can see.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "base/result.h"

namespace posthorn {

constexpr std::size_t kMaxPassword = 64 << 10;  // bytes; an OAuth 2 token may be long

// `file`: its first line; "-": the first line of standard input; empty: asked for twice on the terminal.
Result<std::string> read_password(const std::string& file);
// The first two of these.
Result<std::string> read_password_file(const std::string& file);
// Asked for once on the terminal, which is not standard input if that is something else.  invalid: there is none, or nothing was typed;
// timed_out.
Result<std::string> ask_password(const std::string& prompt, std::chrono::seconds patience);

}  // namespace posthorn
