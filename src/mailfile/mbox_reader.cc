#include "mailfile/mbox_reader.h"

#include <fcntl.h>

#include <algorithm>
#include <vector>

#include "text/ascii.h"

namespace posthorn::mailfile {
namespace {

constexpr std::size_t kMaxHeader = 256 * 1024;
constexpr std::size_t kMaxStatus = 64;
constexpr std::size_t kQuotedLine = kMboxLine + 1;  // with the ">" that MboxEncoder has put before it

bool is_empty(std::string_view line) { return line == "\n" || line == "\r\n"; }

}  // namespace

Result<void> MboxReader::feed(std::string_view bytes, Events& events) {
  while (!bytes.empty()) {
    const auto lf = bytes.find('\n');
    auto piece = bytes.substr(0, lf == bytes.npos ? lf : lf + 1);
    if (!rest_of_line_) piece = piece.substr(0, kQuotedLine - line_.size());
    bytes.remove_prefix(piece.size());
    const bool ends = piece.ends_with('\n');
    if (rest_of_line_) {
      TRY_OK(emit(piece, events));
      offset_ += piece.size();
    } else if (ends && line_.empty()) {
      TRY_OK(take_line(piece, events));
    } else {
      line_ += piece;
      if (!ends && line_.size() < kQuotedLine) continue;
      TRY_OK(take_line(line_, events));
      line_.clear();
    }
    rest_of_line_ = !ends;
  }
  return {};
}

// A whole line, or the beginning of a long one.
Result<void> MboxReader::take_line(std::string_view line, Events& events) {
  const auto at = offset_;
  offset_ += line.size();
  if (!any_ || empty_line_)
    if (const auto from = parse_mbox_from_line(line)) {
      empty_line_ = false;
      if (any_) {
        if (in_header_) TRY_OK(end_header(events));
        TRY_OK(events.end());
      }
      message_ = {};
      message_.offset = at;
      return begin_message(*from, events);
    }
  if (!any_)
    return is_empty(line) ? Result<void>{}
                          : fail(Errc::syntax, "this is no mbox file: it does not begin with a From line");
  if (is_empty(line)) {
    if (in_header_) TRY_OK(end_header(events));
    if (empty_line_) TRY_OK(events.put(empty_end_));
    empty_line_ = true;
    empty_end_ = line;
    return {};
  }
  const bool quoted = kind_ == MboxKind::mboxrd ? is_quoted_from(line, 1) : line.starts_with(">From ");
  return emit(quoted ? line.substr(1) : line, events);
}

Result<void> MboxReader::begin_message(const MboxFromLine& from, Events&) {
  any_ = in_header_ = true;
  message_.sender = from.sender;
  message_.when = from.when;
  header_.clear();
  status_.clear();
  x_status_.clear();
  in_status_ = false;
  return {};
}

Result<void> MboxReader::end_header(Events& events) {
  in_header_ = false;
  message_.flags = flags_of_status(status_, x_status_);
  TRY_OK(events.begin(message_));
  if (!header_.empty()) TRY_OK(events.put(header_));
  header_ = {};
  return {};
}

Result<void> MboxReader::emit(std::string_view bytes, Events& events) {
  if (empty_line_) {
    empty_line_ = false;
    TRY_OK(events.put(empty_end_));
  }
  if (!in_header_) return events.put(bytes);
  if (!rest_of_line_ && !text::is_wsp(bytes.front())) {
    const bool status = text::istarts_with(bytes, "Status:"),
               x_status = text::istarts_with(bytes, "X-Status:");
    in_status_ = status || x_status;
    if (in_status_) (x_status ? x_status_ : status_) = bytes.substr(bytes.find(':') + 1, kMaxStatus);
  }
  if (in_status_) return {};
  header_ += bytes;
  return header_.size() < kMaxHeader ? Result<void>{} : end_header(events);
}

Result<void> MboxReader::finish(Events& events) {
  if (!line_.empty()) {
    TRY_OK(take_line(line_, events));
    line_.clear();
  }
  if (!any_) return {};
  if (in_header_) TRY_OK(end_header(events));
  any_ = empty_line_ = false;
  return events.end();
}

Result<void> read_mbox(const std::string& path, MboxKind kind, MboxReader::Events& events) {
  TRY(const auto file, open_file(path, O_RDONLY));
  MboxReader reader(kind);
  std::vector<char> piece(256 * 1024);
  for (;;) {
    TRY(const auto n, read_some(file.fd(), piece, path));
    if (n == 0) return reader.finish(events);
    TRY_OK(reader.feed({piece.data(), n}, events));
  }
}

}  // namespace posthorn::mailfile
