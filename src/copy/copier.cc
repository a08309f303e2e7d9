#include "copy/copier.h"

#include <algorithm>
#include <utility>

#include "async/task_group.h"
#include "copy/difference.h"

namespace posthorn::copy {
namespace {

// `name` is `folder`, or below it.
bool is_in(std::string_view name, std::string_view folder) {
  return name.starts_with(folder) && (name.size() == folder.size() || name[folder.size()] == '/');
}

FolderPath path_of(std::string_view name) {
  FolderPath path;
  for (std::size_t at = 0; at <= name.size();) {
    const auto end = std::min(name.find('/', at), name.size());
    path.emplace_back(name.substr(at, end - at));
    at = end + 1;
  }
  return path;
}

bool same_flags(const imap::FlagList& a, const imap::FlagList& b) {
  auto left = a.keywords, right = b.keywords;
  std::ranges::sort(left);
  std::ranges::sort(right);
  return a.system == b.system && left == right;
}

}  // namespace

bool Copier::is_wanted(const std::string& name) const {
  const auto names_it = [&](const std::string& folder) { return is_in(name, folder); };
  if (std::ranges::any_of(options_.without, names_it)) return false;
  return options_.folders.empty() || std::ranges::any_of(options_.folders, names_it);
}

FolderInfo Copier::at_target(const FolderInfo& folder) const {
  FolderInfo there = folder;
  const auto name = to_string(folder.path);
  for (const auto& [from, to] : options_.renamed)
    if (is_in(name, from)) there.path = path_of(to + name.substr(from.size()));
  return there;
}

Task<Result<std::vector<std::pair<FolderInfo, FolderInfo>>>> Copier::pairs() {
  CO_TRY(const auto folders, co_await source_.folders());
  std::vector<std::pair<FolderInfo, FolderInfo>> out;
  for (const auto& folder : folders)
    if (is_wanted(to_string(folder.path))) out.emplace_back(folder, at_target(folder));
  co_return out;
}

Task<Result<void>> Copier::run() {
  CO_TRY(const auto folders, co_await pairs());
  report_.folders_in_all = folders.size();
  for (const auto& pair : folders) report_.expected += pair.first.messages;
  for (const auto& [folder, there] : folders) {
    report_.folder = to_string(folder.path);
    show();
    CO_TRY_OK(co_await copy_folder(folder, there));
    ++report_.folders;
  }
  report_.folder.clear();
  show();
  co_return Result<void>{};
}

Task<Result<void>> Copier::copy_folder(const FolderInfo& folder, const FolderInfo& there) {
  auto entered = co_await source_.enter(folder, Entering::to_read);
  if (!entered && entered.error().code == Errc::not_found) {  // it went meanwhile
    report_.complain(report_.folder + ": " + entered.error().text);
    co_return Result<void>{};
  }
  CO_TRY(const auto numbers, std::move(entered));
  FolderNumbers at_target;
  bool exists = true;
  if (options_.dry_run) {
    auto peeked = co_await target_.enter(there, Entering::to_read);
    exists = peeked.has_value();
    if (peeked) at_target = *peeked;
    else if (peeked.error().code != Errc::not_found) co_return std::unexpected(std::move(peeked).error());
  } else {
    CO_TRY(at_target, co_await target_.enter(there, Entering::to_write));
  }
  bool keep = !options_.new_uids && numbers.uid_validity != 0;
  if (keep && options_.dry_run) keep = at_target.uid_validity == numbers.uid_validity;
  else if (keep) {
    CO_TRY(keep, co_await target_.keep_numbers({numbers.uid_validity, 0}));
    if (!keep) ++report_.with_new_uids;
  }
  // A new folder has nothing to compare with.
  std::vector<MessageInfo> stored;
  if (exists) {
    CO_TRY(stored, co_await target_.list(!keep));
  }
  CO_TRY(auto messages, co_await source_.list(!keep && !stored.empty()));
  report_.messages += messages.size();
  if (!keep && !stored.empty()) {
    CO_TRY_OK(co_await identify_rest(target_, stored));
    CO_TRY_OK(co_await identify_rest(source_, messages));
  }

  auto difference = keep ? difference_by_uid(messages, stored, at_target.uid_validity == numbers.uid_validity ? at_target.uid_next : 0)
                         : difference_by_fields(messages, stored);
  report_.there += difference.same.size();
  report_.gone += difference.gone.size();
  show();
  if (options_.dry_run) {
    report_.copied += difference.missing.size();
    co_return Result<void>{};
  }
  CO_TRY_OK(co_await copy_messages(messages, difference.missing));
  if (options_.flags && source_.has_flags() && target_.changes_flags()) {
    std::vector<std::pair<std::uint32_t, imap::FlagList>> changes;
    for (const auto& [here, at] : difference.same)
      if (!same_flags(messages[here].flags, stored[at].flags)) changes.emplace_back(stored[at].uid, messages[here].flags);
    report_.flags_changed += changes.size();
    if (!changes.empty()) {
      CO_TRY_OK(co_await target_.set_flags(std::move(changes)));
    }
  }
  if (keep) {
    CO_TRY_OK(co_await target_.keep_numbers(numbers));
  }
  co_return Result<void>{};
}

namespace {

class IntoFields final : public LetterSink {
 public:
  explicit IntoFields(std::vector<MessageInfo>& messages) : messages_(messages) {}
  Task<Result<void>> take(Letter letter) override {
    const auto at = std::ranges::lower_bound(messages_, letter.info.uid, {}, &MessageInfo::uid);
    if (at != messages_.end() && at->uid == letter.info.uid) at->fields = crypto::view(letter.octets.digest());
    co_return Result<void>{};
  }

 private:
  std::vector<MessageInfo>& messages_;
};

}  // namespace

// Messages whose header says nothing are known by all their octets.
Task<Result<void>> Copier::identify_rest(MailPlace& place, std::vector<MessageInfo>& messages) {
  std::vector<std::uint32_t> uids;
  for (const auto& message : messages)
    if (message.fields.empty()) uids.push_back(message.uid);
  if (uids.empty()) co_return Result<void>{};
  IntoFields sink(messages);
  co_return co_await place.read(std::move(uids), sink);
}

namespace {

class IntoBatch final : public LetterSink {
 public:
  explicit IntoBatch(std::vector<Letter>& batch) : batch_(batch) {}
  Task<Result<void>> take(Letter letter) override {
    batch_.push_back(std::move(letter));
    co_return Result<void>{};
  }

 private:
  std::vector<Letter>& batch_;
};

Task<> read_batch(MailPlace& place, std::vector<std::uint32_t> uids, std::vector<Letter>& batch, Result<void>& outcome) {
  IntoBatch sink(batch);
  outcome = co_await place.read(std::move(uids), sink);
}

}  // namespace

Task<Result<void>> Copier::copy_messages(const std::vector<MessageInfo>& messages, const std::vector<std::size_t>& missing) {
  std::size_t at = 0;
  const auto next_uids = [&] {
    std::vector<std::uint32_t> uids;
    for (std::uint64_t bytes = 0; at < missing.size() && uids.size() < options_.batch_messages; ++at) {
      const auto& message = messages[missing[at]];
      if (!uids.empty() && bytes + message.size > options_.batch_bytes) break;
      bytes += message.size;
      uids.push_back(message.uid);
    }
    return uids;
  };
  std::vector<Letter> ready;
  Result<void> read;
  co_await read_batch(source_, next_uids(), ready, read);
  while (!ready.empty() || at < missing.size() || !read) {
    CO_TRY_OK(read);
    std::ranges::sort(ready, {}, [](const Letter& letter) { return letter.info.uid; });
    std::vector<Letter> next;
    TaskGroup reading;
    if (at < missing.size()) reading.spawn(Reactor::current(), read_batch(source_, next_uids(), next, read));
    const auto stored = co_await store(std::move(ready));
    co_await reading.join();
    CO_TRY_OK(stored);
    ready = std::move(next);
  }
  co_return Result<void>{};
}

Task<Result<void>> Copier::store(std::vector<Letter> letters) {
  if (letters.empty()) co_return Result<void>{};
  std::vector<Added> outcomes;
  const auto added = co_await target_.add(letters, outcomes);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const auto name = [&] { return report_.folder + ", message " + std::to_string(letters[i].info.uid) + ": "; };
    if (!outcomes[i].outcome) {
      ++report_.refused;
      report_.complain(name() + outcomes[i].outcome.error().text);
      continue;
    }
    ++report_.copied;
    report_.copied_bytes += letters[i].octets.size();
    if (!outcomes[i].lost.empty()) report_.complain(name() + "the target cannot keep " + outcomes[i].lost);
  }
  show();
  co_return added;
}

}  // namespace posthorn::copy
