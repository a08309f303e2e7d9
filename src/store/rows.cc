#include "store/rows.h"

#include "kv/key_codec.h"
#include "store/codec.h"

namespace posthorn::store {
namespace {

constexpr std::uint64_t kMailboxVersion = 2;
constexpr char kEntryVersion = 1;
constexpr char kMessageVersion = 2;

Error damaged(const char* what) { return {Errc::corrupt, std::string(what) + " row is damaged"}; }

}  // namespace

std::string mailbox_key(MailboxId id) {
  std::string key;
  kv::put_be32(key, id.value());
  return key;
}

std::string after_mailbox_key(MailboxId id) { return mailbox_key(MailboxId(id.value() + 1)); }

std::string entry_key(MailboxId mailbox, Uid uid) {
  std::string key;
  kv::put_be32(key, mailbox.value());
  kv::put_be32(key, uid.value());
  return key;
}

std::string message_key(MessageId id) {
  std::string key;
  kv::put_be64(key, id.value());
  return key;
}

std::string share_key(AccountId owner, MailboxId mailbox) {
  std::string key;
  kv::put_be64(key, owner.value());
  kv::put_be32(key, mailbox.value());
  return key;
}

Result<MailboxId> mailbox_of_key(std::string_view key) {
  if (key.size() < 4) return std::unexpected(damaged("mailbox"));
  return MailboxId(kv::get_be32(key));
}

Result<Uid> uid_of_key(std::string_view key) {
  if (key.size() != 8) return std::unexpected(damaged("entry"));
  return Uid(kv::get_be32(key.substr(4)));
}

std::string encode_mailbox(const MailboxState& m) {
  std::string out;
  put_varint(out, kMailboxVersion);
  put_string(out, m.name);
  put_varint(out, m.uid_validity.value());
  put_varint(out, m.uid_next.value());
  put_varint(out, m.messages);
  put_varint(out, m.unseen);
  put_varint(out, m.deleted);
  put_varint(out, m.bytes);
  put_varint(out, m.highest_mod_seq.value());
  put_varint(out, m.recent_from.value());
  put_varint(out, static_cast<std::uint64_t>(m.special_use));
  put_varint(out, m.overlay_rows);
  put_varint(out, m.paged_until.value());
  put_varint(out, m.keywords.size());
  for (const auto& k : m.keywords) put_string(out, k);
  put_varint(out, m.deleted_bytes ? *m.deleted_bytes + 1 : 0);
  put_varint(out, m.acl.size());
  for (const AclEntry& e : m.acl) {
    put_varint(out, e.who.value());
    put_varint(out, e.negative);
    put_varint(out, e.rights.bits());
  }
  return out;
}

namespace {

void take_version_2(RowReader& in, MailboxState& m) {
  const auto deleted_bytes = in.varint();
  if (deleted_bytes > 0) m.deleted_bytes = deleted_bytes - 1;
  else m.deleted_bytes.reset();
  const auto entries = in.varint();
  for (std::uint64_t i = 0; i < entries && i <= kMaxAclEntries && in.ok(); ++i) {
    AclEntry& e = m.acl.emplace_back();
    e.who = AccountId(in.varint());
    e.negative = in.varint() != 0;
    e.rights = kAllRights & Rights(static_cast<std::uint16_t>(in.varint()));
  }
}

}  // namespace

Result<MailboxState> decode_mailbox(MailboxId id, std::string_view value) {
  RowReader in(value);
  MailboxState m;
  m.id = id;
  const auto version = in.varint();
  if (version < 1 || version > kMailboxVersion) return std::unexpected(damaged("mailbox"));
  m.name = in.string();
  m.uid_validity = UidValidity(in.varint32());
  m.uid_next = Uid(in.varint32());
  m.messages = in.varint32();
  m.unseen = in.varint32();
  m.deleted = in.varint32();
  m.bytes = in.varint();
  m.highest_mod_seq = ModSeq(in.varint());
  m.recent_from = Uid(in.varint32());
  const auto use = in.varint();
  if (use > static_cast<std::uint64_t>(SpecialUse::trash)) return std::unexpected(damaged("mailbox"));
  m.special_use = static_cast<SpecialUse>(use);
  m.overlay_rows = in.varint32();
  m.paged_until = Uid(in.varint32());
  const auto keywords = in.varint();
  if (keywords > kMaxKeywords) return std::unexpected(damaged("mailbox"));
  for (std::uint64_t i = 0; i < keywords && in.ok(); ++i) m.keywords.emplace_back(in.string());
  if (version >= 2) take_version_2(in, m);
  else if (m.deleted > 0) m.deleted_bytes.reset();
  if (!in.at_end() || m.acl.size() > kMaxAclEntries) return std::unexpected(damaged("mailbox"));
  return m;
}

std::string encode_entry(const Entry& e) {
  std::string out;
  out.push_back(kEntryVersion);
  out.push_back(static_cast<char>(e.flags));
  put_varint(out, e.keywords);
  put_varint(out, e.mod_seq.value());
  put_varint(out, e.message.value());
  put_varint(out, e.size);
  put_signed(out, e.internal_date.seconds);
  put_signed(out, e.internal_date.zone_minutes);
  put_signed(out, e.save_date);
  return out;
}

Result<Entry> decode_entry(Uid uid, std::string_view value) {
  if (value.size() < 2 || value[0] != kEntryVersion) return std::unexpected(damaged("entry"));
  RowReader in(value.substr(2));
  Entry e;
  e.uid = uid;
  e.flags = static_cast<std::uint8_t>(value[1]);
  e.keywords = in.varint();
  e.mod_seq = ModSeq(in.varint());
  e.message = MessageId(in.varint());
  e.size = in.varint32();
  e.internal_date.seconds = in.signed_varint();
  e.internal_date.zone_minutes = static_cast<std::int16_t>(in.signed_varint());
  e.save_date = in.signed_varint();
  if (!in.at_end()) return std::unexpected(damaged("entry"));
  return e;
}

std::string encode_message(ThreadId thread, std::string_view summary) {
  std::string out(1, kMessageVersion);
  out.reserve(9 + summary.size());
  kv::put_be64(out, thread.value());
  out.append(summary);
  return out;
}

// Version 1 knew no conversations: every message is one of its own.
Result<MessageRow> decode_message(MessageId id, std::string_view row) {
  if (row.starts_with('\1')) return MessageRow{ThreadId(id.value()), row.substr(1)};
  if (row.size() < 9 || row[0] != kMessageVersion) return std::unexpected(damaged("message"));
  return MessageRow{ThreadId(kv::get_be64(row.substr(1))), row.substr(9)};
}

std::string encode_refs(std::uint64_t count) {
  std::string out;
  kv::put_be64(out, count);
  return out;
}

std::uint64_t decode_refs(std::string_view row) { return kv::get_be64(row); }

std::string encode_uids(const UidSet& set) {
  std::string out;
  std::uint32_t last = 0;
  for (const UidRange& r : set) {  // gaps and lengths: small numbers
    put_varint(out, r.first.value() - last);
    put_varint(out, r.last.value() - r.first.value());
    last = r.last.value();
  }
  return out;
}

Result<UidSet> decode_uids(std::string_view value) {
  RowReader in(value);
  UidSet set;
  std::uint64_t last = 0;
  while (in.ok() && !in.at_end()) {
    const std::uint64_t first = last + in.varint32();
    last = first + in.varint32();
    if (last > 0xFFFFFFFF) return std::unexpected(damaged("change"));
    set.push_back({Uid(static_cast<std::uint32_t>(first)), Uid(static_cast<std::uint32_t>(last))});
  }
  if (!in.ok()) return std::unexpected(damaged("change"));
  return set;
}

std::string change_key(ModSeq mod_seq, MailboxId mailbox, ChangeKind kind) {
  std::string key;
  kv::put_be64(key, mod_seq.value());
  kv::put_be32(key, mailbox.value());
  key.push_back(static_cast<char>(kind));
  return key;
}

}  // namespace posthorn::store
