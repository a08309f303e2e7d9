// A line of the log as JSON. [RFC8259]
#pragma once

#include <string>
#include <string_view>

#include "base/log.h"

namespace posthorn::log {

// {"time":"...","level":"info","event":"smtp.accepted","session":"k3f9a0001","size":10240}, without a line end.
//
// Always one well-formed object of ASCII and valid UTF-8, whatever is in the values: a byte that is no UTF-8 comes as \xHH in text (as in the other
// form of the log).  Keys are as format_line() writes them; one that is there already, or is time, level or event, gets a "_" behind it.  Values and
// lines are cut as log.h says: a value ends with "...", and a line that lacks fields has "cut":true.
std::string format_json_line(std::string_view timestamp, Level, std::string_view event, Fields fields);

}  // namespace posthorn::log
