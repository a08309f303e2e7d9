// FETCH and STORE: flags, dates and whole messages. [SMAP1 6, 7]
#include <algorithm>
#include <map>
#include <span>
#include <utility>

#include "client/smap_channel.h"
#include "client/smap_connection.h"
#include "client/stand_in.h"
#include "proto/smap/flags.h"
#include "proto/smap/words.h"

namespace posthorn::client {
namespace {

using smap::FetchReply;
using smap::NumberRanges;

constexpr std::size_t kMostRanges = SmapConnection::kMostRanges;  // of a command, for its line to stay short [SMAP1 1.5]

// [SMAP1 5.2] The numbers are fixed but for what noop() and its like tell: others would be given to the wrong messages.
Result<void> check_fixed(const std::vector<std::string>& words) {
  if (!words.empty() && words.front() == "EXPUNGE") return fail(Errc::syntax, "the server gives messages other numbers in the middle of a command");
  return {};
}

std::string set_text(const NumberRanges& ranges) {
  std::string out;
  for (const auto& [first, last] : ranges) smap::put_range(out += ' ', first, last);
  return out;
}

// Everything that is told of messages, which may come in any order and in several lines.
class IntoMessages final : public SmapTaker {
 public:
  explicit IntoMessages(std::uint32_t count) : count_(count) {}

  Result<void> data(std::vector<std::string> words) override {
    TRY_OK(check_fixed(words));
    if (words.empty() || words.front() != "FETCH") return {};
    TRY(auto told, smap::parse_fetch_reply(words));
    if (told.number > count_) return fail(Errc::syntax, "the server tells of a message that is not there");
    if (!all_.empty() && all_.back().number == told.number) {
      all_.back().add(std::move(told));
      return {};
    }
    in_order_ = in_order_ && (all_.empty() || all_.back().number < told.number);
    all_.push_back(std::move(told));
    if (all_.size() > 2ull * count_ + 100) put_in_order();
    return {};
  }

  std::vector<FetchReply> take() {
    put_in_order();
    return std::move(all_);
  }

 private:
  void put_in_order() {
    if (std::exchange(in_order_, true)) return;
    std::map<std::uint32_t, FetchReply> merged;
    for (auto& one : all_) {
      const auto number = one.number;
      merged.try_emplace(number, FetchReply{.number = number}).first->second.add(std::move(one));
    }
    all_.clear();
    for (auto& [number, one] : merged) all_.push_back(std::move(one));
  }

  const std::uint32_t count_;
  std::vector<FetchReply> all_;
  bool in_order_ = true;
};

class IntoSink final : public SmapTaker {
 public:
  IntoSink(SmapSink& sink, std::span<const SmapWanted> wanted, bool whole) : sink_(sink), wanted_(wanted), came_(wanted.size()), whole_(whole) {}

  const std::vector<bool>& came() const { return came_; }
  std::vector<std::uint32_t> gone;  // a stand-in came

  Result<void> data(std::vector<std::string> words) override { return check_fixed(words); }

  Task<Result<void>> content_begin(std::vector<std::string> words) override {
    CO_TRY(const auto number, smap::parse_content_number(words));
    const auto at = std::ranges::lower_bound(wanted_, number, {}, &SmapWanted::number);
    now_ = static_cast<std::size_t>(at - wanted_.begin());
    if (at == wanted_.end() || at->number != number || came_[now_])
      co_return fail(Errc::syntax, "the server gave message " + std::to_string(number) + " that was not asked for, or twice");
    watch_ = {};
    co_return co_await sink_.begin(number);
  }
  Task<Result<void>> content(std::string_view octets) override {
    watch_.put(octets);
    co_return co_await sink_.write(octets);
  }
  Task<Result<void>> content_end() override {
    came_[now_] = true;
    const auto& one = wanted_[now_];
    if (whole_ && watch_.is_stand_in()) {
      gone.push_back(one.number);
      sink_.drop();
      co_return Result<void>{};
    }
    co_return co_await sink_.end(one.number);
  }

 private:
  SmapSink& sink_;
  const std::span<const SmapWanted> wanted_;  // ascending
  std::vector<bool> came_;
  const bool whole_;
  std::size_t now_ = 0;
  StandInWatch watch_;
};

constexpr std::size_t kMostMessages = 1000;  // whose contents one command asks for

// The first of them that fit into one command.
std::pair<std::size_t, NumberRanges> first_ranges(std::span<const SmapWanted> wanted) {
  NumberRanges ranges;
  std::size_t count = 0;
  for (; count < std::min(wanted.size(), kMostMessages); ++count) {
    const auto number = wanted[count].number;
    if (!ranges.empty() && ranges.back().last + 1 == number) ++ranges.back().last;
    else if (ranges.size() == kMostRanges) break;
    else ranges.push_back({number, number});
  }
  return {count, std::move(ranges)};
}

std::string items_text(const SmapFetchWants& wants) {
  std::string out;
  if (wants.flags) out += " FLAGS";
  if (wants.keywords) out += " KEYWORDS";
  if (wants.uid) out += " UID";
  if (wants.size) out += " SIZE";
  if (wants.date) out += " INTERNALDATE";
  return out;
}

}  // namespace

Task<Result<std::vector<FetchReply>>> SmapConnection::fetch(SmapFetchWants wants) {
  auto& s = *state_;
  CO_TRY_OK(s.check_open_folder());
  wants.keywords = wants.keywords && s.has("KEYWORDS");
  const auto items = items_text(wants);
  if (s.messages == 0 || items.empty()) co_return std::vector<FetchReply>();
  IntoMessages taker(s.messages);
  CO_TRY_OK(co_await s.channel->run("FETCH 1-" + std::to_string(s.messages) + items, taker, s.transfer_end()));
  co_return taker.take();
}

Task<Result<void>> SmapConnection::fetch_content(std::string part, std::vector<SmapWanted> wanted, SmapSink& sink, std::vector<std::uint32_t>& refused) {
  auto& s = *state_;
  CO_TRY_OK(s.check_open_folder());
  std::ranges::sort(wanted, {}, &SmapWanted::number);
  wanted.erase(std::unique(wanted.begin(), wanted.end(), [](const auto& a, const auto& b) { return a.number == b.number; }), wanted.end());
  const Deadline until = s.transfer_end();
  std::string item;
  smap::put_word(item, "CONTENTS.PEEK=" + part);
  std::span<const SmapWanted> later(wanted);
  std::vector<SmapWanted> again;  // of a command that ended early
  while (!again.empty() || !later.empty()) {
    const auto now = std::exchange(again, {});
    const std::span<const SmapWanted> asked = now.empty() ? later : std::span<const SmapWanted>(now);
    const auto [count, ranges] = first_ranges(asked);
    IntoSink taker(sink, asked.first(count), part == "ALL");
    s.channel->put_line("FETCH" + set_text(ranges) + " " + item);
    CO_TRY_OK(co_await s.channel->flush(until));
    SmapStatus status;
    CO_TRY(const bool done, co_await s.channel->read_reply(taker, status, until));
    CHECK(done);
    refused.insert(refused.end(), taker.gone.begin(), taker.gone.end());
    for (std::size_t i = 0; i < count; ++i)
      if (!taker.came()[i]) again.push_back(asked[i]);
    // [SMAP1 6] An error in one message ends the command: it is the first that did not come.  Without one they are not there.
    for (std::size_t i = 0; i < again.size() && (i == 0 || status.ok); ++i) refused.push_back(again[i].number);
    if (status.ok) again.clear();
    else if (!again.empty()) again.erase(again.begin());
    if (now.empty()) later = later.subspan(count);
    else again.insert(again.end(), asked.begin() + static_cast<std::ptrdiff_t>(count), asked.end());
  }
  co_return Result<void>{};
}

Task<Result<void>> SmapConnection::store(NumberRanges numbers, Change change, std::uint8_t flags, std::vector<std::string> keywords) {
  auto& s = *state_;
  CO_TRY_OK(s.check_open_folder());
  const std::string sign = change == Change::set ? "" : change == Change::add ? "+" : "-";
  std::string settings;
  if (change == Change::set || flags != 0) smap::put_flag_list(settings += " " + sign + "FLAGS=", flags);
  std::string list;
  for (const auto& keyword : keywords)
    if (is_smap_keyword(keyword)) list += (list.empty() ? "" : ",") + keyword;
  if (s.has("KEYWORDS") && (change == Change::set || !list.empty())) smap::put_attribute(settings += ' ', sign + "KEYWORDS", list);
  if (settings.empty()) co_return Result<void>{};
  class Fixed final : public SmapTaker {
   public:
    Result<void> data(std::vector<std::string> words) override { return check_fixed(words); }
  } taker;
  for (std::size_t at = 0; at < numbers.size(); at += kMostRanges) {
    const auto end = std::min(at + kMostRanges, numbers.size());
    const NumberRanges some(numbers.begin() + static_cast<std::ptrdiff_t>(at), numbers.begin() + static_cast<std::ptrdiff_t>(end));
    CO_TRY_OK(co_await s.channel->run("STORE" + set_text(some) + settings, taker, s.transfer_end()));
  }
  co_return Result<void>{};
}

}  // namespace posthorn::client
