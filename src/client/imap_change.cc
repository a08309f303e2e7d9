// UID STORE, COPY, MOVE, EXPUNGE and SEARCH. [RFC3501 6.4] [RFC4315] [RFC6851] [RFC7162 3.1.3]
#include <algorithm>

#include "client/imap_connection.h"
#include "client/imap_state.h"

namespace posthorn::client {
namespace {

constexpr std::size_t kPipelined = 32;

std::uint64_t count_of(const std::vector<imap::NumberRange>& ranges) {
  std::uint64_t n = 0;
  for (const auto r : ranges) n += std::uint64_t{r.last} - r.first + 1;
  return n;
}

// Both lists name as many, and no more than were asked for; else the server is not to be believed.
void add_pairs(std::vector<CopiedMessage>& out, const imap::ResponseCode& code, const imap::NumberSet& asked) {
  if (code.name != "COPYUID") return;
  const auto count = count_of(code.from);
  if (count != count_of(code.to) || count > asked.size()) return;
  std::size_t range = 0;
  std::uint32_t next = code.to.empty() ? 0 : code.to.front().first;
  for (const auto from : code.from) {
    for (std::uint64_t uid = from.first; uid <= from.last; ++uid) {
      if (!asked.contains(static_cast<std::uint32_t>(uid))) return out.clear();
      out.push_back({.uid = static_cast<std::uint32_t>(uid), .new_uid = next, .new_uid_validity = static_cast<std::uint32_t>(code.number)});
      if (next == code.to[range].last && range + 1 < code.to.size()) next = code.to[++range].first;
      else ++next;
    }
  }
}

std::string store_line(const std::string& set, const StoreChange& change) {
  std::string line = "UID STORE " + set + " ";
  if (change.unchanged_since) line += "(UNCHANGEDSINCE " + std::to_string(*change.unchanged_since) + ") ";
  if (change.mode == StoreChange::Mode::add) line += "+";
  if (change.mode == StoreChange::Mode::remove) line += "-";
  return line + "FLAGS.SILENT " + flags_text(change.flags);
}

// COPY or MOVE of all sets, one after the other.
Task<Result<std::vector<CopiedMessage>>> transfer(ImapState& s, std::string verb, imap::NumberSet uids, std::string to) {
  std::vector<CopiedMessage> out;
  CO_TRY_OK(s.check_selected());
  CO_TRY(const auto name, s.wire_name(to));
  const Taker take = [&](imap::Response& response) {
    // [RFC6851 4.3] MOVE tells it before the messages vanish.
    const auto* status = std::get_if<imap::StatusResponse>(&response);
    if (!status || status->code.name != "COPYUID") return false;
    add_pairs(out, status->code, uids);
    return true;
  };
  for (const auto& set : split_set(uids)) {
    CO_TRY(const auto status, co_await run_command(s, verb + " " + set + " " + name, take, s.options.timeouts.transfer));
    add_pairs(out, status.code, uids);
  }
  co_return out;
}

}  // namespace

Task<Result<imap::NumberSet>> ImapConnection::store(std::span<const StoreChange> changes, std::function<void(const imap::FetchResponse&)> each) {
  auto& s = *state_;
  CO_TRY_OK(s.check_selected());
  const Deadline until = after(s.options.timeouts.transfer);
  std::vector<std::string> lines;
  for (const auto& change : changes)
    for (const auto& set : split_set(change.uids)) lines.push_back(store_line(set, change));
  std::vector<imap::NumberRange> left_alone;
  const Taker take = [&each](imap::Response& response) {
    const auto* fetch = std::get_if<imap::FetchResponse>(&response);
    if (!fetch || !each || !fetch->uid) return false;
    each(*fetch);
    return true;
  };
  for (std::size_t at = 0; at < lines.size(); at += kPipelined) {
    std::vector<std::string> tags;
    for (std::size_t i = at; i < std::min(lines.size(), at + kPipelined); ++i) tags.push_back(begin_command(s, lines[i]));
    CO_TRY_OK(co_await s.channel->flush(until));
    Result<void> judged;
    for (auto& tag : tags) {
      CO_TRY(const auto status, co_await finish_command(s, tag, until, take));
      if (status.code.name == "MODIFIED") left_alone.insert(left_alone.end(), status.code.from.begin(), status.code.from.end());
      else if (judged) judged = judge(s, status, "STORE");
    }
    CO_TRY_OK(std::move(judged));
  }
  CO_TRY_OK(s.check_selected());
  co_return imap::NumberSet(std::move(left_alone));
}

Task<Result<std::vector<CopiedMessage>>> ImapConnection::copy(imap::NumberSet uids, std::string to) {
  co_return co_await transfer(*state_, "UID COPY", std::move(uids), std::move(to));
}

Task<Result<std::vector<CopiedMessage>>> ImapConnection::move(imap::NumberSet uids, std::string to) {
  auto& s = *state_;
  if (s.has("MOVE") || s.has("IMAP4REV2")) co_return co_await transfer(s, "UID MOVE", std::move(uids), std::move(to));
  if (!s.has("UIDPLUS")) co_return s.failure(Errc::unsupported, "the server can neither move messages nor expunge single ones");
  CO_TRY(auto pairs, co_await transfer(s, "UID COPY", uids, std::move(to)));
  CO_TRY_OK(co_await expunge(std::move(uids)));
  co_return pairs;
}

Task<Result<bool>> ImapConnection::expunge(imap::NumberSet uids) {
  auto& s = *state_;
  CO_TRY_OK(s.check_selected());
  if (uids.empty()) co_return true;
  imap::FlagList deleted;
  deleted.set(imap::SystemFlag::deleted);
  const StoreChange change{.uids = uids, .mode = StoreChange::Mode::add, .flags = deleted, .unchanged_since = {}};
  CO_TRY_OK(co_await store(std::span(&change, 1)));
  if (!s.has("UIDPLUS") && !s.has("IMAP4REV2")) co_return false;
  for (const auto& set : split_set(uids)) CO_TRY_OK(co_await run_command(s, "UID EXPUNGE " + set));
  co_return true;
}

Task<Result<imap::NumberSet>> ImapConnection::search_header(std::string field, std::string value) {
  auto& s = *state_;
  CO_TRY_OK(s.check_selected());
  if (!imap::is_atom(field) || !imap::can_be_quoted(value) || value.size() > 1000) co_return s.failure(Errc::invalid, "that cannot be searched for");
  std::vector<imap::NumberRange> found;
  const Taker take = [&found](imap::Response& response) {
    if (const auto* search = std::get_if<imap::SearchResponse>(&response)) {
      for (const auto n : search->numbers) found.push_back({n, n});
      return true;
    }
    if (const auto* search = std::get_if<imap::EsearchResponse>(&response)) {
      found.insert(found.end(), search->all.ranges().begin(), search->all.ranges().end());
      return true;
    }
    return false;
  };
  std::string line = "UID SEARCH HEADER " + field + " ";
  imap::Writer(line).quoted(value);
  CO_TRY_OK(co_await run_command(s, line, take));
  co_return imap::NumberSet(std::move(found));
}

}  // namespace posthorn::client
