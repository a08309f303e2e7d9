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
  explicit IntoMessages(std::uint32_t count) : SmapTaker(count), count_(count) {}

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

enum class Came : std::uint8_t { nothing, stand_in, doubtful, whole };
enum class Sizes : std::uint8_t { compared, ignored };  // with those that were told

// INVARIANT: a message is given to the sink as whole when the server has gone on behind it: an -ERR there may mean that it was cut short.
class IntoSink final : public SmapTaker {
 public:
  IntoSink(SmapSink& sink, std::span<const SmapWanted> wanted, Sizes sizes) : sink_(sink), wanted_(wanted), came_(wanted.size()), sizes_(sizes) {}

  const std::vector<Came>& came() const { return came_; }

  Result<void> data(std::vector<std::string> words) override { return check_fixed(words); }

  Task<Result<void>> content_begin(std::vector<std::string> words) override {
    CO_TRY_OK(co_await settle(true));
    CO_TRY(const auto number, smap::parse_content_number(words));
    const auto at = std::ranges::lower_bound(wanted_, number, {}, &SmapWanted::number);
    now_ = static_cast<std::size_t>(at - wanted_.begin());
    if (at == wanted_.end() || at->number != number || came_[now_] != Came::nothing)
      co_return fail(Errc::syntax, "the server gave message " + std::to_string(number) + " that was not asked for, or twice");
    watch_ = {};
    size_ = lone_lfs_ = 0;
    last_ = 0;
    co_return co_await sink_.begin(number);
  }
  Task<Result<void>> content(std::string_view octets) override {
    watch_.put(octets);
    size_ += octets.size();
    for (const char c : octets) lone_lfs_ += std::exchange(last_, c) != '\r' && c == '\n';
    co_return co_await sink_.write(octets);
  }
  Task<Result<void>> content_end() override {
    unsettled_ = true;
    co_return Result<void>{};
  }
  void content_void() override { unsettled_ = true; }
  // Behind the status; false: what came last is in doubt.
  Task<Result<bool>> finish(bool ok) {
    const bool doubted = unsettled_ && !ok;
    CO_TRY_OK(co_await settle(ok));
    co_return !doubted;
  }

 private:
  Task<Result<void>> settle(bool goes_on) {
    if (!std::exchange(unsettled_, false)) co_return Result<void>{};
    came_[now_] = watch_.is_stand_in() ? Came::stand_in : goes_on && !is_short() ? Came::whole : Came::doubtful;
    if (came_[now_] == Came::whole) co_return co_await sink_.end(wanted_[now_].number);
    sink_.drop();
    co_return Result<void>{};
  }
  // [SMAP1 6.1] SIZE is an estimate: of the octets, or of them with CRLF.
  bool is_short() const {
    const auto told = wanted_[now_].size;
    return sizes_ == Sizes::compared && size_ < told && size_ + lone_lfs_ != told;
  }

  SmapSink& sink_;
  const std::span<const SmapWanted> wanted_;  // ascending
  std::vector<Came> came_;
  const Sizes sizes_;
  std::size_t now_ = 0;
  bool unsettled_ = false;  // wanted_[now_] came to its end, and the sink does not know it yet
  std::uint64_t size_ = 0, lone_lfs_ = 0;
  char last_ = 0;
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

enum class End : std::uint8_t { ok, error, error_in_last };  // perhaps in what came last

Task<Result<End>> ask(SmapState& s, NumberRanges ranges, std::string item, IntoSink& taker) {
  const Deadline until = s.transfer_end();
  s.channel->put_line("FETCH" + set_text(ranges) + " " + item);
  CO_TRY_OK(co_await s.channel->flush(until));
  SmapStatus status;
  CO_TRY(const bool done, co_await s.channel->read_reply(taker, status, until));
  CHECK(done);
  auto settled = co_await taker.finish(status.ok);
  if (!settled) co_return s.channel->abandon(std::move(settled).error());
  co_return status.ok ? End::ok : *settled ? End::error : End::error_in_last;
}

void put_flags(std::string& settings, std::string_view name, int flags) {
  if (flags != 0) smap::put_flag_list(settings.append(" ").append(name), static_cast<std::uint8_t>(flags));
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
  std::string item;
  smap::put_word(item, "CONTENTS.PEEK=" + part);
  std::span<const SmapWanted> later(wanted);
  std::vector<SmapWanted> again;  // of a command that ended early
  std::vector<SmapWanted> alone;  // what came of them is in doubt
  while (!again.empty() || !later.empty()) {
    const auto now = std::exchange(again, {});
    const std::span<const SmapWanted> asked = now.empty() ? later : std::span<const SmapWanted>(now);
    const auto [count, ranges] = first_ranges(asked);
    IntoSink taker(sink, asked.first(count), part == "ALL" ? Sizes::compared : Sizes::ignored);
    CO_TRY(const auto end, co_await ask(s, ranges, item, taker));
    for (std::size_t i = 0; i < count; ++i) {
      switch (taker.came()[i]) {
        case Came::nothing: again.push_back(asked[i]); break;
        case Came::stand_in: refused.push_back(asked[i].number); break;
        case Came::doubtful: alone.push_back(asked[i]); break;
        case Came::whole: break;
      }
    }
    // [SMAP1 6] An error in one message ends the command: in the one that came last, or in the first that did not come.  Without one they are not there.
    const std::size_t hopeless = end == End::ok ? again.size() : end == End::error_in_last ? 0 : std::min<std::size_t>(again.size(), 1);
    for (std::size_t i = 0; i < hopeless; ++i) refused.push_back(again[i].number);
    again.erase(again.begin(), again.begin() + static_cast<std::ptrdiff_t>(hopeless));
    if (now.empty()) later = later.subspan(count);
    else again.insert(again.end(), asked.begin() + static_cast<std::ptrdiff_t>(count), asked.end());
  }
  for (const auto& one : alone) {
    IntoSink taker(sink, {&one, 1}, Sizes::ignored);
    CO_TRY_OK(co_await ask(s, {{one.number, one.number}}, item, taker));
    if (taker.came().front() != Came::whole) refused.push_back(one.number);
  }
  co_return Result<void>{};
}

Task<Result<void>> SmapConnection::store(NumberRanges numbers, Change change, std::uint8_t flags, std::vector<std::string> keywords) {
  auto& s = *state_;
  CO_TRY_OK(s.check_open_folder());
  const std::string sign = change == Change::set ? "" : change == Change::add ? "+" : "-";
  std::string settings;
  if (change != Change::remove) put_flags(settings, "+FLAGS=", flags);
  // FLAGS= beside KEYWORDS= leaves the flags of most messages alone at Courier.
  if (change != Change::add) put_flags(settings, "-FLAGS=", change == Change::set ? smap::kAllFlags & ~flags : flags);
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
