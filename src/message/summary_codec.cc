// The stored form of a Summary: docs/formats/summary.md.
#include "message/summary_view.h"

namespace posthorn::message {
namespace {

constexpr char kVersion = 1;

// ---- Writing

class Writer {
 public:
  void put_number(std::uint64_t v) {
    for (; v >= 0x80; v >>= 7) out_ += static_cast<char>(v | 0x80);
    out_ += static_cast<char>(v);
  }
  void put_signed(std::int64_t v) {
    put_number(static_cast<std::uint64_t>(v) << 1 ^ static_cast<std::uint64_t>(v >> 63));
  }
  void put_text(std::string_view s) {
    put_number(s.size());
    out_ += s;
  }
  void put_optional(const std::optional<std::string>& s) {
    put_number(s ? s->size() + 1 : 0);
    if (s) out_ += *s;
  }
  void put_byte(char c) { out_ += c; }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

void put_addresses(Writer& w, const std::vector<Address>& list) {
  w.put_number(list.size());
  for (const Address& a : list) {
    w.put_byte(
        static_cast<char>(static_cast<int>(a.kind) | (a.name.empty() ? 0 : 4) | (a.adl.empty() ? 0 : 8)));
    if (!a.name.empty()) w.put_text(a.name);
    if (!a.adl.empty()) w.put_text(a.adl);
    if (a.kind != Address::Kind::group_end) w.put_text(a.mailbox);
    if (a.kind == Address::Kind::mailbox) w.put_text(a.host);
  }
}

void put_envelope(Writer& w, const Envelope& e) {
  for (const auto* text : {&e.date, &e.subject, &e.in_reply_to, &e.message_id}) w.put_optional(*text);
  for (const auto* list : {&e.from, &e.sender, &e.reply_to, &e.to, &e.cc, &e.bcc}) put_addresses(w, *list);
}

void put_params(Writer& w, const Params& params) {
  w.put_number(params.size());
  for (const Param& p : params) {
    w.put_text(p.name);
    w.put_text(p.value);
  }
}

void put_part(Writer& w, const Summary& s, const Part& p) {
  const std::uint64_t start = p.parent == kNoPart ? 0 : s.parts[p.parent].body.offset;
  w.put_number(p.header.offset - start);
  w.put_number(p.header.size);
  w.put_number(p.body.size);
  w.put_number(p.lines);
  w.put_text(p.type);
  w.put_text(p.subtype);
  put_params(w, p.params);
  w.put_text(p.encoding);
  for (const auto* text : {&p.id, &p.description, &p.md5, &p.location}) w.put_optional(*text);
  w.put_optional(p.disposition ? std::optional(p.disposition->type) : std::nullopt);
  if (p.disposition) put_params(w, p.disposition->params);
  w.put_number(p.languages.size());
  for (const std::string& language : p.languages) w.put_text(language);
  w.put_byte(p.is_message() ? 1 : 0);
  if (p.is_message()) put_envelope(w, s.envelopes[p.envelope]);
}

// ---- Reading: copies of the views

std::optional<std::string> copy(const std::optional<std::string_view>& text) {
  return text ? std::optional(std::string(*text)) : std::nullopt;
}

Envelope copy(const EnvelopeView& v) {
  Envelope e{.date = copy(v.date), .subject = copy(v.subject), .in_reply_to = copy(v.in_reply_to), .message_id = copy(v.message_id)};
  std::uint8_t which = 0;
  for (auto* list : {&e.from, &e.sender, &e.reply_to, &e.to, &e.cc, &e.bcc}) {
    for (const AddressView& a : v.list(static_cast<EnvelopeView::List>(which++)))
      list->push_back({a.kind, std::string(a.name), std::string(a.adl), std::string(a.mailbox), std::string(a.host)});
  }
  return e;
}

Params copy(std::span<const ParamView> params) {
  Params out;
  for (const ParamView& p : params) out.push_back({std::string(p.name), std::string(p.value)});
  return out;
}

Part copy(const StructureView& s, const PartView& v) {
  Part p{.parent = v.parent, .first_child = v.first_child, .next_sibling = v.next_sibling, .header = v.header, .body = v.body, .lines = v.lines};
  p.type = v.type;
  p.subtype = v.subtype;
  p.params = copy(s.params_of(v.params));
  p.encoding = v.encoding;
  p.id = copy(v.id);
  p.description = copy(v.description);
  p.md5 = copy(v.md5);
  p.location = copy(v.location);
  if (v.disposition) p.disposition = Disposition{std::string(*v.disposition), copy(s.params_of(v.disposition_params))};
  for (const auto language : s.languages_of(v.languages)) p.languages.emplace_back(language);
  if (v.is_message()) p.envelope = v.envelope + 1;  // Summary::envelopes begins with the message's own
  return p;
}

}  // namespace

std::string encode(const Summary& s) {
  Writer w;
  w.put_byte(kVersion);
  w.put_number(s.size);
  w.put_number(s.header_size);
  w.put_number(s.flags);
  w.put_number(s.received_count);
  w.put_byte(s.sent ? 1 : 0);
  if (s.sent) {
    w.put_signed(s.sent->time.time_since_epoch().count());
    w.put_signed(s.sent->offset_minutes);
  }
  Writer references, envelope;
  references.put_optional(s.references);
  w.put_text(references.take());
  put_envelope(envelope, s.envelope());
  w.put_text(envelope.take());

  std::vector<std::uint32_t> children(s.parts.size());
  for (const Part& p : s.parts)
    if (p.parent != kNoPart) ++children[p.parent];
  w.put_number(s.parts.size());
  for (std::size_t i = 0; i < s.parts.size(); ++i) {
    put_part(w, s, s.parts[i]);
    w.put_number(children[i]);
  }
  return w.take();
}

Result<Summary> decode_summary(std::string_view bytes) {
  TRY(const auto view, SummaryView::open(bytes));
  Summary s;
  s.size = view.size();
  s.header_size = view.header_size();
  s.flags = view.flags();
  s.received_count = view.received_count();
  s.sent = view.sent();
  TRY(s.references, view.references());
  TRY(s.envelopes.front(), view.envelope());
  StructureView structure;
  TRY_OK(view.read_structure(structure));
  for (const EnvelopeView& e : structure.envelopes) s.envelopes.push_back(copy(e));
  s.parts.clear();
  s.parts.reserve(structure.parts.size());
  for (const PartView& p : structure.parts) s.parts.push_back(copy(structure, p));
  return s;
}

Result<Envelope> SummaryView::envelope() const {
  EnvelopeView view;
  TRY_OK(read_envelope(view));
  return copy(view);
}

}  // namespace posthorn::message
