#include "message/part_header.h"

#include <algorithm>
#include <utility>

#include "message/header.h"
#include "text/ascii.h"

namespace posthorn::message {

enum class PartHeader::Field : std::uint8_t {
  none,
  // of every part [RFC2045] [RFC2183] [RFC3282] [RFC2557]
  content_type,
  content_transfer_encoding,
  content_id,
  content_description,
  content_md5,
  content_disposition,
  content_language,
  content_location,
  // of messages
  date,
  subject,
  from,
  sender,
  reply_to,
  to,
  cc,
  bcc,
  in_reply_to,
  message_id,
  // of the top header
  references,
  received,
};

struct PartHeader::Known {
  std::string_view name;
  Field field;
};

const PartHeader::Known PartHeader::kKnown[] = {
    {"Received", Field::received},
    {"Content-Type", Field::content_type},
    {"Content-Transfer-Encoding", Field::content_transfer_encoding},
    {"Content-ID", Field::content_id},
    {"Content-Description", Field::content_description},
    {"Content-MD5", Field::content_md5},
    {"Content-Disposition", Field::content_disposition},
    {"Content-Language", Field::content_language},
    {"Content-Location", Field::content_location},
    {"Date", Field::date},
    {"Subject", Field::subject},
    {"From", Field::from},
    {"Sender", Field::sender},
    {"Reply-To", Field::reply_to},
    {"To", Field::to},
    {"Cc", Field::cc},
    {"Bcc", Field::bcc},
    {"In-Reply-To", Field::in_reply_to},
    {"Message-ID", Field::message_id},
    {"References", Field::references},
};

PartHeader::PartHeader(const Limits& limits)
    : field_bytes_(limits.field_bytes), bytes_left_(limits.header_bytes), addresses_left_(limits.addresses) {}

PartHeader::Field PartHeader::field_named(std::string_view name) {
  for (const Known& known : kKnown)
    if (text::iequals(known.name, name)) return known.field;
  return Field::none;
}

bool PartHeader::wants(Field field) const {
  if (field == Field::none || field == Field::received) return false;
  if (field == Field::references) return kind_ == HeaderKind::top;
  return field < Field::date || kind_ != HeaderKind::part;
}

void PartHeader::start(HeaderKind kind) {
  kind_ = kind;
  field_ = Field::none;
  value_.clear();
  has_content_type_ = false;
  part_ = Part();
  envelope_ = Envelope();
}

void PartHeader::append(std::string_view bytes) {
  const std::size_t room = std::min(field_bytes_ - std::min(field_bytes_, value_.size()), bytes_left_);
  if (bytes.size() > room) {
    bytes = bytes.substr(0, room);
    flags_ |= Summary::kHeaderLimit;
  }
  value_ += bytes;
  bytes_left_ -= bytes.size();
}

void PartHeader::line(std::string_view text) {
  if (!text::is_ascii(text)) flags_ |= Summary::kHas8Bit;
  if (text::is_wsp(text.front())) {
    if (wants(field_)) append(text);
    return;
  }
  end_field();
  const auto field = HeaderView(text).begin();
  if (field == std::default_sentinel || field->name.empty()) return;
  field_ = field_named(field->name);
  if (field_ == Field::received && kind_ == HeaderKind::top) ++received_count_;
  if (wants(field_)) append(text.substr(text.find(':') + 1));
}

void PartHeader::take_addresses(std::vector<Address>& list) {
  // [RFC5322 3.6] allows one of each; more than one are one long list.
  auto more = parse_address_list(value_, addresses_left_);
  if (more.size() >= addresses_left_) flags_ |= Summary::kAddressLimit;
  addresses_left_ -= std::min(addresses_left_, more.size());
  list.insert(list.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

void PartHeader::end_field() {
  // Where a field may stand once only, the first counts.
  auto once = [this](std::optional<std::string>& to) {
    if (!to) to = unfold(value_);
  };
  switch (std::exchange(field_, Field::none)) {
    case Field::none:
    case Field::received:
      break;
    case Field::content_type:
      if (std::exchange(has_content_type_, true)) break;
      if (auto type = parse_content_type(value_)) {
        part_.type = std::move(type->type);
        part_.subtype = std::move(type->subtype);
        part_.params = std::move(type->params);
      }
      break;
    case Field::content_transfer_encoding:
      if (part_.encoding.empty()) part_.encoding = parse_token(value_);
      break;
    case Field::content_id:
      once(part_.id);
      break;
    case Field::content_description:
      once(part_.description);
      break;
    case Field::content_md5:
      once(part_.md5);
      break;
    case Field::content_disposition:
      if (!part_.disposition) part_.disposition = parse_disposition(value_);
      break;
    case Field::content_language:
      if (part_.languages.empty()) part_.languages = parse_language_list(value_);
      break;
    case Field::content_location:
      once(part_.location);
      break;
    case Field::date:
      once(envelope_.date);
      break;
    case Field::subject:
      once(envelope_.subject);
      break;
    case Field::from:
      take_addresses(envelope_.from);
      break;
    case Field::sender:
      take_addresses(envelope_.sender);
      break;
    case Field::reply_to:
      take_addresses(envelope_.reply_to);
      break;
    case Field::to:
      take_addresses(envelope_.to);
      break;
    case Field::cc:
      take_addresses(envelope_.cc);
      break;
    case Field::bcc:
      take_addresses(envelope_.bcc);
      break;
    case Field::in_reply_to:
      once(envelope_.in_reply_to);
      break;
    case Field::message_id:
      once(envelope_.message_id);
      break;
    case Field::references:
      once(references_);
      break;
  }
  value_.clear();
}

void PartHeader::finish(Part& part, Envelope* envelope, Summary& summary) {
  end_field();
  part_.parent = part.parent;
  part_.first_child = part.first_child;
  part_.next_sibling = part.next_sibling;
  part_.header = part.header;
  part = std::move(part_);
  if (envelope == nullptr) return;
  if (kind_ == HeaderKind::top) {
    summary.references = std::move(references_);
    if (envelope_.date)
      if (auto sent = text::parse_rfc5322_date(*envelope_.date)) summary.sent = *sent;
  }
  *envelope = std::move(envelope_);
}

}  // namespace posthorn::message
