#include "server/imap/search_program.h"

#include <algorithm>
#include <utility>

#include "message/encoded_word.h"
#include "text/ascii.h"
#include "text/casemap.h"
#include "text/charset.h"

namespace posthorn::imap {
namespace {

Verdict verdict(bool yes) { return yes ? Verdict::yes : Verdict::no; }

bool compare_dates(SearchDate::Op op, std::chrono::sys_days date, std::chrono::sys_days wanted) {
  switch (op) {
    case SearchDate::Op::before: return date < wanted;
    case SearchDate::Op::on: return date == wanted;
    case SearchDate::Op::since: return date >= wanted;
  }
  return false;
}

// Fields whose text stands in the summary.
constexpr std::string_view kEnvelopeFields[] = {"from", "to", "cc", "bcc", "subject", "sender", "reply-to", "message-id", "in-reply-to"};

// nullptr: not an address field.
const std::vector<message::Address>* addresses_of(const message::Envelope& envelope, std::string_view field) {
  if (field == "from") return &envelope.from;
  if (field == "to") return &envelope.to;
  if (field == "cc") return &envelope.cc;
  if (field == "bcc") return &envelope.bcc;
  if (field == "sender") return &envelope.sender;
  if (field == "reply-to") return &envelope.reply_to;
  return nullptr;
}

const std::optional<std::string>& text_of(const message::Envelope& envelope, std::string_view field) {
  if (field == "subject") return envelope.subject;
  if (field == "message-id") return envelope.message_id;
  return envelope.in_reply_to;
}

bool contains_text(std::string_view utf8, std::string_view needle) {
  return needle.empty() || text::casemap(utf8).find(needle) != std::string::npos;
}

}  // namespace

const message::Envelope* Candidate::envelope() {
  if (!envelope_)
    if (auto decoded = summary_->envelope()) envelope_ = *std::move(decoded);
  return envelope_ ? &*envelope_ : nullptr;
}

const message::Summary* Candidate::decoded() {
  if (!decoded_)
    if (auto whole = summary_->decode()) decoded_ = *std::move(whole);
  return decoded_ ? &*decoded_ : nullptr;
}

// From the parser's tree to ours.  Recursion is as deep as ParserLimits::search_depth.
class SearchProgram::Compiler {
 public:
  Compiler(std::string_view charset, const Selected& selected, const store::MailboxState& state)
      : charset_(charset), selected_(selected), state_(state) {}

  Result<Node> compile(const SearchKey& key) {
    return std::visit([&](const auto& k) { return make(k); }, key.key);
  }
  bool wants_mod_seq() const { return wants_mod_seq_; }

 private:
  Result<Node> make(const SearchAll&) { return Node{}; }
  Result<Node> make(const SearchAnd& k) { return group(Op::all_of, k.keys); }
  Result<Node> make(const SearchOr& k) { return group(Op::any_of, k.keys); }
  Result<Node> make(const SearchNot& k) { return group(Op::none_of, k.keys); }
  Result<Node> make(const SearchSequence& k) {
    Node node{.op = Op::indexes};
    node.ranges = resolve_for_search(k.set, Numbers(k.uid), *selected_.told);
    return node;
  }
  Result<Node> make(const SearchFlag& k) {
    if (k.flag == SystemFlag::recent) return Node{.op = Op::recent, .want = k.set};
    return Node{.op = Op::flags, .want = k.set, .number = static_cast<std::uint8_t>(k.flag)};
  }
  Result<Node> make(const SearchKeyword& k) {
    Node node{.op = Op::keyword, .want = k.set};
    for (std::size_t i = 0; i < state_.keywords.size(); ++i)
      if (text::iequals(state_.keywords[i], k.keyword)) node.number = std::uint64_t{1} << i;
    return node;
  }
  Result<Node> make(const SearchDate& k) {
    const bool sent = k.field == SearchDate::Field::sent;
    return Node{.op = sent ? Op::sent_date : Op::internal_date,
                .cost = sent ? Cost::summary : Cost::entry,
                .date_op = static_cast<std::uint8_t>(k.op),
                .date = k.date};
  }
  Result<Node> make(const SearchWithin&) { return fail(Errc::unsupported); }
  Result<Node> make(const SearchObjectId&) { return fail(Errc::unsupported); }
  Result<Node> make(const SearchSize& k) {
    return Node{.op = k.op == SearchSize::Op::larger ? Op::larger : Op::smaller, .number = k.size};
  }
  Result<Node> make(const SearchHeader& k) {
    Node node{.op = Op::header, .cost = Cost::header, .name = text::to_lower(k.name), .needle = needle_of(k.value)};
    if (std::ranges::find(kEnvelopeFields, node.name) != std::end(kEnvelopeFields) && !is_raw_address(node)) {
      node.op = Op::envelope;
      node.cost = Cost::summary;
    }
    return node;
  }
  Result<Node> make(const SearchText& k) {
    Node node{.op = Op::text, .cost = Cost::text, .needle = needle_of(k.value)};
    node.scope = k.scope == SearchText::Scope::body ? message::SearchScope::body : message::SearchScope::text;
    if (node.needle.empty()) return Node{};  // every text contains it
    return node;
  }
  Result<Node> make(const SearchModSeq& k) {
    wants_mod_seq_ = true;
    return Node{.op = Op::mod_seq, .number = k.mod_seq};
  }

  // Quotes, escapes and comments of addresses are not in the summary: a needle that looks like them is searched for in the header.
  static bool is_raw_address(const Node& node) {
    return addresses_of({}, node.name) != nullptr && node.needle.find_first_of("\"\\()") != std::string::npos;
  }

  Result<Node> group(Op op, const std::vector<SearchKey>& keys) {
    Node node{.op = op};
    for (const auto& key : keys) {
      TRY(auto child, compile(key));
      node.cost = std::max(node.cost, child.cost);
      node.children.push_back(std::move(child));
    }
    std::ranges::sort(node.children, {}, &Node::cost);
    return node;
  }

  std::string needle_of(const std::string& value) const { return text::casemap(text::to_utf8(charset_, value)); }

  std::string_view charset_;
  const Selected& selected_;
  const store::MailboxState& state_;
  bool wants_mod_seq_ = false;
};

Result<SearchProgram> SearchProgram::compile(const Search& search, const Selected& selected, const store::MailboxState& state) {
  const std::string_view charset = search.charset.empty() ? std::string_view("US-ASCII") : std::string_view(search.charset);
  if (!text::is_known_charset(charset)) return fail(Errc::unsupported, "unknown charset");
  Compiler compiler(charset, selected, state);
  SearchProgram program;
  TRY(program.root_, compiler.compile(search.key));
  program.wants_mod_seq_ = compiler.wants_mod_seq();
  return program;
}

Verdict SearchProgram::match(Candidate& c) const { return match(root_, c); }

Verdict SearchProgram::match(const Node& node, Candidate& c) const {
  const auto& entry = *c.entry_;
  switch (node.op) {
    case Op::constant: return verdict(node.want);
    case Op::all_of:
    case Op::any_of:
    case Op::none_of: return match_children(*this, node, c);
    case Op::indexes: {
      const auto range = std::ranges::upper_bound(node.ranges, c.index_, {}, &IndexRange::from);
      return verdict(range != node.ranges.begin() && c.index_ < std::prev(range)->to);
    }
    case Op::flags: return verdict(((entry.flags & node.number) != 0) == node.want);
    case Op::recent: return verdict(c.recent_ == node.want);
    case Op::keyword: return verdict(((entry.keywords & node.number) != 0) == node.want);
    case Op::internal_date: {
      // [RFC3501 6.4.4] The date as it was given, disregarding time and zone.
      const auto local = std::chrono::sys_seconds(std::chrono::seconds(entry.internal_date.seconds)) +
                         std::chrono::minutes(entry.internal_date.zone_minutes);
      return verdict(compare_dates(SearchDate::Op(node.date_op), std::chrono::floor<std::chrono::days>(local), node.date));
    }
    case Op::larger: return verdict(entry.size > node.number);
    case Op::smaller: return verdict(entry.size < node.number);
    case Op::mod_seq: return verdict(entry.mod_seq.value() >= node.number);
    case Op::sent_date:
    case Op::envelope: return match_summary(node, c);
    case Op::header:
      return c.header_ ? verdict(message::header_contains(*c.header_, node.name, node.needle)) : Verdict::unknown;
    case Op::text: return match_text(node, c);
  }
  return Verdict::no;
}

// none_of has one child; of all_of and any_of the cheap ones come first and may decide alone.
Verdict SearchProgram::match_children(const SearchProgram& program, const Node& node, Candidate& c) {
  const auto deciding = node.op == Op::all_of ? Verdict::no : Verdict::yes;
  bool unknown = false;
  for (const auto& child : node.children) {
    const auto v = program.match(child, c);
    if (v == deciding) return verdict(node.op == Op::any_of);
    unknown |= v == Verdict::unknown;
  }
  return unknown ? Verdict::unknown : verdict(node.op != Op::any_of);
}

Verdict SearchProgram::match_summary(const Node& node, Candidate& c) {
  if (c.summary_ == nullptr) return Verdict::unknown;
  if (node.op == Op::envelope) return match_envelope(node, c);
  const auto sent = c.summary_->sent();
  // A message without a readable Date was sent when it came, as far as anybody knows; departure: the standard is silent.
  const auto date = sent ? text::local_date(*sent)
                         : std::chrono::floor<std::chrono::days>(
                               std::chrono::sys_seconds(std::chrono::seconds(c.entry_->internal_date.seconds)));
  return verdict(compare_dates(SearchDate::Op(node.date_op), date, node.date));
}

Verdict SearchProgram::match_envelope(const Node& node, Candidate& c) {
  const auto* envelope = c.envelope();
  if (envelope == nullptr) return Verdict::no;
  if (const auto* list = addresses_of(*envelope, node.name))
    return verdict(!list->empty() && contains_text(message::address_list_text(*list), node.needle));
  const auto& value = text_of(*envelope, node.name);
  return verdict(value && contains_text(message::decode_encoded_words(*value), node.needle));
}

Verdict SearchProgram::match_text(const Node& node, Candidate& c) {
  if (c.read_ == nullptr) return Verdict::unknown;
  const auto* summary = c.decoded();
  if (summary == nullptr) return Verdict::no;
  auto found = message::search_text_contains(*summary, node.scope, node.needle, *c.read_);
  return verdict(found && *found);
}

}  // namespace posthorn::imap
