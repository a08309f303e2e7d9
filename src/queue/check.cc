#include "queue/check.h"

#include <algorithm>
#include <optional>
#include <set>

#include "queue/rows.h"

namespace posthorn::queue {
namespace {

using kv::Space;

constexpr std::size_t kMaxProblems = 1000;

class Check {
 public:
  Check(kv::Store& store, blob::Blobs& blobs, kv::SnapshotPtr at, std::vector<EntryId> linked)
      : store_(store), blobs_(blobs), at_(std::move(at)), linked_(std::move(linked)) {}

  Task<Result<CheckReport>> run() {
    CO_TRY_OK(co_await entries());
    CO_TRY_OK(co_await index());
    // Every group has one of its own: so there are as many, or some lead nowhere.
    if (index_rows_ != report_.groups)
      complain(std::to_string(index_rows_) + " index rows for " + std::to_string(report_.groups) + " groups");
    for (EntryId id : linked_)
      if (!std::ranges::binary_search(seen_links_, id)) complain("blob " + name(id) + " is linked to the queue, but not in it");
    co_return std::move(report_);
  }

 private:
  static std::string name(EntryId id) { return std::to_string(id.value()); }
  void complain(std::string text) {
    if (report_.problems.size() < kMaxProblems) report_.problems.push_back("queue: " + std::move(text));
  }

  // Calls f with each page of the rows that begin so.
  template <class F>
  Task<Result<void>> pages(char first, F f) {
    kv::Range range{Space::queue, kPartition, std::string(1, first), std::string(1, static_cast<char>(first + 1))};
    for (bool more = true; more;) {
      CO_TRY(const auto rows, co_await store_.scan(range, at_));
      CO_TRY_OK(co_await f(*this, rows.rows));
      if (!rows.rows.empty()) range.from = rows.rows.back().key + '\0';
      more = rows.more;
    }
    co_return Result<void>{};
  }

  Task<Result<void>> entries() {
    CO_TRY_OK(co_await pages(kEntryRow, [](Check& c, const std::vector<kv::Row>& rows) { return c.entry_page(rows); }));
    end_entry();
    co_return Result<void>{};
  }

  Task<Result<void>> entry_page(const std::vector<kv::Row>& rows) {
    struct Wanted {
      GroupId id;
      Group group;
      int priority;
    };
    std::vector<Wanted> wanted;
    for (const auto& row : rows) {
      const auto key = read_entry_key(row.key);
      if (!key) {
        complain("damaged key");
      } else if (!key->group) {
        CO_TRY_OK(co_await begin_entry(key->id, row.value));
      } else {
        ++report_.groups;
        ++groups_;
        auto group = decode_group(row.value);
        if (!group) complain(name(key->id) + ": " + group.error().text);
        if (current_ != key->id) complain(name(key->id) + ": a group without its entry");
        if (!group || current_ != key->id) continue;
        if (group->done()) complain(name(key->id) + ": a group that is done");
        if (*key->group >= entry_.groups) complain(name(key->id) + ": a group with a number that was never given out");
        report_.recipients += group->recipients.size();
        wanted.push_back({{key->id, *key->group}, *std::move(group), entry_.priority()});
      }
    }
    std::vector<std::string> keys;
    for (const auto& w : wanted) {
      keys.push_back(due_key(w.group.due, w.id));
      keys.push_back(backlog_key(w.group.destination, w.priority, w.group.due, w.id));
      keys.push_back(held_key(w.id));
    }
    CO_TRY(const auto found, co_await store_.multi_get(Space::queue, kPartition, std::move(keys), at_));
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const auto& [id, group, priority] = wanted[i];
      const auto &due = found[3 * i], &backlog = found[3 * i + 1], &held = found[3 * i + 2];
      const bool good = group.held ? held && !due && !backlog : !held && (due.has_value() != backlog.has_value());
      if (!good) complain(name(id.entry) + ": group " + std::to_string(id.group) + " is not where its index should have it");
      if (!due) continue;
      const auto row = decode_due(*due);
      if (!row || row->destination != group.destination || row->priority != priority)
        complain(name(id.entry) + ": the index row of group " + std::to_string(id.group) + " is wrong");
    }
    co_return Result<void>{};
  }

  Task<Result<void>> begin_entry(EntryId id, std::string_view row) {
    end_entry();
    current_ = id;
    groups_ = 0;
    ++report_.entries;
    auto entry = decode_entry(row);
    if (!entry) {
      complain(name(id) + ": " + entry.error().text);
      current_.reset();
    } else {
      entry_ = *std::move(entry);
      const auto end = co_await blobs_.read(id, entry_.size ? entry_.size - 1 : 0, 2, at_);
      if (!end || end->size() != (entry_.size ? 1 : 0)) complain(name(id) + ": its bytes are missing or of another length");
    }
    if (!std::ranges::binary_search(linked_, id)) complain(name(id) + ": its bytes are not linked to the queue");
    seen_links_.push_back(id);  // ascending
    co_return Result<void>{};
  }

  void end_entry() {
    if (current_ && groups_ == 0) complain(name(*current_) + ": an entry without groups");
  }

  Task<Result<void>> index() {
    CO_TRY_OK(co_await pages(kDueRow, [](Check& c, const std::vector<kv::Row>& rows) { return c.due_page(rows); }));
    CO_TRY_OK(co_await pages(kBacklogRow, [](Check& c, const std::vector<kv::Row>& rows) { return c.backlog_page(rows); }));
    co_return co_await pages(kHeldRow, [](Check& c, const std::vector<kv::Row>& rows) { return c.held_page(rows); });
  }

  Task<Result<void>> due_page(const std::vector<kv::Row>& rows) {
    for (const auto& row : rows) {
      const auto key = read_due_key(row.key);
      if (!key) complain("damaged key of an index row");
      else if (key->group) ++index_rows_;
      else if (!decode_mark(row.value)) complain("damaged mark of a backlog");
      else marks_.emplace(key->destination);
    }
    co_return Result<void>{};
  }

  Task<Result<void>> backlog_page(const std::vector<kv::Row>& rows) {
    for (const auto& row : rows) {
      const auto key = read_backlog_key(row.key);
      if (!key) {
        complain("damaged key in a backlog");
        continue;
      }
      ++index_rows_;
      if (marks_.contains(key->destination) || key->destination == complained_of_) continue;
      complained_of_ = key->destination;
      complain("nothing leads to the backlog of " + complained_of_);
    }
    co_return Result<void>{};
  }

  Task<Result<void>> held_page(const std::vector<kv::Row>& rows) {
    for (const auto& row : rows) {
      if (read_held_key(row.key)) ++index_rows_;
      else complain("damaged key of a held group");
    }
    co_return Result<void>{};
  }

  kv::Store& store_;
  blob::Blobs& blobs_;
  kv::SnapshotPtr at_;
  std::vector<EntryId> linked_, seen_links_;
  CheckReport report_;
  std::optional<EntryId> current_;
  Entry entry_;
  std::uint64_t groups_ = 0, index_rows_ = 0;
  std::set<std::string, std::less<>> marks_;
  std::string complained_of_;
};

}  // namespace

Task<Result<CheckReport>> check_queue(kv::Store& store, blob::Blobs& blobs, kv::SnapshotPtr at, std::vector<EntryId> linked) {
  Check check(store, blobs, std::move(at), std::move(linked));
  co_return co_await check.run();
}

}  // namespace posthorn::queue
