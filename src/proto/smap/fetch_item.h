// What FETCH is asked for, and what STORE is to set, one word each. [SMAP1 6, 7]
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace posthorn::smap {

// Which header fields.
struct HeaderSelection {
  std::vector<std::string> names;  // as they came, ":ENVELOPE" and ":MIME" among them; none: all
  bool selects(std::string_view field_name) const;
};

enum class Part { headers, raw_headers, mime, body, all, body_decoded };

struct FetchItem {
  // unknown: to be passed over, like a part that there is not.
  enum class Kind { unknown, uid, flags, keywords, size, internal_date, contents } kind = Kind::unknown;
  // Of contents:
  bool peek = false;
  Part part = Part::all;
  std::string mime_id = {};  // "1.3.0"; empty: the whole message
  HeaderSelection headers = {};
};

// Names of attributes in any case, of parts exactly.  syntax: brackets that are not closed, or something behind them; more than kMaxHeaderNames.
inline constexpr std::size_t kMaxHeaderNames = 500;
Result<FetchItem> parse_fetch_item(std::string_view word);

struct StoreSetting {
  enum class What { unknown, flags, keywords, internal_date } what = What::unknown;
  enum class Action { replace, add, remove } action = Action::replace;
  std::string value;
};
StoreSetting parse_store_setting(std::string_view word);

}  // namespace posthorn::smap
