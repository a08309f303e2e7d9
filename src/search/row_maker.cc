#include "search/row_maker.h"

#include "search/fields.h"
#include "search/rows.h"

namespace posthorn::search {
namespace {

constexpr std::size_t kMaxSummary = 64 << 10;

std::optional<std::string> row_of_summary(Column column, std::string_view encoded) {
  const auto summary = message::SummaryView::open(encoded);
  if (!summary) return std::nullopt;
  if (column == Column::sent) return sent_row(*summary);
  const auto envelope = summary->envelope();
  if (!envelope) return std::nullopt;
  if (column == Column::base_subject) return subject_row(*envelope);
  if (column == Column::addresses) return address_row(*envelope);
  return references_row(*summary, *envelope);
}

}  // namespace

bool is_from_header(Column column) {
  switch (column) {
    case Column::fields:
    case Column::from:
    case Column::to:
    case Column::cc:
    case Column::bcc:
    case Column::subject: return true;
    default: return false;
  }
}

std::optional<std::string> make_row(Column column, const RowSource& source) {
  if (column == Column::summary) {
    if (source.summary.empty() || source.summary.size() > kMaxSummary) return std::nullopt;
    return std::string(source.summary);
  }
  if (!is_from_header(column)) return row_of_summary(column, source.summary);
  if (!source.header) return std::nullopt;
  return column == Column::fields ? fields_row(*source.header) : text_row(*source.header, column);
}

std::optional<std::string_view> header_at_start(std::string_view start, bool is_whole_message) {
  for (std::size_t line = 0; line < start.size();) {
    const auto lf = start.find('\n', line);
    if (lf == start.npos) break;
    const auto length = lf - line;
    if (length == 0 || (length == 1 && start[line] == '\r')) return start.substr(0, lf + 1);
    line = lf + 1;
  }
  return is_whole_message ? std::optional(start) : std::nullopt;
}

}  // namespace posthorn::search
