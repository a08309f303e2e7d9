#include "text/columns.h"

#include <unicode/uchar.h>

#include "text/utf8.h"

namespace posthorn::text {
namespace {

std::size_t columns_of(char32_t c) {
  if (c < 0x300) return 1;
  const auto one = static_cast<UChar32>(c);
  const auto kind = U_GET_GC_MASK(one);
  if ((kind & (U_GC_MN_MASK | U_GC_ME_MASK | U_GC_CF_MASK)) != 0) return 0;
  const int width = u_getIntPropertyValue(one, UCHAR_EAST_ASIAN_WIDTH);
  return width == U_EA_WIDE || width == U_EA_FULLWIDTH ? 2 : 1;
}

}  // namespace

std::size_t columns_of(std::string_view utf8) {
  std::size_t columns = 0;
  while (!utf8.empty()) {
    const auto step = next_utf8(utf8);
    columns += columns_of(step.character);
    utf8.remove_prefix(step.length);
  }
  return columns;
}

std::string_view first_columns(std::string_view utf8, std::size_t columns) {
  std::size_t length = 0;
  while (length < utf8.size()) {
    const auto step = next_utf8(utf8.substr(length));
    const auto wide = columns_of(step.character);
    if (wide > columns) break;
    columns -= wide;
    length += step.length;
  }
  return utf8.substr(0, length);
}

}  // namespace posthorn::text
