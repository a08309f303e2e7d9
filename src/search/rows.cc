#include "search/rows.h"

#include <algorithm>

#include "crypto/digest.h"
#include "message/base_subject.h"
#include "message/encoded_word.h"
#include "message/message_ids.h"
#include "store/codec.h"
#include "text/casemap.h"

namespace posthorn::search {
namespace {

using message::Address;
using store::put_signed;
using store::put_string;

// [RFC5256 3] Of the first address; for a group that is the group's name, as in ENVELOPE [RFC3501 7.4.2].
std::string mailbox_key(const std::vector<Address>& list) { return list.empty() ? std::string() : text::casemap(list.front().mailbox); }

// [RFC5957 3] The display name, or else the address.
std::string display_key(const std::vector<Address>& list) {
  if (list.empty()) return {};
  const Address& first = list.front();
  auto name = message::decode_encoded_words(first.name);
  if (name.empty()) name = first.host.empty() ? first.mailbox : first.mailbox + "@" + first.host;
  return text::casemap(name);
}

void put_hash(std::string& out, std::uint64_t hash) {
  for (int i = 0; i < 8; ++i) out.push_back(static_cast<char>(hash >> (8 * i)));
}

std::uint64_t take_hash(std::string_view& in) {
  if (in.size() < 8) return 0;
  std::uint64_t hash = 0;
  for (std::size_t i = 0; i < 8; ++i) hash |= std::uint64_t{static_cast<unsigned char>(in[i])} << (8 * i);
  in.remove_prefix(8);
  return hash;
}

std::uint64_t hash_of(std::string_view id) {
  const auto digest = crypto::sha256(id);
  auto view = crypto::view(digest);
  return std::max<std::uint64_t>(1, take_hash(view));
}

}  // namespace

std::string sent_row(const message::SummaryView& summary) {
  std::string row;
  const auto sent = summary.sent();
  if (!sent) return row;
  put_signed(row, sent->time.time_since_epoch().count());
  put_signed(row, sent->offset_minutes);
  return row;
}

std::optional<text::DateTime> sent_of_row(std::string_view row) {
  if (row.empty()) return std::nullopt;
  store::RowReader in(row);
  text::DateTime sent;
  sent.time = std::chrono::sys_seconds(std::chrono::seconds(in.signed_varint()));
  sent.offset_minutes = static_cast<int>(in.signed_varint());
  if (!in.at_end()) return std::nullopt;
  return sent;
}

std::string subject_row(const message::Envelope& envelope) {
  bool is_reply = false;
  const auto base = message::base_subject(message::decode_encoded_words(envelope.subject.value_or("")), &is_reply);
  return (is_reply ? '\1' : '\0') + text::casemap(base);
}

SubjectRow subject_of_row(std::string_view row) {
  if (row.empty()) return {};
  return {.base = row.substr(1), .is_reply_or_forward = row[0] == '\1'};
}

std::string address_row(const message::Envelope& envelope) {
  std::string row;
  put_string(row, mailbox_key(envelope.from));
  put_string(row, mailbox_key(envelope.to));
  put_string(row, mailbox_key(envelope.cc));
  put_string(row, display_key(envelope.from));
  put_string(row, display_key(envelope.to));
  return row;
}

AddressRow addresses_of_row(std::string_view row) {
  store::RowReader in(row);
  AddressRow out;
  for (auto* field : {&out.from, &out.to, &out.cc, &out.display_from, &out.display_to}) *field = in.string();
  return out;
}

std::string references_row(const message::SummaryView& summary, const message::Envelope& envelope) {
  std::string row;
  const auto own = message::message_ids(envelope.message_id.value_or(""));
  put_hash(row, own.empty() ? 0 : hash_of(own.front()));
  std::vector<std::string> ids;
  if (const auto references = summary.references(); references && *references) ids = message::message_ids(**references);
  if (ids.empty()) {
    ids = message::message_ids(envelope.in_reply_to.value_or(""));
    if (ids.size() > 1) ids.resize(1);
  }
  for (const auto& id : ids) put_hash(row, hash_of(id));
  return row;
}

ReferencesRow references_of_row(std::string_view row) {
  ReferencesRow out;
  out.message_id = take_hash(row);
  out.references.reserve(row.size() / 8);
  while (row.size() >= 8) out.references.push_back(take_hash(row));
  return out;
}

}  // namespace posthorn::search
