// "did you mean ...?"
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace posthorn::config {

// How many letters must be added, dropped, changed or swapped with their neighbour.  Words over 64 bytes are
// cut there.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The nearest of `words`, or empty when none is near enough to be meant.
std::string_view nearest(std::string_view word, std::span<const std::string> words);

}  // namespace posthorn::config
