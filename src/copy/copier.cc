#include "copy/copier.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "async/task_group.h"
#include "copy/vigil.h"
#include "text/ascii.h"

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

// The others may fare better.
bool is_of_one_folder(const Error& error) {
  switch (error.code) {
    case Errc::not_found:
    case Errc::invalid:
    case Errc::limit:
    case Errc::exists:
    case Errc::denied:
    case Errc::corrupt: return true;
    default: return false;
  }
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
  if (folders.empty() && !options_.folders.empty()) co_return fail(Errc::not_found, source_.name() + ": there is no folder " + options_.folders.front());
  std::map<std::string, int> sources;  // of each target
  for (const auto& [folder, there] : folders) {
    report_.expected += folder.messages;
    ++sources[text::to_lower(to_string(there.path))];
  }
  for (const auto& [folder, there] : folders) {
    report_.folder = to_string(folder.path);
    show();
    const auto done = co_await copy_folder(folder, there, sources[text::to_lower(to_string(there.path))] == 1);
    if (!done && !is_of_one_folder(done.error())) co_return done;
    if (!done) {
      ++report_.refused;
      report_.complain(report_.folder + ": " + done.error().text);
    }
    ++report_.folders;
  }
  report_.folder.clear();
  show();
  co_return Result<void>{};
}

Task<Result<FolderNumbers>> Copier::enter_target(const FolderInfo& there, bool& exists) {
  if (!options_.dry_run) co_return co_await target_.enter(there, Entering::to_write);
  auto peeked = co_await target_.enter(there, Entering::to_read);
  exists = peeked.has_value();
  if (!peeked && peeked.error().code == Errc::not_found) co_return FolderNumbers{};
  co_return peeked;
}

Task<Result<Difference>> Copier::compare(bool keep, bool exists) {
  std::vector<MessageInfo> stored;
  if (exists) {
    CO_TRY(stored, co_await beside(source_, target_.list(!keep)));
  }
  CO_TRY(auto messages, co_await beside(target_, source_.list(!keep && !stored.empty())));
  Difference difference(std::move(messages), std::move(stored));
  if (keep) difference.pair_by_uid();
  const auto left = difference.missing().size();
  const bool some_there = difference.target().size() > difference.same().size();
  if (left == 0 || !some_there) co_return difference;
  if (keep) {
    CO_TRY_OK(co_await beside(source_, learn_fields(target_, difference.target())));
    CO_TRY_OK(co_await beside(target_, learn_fields(source_, difference.source())));
  }
  difference.pair_by_fields(source_.keeps_octets() && target_.keeps_octets());
  const auto [here, there] = difference.doubtful();
  if (here.empty()) co_return difference;
  CO_TRY_OK(co_await beside(target_, learn_octets(source_, here, difference.source())));
  CO_TRY_OK(co_await beside(source_, learn_octets(target_, there, difference.target())));
  difference.pair_by_octets();
  co_return difference;
}

Copier::Chosen Copier::choose(const Difference& difference, bool keep, std::uint32_t next, const imap::NumberSet* outstanding) {
  Chosen out;
  for (const auto i : difference.missing()) {
    const auto uid = difference.source()[i].uid;
    if (!keep || uid >= next) {
      out.kept.push_back(i);
    } else if (!options_.leave_deleted || (outstanding && outstanding->contains(uid))) {
      out.anew.push_back(i);
    } else {
      ++report_.gone;
      if (outstanding) continue;
      out.is_known = false;
      ++report_.perhaps_gone;
      report_.complain(report_.folder + ", message " + std::to_string(uid) + ": it is not there, and nobody knows whether it ever was: left out as deleted");
    }
  }
  return out;
}

namespace {

// From each message to the last one in the list that is to come with it.
std::vector<imap::NumberRange> uids_of(const std::vector<MessageInfo>& messages, std::vector<std::size_t> chosen) {
  std::ranges::sort(chosen);
  std::vector<imap::NumberRange> out;
  for (std::size_t i = 0, end = 0; i < chosen.size(); i = end) {
    for (end = i + 1; end < chosen.size() && chosen[end] == chosen[end - 1] + 1;) ++end;
    out.push_back({messages[chosen[i]].uid, messages[chosen[end - 1]].uid});
  }
  return out;
}

// The target may give UIDs that the source has not given yet: its next messages are outstanding as well.
imap::NumberSet and_later_ones(std::vector<imap::NumberRange> uids, const std::vector<MessageInfo>& messages) {
  constexpr auto kLast = std::numeric_limits<std::uint32_t>::max();
  const auto listed = messages.empty() ? 0 : messages.back().uid;
  if (listed < kLast) uids.push_back({listed + 1, kLast});
  return imap::NumberSet(std::move(uids));
}

}  // namespace

Task<Result<void>> Copier::copy_folder(const FolderInfo& folder, const FolderInfo& there, bool alone) {
  CO_TRY(const auto numbers, co_await source_.enter(folder, Entering::to_read));
  bool exists = true;
  CO_TRY(const auto before, co_await enter_target(there, exists));
  bool keep = alone && !options_.new_uids && numbers.uid_validity != 0;
  if (keep && options_.dry_run) keep = target_.can_keep_numbers() && before.uid_validity == numbers.uid_validity;
  else if (keep) {
    CO_TRY(keep, co_await target_.keep_numbers({numbers.uid_validity, 0}));
    if (!keep) ++report_.with_new_uids;
  }
  CO_TRY(const auto difference, co_await compare(keep, exists));
  const auto& messages = difference.source();
  report_.messages += messages.size();
  report_.there += difference.same().size();

  // What the target has given UIDs above of cannot have its own any more.
  const std::uint32_t next = before.uid_validity == numbers.uid_validity ? before.uid_next : 0;
  const auto [kept, anew, is_known] = choose(difference, keep, next, outstanding_.find(folder.path, there.path, numbers.uid_validity));
  show();
  if (options_.dry_run) {
    report_.copied += kept.size() + anew.size();
    co_return Result<void>{};
  }
  const bool keep_count = keep && is_known;
  if (keep_count) {
    auto all = kept;
    all.insert(all.end(), anew.begin(), anew.end());
    CO_TRY_OK(co_await outstanding_.set(folder.path, there.path, numbers.uid_validity, and_later_ones(uids_of(messages, std::move(all)), messages)));
  }
  failed_.clear();
  CO_TRY_OK(co_await copy_messages(messages, kept, false));
  if (keep) {
    CO_TRY_OK(co_await target_.keep_numbers(numbers));
  }
  CO_TRY_OK(co_await copy_messages(messages, anew, true));
  if (keep_count) {
    CO_TRY_OK(co_await outstanding_.set(folder.path, there.path, numbers.uid_validity, and_later_ones(failed_, messages)));
  }
  if (options_.flags && source_.has_flags() && target_.changes_flags()) {
    CO_TRY_OK(co_await copy_flags(difference));
  }
  co_return Result<void>{};
}

Task<Result<void>> Copier::copy_flags(const Difference& difference) {
  std::vector<std::pair<std::uint32_t, imap::FlagList>> changes;
  for (const auto& [here, at] : difference.same()) {
    const auto& stored = difference.target()[at];
    if (!same_flags(difference.source()[here].flags, stored.flags)) changes.emplace_back(stored.uid, difference.source()[here].flags);
  }
  report_.flags_changed += changes.size();
  if (changes.empty()) co_return Result<void>{};
  co_return co_await beside(source_, target_.set_flags(std::move(changes)));
}

namespace {

class IntoDigests final : public LetterSink {
 public:
  IntoDigests(std::vector<MessageInfo>& messages, bool by_octets) : messages_(messages), by_octets_(by_octets) {}
  Task<Result<void>> take(Letter letter) override {
    const auto at = std::ranges::lower_bound(messages_, letter.info.uid, {}, &MessageInfo::uid);
    if (at == messages_.end() || at->uid != letter.info.uid) co_return Result<void>{};
    CO_TRY(const auto digest, by_octets_ ? letter.octets.digest() : text_digest(letter.octets));
    at->fields = crypto::view(digest);
    co_return Result<void>{};
  }

 private:
  std::vector<MessageInfo>& messages_;
  const bool by_octets_;
};

}  // namespace

Task<Result<void>> Copier::learn_octets(MailPlace& place, std::vector<std::uint32_t> uids, std::vector<MessageInfo>& messages) {
  IntoDigests sink(messages, source_.keeps_octets() && target_.keeps_octets());
  co_return co_await place.read(std::move(uids), sink);
}

Task<Result<void>> Copier::learn_fields(MailPlace& place, std::vector<MessageInfo>& messages) {
  CO_TRY(auto listed, co_await place.list(true));
  std::size_t at = 0;
  for (auto& message : messages) {
    while (at < listed.size() && listed[at].uid < message.uid) ++at;
    if (at < listed.size() && listed[at].uid == message.uid) message.fields = std::move(listed[at].fields);
  }
  co_return Result<void>{};
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

Task<Result<void>> Copier::copy_messages(const std::vector<MessageInfo>& messages, const std::vector<std::size_t>& missing, bool new_uids) {
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
  if (missing.empty()) co_return Result<void>{};
  std::vector<Letter> ready;
  Result<void> read;
  auto asked = next_uids();
  co_await read_batch(source_, asked, ready, read);
  for (;;) {
    std::ranges::sort(ready, {}, [](const Letter& letter) { return letter.info.uid; });
    if (!read) {
      // What came before the connection broke need not come again; without a hole, behind which UIDs could not be kept any more.
      const auto hole = std::ranges::mismatch(ready, asked, {}, [](const Letter& letter) { return letter.info.uid; }).in1;
      ready.erase(hole, ready.end());
      CO_TRY_OK(co_await store(std::move(ready), new_uids));
      co_return read;
    }
    miss(asked, ready);
    asked = next_uids();
    std::vector<Letter> next;
    TaskGroup reading;
    if (!asked.empty()) reading.spawn(Reactor::current(), read_batch(source_, asked, next, read));
    const auto stored = co_await store(std::move(ready), new_uids);
    co_await reading.join();
    CO_TRY_OK(stored);
    if (asked.empty()) co_return Result<void>{};
    ready = std::move(next);
  }
}

// What was asked for and did not come: it has gone meanwhile, or the source could not.  Nobody may think that it was copied.
void Copier::miss(const std::vector<std::uint32_t>& asked, const std::vector<Letter>& came) {
  std::size_t at = 0;
  for (const auto uid : asked) {
    while (at < came.size() && came[at].info.uid < uid) ++at;
    if (at < came.size() && came[at].info.uid == uid) continue;
    ++report_.refused;
    failed_.push_back({uid, uid});
    report_.complain(report_.folder + ", message " + std::to_string(uid) + ": the source did not give it (or it was removed meanwhile)");
  }
}

Task<Result<void>> Copier::store(std::vector<Letter> letters, bool new_uids) {
  if (letters.empty()) co_return Result<void>{};
  std::vector<std::uint32_t> names;
  for (auto& letter : letters) {
    names.push_back(letter.info.uid);
    if (new_uids) letter.info.uid = 0;
  }
  std::vector<Added> outcomes;
  const auto added = co_await target_.add(letters, outcomes);
  report_.in_doubt = !added;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const auto name = [&] { return report_.folder + ", message " + std::to_string(names[i]) + ": "; };
    if (!outcomes[i].outcome) {
      ++report_.refused;
      failed_.push_back({names[i], names[i]});
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
