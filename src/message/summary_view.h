// The stored form of a summary, read in place: every view points into the encoded bytes.  What is read into again and again allocates
// nothing any more.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "message/summary.h"

namespace posthorn::message {

struct AddressView {
  Address::Kind kind = Address::Kind::mailbox;
  std::string_view name, adl, mailbox, host;
};

// As Envelope.
struct EnvelopeView {
  enum List : std::uint8_t { from, sender, reply_to, to, cc, bcc };
  static constexpr std::size_t kLists = 6;

  std::optional<std::string_view> date, subject, in_reply_to, message_id;
  std::vector<AddressView> addresses;            // of all lists
  std::array<std::uint32_t, kLists + 1> begin{};  // list i is [begin[i], begin[i + 1])

  std::span<const AddressView> list(List which) const {
    return std::span(addresses).subspan(begin[which], begin[which + 1u] - begin[which]);
  }
};

struct ParamView {
  std::string_view name, value;
};

// As Part.
struct PartView {
  struct Slice {
    std::uint32_t begin = 0, end = 0;
  };

  PartIndex parent = kNoPart;
  PartIndex first_child = kNoPart;
  PartIndex next_sibling = kNoPart;
  Range header, body;
  std::uint64_t lines = 0;
  std::string_view type, subtype, encoding;
  std::optional<std::string_view> id, description, md5, location, disposition;
  Slice params, disposition_params, languages;
  std::uint32_t envelope = kNoEnvelope;  // in StructureView::envelopes

  bool is_multipart() const { return type == "multipart"; }
  bool is_message() const { return envelope != kNoEnvelope; }
};

struct StructureView {
  std::vector<PartView> parts;  // pre-order; [0] is the message itself
  std::vector<ParamView> params;
  std::vector<std::string_view> languages;
  std::vector<EnvelopeView> envelopes;  // of embedded messages

  std::span<const ParamView> params_of(PartView::Slice s) const { return std::span(params).subspan(s.begin, s.end - s.begin); }
  std::span<const std::string_view> languages_of(PartView::Slice s) const {
    return std::span(languages).subspan(s.begin, s.end - s.begin);
  }
};

}  // namespace posthorn::message
