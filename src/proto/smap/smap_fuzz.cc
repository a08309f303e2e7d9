// Any line is words that survive writing and reading; whatever they mean, nothing breaks; an upload is the same however it is cut.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "proto/smap/fetch_item.h"
#include "proto/smap/flags.h"
#include "proto/smap/message_set.h"
#include "proto/smap/upload.h"
#include "proto/smap/words.h"

using namespace posthorn;
using namespace posthorn::smap;

namespace {

bool has_control(std::string_view s) {
  return std::ranges::any_of(s, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

void check_word(const std::string& word) {
  if (!has_control(word)) {
    std::string out;
    put_word(out, word);
    Words again(out);
    CHECK(again.take() == word && again.at_end());
  }
  if (const auto item = parse_fetch_item(word)) (void)item->headers.selects("Subject");
  (void)parse_store_setting(word);
  if (const auto keywords = parse_keyword_list(word)) {
    for (const auto& keyword : *keywords) CHECK(!keyword.empty() && !has_control(keyword));
  }
  std::string flags;
  put_flag_list(flags, parse_flag_list(word));
  CHECK(parse_flag_list(flags) == parse_flag_list(word));
  if (const auto scope = parse_search_scope(word)) {
    std::uint64_t last = 0;
    for (const auto& range : scope->numbers) {
      CHECK(range.first > last && range.first <= range.last);
      last = range.last;
    }
  }
}

struct Outcome {
  std::string content;
  UploadDecoder::Event event = UploadDecoder::Event::need_more;
  std::size_t left = 0;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome decode(const UploadForm& form, std::string_view in, std::size_t step) {
  UploadDecoder decoder(form, {.size = 200, .skip = 1000});
  Outcome out;
  while (!in.empty() && out.event == UploadDecoder::Event::need_more) {
    auto piece = in.substr(0, step);
    in.remove_prefix(piece.size());
    out.event = decoder.feed(piece, out.content);
    out.left = piece.size() + in.size();
  }
  CHECK(out.content.size() <= 200);
  if (out.event == UploadDecoder::Event::done && !decoder.too_large()) CHECK(out.content.ends_with("\r\n") && decoder.size() == out.content.size());
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto newline = std::min(text.find('\n'), text.size());
  const auto line = text.substr(0, newline), rest = text.substr(std::min(newline + 1, text.size()));
  for (Words words(line); !words.at_end();) check_word(words.take());
  Words for_set(line), for_path(line);
  (void)take_message_set(for_set);
  (void)take_path(for_path);
  Words for_form(line);
  const auto form = parse_upload_form(for_form.take()).value_or(UploadForm{});
  const auto whole = decode(form, rest, rest.size() + 1);
  if (whole.event == UploadDecoder::Event::lost) {
    CHECK(decode(form, rest, 1).event == UploadDecoder::Event::lost);
    return 0;
  }
  CHECK(decode(form, rest, 1) == whole);
  CHECK(decode(form, rest, 7) == whole);
  return 0;
}
