#include "message/header.h"

#include <algorithm>

#include "text/ascii.h"

namespace posthorn::message {
namespace {

using text::is_wsp;

// One past the line end of the line that begins at `at`, or the end of the block.
std::size_t line_after(std::string_view block, std::size_t at) {
  const std::size_t lf = block.find('\n', at);
  return lf == block.npos ? block.size() : lf + 1;
}

std::string_view without_line_end(std::string_view s) {
  if (s.ends_with('\n')) s.remove_suffix(1);
  if (s.ends_with('\r')) s.remove_suffix(1);
  return s;
}

// The name in front of a colon, or empty when this is no field.  [RFC5322 4.5] White space before the colon
// is obsolete syntax.
std::string_view name_of(std::string_view before_colon) {
  while (!before_colon.empty() && is_wsp(before_colon.back())) before_colon.remove_suffix(1);
  const bool ok = std::ranges::all_of(before_colon, [](char c) { return c > ' ' && c < '\x7F'; });
  return ok ? before_colon : std::string_view();
}

}  // namespace

HeaderView::Iterator& HeaderView::Iterator::operator++() {
  const std::size_t start = next_;
  std::size_t end = line_after(block_, start);
  if (start == block_.size() || without_line_end(block_.substr(start, end - start)).empty()) {
    done_ = true;
    return *this;
  }
  while (end < block_.size() && is_wsp(block_[end])) end = line_after(block_, end);
  next_ = end;
  field_.offset = start;
  field_.whole = block_.substr(start, end - start);
  const std::size_t colon = field_.whole.substr(0, line_after(field_.whole, 0)).find(':');
  field_.name = colon == block_.npos ? std::string_view() : name_of(field_.whole.substr(0, colon));
  field_.value = without_line_end(field_.name.empty() ? field_.whole : field_.whole.substr(colon + 1));
  return *this;
}

std::optional<HeaderField> HeaderView::find(std::string_view name) const {
  for (const HeaderField& field : *this)
    if (!field.name.empty() && text::iequals(field.name, name)) return field;
  return std::nullopt;
}

std::vector<HeaderField> HeaderView::find_all(std::string_view name) const {
  std::vector<HeaderField> found;
  for (const HeaderField& field : *this)
    if (!field.name.empty() && text::iequals(field.name, name)) found.push_back(field);
  return found;
}

std::string unfold(std::string_view value) {
  value = text::trim(value);
  std::string out;
  out.reserve(value.size());
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (c == '\r' && i + 1 < value.size() && value[i + 1] == '\n') continue;
    if (c == '\n' && i + 1 < value.size() && is_wsp(value[i + 1])) {
      out += ' ';
      ++i;
      continue;
    }
    out += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
  }
  return out;
}

HeaderSelector::HeaderSelector(std::vector<std::string> names, Select select)
    : names_(std::move(names)), select_(select) {
  for (std::string& name : names_) {
    name = text::to_lower(name);
    longest_ = std::max(longest_, name.size());
  }
  std::ranges::sort(names_);
}

bool HeaderSelector::is_listed(std::string_view name) const {
  return !name.empty() && std::ranges::binary_search(names_, text::to_lower(name));
}

// The name is complete (or too long for any listed one): is this field wanted?
void HeaderSelector::decide(std::string& out) {
  std::string_view name = held_;
  const std::size_t colon = name.find(':');
  name = colon == name.npos ? std::string_view() : name_of(name.substr(0, colon));
  state_ = is_listed(name) == (select_ == Select::listed) ? State::copy : State::skip;
  if (state_ == State::copy) out += held_;
  held_.clear();
}

void HeaderSelector::feed(std::string_view in, std::string& out) {
  constexpr std::size_t kSlack = 256;  // white space before the colon
  while (!in.empty() && state_ != State::done) {
    if (state_ == State::copy || state_ == State::skip) {
      const std::size_t lf = in.find('\n');
      const std::string_view line = in.substr(0, lf == in.npos ? in.size() : lf + 1);
      if (state_ == State::copy) out += line;
      in.remove_prefix(line.size());
      if (lf != line.npos) {
        copying_ = state_ == State::copy;
        state_ = State::line_start;
      }
      continue;
    }
    const char c = in.front();
    if (state_ == State::line_start && held_.empty() && is_wsp(c)) {
      // A folded line goes with its field; before any field it is a line that is no field.
      state_ = seen_field_ ? (copying_ ? State::copy : State::skip) : State::name;
      seen_field_ = true;
      continue;
    }
    in.remove_prefix(1);
    held_ += c;
    state_ = State::name;
    if (c == '\n') {
      if (held_ == "\n" || held_ == "\r\n") {
        held_.clear();
        state_ = State::done;
        return;
      }
      decide(out);
      copying_ = state_ == State::copy;
      state_ = State::line_start;
      seen_field_ = true;
    } else if (c == ':' || held_.size() > longest_ + kSlack) {
      decide(out);
      seen_field_ = true;
    }
  }
}

void HeaderSelector::finish(std::string& out) {
  if (!held_.empty()) decide(out);
  // [RFC3501 6.4.5] The empty line is there in every case; a last field without line end gets one.
  if (!out.empty() && !out.ends_with('\n')) out += "\r\n";
  out += "\r\n";
}

std::string select_header_fields(std::string_view block, std::span<const std::string> names, Select select) {
  HeaderSelector selector({names.begin(), names.end()}, select);
  std::string out;
  selector.feed(block, out);
  selector.finish(out);
  return out;
}

}  // namespace posthorn::message
