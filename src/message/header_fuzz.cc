// Header blocks and everything that reads a field's value.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "message/address.h"
#include "message/compose.h"
#include "message/encoded_word.h"
#include "message/header.h"
#include "message/param.h"
#include "message/search_text.h"
#include "text/casemap.h"
#include "text/charset.h"
#include "text/date.h"
#include "text/utf7.h"
#include "text/utf8.h"

namespace {

using namespace posthorn;
using namespace posthorn::message;

void check_value(std::string_view value) {
  CHECK(unfold(value).find_first_of("\r\n") == std::string::npos);
  const std::string decoded = decode_encoded_words(value);
  CHECK(text::is_valid_utf8(decoded) && decoded.find_first_of("\r\n") == std::string::npos);
  const std::string trimmed = unfold(decoded);
  CHECK(decode_encoded_words(encode_encoded_words(trimmed)) == trimmed);

  const auto addresses = parse_address_list(value);
  CHECK(addresses.size() <= value.size() + 1);
  int open = 0;
  for (const Address& a : addresses) {
    open += a.kind == Address::Kind::group_begin ? 1 : a.kind == Address::Kind::group_end ? -1 : 0;
    CHECK(open == 0 || open == 1);
  }
  CHECK(open == 0);
  CHECK(text::is_valid_utf8(address_list_text(addresses)));

  for (const Params& params : {parse_content_type(value).value_or(ContentType()).params,
                               parse_disposition(value).value_or(Disposition()).params})
    for (const Param& p : params)
      if (const auto utf8 = find_param_utf8(params, p.name)) CHECK(text::is_valid_utf8(*utf8));
  parse_token(value);
  parse_language_list(value);

  if (const auto date = text::parse_rfc5322_date(value)) {
    const auto again = text::parse_rfc5322_date(text::format_rfc5322_date(*date));
    CHECK(again ? *again == *date
                : text::local_date(*date) >= std::chrono::sys_days(std::chrono::year(9999) / 12 / 31));
  }
  if (const auto date = text::parse_imap_date_time(value))
    CHECK(*text::parse_imap_date_time(text::format_imap_date_time(*date)) == *date);
  if (const auto date = text::parse_imap_date(value))
    CHECK(*text::parse_imap_date(text::format_imap_date(*date)) == *date);
  if (const auto name = text::imap_utf7_to_utf8(value)) CHECK(*text::utf8_to_imap_utf7(*name) == value);
}

void check_block(std::string_view block) {
  std::vector<std::string> names;
  std::size_t end = 0;
  for (const HeaderField& field : HeaderView(block)) {
    CHECK(field.offset == end && !field.whole.empty());
    end += field.whole.size();
    if (!field.name.empty() && names.size() < 3) names.emplace_back(field.name);
    check_value(field.value);
  }
  CHECK(end <= block.size());
  for (const Select select : {Select::listed, Select::not_listed}) {
    const std::string whole = select_header_fields(block, names, select);
    HeaderSelector selector(names, select);
    std::string pieces;
    for (std::size_t i = 0; i < block.size(); ++i) selector.feed(block.substr(i, 1), pieces);
    selector.finish(pieces);
    CHECK(pieces == whole && whole.ends_with("\r\n"));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check_block(input);
  check_value(input);

  // One field, whatever the value.
  std::string composed;
  put_header_field(composed, "X-Test", input);
  CHECK(composed.ends_with("\r\n"));
  std::size_t fields = 0;
  for (const HeaderField& field : HeaderView(composed)) {
    ++fields;
    CHECK(field.whole.size() == composed.size());
  }
  CHECK(fields == 1);

  // A charset label and text in it, cut anywhere.
  const std::size_t colon = std::min(input.find(':'), input.size());
  const std::string_view bytes = input.substr(std::min(colon + 1, input.size()));
  const std::string whole = text::to_utf8(input.substr(0, colon), bytes);
  CHECK(text::is_valid_utf8(whole));
  text::CharsetConverter converter(input.substr(0, colon));
  text::CasemapStream casemap;
  std::string pieces, normal;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::size_t before = pieces.size();
    converter.feed(bytes.substr(i, 1), pieces);
    casemap.feed(std::string_view(pieces).substr(before), normal);
  }
  const std::size_t before = pieces.size();
  converter.finish(pieces);
  casemap.feed(std::string_view(pieces).substr(before), normal);
  casemap.finish(normal);
  CHECK(pieces == whole && normal == text::casemap(whole));
  return 0;
}
