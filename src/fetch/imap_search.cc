#include "fetch/imap_search.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "crypto/digest.h"
#include "fetch/where.h"

namespace posthorn::fetch {
namespace {

constexpr std::size_t kDigits = 32;
constexpr std::size_t kMostCandidates = 1'000'000;

// Digests of messages as they come.
class Digests final : public client::MessageSink {
 public:
  Task<Result<void>> begin(const imap::FetchResponse&, std::uint64_t) override {
    (void)digest_.finish();  // of one that was begun and did not end
    co_return Result<void>{};
  }
  Task<Result<void>> write(std::string_view octets) override {
    digest_.update(octets);
    co_return Result<void>{};
  }
  Task<Result<void>> end(const imap::FetchResponse& all) override {
    if (all.uid) uids_[half_digest(crypto::view(digest_.finish()))].push_back(*all.uid);
    co_return Result<void>{};
  }
  // One that stands at `from` or behind it, and nobody has taken yet.
  bool take(const std::string& digest, std::uint32_t from) {
    auto& all = uids_[digest];
    const auto found = std::ranges::find_if(all, [from](std::uint32_t uid) { return uid >= from; });
    if (found == all.end()) return false;
    all.erase(found);
    return true;
  }

 private:
  crypto::Sha256 digest_;
  std::unordered_map<std::string, std::vector<std::uint32_t>> uids_;
};

// UIDs of messages from `from` on that have one of these sizes.
Task<Result<imap::NumberSet>> of_sizes(client::ImapConnection& server, std::uint32_t from,
                                       std::unordered_set<std::uint64_t> sizes) {
  std::vector<std::uint32_t> uids;
  client::FetchWants wants;
  wants.flags = false;
  wants.size = true;
  auto done = co_await server.fetch(imap::NumberSet({imap::NumberRange{from, 0xFFFFFFFF}}), wants,
                                    [&](const imap::FetchResponse& one) {
                                      if (one.uid && one.size && sizes.contains(*one.size))
                                        uids.push_back(*one.uid);
                                      if (uids.size() > kMostCandidates) server.shut_down();
                                    });
  if (uids.size() > kMostCandidates)
    co_return fail(Errc::limit, "the server of the target lists messages without an end");
  if (!done) co_return std::unexpected(std::move(done).error());
  std::ranges::sort(uids);
  imap::NumberSet out;
  for (std::size_t i = 0; i < uids.size(); ++i)
    if (i == 0 || uids[i] != uids[i - 1]) out.push_back(uids[i]);
  co_return out;
}

}  // namespace

std::string half_digest(std::string_view sha256) { return crypto::to_hex(sha256).substr(0, kDigits); }

std::string text_of(const ImapWhere& w) {
  return "imap/" + std::to_string(w.uid_validity) + "/" + std::to_string(w.uid_next) + "/" +
         std::to_string(w.size) + "/" + w.digest;
}

std::optional<ImapWhere> parse_imap_where(std::string_view in) {
  ImapWhere out;
  if (take_part(in) != "imap" || !take_number(in, out.uid_validity) || !take_number(in, out.uid_next) ||
      !take_number(in, out.size))
    return {};
  out.digest = in;
  return out.digest.size() == kDigits ? std::optional(std::move(out)) : std::nullopt;
}

Task<Result<std::vector<bool>>> find_appeared(client::ImapConnection& server, std::string mailbox,
                                              std::vector<ImapWhere> sought) {
  std::vector<bool> out(sought.size());
  CO_TRY(const auto selected, co_await server.select(mailbox, {.read_only = true, .known = {}}));
  if (selected.messages == 0) co_return out;
  std::uint32_t from = 0xFFFFFFFF;
  std::unordered_set<std::uint64_t> sizes;
  for (auto& one : sought) {
    if (one.uid_validity != selected.uid_validity || one.uid_next == 0) one.uid_next = 1;
    from = std::min(from, one.uid_next);
    sizes.insert(one.size);
  }
  CO_TRY(const auto candidates, co_await of_sizes(server, from, std::move(sizes)));
  Digests digests;
  CO_TRY_OK(co_await server.fetch_messages(candidates, digests));
  for (std::size_t i = 0; i < sought.size(); ++i) out[i] = digests.take(sought[i].digest, sought[i].uid_next);
  co_return out;
}

}  // namespace posthorn::fetch
