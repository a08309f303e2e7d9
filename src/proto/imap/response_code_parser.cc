// What stands in brackets in a status response. [RFC3501 7.1] [RFC4315 3] [RFC7162] [RFC5530]
#include "proto/imap/response_grammar.h"

namespace posthorn::imap {
namespace {

Result<void> take_argument(ResponseCode& code, const ResponseLimits& limits) {
  Cursor in(code.argument);
  const std::string_view name = code.name;
  if (name == "UIDVALIDITY" || name == "UIDNEXT" || name == "UNSEEN" || name == "HIGHESTMODSEQ" || name == "APPENDLIMIT") {
    TRY(code.number, in.take_number63());
  } else if (name == "APPENDUID" || name == "COPYUID") {
    TRY(code.number, in.take_nz_number());
    TRY_OK(in.take_space());
    if (name == "COPYUID") {
      TRY(code.from, take_uid_ranges(in, limits));
      TRY_OK(in.take_space());
    }
    TRY(code.to, take_uid_ranges(in, limits));
  } else if (name == "MODIFIED") {
    TRY(code.from, take_uid_ranges(in, limits));
  } else if (name == "CAPABILITY") {
    code.words = take_upper_words(in, limits);
  } else if (name == "PERMANENTFLAGS" || name == "BADCHARSET") {
    while (!in.at_end() && code.words.size() < limits.words) {
      if (in.take(' ') || in.take('(') || in.take(')')) continue;
      TRY(const auto word, take_word_of_server(in));
      code.words.emplace_back(word);
    }
  }
  return {};
}

}  // namespace

Result<ResponseCode> parse_response_code(std::string_view inside, const ResponseLimits& limits) {
  ResponseCode out;
  const auto space = inside.find(' ');
  out.name = upper(inside.substr(0, space));
  if (space == inside.npos) return out;
  out.argument = inside.substr(space + 1);
  // What a client must be able to believe must be well-formed; of the others the words are enough.
  TRY_OK(take_argument(out, limits));
  return out;
}

}  // namespace posthorn::imap
