#include "server/imap/message_fetcher.h"

#include <algorithm>
#include <utility>

#include "message/binary.h"
#include "message/header.h"
#include "message/preview.h"
#include "proto/imap/writer.h"
#include "server/imap/put_envelope.h"
#include "text/ascii.h"

namespace posthorn::imap {
namespace {

text::DateTime date_of(const store::InternalDate& date) {
  return {std::chrono::sys_seconds(std::chrono::seconds(date.seconds)), date.zone_minutes};
}

bool selects_fields(const FetchAttribute& a) {
  return a.item == FetchItem::section &&
         (a.section.text == SectionText::header_fields || a.section.text == SectionText::header_fields_not);
}

SectionText text_of(const FetchAttribute& a) {
  if (a.item == FetchItem::rfc822_header) return SectionText::header;
  if (a.item == FetchItem::rfc822_text) return SectionText::text;
  if (a.item == FetchItem::rfc822) return SectionText::whole;
  return a.section.text;
}

message::Section message_section(SectionText text) {
  switch (text) {
    case SectionText::whole: return message::Section::whole;
    case SectionText::header:
    case SectionText::header_fields:
    case SectionText::header_fields_not: return message::Section::header;
    case SectionText::text: return message::Section::text;
    case SectionText::mime: return message::Section::mime;
  }
  return message::Section::whole;
}

void put_bytes(std::string& out, std::string_view bytes) {
  if (bytes.empty()) out += "\"\"";
  else Writer(out).literal(bytes);
}

}  // namespace

message::Range cut(message::Range range, const std::optional<Partial>& partial) {
  if (!partial) return range;
  const auto skip = std::min(partial->offset, range.size);
  return {range.offset + skip, std::min(partial->count, range.size - skip)};
}

MessageFetcher::MessageFetcher(store::Account& account, net::Connection& connection, const std::vector<FetchAttribute>& attributes,
                               Revision revision)
    : account_(account), connection_(connection), revision_(revision) {
  std::size_t reads = 0;
  for (const auto& a : attributes) {
    const bool bytes = needs_bytes(a);
    items_.push_back({.attribute = a, .name = {}, .needs_bytes = bytes, .is_fields = selects_fields(a)});
    put_fetch_name(items_.back().name, a);
    items_.back().name += ' ';
    has_flags_ |= a.item == FetchItem::flags;
    reads += bytes;
  }
  many_reads_ = reads > 1;
}

void MessageFetcher::begin(const Target& target) {
  decoded_.reset();
  Writer(connection_.output()).untagged().number(target.sequence_number).raw(" FETCH (");
}

void MessageFetcher::end(const Target& target) {
  auto& out = connection_.output();
  if (target.tell_flags && !has_flags_) {
    out += items_.empty() ? "FLAGS " : " FLAGS ";
    put_flags(out, target.entry, target.recent, target.state);
  }
  out += ")\r\n";
}

bool MessageFetcher::put_now(const Target& target) {
  auto& out = connection_.output();
  const auto start = out.size();
  begin(target);
  bool first = true;
  for (const Item& item : items_) {
    if (!std::exchange(first, false)) out += ' ';
    out += item.name;
    const bool done = item.needs_bytes ? put_at_hand(target, item) : put_simple(target, item.attribute).has_value();
    if (done) continue;
    out.resize(start);
    return false;
  }
  end(target);
  return true;
}

Result<void> MessageFetcher::put_simple(const Target& target, const FetchAttribute& attribute) {
  auto& out = connection_.output();
  Writer w(out);
  switch (attribute.item) {
    case FetchItem::flags: put_flags(out, target.entry, target.recent, target.state); break;
    case FetchItem::internal_date: w.date_time(date_of(target.entry.internal_date)); break;
    case FetchItem::rfc822_size: w.number(target.entry.size); break;
    case FetchItem::uid: w.number(target.entry.uid.value()); break;
    case FetchItem::mod_seq: w.open().number(target.entry.mod_seq.value()).close(); break;
    case FetchItem::save_date: w.date_time(date_of({.seconds = target.entry.save_date})); break;
    case FetchItem::email_id: w.open().raw(store::email_object_id(target.entry.message)).close(); break;
    case FetchItem::thread_id:
      if (target.row.thread.value() == 0) return fail(Errc::not_found);
      w.open().raw(store::thread_object_id(target.row.thread)).close();
      break;
    case FetchItem::envelope: {
      if (target.row.summary.empty()) return fail(Errc::not_found);
      TRY(const auto view, message::SummaryView::open(target.row.summary));
      TRY_OK(view.read_envelope(envelope_));
      put_envelope(out, envelope_);
      break;
    }
    case FetchItem::body:
    case FetchItem::body_structure: {
      if (target.row.summary.empty()) return fail(Errc::not_found);
      TRY(const auto view, message::SummaryView::open(target.row.summary));
      TRY_OK(view.read_structure(structure_));
      put_bodystructure(out, structure_, ExtensionData(attribute.item == FetchItem::body_structure), revision_);
      break;
    }
    case FetchItem::preview:
    case FetchItem::binary:
    case FetchItem::binary_size:
    case FetchItem::rfc822:
    case FetchItem::rfc822_header:
    case FetchItem::rfc822_text:
    case FetchItem::section: break;  // put_from() and put_item()
  }
  return {};
}

Result<const message::Summary*> MessageFetcher::summary(const Target& target) {
  if (target.row.summary.empty()) return fail(Errc::not_found);
  if (!decoded_) {
    TRY(decoded_, message::decode_summary(target.row.summary));
  }
  return &*decoded_;
}

// Where the bytes are; nullopt: there is no such section.
Result<std::optional<message::Range>> MessageFetcher::find_range(const Target& target, const FetchAttribute& attribute) {
  if (attribute.item == FetchItem::preview) {
    TRY(const auto* whole, summary(target));
    const auto part = message::find_preview_part(*whole);
    if (part == message::kNoPart) return std::nullopt;
    return cut(whole->parts[part].body, Partial{.offset = 0, .count = message::kPreviewBytes});
  }
  const auto text = text_of(attribute);
  if (attribute.section.part.empty()) {
    if (text == SectionText::whole) return message::Range{0, target.entry.size};
    if (text == SectionText::mime) return std::nullopt;
    if (target.row.summary.empty()) return fail(Errc::not_found);
    TRY(const auto view, message::SummaryView::open(target.row.summary));
    if (text == SectionText::text) return message::Range{view.header_size(), view.size() - view.header_size()};
    return message::Range{0, view.header_size()};
  }
  TRY(const auto* whole, summary(target));
  return message::find_section(*whole, attribute.section.part, message_section(text));
}

bool MessageFetcher::put_at_hand(const Target& target, const Item& item) {
  auto& out = connection_.output();
  if (item.is_fields && target.row.fields) return put_held_fields(*target.row.fields, item.attribute);
  if (!target.row.bytes) return false;
  const auto range = find_range(target, item.attribute);
  if (!range || (*range && (*range)->offset + (*range)->size > target.row.bytes->size())) return false;
  if (!*range) {
    out += item.attribute.item == FetchItem::preview ? "\"\"" : item.attribute.item == FetchItem::binary_size ? "0" : "NIL";
    return true;
  }
  return put_from(target.row.bytes->substr((*range)->offset, (*range)->size), target, item).has_value();
}

Result<void> MessageFetcher::put_from(std::string_view bytes, const Target& target, const Item& item) {
  const auto& attribute = item.attribute;
  switch (attribute.item) {
    case FetchItem::preview: {
      TRY(const auto* whole, summary(target));
      Writer(connection_.output()).string(message::preview(whole->parts[message::find_preview_part(*whole)], bytes));
      return {};
    }
    case FetchItem::binary:
    case FetchItem::binary_size: {
      const message::Part* part = nullptr;
      if (!attribute.section.part.empty()) {
        TRY(const auto* whole, summary(target));
        part = &whole->parts[message::find_part(*whole, attribute.section.part)];
      }
      return put_binary(bytes, part, attribute);
    }
    default: break;
  }
  if (item.is_fields) {
    put_fields(bytes, attribute);
    return {};
  }
  const auto wanted = cut({0, bytes.size()}, attribute.partial);
  put_bytes(connection_.output(), bytes.substr(wanted.offset, wanted.size));
  return {};
}

// [RFC3516 4.2] Without a part: the message itself, which has no transfer encoding.
Result<void> MessageFetcher::put_binary(std::string_view bytes, const message::Part* part, const FetchAttribute& attribute) {
  std::string decoded;
  if (part != nullptr) {
    auto decoder = message::TransferDecoder::of(*part);
    if (!decoder) return fail(Errc::unsupported);
    if (!decoder->is_identity()) {
      decoder->feed(bytes, decoded);
      decoder->finish(decoded);
      bytes = decoded;
    }
  }
  auto& out = connection_.output();
  if (attribute.item == FetchItem::binary_size) {
    Writer(out).number(bytes.size());
    return {};
  }
  const auto wanted = cut({0, bytes.size()}, attribute.partial);
  const auto sent = bytes.substr(wanted.offset, wanted.size);
  if (sent.find('\0') != sent.npos) Writer(out).literal8_header(sent.size()).raw(sent);
  else put_bytes(out, sent);
  return {};
}

void MessageFetcher::put_fields(std::string_view header, const FetchAttribute& attribute) {
  const auto select = attribute.section.text == SectionText::header_fields ? message::Select::listed : message::Select::not_listed;
  const std::string selected = message::select_header_fields(header, attribute.section.fields, select);
  const auto wanted = cut({0, selected.size()}, attribute.partial);
  Writer(connection_.output()).literal(std::string_view(selected).substr(wanted.offset, wanted.size));
}

// Of a row of search::Column::fields: whole fields, and nothing else.
bool MessageFetcher::put_held_fields(std::string_view row, const FetchAttribute& attribute) {
  if (attribute.partial || (!row.empty() && !row.ends_with('\n'))) {
    put_fields(row, attribute);
    return true;
  }
  thread_local std::string selected;
  selected.clear();
  while (!row.empty()) {
    std::size_t end = row.find('\n') + 1;
    while (end < row.size() && text::is_wsp(row[end])) end = row.find('\n', end) + 1;  // folded lines
    const auto field = row.substr(0, end);
    row.remove_prefix(end);
    auto name = field.substr(0, field.find(':'));
    while (!name.empty() && text::is_wsp(name.back())) name.remove_suffix(1);
    if (std::ranges::any_of(attribute.section.fields, [name](const auto& f) { return text::iequals(f, name); })) selected += field;
  }
  selected += "\r\n";
  Writer(connection_.output()).literal(selected);
  return true;
}

}  // namespace posthorn::imap
