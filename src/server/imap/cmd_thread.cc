// THREAD and UID THREAD. [RFC5256 3]
#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "async/worker_pool.h"
#include "search/rows.h"
#include "server/imap/hit_rows.h"
#include "server/imap/reference_links.h"
#include "server/imap/session.h"
#include "server/imap/thread_tree.h"
#include "store/mail_store.h"

namespace posthorn::imap {
namespace {

// Equal base subjects get the same number; the empty one gets 0.
class SubjectNumbers {
 public:
  std::uint32_t of(std::string_view base) {
    if (base.empty()) return 0;
    return numbers_.try_emplace(std::string(base), static_cast<std::uint32_t>(numbers_.size()) + 1).first->second;
  }

 private:
  std::unordered_map<std::string, std::uint32_t> numbers_;
};

// Threads the messages of `hits`, which are positions in it from here on.
class Threader {
 public:
  Threader(const SearchPlace& place, const std::vector<std::uint32_t>& hits, const StillWorking& still_working)
      : place_(place), hits_(hits), still_working_(still_working), tree_(0) {}

  Task<Result<ThreadTree>> run(ThreadAlgorithm algorithm) {
    CO_TRY_OK(co_await read_dates());
    auto done = algorithm == ThreadAlgorithm::ordered_subject ? by_subject() : by_references(algorithm);
    CO_TRY_OK(co_await std::move(done));
    co_return std::move(tree_);
  }

 private:
  // [RFC5256 2.2]
  Task<Result<void>> read_dates() {
    dates_.resize(hits_.size());
    const TakeRow take = [this](std::size_t i, std::string_view row) {
      const auto sent = search::sent_of_row(row);
      dates_[i] = sent ? sent->time.time_since_epoch().count() : place_.view->at(hits_[i]).internal_date.seconds;
    };
    co_return co_await for_each_row(place_, search::Column::sent, hits_, still_working_, take);
  }

  Task<Result<void>> by_subject() {
    SubjectNumbers numbers;
    std::vector<std::uint32_t> subjects(hits_.size());
    const TakeRow take = [&](std::size_t i, std::string_view row) { subjects[i] = numbers.of(search::subject_of_row(row).base); };
    CO_TRY_OK(co_await for_each_row(place_, search::Column::base_subject, hits_, still_working_, take));
    co_await place_.account->store().workers().run([&] { tree_ = thread_by_subject(subjects, dates_); });
    co_return Result<void>{};
  }

  Task<Result<void>> by_references(ThreadAlgorithm algorithm) {
    ReferenceLinks links(static_cast<std::uint32_t>(hits_.size()));
    const TakeRow take = [&](std::size_t i, std::string_view row) {
      const auto ids = search::references_of_row(row);
      links.add(static_cast<std::uint32_t>(i), ids.message_id, ids.references);
    };
    CO_TRY_OK(co_await for_each_row(place_, search::Column::references, hits_, still_working_, take));
    const bool merges = algorithm == ThreadAlgorithm::references;
    co_await place_.account->store().workers().run([&] {
      tree_ = links.tree();
      merges ? sort_siblings(tree_, dates_) : sort_by_latest(tree_, dates_);
    });
    if (merges) CO_TRY_OK(co_await merge_by_subjects());
    co_return Result<void>{};
  }

  Task<Result<void>> merge_by_subjects() {
    auto heads = thread_heads(tree_);
    std::ranges::sort(heads);
    std::vector<std::uint32_t> indexes;
    for (const auto head : heads) indexes.push_back(hits_[head]);
    SubjectNumbers numbers;
    std::vector<ThreadSubject> subjects(hits_.size());
    const TakeRow take = [&](std::size_t i, std::string_view row) {
      const auto subject = search::subject_of_row(row);
      subjects[heads[i]] = {numbers.of(subject.base), subject.is_reply_or_forward};
    };
    CO_TRY_OK(co_await for_each_row(place_, search::Column::base_subject, indexes, still_working_, take));
    co_await place_.account->store().workers().run([&] { merge_subjects(tree_, subjects, dates_); });
    co_return Result<void>{};
  }

  const SearchPlace& place_;
  const std::vector<std::uint32_t>& hits_;
  const StillWorking& still_working_;
  std::vector<std::int64_t> dates_;
  ThreadTree tree_;
};

std::string_view capability_of(ThreadAlgorithm algorithm) {
  switch (algorithm) {
    case ThreadAlgorithm::ordered_subject: return "THREAD=ORDEREDSUBJECT";
    case ThreadAlgorithm::references: return "THREAD=REFERENCES";
    case ThreadAlgorithm::refs: return "THREAD=REFS";
  }
  return {};
}

}  // namespace

Task<Result<Reply>> Session::cmd_thread(Command& command) {
  auto& thread = std::get<Thread>(command.command);
  if (!offers(capability_of(thread.algorithm))) co_return bad("This algorithm is switched off here");
  auto hits = co_await find_messages(thread.search);
  if (!hits) co_return search_failed({}, std::move(hits).error());
  const SearchPlace place{selected_->account, selected_->id, hits->view};
  auto last_sign = steady_now();
  const StillWorking still_working = [this, &last_sign] { return show_life(last_sign); };
  Threader threader(place, hits->indexes, still_working);
  CO_TRY(const auto tree, co_await threader.run(thread.algorithm));

  auto& numbers = hits->indexes;
  for (auto& index : numbers) index = command.uid ? hits->view->at(index).uid.value() : index + 1;
  output() += numbers.empty() ? "* THREAD" : "* THREAD ";
  ThreadWriter writer(tree, numbers);
  while (writer.write(output(), net::Connection::kLargeOutput)) CO_TRY_OK(co_await flush());
  output() += "\r\n";
  co_return ok("THREAD completed");
}

}  // namespace posthorn::imap
