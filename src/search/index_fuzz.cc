// What is stored by the index, with a sound frame and any content; and the two ways of searching a message.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "message/parser.h"
#include "message/search_text.h"
#include "search/column.h"
#include "search/index_state.h"
#include "message/message_ids.h"
#include "search/rows.h"
#include "search/stored.h"
#include "search/words.h"
#include "text/casemap.h"

namespace {

using namespace posthorn;
using namespace posthorn::search;

void check_block(std::string_view content) {
  const auto block = Block::decode(pack(content));
  if (!block) return;
  BlockBuilder builder;
  std::size_t bytes = 0;
  for (std::uint32_t row = 0; row < block->size(); ++row) {
    CHECK(row == 0 || block->uid(row - 1) < block->uid(row));
    bytes += block->at(row).size();
    block->holds(row) ? builder.add(block->uid(row), block->at(row)) : builder.add_not_held(block->uid(row));
    sent_of_row(block->at(row));
    subject_of_row(block->at(row));
    addresses_of_row(block->at(row));
    references_of_row(block->at(row));
  }
  CHECK(bytes == block->pool().size());
  const auto again = Block::decode(builder.encode());
  CHECK(again && again->uids() == block->uids() && again->pool() == block->pool());
}

void check_words(std::string_view words, std::string_view list, std::string_view needle) {
  const auto postings = Postings::decode(pack(list));
  const auto dictionary = Dictionary::decode(pack(words));
  if (postings)
    for (std::uint32_t word = 0; word < postings->words() + 1; ++word) postings->for_each(word, [](std::uint32_t row) { CHECK(row < 1U << 27); });
  if (!dictionary) return;
  for (const auto& piece : words_of_needle(needle).pieces)
    for (const auto word : dictionary->find(piece)) CHECK(word < dictionary->words() && dictionary->postings_of(word) < dictionary->postings());
  if (!postings) return;
  WordsBuilder builder;
  if (!builder.merge(*dictionary, {*postings})) return;
  const auto stored = builder.encode();
  CHECK(Dictionary::decode(stored.dictionary).has_value());
}

// Is what the message contains in its words, and found where it stands?
void check_message(std::string_view message, std::string_view raw_needle) {
  const auto needle = text::casemap(raw_needle);
  const auto summary = message::parse_message(message);
  const message::ReadBytes read = [&](std::uint64_t offset, std::size_t want) -> Result<std::string_view> { return message.substr(offset, want); };
  for (const auto scope : {message::SearchScope::body, message::SearchScope::header}) {
    std::string text;
    text::CasemapStream casemap;
    CHECK(message::extract_search_text(summary, scope, read, [&](std::string_view utf8) {
            casemap.feed(utf8, text);
            return true;
          }).has_value());
    const bool contains = text.find(needle) != std::string::npos;
    CHECK(*message::search_text_contains(summary, scope, needle, read) == contains);
    CHECK(message::search_text_contains(summary, scope, needle, message) == contains);
    WordsBuilder builder;
    builder.add(Uid(1), text);
    const auto dictionary = Dictionary::decode(builder.encode().dictionary);
    const auto words = words_of_needle(needle);
    for (const auto& piece : words.pieces) {
      const bool has = !dictionary->unread().empty() || !dictionary->find(piece).empty();
      CHECK(words.is_exact && dictionary->unread().empty() ? has == contains : has || !contains);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto line = std::min(input.find('\n'), size);
  const auto first = input.substr(0, line), rest = input.substr(std::min(line + 1, size));
  check_block(input);
  check_words(rest, first, "A1");
  check_words(input, rest, first);
  check_message(rest, first);
  (void)unpack(input).has_value();
  (void)IndexState::decode(input).has_value();
  message::message_ids(input);
  return 0;
}
