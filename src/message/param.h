// Structured MIME field values: Content-Type, Content-Disposition and their parameters [RFC2045 5.1]
// [RFC2231] [RFC2183].
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posthorn::message {

// As BODYSTRUCTURE shows it: continuations are joined [RFC2231 3]; a value with charset keeps its encoded
// form under the name "filename*" [RFC2231 4].  The name is in lower case, the value unquoted and otherwise
// as in the source.
struct Param {
  std::string name;
  std::string value;

  friend bool operator==(const Param&, const Param&) = default;
};
using Params = std::vector<Param>;

// The first of that name as it stands; null when absent.
const std::string* find_param(const Params& params, std::string_view name);

// Decoded to UTF-8: "name*" by its charset [RFC2231 4] first, else "name" with encoded words decoded
// (departure from [RFC2047 5]: much mail has them there).
std::optional<std::string> find_param_utf8(const Params& params, std::string_view name);

// The parameters of a whole field ("Content-Type: ...") as a reader sees them, a blank between the values; empty when
// none is encoded or in pieces [RFC2231 3, 4], for then the field itself has their text.  For SEARCH.
std::string extended_params_text(std::string_view field);

struct ContentType {
  std::string type;     // lower case
  std::string subtype;  // lower case
  Params params;
};

// Nothing when there is no "type/subtype" in it [RFC2045 5.2: then it is text/plain].  Parameters are taken
// as far as they make sense.
std::optional<ContentType> parse_content_type(std::string_view value);

struct Disposition {
  std::string type;  // lower case
  Params params;

  friend bool operator==(const Disposition&, const Disposition&) = default;
};
std::optional<Disposition> parse_disposition(std::string_view value);

std::string parse_token(
    std::string_view value);  // first token in lower case, comments skipped: Content-Transfer-Encoding
std::vector<std::string> parse_language_list(std::string_view value);  // [RFC3282 2] Content-Language

}  // namespace posthorn::message
