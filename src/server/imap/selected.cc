#include "server/imap/selected.h"

#include "proto/imap/flags.h"
#include "proto/imap/writer.h"
#include "server/common/mailbox_access.h"

namespace posthorn::imap {
namespace {

constexpr SystemFlag kSystemFlags[] = {SystemFlag::answered, SystemFlag::flagged, SystemFlag::deleted, SystemFlag::seen,
                                       SystemFlag::draft};

static_assert(static_cast<int>(SystemFlag::seen) == store::kSeen && static_cast<int>(SystemFlag::answered) == store::kAnswered &&
              static_cast<int>(SystemFlag::flagged) == store::kFlagged && static_cast<int>(SystemFlag::deleted) == store::kDeleted &&
              static_cast<int>(SystemFlag::draft) == store::kDraft);

// Behind each name a space.
void put_flag_names(std::string& out, const store::MailboxState& state, std::uint8_t system, bool keywords) {
  for (const auto flag : kSystemFlags) {
    if (!(system & static_cast<std::uint8_t>(flag))) continue;
    out += to_string(flag);
    out += ' ';
  }
  if (!keywords) return;
  for (const auto& keyword : state.keywords) {
    out += keyword;
    out += ' ';
  }
}

}  // namespace

std::uint32_t Selected::count_recent() const {
  std::uint32_t count = 0;
  for (const auto& range : recent) {
    const auto end = range.last.value() == 0xFFFFFFFF ? told->size() : told->lower_bound(Uid(range.last.value() + 1));
    count += end - told->lower_bound(range.first);
  }
  return count;
}

void Selected::add_recent(store::UidRange range) {
  if (!recent.empty() && recent.back().last.value() + 1 >= range.first.value()) recent.back().last = range.last;
  else recent.push_back(range);
}

void put_flags(std::string& out, const store::Entry& entry, bool recent, const store::MailboxState& state) {
  const auto begin = out.size();
  out += '(';
  for (const auto flag : kSystemFlags)
    if (entry.flags & static_cast<std::uint8_t>(flag)) {
      out += to_string(flag);
      out += ' ';
    }
  for (std::uint64_t rest = entry.keywords; rest != 0; rest &= rest - 1) {
    const auto bit = static_cast<std::size_t>(__builtin_ctzll(rest));
    if (bit >= state.keywords.size()) break;
    out += state.keywords[bit];
    out += ' ';
  }
  if (recent) out += "\\Recent ";
  if (out.size() > begin + 1) out.back() = ')';
  else out += ')';
}

void put_flags_lines(std::string& out, const store::MailboxState& state, store::Rights changeable) {
  const auto system = changeable_flags(changeable);
  const bool keywords = changeable.contains(store::kWrite);
  out += "* FLAGS (";
  put_flag_names(out, state, store::kAllSystemFlags, true);
  out.back() = ')';
  out += "\r\n* OK [PERMANENTFLAGS (";
  put_flag_names(out, state, system, keywords);
  if (keywords && state.keywords.size() < store::kMaxKeywords) out += "\\* ";
  if (out.back() == ' ') out.pop_back();
  out += system == 0 ? ")] No flag can be changed\r\n" : ")] Flags are kept\r\n";
}

}  // namespace posthorn::imap
