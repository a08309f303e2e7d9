#include "copy/verifier.h"

#include <algorithm>
#include <map>
#include <set>

#include "copy/vigil.h"

namespace posthorn::copy {
namespace {

struct Seen {
  std::uint32_t uid = 0;
  imap::FlagList flags;
};
using ByDigest = std::multimap<crypto::Sha256Digest, Seen>;

class IntoDigests final : public LetterSink {
 public:
  IntoDigests(ByDigest& out, bool by_octets) : out_(out), by_octets_(by_octets) {}
  std::set<std::uint32_t> came;
  Task<Result<void>> take(Letter letter) override {
    came.insert(letter.info.uid);
    std::ranges::sort(letter.info.flags.keywords);
    CO_TRY(const auto digest, by_octets_ ? letter.octets.digest() : text_digest(letter.octets));
    out_.emplace(digest, Seen{letter.info.uid, std::move(letter.info.flags)});
    co_return Result<void>{};
  }

 private:
  ByDigest& out_;
  const bool by_octets_;
};

// `unread`: messages that are listed and did not come.
Task<Result<ByDigest>> digests(MailPlace& place, bool by_octets, std::vector<std::uint32_t>& unread) {
  constexpr std::size_t kAtOnce = 500;
  constexpr std::uint64_t kBytesAtOnce = 64 << 20;
  CO_TRY(const auto all, co_await place.list(false));
  ByDigest out;
  IntoDigests sink(out, by_octets);
  for (std::size_t at = 0; at < all.size();) {
    std::vector<std::uint32_t> uids;
    for (std::uint64_t bytes = 0; at < all.size() && uids.size() < kAtOnce && (uids.empty() || bytes + all[at].size <= kBytesAtOnce); ++at) {
      bytes += all[at].size;
      uids.push_back(all[at].uid);
    }
    sink.came.clear();
    CO_TRY_OK(co_await place.read(uids, sink));
    for (const auto uid : uids)
      if (!sink.came.contains(uid)) unread.push_back(uid);
  }
  co_return out;
}

void compare(const ByDigest& here, ByDigest there, bool same_numbers, bool with_flags, VerifyReport& report) {
  const auto complain = [&](const Seen& seen, std::string_view what) {
    if (report.problems.size() < CopyReport::kMostProblems)
      report.problems.push_back(report.folder + ", message " + std::to_string(seen.uid) + ": " + std::string(what));
  };
  for (const auto& [digest, seen] : here) {
    ++report.messages;
    auto [begin, end] = there.equal_range(digest);
    if (begin == end) {
      ++report.missing;
      complain(seen, "no message at the target has these octets");
      continue;
    }
    // Of several copies the one that fits best.
    auto best = begin;
    for (auto it = begin; it != end; ++it) {
      if (it->second.uid == seen.uid && same_numbers) best = it;
      else if (best->second.flags != seen.flags && it->second.flags == seen.flags && !(same_numbers && best->second.uid == seen.uid)) best = it;
    }
    if (with_flags && best->second.flags != seen.flags) ++report.flags, complain(seen, "its flags are others at the target");
    if (same_numbers && best->second.uid != seen.uid) ++report.numbers, complain(seen, "its UID is another at the target");
    there.erase(best);
  }
}

}  // namespace

Task<Result<void>> verify(MailPlace& source, MailPlace& target, const std::vector<std::pair<FolderInfo, FolderInfo>>& pairs, VerifyReport& report,
                          std::function<void(const VerifyReport&)> show) {
  const bool by_octets = source.keeps_octets() && target.keeps_octets();
  for (const auto& [folder, there] : pairs) {
    report.folder = to_string(folder.path);
    if (show) show(report);
    CO_TRY(const auto numbers, co_await source.enter(folder, Entering::to_read));
    std::vector<std::uint32_t> unread, ignored;
    CO_TRY(const auto here, co_await beside(target, digests(source, by_octets, unread)));
    for (const auto uid : unread) {
      ++report.messages, ++report.missing;
      if (report.problems.size() < CopyReport::kMostProblems)
        report.problems.push_back(report.folder + ", message " + std::to_string(uid) + ": the source did not give it");
    }
    auto entered = co_await target.enter(there, Entering::to_read);
    if (!entered && entered.error().code != Errc::not_found) co_return std::unexpected(std::move(entered).error());
    ByDigest others;
    if (entered) {
      CO_TRY(others, co_await beside(source, digests(target, by_octets, ignored)));
    }
    compare(here, std::move(others), entered && target.can_keep_numbers() && numbers.uid_validity != 0 && entered->uid_validity == numbers.uid_validity, source.has_flags(), report);
    ++report.folders;
  }
  co_return Result<void>{};
}

}  // namespace posthorn::copy
