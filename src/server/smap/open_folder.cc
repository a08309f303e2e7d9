#include "server/smap/open_folder.h"

#include <algorithm>

#include "proto/smap/flags.h"
#include "proto/smap/words.h"

namespace posthorn::smap {

static_assert(std::uint8_t{kSeen} == store::kSeen && std::uint8_t{kReplied} == store::kAnswered && std::uint8_t{kMarked} == store::kFlagged &&
              std::uint8_t{kDeleted} == store::kDeleted && std::uint8_t{kDraft} == store::kDraft);

store::IndexRanges indexes_of(const NumberRanges& set, const store::View& told) {
  store::IndexRanges out;
  for (const auto& range : set) {
    if (range.first > told.size()) break;
    const auto from = static_cast<std::uint32_t>(range.first - 1);
    const auto to = static_cast<std::uint32_t>(std::min<std::uint64_t>(range.last, told.size()));
    if (!out.empty() && out.back().to == from) out.back().to = to;
    else out.push_back({.from = from, .to = to});
  }
  return out;
}

std::string uid_word(UidValidity validity, Uid uid) { return std::to_string(validity.value()) + '/' + std::to_string(uid.value()); }

void put_flags(std::string& out, const store::Entry& entry) {
  out += "FLAGS=";
  put_flag_list(out, entry.flags);
}

void put_keywords(std::string& out, const store::Entry& entry, const store::MailboxState& state) {
  std::string list;
  for (std::uint64_t rest = entry.keywords; rest != 0; rest &= rest - 1) {
    const auto bit = static_cast<std::size_t>(__builtin_ctzll(rest));
    if (bit >= state.keywords.size()) break;
    if (!list.empty()) list += ',';
    list += shown_keyword(state.keywords[bit]);
  }
  put_attribute(out, "KEYWORDS", list);
}

}  // namespace posthorn::smap
