// `posthorn store check`.
#include <algorithm>
#include <map>
#include <set>

#include "kv/key_codec.h"
#include "message/summary.h"
#include "store/account_rows.h"
#include "store/mail_store.h"
#include "store/page_codec.h"
#include "store/read_view.h"
#include "store/rows.h"

namespace posthorn::store {
namespace {

using kv::Space;

constexpr std::size_t kMaxProblems = 1000;

// Checks one account against one state of the store.
class AccountCheck {
 public:
  AccountCheck(kv::Store& store, kv::SnapshotPtr at, AccountId id, CheckReport& report)
      : store_(store), at_(std::move(at)), id_(id), report_(report) {}

  Task<Result<void>> run() {
    CO_TRY(auto row, co_await store_.get(Space::account, id_.value(), std::string(kCoreKey), at_));
    if (!row) {
      complain("the account has no row");
      co_return Result<void>{};
    }
    auto core = decode_core(*row);
    if (!core) {
      complain(core.error().text);
      co_return Result<void>{};
    }
    core_ = *core;
    CO_TRY_OK(co_await each(Space::mailbox, &AccountCheck::mailbox_row));
    for (const auto& state : mailboxes_) CO_TRY_OK(co_await check_mailbox(state));
    CO_TRY_OK(co_await each(Space::message_refs, &AccountCheck::refs_row));
    CO_TRY_OK(co_await each(Space::message, &AccountCheck::message_row));
    CO_TRY_OK(co_await each(Space::change, &AccountCheck::change_row));
    CO_TRY_OK(co_await each(Space::thread, &AccountCheck::thread_row));
    for (Space space : {Space::column, Space::index_state}) CO_TRY_OK(co_await check_index(space));
    for (const auto& [message, seen] : messages_)
      if (!seen.has_row) complain("message " + std::to_string(message.value()) + " is in a mailbox but has no row");
    if (bytes_ != core_.quota.bytes_used) complain("quota: bytes used should be " + std::to_string(bytes_));
    if (entries_ != core_.quota.messages_used) complain("quota: messages used should be " + std::to_string(entries_));
    co_return Result<void>{};
  }

 private:
  struct Seen {
    std::uint64_t entries = 0, refs = 1;
    std::uint32_t size = 0;
    bool has_row = false;
  };

  void complain(std::string text) {
    if (report_.problems.size() < kMaxProblems) report_.problems.push_back({id_, std::move(text)});
  }

  Task<Result<void>> each(Space space, void (AccountCheck::*take)(const kv::Row&)) {
    kv::Range range{space, id_.value(), "", ""};
    for (bool more = true; more;) {
      CO_TRY(auto rows, co_await store_.scan(range, at_));
      for (const auto& row : rows.rows) {
        (this->*take)(row);
        range.from = row.key + '\0';
      }
      more = rows.more;
    }
    co_return Result<void>{};
  }

  void mailbox_row(const kv::Row& row) {
    auto id = mailbox_of_key(row.key);
    auto state = id ? decode_mailbox(*id, row.value) : Result<MailboxState>(std::unexpected(id.error()));
    if (!state) return complain(state.error().text);
    if (state->id.value() >= core_.next_mailbox) complain("mailbox " + state->name + ": its id was never given out");
    if (!normal_mailbox_name(state->name)) complain("mailbox with an invalid name");
    ++report_.mailboxes;
    mailboxes_.push_back(*std::move(state));
  }

  void refs_row(const kv::Row& row) {
    if (row.key.size() != 8 || row.value.size() != 8) return complain("message reference: damaged");
    auto it = messages_.find(MessageId(kv::get_be64(row.key)));
    if (it == messages_.end()) return complain("references of a message that is nowhere");
    it->second.refs = decode_refs(row.value);
  }

  void message_row(const kv::Row& row) {
    if (row.key.size() != 8) return complain("message: damaged key");
    ++report_.messages;
    const MessageId id(kv::get_be64(row.key));
    const std::string name = "message " + std::to_string(id.value());
    auto seen = messages_.find(id);
    if (seen == messages_.end()) return complain(name + " is in no mailbox");
    seen->second.has_row = true;
    if (seen->second.refs != seen->second.entries) complain(name + ": wrong number of references");
    auto summary = decode_message(id, row.value);
    if (summary && summary->thread == ThreadId(0)) complain(name + ": has no conversation");
    auto view = summary ? message::decode_summary(summary->summary) : Result<message::Summary>(std::unexpected(summary.error()));
    if (!view) return complain(name + ": " + view.error().text);
    if (view->size != seen->second.size) complain(name + ": sizes of entry and summary differ");
  }

  void change_row(const kv::Row& row) {
    if (row.key.size() != 13) return complain("change log: damaged key");
    if (kv::get_be64(row.key) > core_.mod_seq.value()) complain("change log: above the account's mod-sequence");
    if (auto uids = decode_uids(row.value); !uids) complain("change log: damaged");
  }

  void thread_row(const kv::Row& row) {
    if (row.key.size() != 8 || row.value.size() != 8 || kv::get_be64(row.value) == 0) complain("conversation: damaged");
  }

  // Rows of the search index belong to mailboxes that exist; the index looks after the rest itself.
  Task<Result<void>> check_index(Space space) {
    kv::Range range{space, id_.value(), "", "", 1};
    for (;;) {
      CO_TRY(const auto rows, co_await store_.scan(range, at_));
      if (rows.rows.empty()) co_return Result<void>{};
      const auto mailbox = mailbox_of_key(rows.rows.front().key);
      const bool known = mailbox && std::ranges::binary_search(mailboxes_, *mailbox, {}, &MailboxState::id);
      if (!known) complain("search index of a mailbox that does not exist");
      if (!mailbox) co_return Result<void>{};
      range.from = after_mailbox_key(*mailbox);
    }
  }

  Task<Result<void>> check_mailbox(const MailboxState& state) {
    const std::string where = "mailbox " + state.name + ": ";
    const bool is_staging = state.id == core_.staging;
    if (is_staging) CO_TRY_OK(co_await count_staged(state));
    auto loaded = co_await read_view(store_, id_, state.id, is_staging ? state.uid_next : Uid(0xFFFFFFFF), at_);
    if (!loaded) {
      complain(where + loaded.error().text);
      co_return Result<void>{};
    }
    const View& view = **loaded;
    MailboxState counted;
    Uid last{0};
    std::uint32_t overlay = 0;
    view.for_each([&](std::uint32_t, const Entry& e) {
      if (e.uid <= last) complain(where + "UIDs do not ascend at " + std::to_string(e.uid.value()));
      last = e.uid;
      if (e.mod_seq > state.highest_mod_seq || e.mod_seq.value() == 0) complain(where + "wrong mod-sequence of UID " + std::to_string(e.uid.value()));
      if (state.keywords.size() < kMaxKeywords && e.keywords >> state.keywords.size()) complain(where + "unknown keyword");
      if (!e.overlaid && e.uid > state.paged_until) complain(where + "a page goes beyond paged_until");
      ++counted.messages;
      counted.unseen += !(e.flags & kSeen);
      counted.deleted += (e.flags & kDeleted) != 0;
      counted.bytes += e.size;
      overlay += e.overlaid;
      auto& seen = messages_[e.message];
      ++seen.entries;
      seen.size = e.size;
    });
    if (last >= state.uid_next) complain(where + "UIDNEXT is not above the last UID");
    if (counted.messages != state.messages) complain(where + "number of messages should be " + std::to_string(counted.messages));
    if (counted.unseen != state.unseen) complain(where + "number of unseen should be " + std::to_string(counted.unseen));
    if (counted.deleted != state.deleted) complain(where + "number of deleted should be " + std::to_string(counted.deleted));
    if (state.deleted_bytes && state.deleted_bytes != deleted_bytes(view))
      complain(where + "bytes of deleted ones should be " + std::to_string(deleted_bytes(view)));
    if (counted.bytes != state.bytes) complain(where + "bytes should be " + std::to_string(counted.bytes));
    if (state.highest_mod_seq > core_.mod_seq) complain(where + "HIGHESTMODSEQ is above the account's");
    CO_TRY(auto rows, co_await count_overlay(state.id));
    if (rows != state.overlay_rows) complain(where + "overlay rows should be " + std::to_string(rows));
    entries_ += counted.messages;
    bytes_ += counted.bytes;
    report_.entries += counted.messages;
    co_return Result<void>{};
  }

  // Entries of a copy that is not done: the mailbox's they are not, but they hold references.
  Task<Result<void>> count_staged(const MailboxState& state) {
    auto count = [this](std::string_view, std::string_view row) -> Result<void> {
      const auto entries = decode_page(row);
      if (!entries) {
        complain("a copy that is not done: " + entries.error().text);
        return {};
      }
      for (const Entry& e : *entries) ++messages_[e.message].entries;
      return {};
    };
    co_return co_await store_.visit_range(Space::entry_page, id_.value(), entry_key(state.id, state.uid_next), after_mailbox_key(state.id), count, at_);
  }

  Task<Result<std::uint32_t>> count_overlay(MailboxId mailbox) {
    std::uint32_t count = 0;
    kv::Range range{Space::entry, id_.value(), mailbox_key(mailbox), after_mailbox_key(mailbox)};
    for (bool more = true; more;) {
      CO_TRY(auto rows, co_await store_.scan(range, at_));
      count += static_cast<std::uint32_t>(rows.rows.size());
      if (!rows.rows.empty()) range.from = rows.rows.back().key + '\0';
      more = rows.more;
    }
    co_return count;
  }

  kv::Store& store_;
  kv::SnapshotPtr at_;
  AccountId id_;
  CheckReport& report_;
  Account::Core core_;
  std::vector<MailboxState> mailboxes_;
  std::map<MessageId, Seen> messages_;
  std::uint64_t bytes_ = 0, entries_ = 0;

 public:
  const std::map<MessageId, Seen>& messages() const { return messages_; }
  const std::vector<MailboxState>& mailboxes() const { return mailboxes_; }
};

// The index of grantees against the access control lists, both ways.
class ShareCheck {
 public:
  void account(AccountId owner, const std::vector<MailboxState>& mailboxes) {
    accounts_.insert(owner);
    for (const auto& m : mailboxes)
      for (const AclEntry& e : m.acl)
        if (!e.negative && e.who != owner) wanted_[e.who].insert(share_key(owner, m.id));
  }

  Task<Result<void>> run(kv::Store& store, kv::SnapshotPtr at, CheckReport& report) {
    auto complain = [&report](AccountId who, const char* text) {
      if (report.problems.size() < kMaxProblems) report.problems.push_back({who, text});
    };
    accounts_.insert(kAnyone);
    for (AccountId who : accounts_) {  // lists may still name accounts that are gone
      auto& wanted = wanted_[who];
      kv::Range range{Space::share, who.value(), "", ""};
      for (bool more = true; more;) {
        CO_TRY(const auto rows, co_await store.scan(range, at));
        for (const auto& row : rows.rows) {
          range.from = row.key + '\0';
          if (!wanted.erase(row.key)) complain(who, "is said to share a mailbox that does not name it");
        }
        more = rows.more;
      }
      if (!wanted.empty()) complain(who, "does not find a mailbox that names it");
    }
    co_return Result<void>{};
  }

 private:
  std::set<AccountId> accounts_;
  std::map<AccountId, std::set<std::string>> wanted_;  // keys by grantee
};

}  // namespace

Task<Result<CheckReport>> check_store(kv::Store& store, blob::Blobs& blobs, kv::SnapshotPtr at) {
  CheckReport report;
  if (!at) at = store.snapshot();
  CO_TRY(auto found, co_await blobs.check(at));
  for (auto& p : found.problems)
    report.problems.push_back({AccountId(0), "blob " + std::to_string(p.id.value()) + ": " + p.text});
  report.blobs = found.blobs;
  std::map<AccountId, std::vector<MessageId>> linked;
  for (const auto& [id, account] : found.links) linked[account].push_back(id);
  report.queued = std::exchange(linked[blob::kQueueOwner], {});
  std::ranges::sort(report.queued);

  ShareCheck shares;
  kv::Range range{Space::meta, 0, std::string(kAccountIndex), std::string("account0")};  // '0' follows '/'
  for (bool more = true; more;) {
    CO_TRY(auto rows, co_await store.scan(range, at));
    for (const auto& row : rows.rows) {
      range.from = row.key + '\0';
      if (row.key.size() != kAccountIndex.size() + 8) continue;
      const AccountId id(kv::get_be64(std::string_view(row.key).substr(kAccountIndex.size())));
      ++report.accounts;
      AccountCheck check(store, at, id, report);
      CO_TRY_OK(co_await check.run());
      shares.account(id, check.mailboxes());
      std::uint64_t matched = 0;
      for (MessageId message : linked[id]) {
        if (check.messages().contains(message)) ++matched;
        else report.problems.push_back({id, "blob " + std::to_string(message.value()) + " is linked, but there is no such message"});
      }
      if (matched != check.messages().size()) report.problems.push_back({id, "some messages have no link to their bytes"});
      for (const auto& [message, seen] : check.messages()) {
        if (!seen.size) continue;
        auto end = co_await blobs.read(message, seen.size - 1, 2, at);
        if (!end || end->size() != 1)
          report.problems.push_back({id, "message " + std::to_string(message.value()) + ": its bytes are missing or of another length"});
      }
      linked.erase(id);
    }
    more = rows.more;
  }
  CO_TRY_OK(co_await shares.run(store, at, report));
  for (const auto& [id, messages] : linked)
    if (!messages.empty()) report.problems.push_back({id, "blobs are linked to an account that does not exist"});
  co_return report;
}

}  // namespace posthorn::store
