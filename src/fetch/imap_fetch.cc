// From a mailbox of an IMAP server. [RFC3501] [RFC9051]
#include <algorithm>
#include <charconv>
#include <iterator>

#include "fetch/fetch.h"
#include "fetch/turns.h"

namespace posthorn::fetch {
namespace {

std::string key_of(std::uint32_t uid_validity, std::uint32_t uid) {
  return "i" + std::to_string(uid_validity) + "." + std::to_string(uid);
}

// Of a message under this UIDVALIDITY; nullopt: it is of another.
std::optional<std::uint32_t> uid_in(std::string_view key, std::uint32_t uid_validity) {
  const auto front = "i" + std::to_string(uid_validity) + ".";
  if (!key.starts_with(front)) return {};
  key.remove_prefix(front.size());
  std::uint32_t uid = 0;
  const auto [stop, error] = std::from_chars(key.data(), key.data() + key.size(), uid);
  if (error != std::errc() || stop != key.data() + key.size()) return {};
  return uid;
}

std::string letters_of(const imap::FlagList& flags) {
  std::string out;
  if (flags.has(imap::SystemFlag::draft)) out += 'D';
  if (flags.has(imap::SystemFlag::flagged)) out += 'F';
  if (flags.has(imap::SystemFlag::answered)) out += 'R';
  if (flags.has(imap::SystemFlag::seen)) out += 'S';
  return out;
}

Facts facts_of(const imap::FetchResponse& known) {
  Facts out;
  if (known.internal_date) out.internal_date = SysTime(known.internal_date->time);
  if (known.flags) out.flags = letters_of(*known.flags);
  if (known.flags)
    std::ranges::copy_if(known.flags->keywords, std::back_inserter(out.keywords), imap::is_keyword);
  return out;
}

class Intake final : public client::MessageSink {
 public:
  Intake(Reception& reception, const FetchOptions& options, FetchReport& report, std::uint32_t uid_validity,
         std::unordered_set<std::uint32_t> wanted)
      : reception_(reception),
        options_(options),
        report_(report),
        uid_validity_(uid_validity),
        wanted_(std::move(wanted)),
        total_(wanted_.size()) {}

  Task<Result<void>> begin(const imap::FetchResponse& known, std::uint64_t) override {
    co_return reception_.target().begin(facts_of(known));
  }

  Task<Result<void>> write(std::string_view octets) override {
    report_.bytes += octets.size();
    co_return reception_.target().put(octets);
  }

  Task<Result<void>> end(const imap::FetchResponse& all) override {
    // One that was not asked for, or came already, is nothing to be stored.
    if (!all.uid || wanted_.erase(*all.uid) == 0) {
      reception_.target().drop();
      co_return Result<void>{};
    }
    if (options_.on_progress)
      options_.on_progress(
          {.messages = total_ - wanted_.size(), .of_messages = total_, .bytes = report_.bytes});
    co_return co_await reception_.end(key_of(uid_validity_, *all.uid), facts_of(all));
  }
  void drop() override { reception_.target().drop(); }

 private:
  Reception& reception_;
  const FetchOptions& options_;
  FetchReport& report_;
  const std::uint32_t uid_validity_;
  std::unordered_set<std::uint32_t> wanted_;
  const std::size_t total_;
};

imap::NumberSet to_set(const std::vector<std::uint32_t>& uids) {
  imap::NumberSet out;
  for (const auto uid : uids) out.push_back(uid);
  return out;
}

// Of all messages, ascending.  More than the server has said there are may arrive meanwhile, but not many
// more.
Task<Result<std::vector<std::uint32_t>>> uids_of(client::ImapConnection& server, std::uint64_t messages) {
  constexpr std::uint64_t kMost = 20'000'000, kNewMeanwhile = 100'000;
  const auto most = std::min(messages, kMost) + kNewMeanwhile;
  std::vector<std::uint32_t> uids;
  client::FetchWants wants;
  wants.flags = false;
  auto done = co_await server.fetch(client::every_uid(), wants, [&](const imap::FetchResponse& one) {
    if (one.uid) uids.push_back(*one.uid);
    if (uids.size() > most) server.shut_down();
  });
  if (uids.size() > most)
    co_return fail(Errc::limit, "the server lists more messages than it has said there are");
  if (!done) co_return std::unexpected(std::move(done).error());
  std::ranges::sort(uids);
  uids.erase(std::unique(uids.begin(), uids.end()), uids.end());
  co_return uids;
}

Task<Result<void>> fetch_these(client::ImapConnection& server, std::uint32_t uid_validity, const std::vector<std::uint32_t>& wanted, Target& target,
                               Journal& journal, WorkerPool& pool, const FetchOptions& options, FetchReport& report) {
  if (wanted.empty()) co_return Result<void>{};
  Reception reception(target, journal, pool, options.batch);
  Intake intake(reception, options, report, uid_validity, {wanted.begin(), wanted.end()});
  auto came = co_await server.fetch_messages(to_set(wanted), intake);
  target.drop();
  auto stored = co_await reception.finish();
  report.stored += reception.stored().size();
  if (!stored) co_return stored;
  co_return came;
}

Task<Result<void>> fetch_new(client::ImapConnection& server, std::uint32_t uid_validity,
                             const std::vector<std::uint32_t>& uids, Target& target, Journal& journal,
                             WorkerPool& pool, const FetchOptions& options, FetchReport& report) {
  const auto is_stored = [&](std::uint32_t uid) { return journal.stored(key_of(uid_validity, uid)).has_value(); };
  const auto count_stored = [&] { return static_cast<std::uint64_t>(std::ranges::count_if(uids, is_stored)); };
  report.known = count_stored();
  Turns turns(journal, [&](const std::string& key) {
    const auto uid = uid_in(key, uid_validity);
    return uid && std::ranges::binary_search(uids, *uid);
  });
  do {
    std::vector<std::uint32_t> wanted;
    std::ranges::copy_if(uids, std::back_inserter(wanted),
                         [&](std::uint32_t uid) { return !is_stored(uid) && turns.has(key_of(uid_validity, uid)); });
    CO_TRY_OK(co_await fetch_these(server, uid_validity, wanted, target, journal, pool, options, report));
  } while (turns.next());
  report.refused = uids.size() - count_stored();
  co_return Result<void>{};
}

// Answers with what is gone then.
Task<Result<std::vector<std::uint32_t>>> remove_due(client::ImapConnection& server, std::uint32_t uid_validity,
                                                    const std::vector<std::uint32_t>& uids, Journal& journal,
                                                    const FetchOptions& options, FetchReport& report) {
  std::vector<std::uint32_t> due;
  for (const auto uid : uids) {
    const auto when = journal.stored(key_of(uid_validity, uid));
    if (when && is_due(options.keep, *when)) due.push_back(uid);
  }
  if (due.empty()) co_return due;
  CO_TRY(const bool gone, co_await server.expunge(to_set(due)));
  if (!gone && options.on_note)
    options.on_note("the server cannot remove single messages: they are marked as deleted");
  if (!gone) due.clear();
  report.removed = due.size();
  co_return due;
}

// So many of the messages that there were at select() must have been listed: servers say what has gone since.  0: more than is kept.
std::uint64_t fewest(client::ImapConnection& server, std::uint64_t messages) {
  const auto told = server.take_unsolicited();
  if (told.overflow) return 0;
  return messages - std::min(messages, told.count_gone());
}

// A server that has gone back to an older state gives UIDs a second time.  Others have a UIDNEXT that falls when the latest message is removed.
bool has_gone_back(const Journal& journal, const client::SelectedMailbox& mailbox, const std::vector<std::uint32_t>& uids) {
  const bool says_true = mailbox.uid_next != 0 && (uids.empty() || uids.back() < mailbox.uid_next);
  return says_true && journal.any_key([&](const std::string& key) { return uid_in(key, mailbox.uid_validity) >= mailbox.uid_next; });
}

// The lowest UID that has been given a second time.  A message cannot have come after it was stored: one that has is another one, and so are all
// behind it.  Five minutes are for the clocks: more would hide what came right after a replica took over, and a clock that is further ahead makes
// messages come twice only once.  Of dates in the future only senders know.
Task<Result<std::uint32_t>> first_that_is_new(client::ImapConnection& server, const client::SelectedMailbox& mailbox,
                                              const std::vector<std::uint32_t>& uids, const Journal& journal) {
  constexpr std::chrono::minutes kClocks{5};
  const auto stored = [&](std::uint32_t uid) { return journal.stored(key_of(mailbox.uid_validity, uid)); };
  std::vector<std::uint32_t> known;
  std::ranges::copy_if(uids, std::back_inserter(known), [&](std::uint32_t uid) { return stored(uid).has_value(); });
  auto first = mailbox.uid_next;
  CO_TRY_OK(co_await server.fetch(to_set(known), {.flags = false, .date = true}, [&](const imap::FetchResponse& one) {
    const auto since = one.uid ? stored(*one.uid) : std::nullopt;
    if (!since || !one.internal_date) return;
    const auto came = one.internal_date->time;
    if (came > *since + kClocks && came < this_second() + kClocks) first = std::min(first, *one.uid);
  }));
  co_return first;
}

Result<void> forget_from(std::uint32_t first, Journal& journal, std::uint32_t uid_validity, const std::vector<std::uint32_t>& uids) {
  return journal.keep([&](const std::string& key) {
    const auto uid = uid_in(key, uid_validity);
    if (uid && *uid >= first) return Sight::gone;
    return uid && std::ranges::binary_search(uids, *uid) ? Sight::seen : Sight::unseen;
  });
}

}  // namespace

Task<Result<void>> fetch_imap(client::ImapConnection& server, std::string mailbox, Target& target,
                              Journal& journal, WorkerPool& pool, FetchOptions options, FetchReport& report) {
  CO_TRY_OK(co_await target.open(journal, pool));
  CO_TRY(const auto selected, co_await server.select(mailbox, {.read_only = !options.keep, .known = {}}));
  const auto validity = selected.uid_validity;
  std::vector<std::uint32_t> uids;
  if (selected.messages > 0) {
    CO_TRY(uids, co_await uids_of(server, selected.messages));
  }
  const auto least = fewest(server, selected.messages);
  if (has_gone_back(journal, selected, uids)) {
    CO_TRY(const auto first, co_await first_that_is_new(server, selected, uids, journal));
    if (options.on_note && first < selected.uid_next)
      options.on_note("the server gives numbers of messages a second time: what it has from " + std::to_string(first) + " on is fetched again");
    CO_TRY_OK(co_await pool.run([&] { return forget_from(first, journal, validity, uids); }));
  }
  report.on_server = uids.size();
  CO_TRY_OK(co_await fetch_new(server, validity, uids, target, journal, pool, options, report));
  CO_TRY(const auto removed, co_await remove_due(server, validity, uids, journal, options, report));
  co_await server.logout();
  // [RFC3501 2.3.1.1] No message gets the UID of another one, under one UIDVALIDITY.
  const auto sight_of = [&](const std::string& key) {
    const auto uid = uid_in(key, validity);
    if (!uid || !std::ranges::binary_search(uids, *uid)) return Sight::unseen;
    return std::ranges::binary_search(removed, *uid) ? Sight::gone : Sight::seen;
  };
  CO_TRY_OK(co_await pool.run([&] { return journal.keep(sight_of); }));
  if (uids.size() >= least) co_return Result<void>{};
  co_return fail(Errc::busy, "of " + std::to_string(least) + " messages the server has listed " + std::to_string(uids.size()));
}

}  // namespace posthorn::fetch
