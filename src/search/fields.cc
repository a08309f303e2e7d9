#include "search/fields.h"

#include <algorithm>
#include <iterator>

#include "message/encoded_word.h"
#include "message/header.h"
#include "text/ascii.h"
#include "text/casemap.h"

namespace posthorn::search {
namespace {

constexpr std::size_t kMaxFieldsRow = 8 << 10;
constexpr std::size_t kMaxTextRow = 32 << 10;

// Sorted.
constexpr std::string_view kHeldFields[] = {
    "auto-submitted", "bcc", "cc", "content-disposition", "content-transfer-encoding", "content-type", "date", "delivered-to",
    "disposition-notification-to", "envelope-to", "errors-to", "from", "importance", "in-reply-to", "list-archive", "list-help", "list-id", "list-post",
    "list-subscribe", "list-unsubscribe", "list-unsubscribe-post", "mail-followup-to", "mail-reply-to", "mailing-list", "message-id", "mime-version",
    "newsgroups", "organization", "precedence", "priority", "references", "reply-to", "resent-bcc", "resent-cc", "resent-date", "resent-from",
    "resent-message-id", "resent-sender", "resent-to", "return-path", "sender", "subject", "to", "user-agent", "x-draft-info",
    "x-face", "x-label", "x-mailer", "x-mozilla-draft-info", "x-mozilla-keys", "x-mozilla-status", "x-msmail-priority", "x-priority", "x-spam", "x-spam-flag",
    "x-spam-level", "x-spam-status", "x-uniform-type-identifier", "x-universally-unique-identifier",
};
static_assert(std::ranges::is_sorted(kHeldFields));

std::string_view name_of(Column field) {
  switch (field) {
    case Column::from: return "from";
    case Column::to: return "to";
    case Column::cc: return "cc";
    case Column::bcc: return "bcc";
    case Column::subject: return "subject";
    default: CHECK(false);
  }
}

}  // namespace

bool holds_fields(std::span<const std::string> names) {
  return std::ranges::all_of(names, [](const std::string& name) { return std::ranges::binary_search(kHeldFields, text::to_lower(name)); });
}

std::optional<std::string> fields_row(std::string_view header) {
  static const std::vector<std::string> names(std::begin(kHeldFields), std::end(kHeldFields));
  std::string row = message::select_header_fields(header, names, message::Select::listed);
  row.resize(row.size() - 2);  // without the empty line
  if (row.size() > kMaxFieldsRow) return std::nullopt;
  return row;
}

std::optional<std::string> text_row(std::string_view header, Column field) {
  const auto name = name_of(field);
  std::string row;
  for (const auto& f : message::HeaderView(header)) {
    if (f.name.empty() || !text::iequals(f.name, name)) continue;
    if (row.size() + f.value.size() > kMaxTextRow) return std::nullopt;
    row += kValueMark;
    row += text::casemap(message::decode_encoded_words(f.value));
  }
  if (row.size() > 2 * kMaxTextRow) return std::nullopt;  // decoding made it longer
  return row;
}

std::optional<Column> text_column_of(std::string_view name) {
  for (const auto field : {Column::from, Column::to, Column::cc, Column::bcc, Column::subject})
    if (name == name_of(field)) return field;
  return std::nullopt;
}

}  // namespace posthorn::search
