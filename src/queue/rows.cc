#include "queue/rows.h"

#include <algorithm>

#include "base/row_codec.h"
#include "kv/key_codec.h"

namespace posthorn::queue {
namespace {

constexpr std::uint64_t kVersion = 1;
static_assert(static_cast<int>(smtp::Body::binary_mime) == 2, "the numbers are on disk");
constexpr std::size_t kGroupIdBytes = 12;

// Flags of an entry row.
constexpr std::uint64_t kShared = 1, kUtf8 = 2, kRequireTls = 4, kRetFull = 8, kRetHeaders = 16, kEnvelopeId = 32, kBy = 64, kByReturn = 128,
                        kByTrace = 256, kHoldUntil = 512, kPriority = 1024, kTlsOptional = 2048, kOurs = 4096;
// Flags of a recipient, above its state.
constexpr std::uint64_t kStateBits = 7, kOwed = 8, kWarned = 16, kNotify = 32, kOriginal = 64;
constexpr std::uint64_t kHeldGroup = 1;
constexpr std::uint64_t kHeldBySender = 1;

std::uint64_t to_number(SysTime t) { return static_cast<std::uint64_t>(std::max<std::int64_t>(0, t.time_since_epoch().count())); }
SysTime to_time(std::uint64_t ms) {
  constexpr std::uint64_t kMax = 1ull << 56;  // arithmetic with it does not overflow
  return SysTime(std::chrono::milliseconds(static_cast<std::int64_t>(std::min(ms, kMax))));
}
void put_time(std::string& out, SysTime t) { put_varint(out, to_number(t)); }
SysTime take_time(RowReader& in) { return to_time(in.varint()); }

void put_group_id(std::string& out, GroupId id) {
  kv::put_be64(out, id.entry.value());
  kv::put_be32(out, id.group);
}
// REQUIRES: 12 bytes.
GroupId get_group_id(std::string_view in) { return {EntryId(kv::get_be64(in)), kv::get_be32(in.substr(8))}; }

std::uint64_t notify_bits(const smtp::Notify& n) { return n.never * 1u + n.success * 2u + n.failure * 4u + n.delay * 8u; }

void put_answer(std::string& out, const Answer& a) {
  put_varint(out, static_cast<std::uint64_t>(std::max(0, a.code)));
  for (auto part : {a.enhanced.klass, a.enhanced.subject, a.enhanced.detail}) put_varint(out, part);
  put_string(out, std::string_view(a.text).substr(0, kMaxAnswerText));
  put_string(out, std::string_view(a.server).substr(0, kMaxAnswerText));
  put_time(out, a.at);
}

Answer take_answer(RowReader& in) {
  Answer a;
  a.code = static_cast<int>(in.varint32() & 0xFFFF);
  a.enhanced.klass = static_cast<std::uint16_t>(in.varint32());
  a.enhanced.subject = static_cast<std::uint16_t>(in.varint32());
  a.enhanced.detail = static_cast<std::uint16_t>(in.varint32());
  a.text = in.string();
  a.server = in.string();
  a.at = take_time(in);
  return a;
}

void put_recipient(std::string& out, const Recipient& r, std::size_t answer) {
  put_string(out, r.forward_path);
  put_string(out, r.forwarded_for);
  put_varint(out, answer);
  std::uint64_t flags = static_cast<std::uint64_t>(r.state);
  if (r.owed) flags |= kOwed;
  if (r.warned) flags |= kWarned;
  if (r.options.notify) flags |= kNotify;
  if (r.options.original_recipient) flags |= kOriginal;
  put_varint(out, flags);
  if (r.options.notify) put_varint(out, notify_bits(*r.options.notify));
  if (const auto& o = r.options.original_recipient) {
    put_string(out, o->address_type);
    put_string(out, o->address);
  }
}

Recipient take_recipient(RowReader& in, const std::vector<Answer>& answers, bool& good) {
  Recipient r;
  r.forward_path = in.string();
  r.forwarded_for = in.string();
  const std::uint64_t answer = in.varint();
  if (answer > answers.size()) good = false;
  else if (answer > 0) r.last = answers[answer - 1];
  const std::uint64_t flags = in.varint();
  r.state = static_cast<State>(flags & kStateBits);
  if (r.state > State::removed) good = false;
  r.owed = flags & kOwed;
  r.warned = flags & kWarned;
  if (flags & kNotify) {
    const std::uint64_t n = in.varint();
    r.options.notify = smtp::Notify{(n & 1) != 0, (n & 2) != 0, (n & 4) != 0, (n & 8) != 0};
  }
  if (flags & kOriginal) {
    smtp::OriginalRecipient o;
    o.address_type = in.string();
    o.address = in.string();
    r.options.original_recipient = std::move(o);
  }
  return r;
}

}  // namespace

std::string_view to_string(State state) {
  switch (state) {
    case State::waiting: return "waiting";
    case State::delivered: return "delivered";
    case State::relayed: return "relayed";
    case State::expanded: return "expanded";
    case State::failed: return "failed";
    case State::expired: return "expired";
    case State::removed: return "removed";
  }
  return "?";
}

bool Group::waits() const { return std::ranges::any_of(recipients, [](const auto& r) { return r.state == State::waiting; }); }
bool Group::owes() const { return std::ranges::any_of(recipients, &Recipient::owed); }

std::string entry_key(EntryId id) {
  std::string key(1, kEntryRow);
  kv::put_be64(key, id.value());
  return key;
}
std::string group_key(GroupId id) {
  std::string key(1, kEntryRow);
  put_group_id(key, id);
  return key;
}
std::string after_entry_key(EntryId id) { return entry_key(EntryId(id.value() + 1)); }

std::string due_from(SysTime due) {
  std::string key(1, kDueRow);
  kv::put_be64(key, to_number(due));
  return key;
}
std::string due_key(SysTime due, GroupId id) {
  std::string key = due_from(due);
  put_group_id(key, id);
  return key;
}
std::string backlog_mark_key(SysTime time, std::string_view destination) {
  std::string key = due_from(time);
  kv::put_be64(key, 0);
  key.append(destination);
  return key;
}
std::string backlog_from(std::string_view destination) {
  std::string key(1, kBacklogRow);
  key.append(destination);
  key.push_back('\0');
  return key;
}
std::string backlog_behind(std::string_view destination) {
  std::string key = backlog_from(destination);
  key.back() = '\1';
  return key;
}
std::string backlog_key(std::string_view destination, int priority, SysTime due, GroupId id) {
  std::string key = backlog_from(destination);
  key.push_back(static_cast<char>(127 - std::clamp(priority, -9, 9)));
  kv::put_be64(key, to_number(due));
  put_group_id(key, id);
  return key;
}
std::string held_key(GroupId id) {
  std::string key(1, kHeldRow);
  put_group_id(key, id);
  return key;
}

std::optional<EntryKey> read_entry_key(std::string_view key) {
  if (!key.starts_with(kEntryRow)) return std::nullopt;
  key.remove_prefix(1);
  if (key.size() == 8) return EntryKey{EntryId(kv::get_be64(key)), std::nullopt};
  if (key.size() != kGroupIdBytes) return std::nullopt;
  const GroupId id = get_group_id(key);
  return EntryKey{id.entry, id.group};
}

std::optional<DueKey> read_due_key(std::string_view key) {
  if (!key.starts_with(kDueRow) || key.size() < 1 + 8 + 8) return std::nullopt;
  DueKey out{to_time(kv::get_be64(key.substr(1))), std::nullopt, {}};
  key.remove_prefix(9);
  if (kv::get_be64(key) == 0) {
    out.destination = key.substr(8);
    return out;
  }
  if (key.size() != kGroupIdBytes) return std::nullopt;
  out.group = get_group_id(key);
  return out;
}

std::optional<BacklogKey> read_backlog_key(std::string_view key) {
  const auto zero = key.find('\0');
  if (!key.starts_with(kBacklogRow) || zero == key.npos || key.size() != zero + 1 + 1 + 8 + kGroupIdBytes) return std::nullopt;
  BacklogKey out;
  out.destination = key.substr(1, zero - 1);
  key.remove_prefix(zero + 1);
  out.priority = 127 - static_cast<unsigned char>(key[0]);
  out.due = to_time(kv::get_be64(key.substr(1)));
  out.group = get_group_id(key.substr(9));
  return out;
}

std::optional<GroupId> read_held_key(std::string_view key) {
  if (!key.starts_with(kHeldRow) || key.size() != 1 + kGroupIdBytes) return std::nullopt;
  return get_group_id(key.substr(1));
}

std::string encode(const Entry& e) {
  std::string out;
  put_varint(out, kVersion);
  put_time(out, e.arrival);
  put_varint(out, e.size);
  put_varint(out, e.recipients);
  put_varint(out, e.groups);
  const MailOptions& o = e.options;
  std::uint64_t flags = 0;
  const auto flag = [&flags](bool set, std::uint64_t bit) { flags |= set ? bit : 0; };
  flag(e.shared, kShared);
  flag(o.smtp_utf8, kUtf8);
  flag(o.require_tls, kRequireTls);
  flag(o.ret == smtp::Return::full, kRetFull);
  flag(o.ret == smtp::Return::headers, kRetHeaders);
  flag(o.envelope_id.has_value(), kEnvelopeId);
  flag(o.deliver_by.has_value(), kBy);
  flag(o.deliver_by && o.deliver_by->return_if_late, kByReturn);
  flag(o.deliver_by && o.deliver_by->trace, kByTrace);
  flag(o.hold_until.has_value(), kHoldUntil);
  flag(o.priority.has_value(), kPriority);
  flag(o.tls_optional, kTlsOptional);
  flag(e.origin.ours, kOurs);
  put_varint(out, flags);
  put_varint(out, static_cast<std::uint64_t>(o.body));
  put_varint(out, e.received);
  put_varint(out, e.prefix);
  put_string(out, e.reverse_path);
  put_varint(out, e.origin.account.value());
  for (const auto* text : {&e.origin.ip, &e.origin.helo, &e.origin.with}) put_string(out, *text);
  if (o.envelope_id) put_string(out, *o.envelope_id);
  if (o.deliver_by) put_time(out, o.deliver_by->by);
  if (o.hold_until) put_time(out, *o.hold_until);
  if (o.priority) put_signed(out, *o.priority);
  return out;
}

Result<Entry> decode_entry(std::string_view row) {
  RowReader in(row);
  if (in.varint() != kVersion) return fail(Errc::corrupt, "queue entry: unknown version");
  Entry e;
  e.arrival = take_time(in);
  e.size = in.varint();
  e.recipients = in.varint32();
  e.groups = in.varint32();
  const std::uint64_t flags = in.varint();
  const std::uint64_t body = in.varint();
  e.received = in.varint32();
  e.prefix = in.varint32();
  e.reverse_path = in.string();
  e.origin.account = AccountId(in.varint());
  for (auto* text : {&e.origin.ip, &e.origin.helo, &e.origin.with}) *text = in.string();
  e.shared = flags & kShared;
  e.origin.ours = flags & kOurs;
  MailOptions& o = e.options;
  o.body = static_cast<smtp::Body>(body);
  o.smtp_utf8 = flags & kUtf8;
  o.require_tls = flags & kRequireTls;
  o.tls_optional = flags & kTlsOptional;
  if (flags & kRetFull) o.ret = smtp::Return::full;
  if (flags & kRetHeaders) o.ret = smtp::Return::headers;
  if (flags & kEnvelopeId) o.envelope_id = in.string();
  if (flags & kBy) o.deliver_by = DeliverBy{take_time(in), (flags & kByReturn) != 0, (flags & kByTrace) != 0};
  if (flags & kHoldUntil) o.hold_until = take_time(in);
  if (flags & kPriority) o.priority = static_cast<int>(std::clamp<std::int64_t>(in.signed_varint(), -9, 9));
  if (!in.at_end() || body > static_cast<std::uint64_t>(smtp::Body::binary_mime)) return fail(Errc::corrupt, "queue entry: damaged row");
  return e;
}

std::string encode(const Group& g) {
  // Often all have the same answer: it is written once.
  std::vector<const Answer*> answers;
  std::vector<std::size_t> answer_of;
  const Answer none;
  for (const Recipient& r : g.recipients) {
    if (r.last == none) {
      answer_of.push_back(0);
      continue;
    }
    const auto known = std::ranges::find_if(answers, [&r](const Answer* a) { return *a == r.last; });
    answer_of.push_back(static_cast<std::size_t>(known - answers.begin()) + 1);
    if (known == answers.end()) answers.push_back(&r.last);
  }
  std::string out;
  put_varint(out, kVersion);
  put_time(out, g.due);
  put_time(out, g.tried);
  put_varint(out, g.attempts);
  put_string(out, g.destination);
  put_varint(out, g.held ? kHeldGroup : 0);
  put_varint(out, answers.size());
  for (const Answer* a : answers) put_answer(out, *a);
  put_varint(out, g.recipients.size());
  for (std::size_t i = 0; i < g.recipients.size(); ++i) put_recipient(out, g.recipients[i], answer_of[i]);
  return out;
}

Result<Group> decode_group(std::string_view row) {
  RowReader in(row);
  if (in.varint() != kVersion) return fail(Errc::corrupt, "queue group: unknown version");
  Group g;
  g.due = take_time(in);
  g.tried = take_time(in);
  g.attempts = in.varint32();
  g.destination = in.string();
  g.held = in.varint() & kHeldGroup;
  bool good = g.destination.size() <= kMaxDestination;
  std::vector<Answer> answers;
  for (std::uint64_t n = in.varint(); n > 0 && in.ok(); --n) answers.push_back(take_answer(in));
  for (std::uint64_t n = in.varint(); n > 0 && in.ok(); --n) g.recipients.push_back(take_recipient(in, answers, good));
  if (!in.at_end() || !good || g.recipients.empty()) return fail(Errc::corrupt, "queue group: damaged row");
  return g;
}

std::string encode(const DueRow& d) {
  std::string out;
  put_varint(out, d.held_by_sender ? kHeldBySender : 0);
  put_time(out, d.written);
  put_signed(out, d.priority);
  put_string(out, d.destination);
  return out;
}

Result<DueRow> decode_due(std::string_view row) {
  RowReader in(row);
  DueRow d;
  d.held_by_sender = in.varint() & kHeldBySender;
  d.written = take_time(in);
  d.priority = static_cast<int>(std::clamp<std::int64_t>(in.signed_varint(), -9, 9));
  d.destination = in.string();
  if (!in.at_end() || d.destination.size() > kMaxDestination) return fail(Errc::corrupt, "queue index: damaged row");
  return d;
}

std::string encode_mark(SysTime written) {
  std::string out;
  put_time(out, written);
  return out;
}

Result<SysTime> decode_mark(std::string_view row) {
  RowReader in(row);
  const SysTime written = take_time(in);
  if (!in.at_end()) return fail(Errc::corrupt, "queue index: damaged row");
  return written;
}

std::string encode(const StateRow& s) {
  std::string out;
  put_varint(out, kVersion);
  put_time(out, s.latest);
  for (std::uint64_t v : {std::uint64_t{s.closed}, s.entries, s.groups, s.held, s.bytes}) put_varint(out, v);
  return out;
}

Result<StateRow> decode_state(std::string_view row) {
  RowReader in(row);
  if (in.varint() != kVersion) return fail(Errc::corrupt, "queue state: unknown version");
  StateRow s;
  s.latest = take_time(in);
  s.closed = in.varint() != 0;
  for (auto* v : {&s.entries, &s.groups, &s.held, &s.bytes}) *v = in.varint();
  if (!in.at_end()) return fail(Errc::corrupt, "queue state: damaged row");
  return s;
}

}  // namespace posthorn::queue
