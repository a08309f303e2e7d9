// Lists of capabilities that are switched off, and for whom; from the settings imap.capabilities_off and imap.capabilities_off_for.
#pragma once

#include <string>
#include <string_view>

namespace posthorn::server {

// Calls f(word) for each word of a text with spaces between.
template <class F>
void for_each_word(std::string_view text, F f) {
  while (!text.empty()) {
    const auto end = text.find(' ');
    if (end != 0) f(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
}

// Is the capability among the words of the list?  "SORT" names "SORT=DISPLAY" too, as "THREAD" names every THREAD=; compared without case.
bool names_capability(std::string_view list, std::string_view capability);

// Does the list switch the capability off: by its name, or by that of another one that it is nothing without, as QRESYNC is without CONDSTORE?
bool is_switched_off(std::string_view list, std::string_view capability);

// `*` stands for any run of characters; without regard to case (ASCII).  Time is O(pattern x text).
bool matches_client(std::string_view pattern, std::string_view client);

// The capabilities of every rule whose pattern matches the client's ID values.  A rule is "pattern: capability capability", rules are separated
// by ';'.
std::string capabilities_off_for(std::string_view rules, std::string_view client);

}  // namespace posthorn::server
