// Asking, and saying what came of it.
#pragma once

#include <boost/json.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "app/control.h"
#include "base/result.h"
#include "commands.h"
#include "config/config.h"

namespace posthorn {

// Reads the configuration and puts its settings into effect; says what is wrong with it on standard error.
std::optional<config::Config> load_config(const Common&);

// Where requests are answered; says on standard error what is wrong.
std::unique_ptr<app::AdminLink> open_link(const Common&);

// The answer, when it is a good one.  Prints it as it is where the user asked for that.
Result<boost::json::object> ask(app::AdminLink& link, const Common& common, const boost::json::object& request);
// The same on a link of its own; the error has been said.
std::optional<boost::json::object> ask(const Common& common, const boost::json::object& request);

void say(std::string_view line);          // on standard output
int say_failed(const Error& error);       // on standard error; answers kFailed
std::string text_of(const boost::json::object&, std::string_view key);
std::int64_t number_of(const boost::json::object&, std::string_view key);
bool flag_of(const boost::json::object&, std::string_view key);
// What is not there, or is something else, is empty.
const boost::json::array& list_of(const boost::json::object&, std::string_view key);
const boost::json::object& object_of(const boost::json::object&, std::string_view key);
// "3 messages", "1 message".
std::string count_text(std::int64_t count, std::string_view one, std::string_view more);
// "12 s", "3 min", "2 h", "5 d": rounded down to the largest unit.
std::string rough_time(std::int64_t seconds);
// "512 B", "10 KiB", "1.5 MiB".
std::string rough_size(std::int64_t bytes);
std::string columns(std::string_view left, std::size_t width, std::string_view right);

}  // namespace posthorn
