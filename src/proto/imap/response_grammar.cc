#include "proto/imap/response_grammar.h"

#include "text/ascii.h"
#include "text/utf7.h"
#include "text/utf8.h"

namespace posthorn::imap {

std::string upper(std::string_view text) { return text::to_upper(text); }

Result<std::string_view> take_word_of_server(Cursor& in) {
  const auto rest = in.rest();
  std::size_t n = 0;
  while (n < rest.size() && rest[n] != ' ' && rest[n] != '(' && rest[n] != ')') ++n;
  if (n == 0) return fail(Errc::syntax, "a word is missing");
  in.advance(n);
  return rest.substr(0, n);
}

std::vector<std::string> take_upper_words(Cursor& in, const ResponseLimits& limits) {
  std::vector<std::string> out;
  while (!in.at_end() && out.size() < limits.words) {
    if (in.take(' ')) continue;
    const auto word = take_word_of_server(in);
    if (!word) break;
    out.push_back(upper(*word));
  }
  return out;
}

Result<FlagList> take_server_flags(Cursor& in, const ResponseLimits& limits, bool* any_keyword) {
  TRY_OK(in.expect('('));
  FlagList out;
  std::size_t count = 0;
  while (!in.take(')')) {
    if (in.take(' ')) continue;
    if (++count > limits.words) return fail(Errc::limit, "too many flags");
    TRY(const auto word, take_word_of_server(in));
    if (const auto flag = find_system_flag(word)) {
      out.set(*flag);
    } else if (word == "\\*") {
      if (any_keyword) *any_keyword = true;
    } else if (word.front() != '\\') {
      // Flags of servers that nobody else knows begin with a backslash too; they are nothing to keep.
      bool there = false;
      for (const auto& k : out.keywords) there |= text::iequals(k, word);
      if (!there && out.keywords.size() < 256) out.keywords.emplace_back(word);
    }
  }
  return out;
}

Result<std::vector<NumberRange>> take_uid_ranges(Cursor& in, const ResponseLimits& limits) {
  std::vector<NumberRange> out;
  do {
    if (out.size() == limits.set_items) return fail(Errc::limit, "a set of numbers is too long");
    NumberRange range;
    TRY(range.first, in.take_nz_number());
    range.last = range.first;
    if (in.take(':')) {
      TRY(range.last, in.take_nz_number());
    }
    if (range.last < range.first) std::swap(range.first, range.last);
    out.push_back(range);
  } while (in.take(','));
  return out;
}

Result<NumberSet> take_numbers(Cursor& in, const ResponseLimits& limits) {
  TRY(auto ranges, take_uid_ranges(in, limits));
  return NumberSet(std::move(ranges));
}

Result<void> skip_value(Cursor& in, const ResponseLimits& limits) {
  std::size_t depth = 0;
  do {
    if (in.take('(')) {
      if (++depth > limits.depth) return fail(Errc::limit, "parentheses are nested too deeply");
    } else if (in.take(')')) {
      if (depth == 0) return fail(Errc::syntax, "a closing parenthesis too many");
      --depth;
    } else if (in.take(' ')) {
      if (depth == 0) return fail(Errc::syntax, "a value is missing");
    } else if (in.peek() == '"' || in.peek() == '{') {
      TRY_OK(in.take_string());
    } else {
      const auto rest = in.rest();
      std::size_t n = 0;
      while (n < rest.size() && rest[n] != ' ' && rest[n] != '(' && rest[n] != ')' && rest[n] != '"') ++n;
      if (n == 0) return fail(Errc::syntax, "a value is missing");
      in.advance(n);
    }
  } while (depth > 0);
  return {};
}

Result<std::optional<char>> take_delimiter(Cursor& in) {
  TRY(const auto text, in.take_nstring());
  if (!text) return std::optional<char>();
  if (text->size() != 1) return fail(Errc::syntax, "a delimiter is not one character");
  return std::optional<char>(text->front());
}

MailboxName decode_mailbox_name(std::string as_sent, const ResponseLimits& limits) {
  MailboxName out{as_sent, as_sent};
  if (!limits.utf8)
    if (auto decoded = text::imap_utf7_to_utf8(as_sent)) out.utf8 = *std::move(decoded);
  // [RFC3501 5.1] INBOX in any case is one.
  if (text::iequals(out.utf8, "INBOX")) out.utf8 = "INBOX";
  return out;
}

Result<MailboxName> take_mailbox_name(Cursor& in, const ResponseLimits& limits) {
  if (in.peek() == '"' || in.peek() == '{') {
    TRY(auto name, in.take_string());
    return decode_mailbox_name(std::move(name), limits);
  }
  // Tolerance: servers send atoms with brackets, "%" and octets above 127 in them.
  TRY(const auto word, take_word_of_server(in));
  return decode_mailbox_name(std::string(word), limits);
}

}  // namespace posthorn::imap
