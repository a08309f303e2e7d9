#include "fetch/pop3_trouble.h"

#include <algorithm>
#include <iterator>
#include <span>

namespace posthorn::fetch {
namespace {

constexpr int kMostAlone = 10, kMostOfOne = 2, kMostInFront = 3;

using Numbers = std::span<const std::uint32_t>;
using Ask = std::function<Task<Result<void>>(Numbers, client::Pop3Sink&)>;

// Passes on what comes.
class Counter final : public client::Pop3Sink {
 public:
  explicit Counter(client::Pop3Sink& to) : to_(to) {}
  Result<void> begin(std::uint32_t number) override { return of_sink(to_.begin(number)); }
  Result<void> put(std::string_view piece) override { return of_sink(to_.put(piece)); }
  Task<Result<void>> end(std::uint32_t number) override {
    ++answered;
    auto done = co_await to_.end(number);
    co_return of_sink(std::move(done));
  }
  Result<void> refused(std::uint32_t number, const pop3::Reply& reply) override {
    ++answered;
    return of_sink(to_.refused(number, reply));
  }

  std::size_t answered = 0;
  bool sink_failed = false;

 private:
  Result<void> of_sink(Result<void> done) {
    sink_failed = sink_failed || !done;
    return done;
  }

  client::Pop3Sink& to_;
};

// Those that are not given up; those without trouble first, of which it returns the number.
std::size_t arrange(std::vector<const Known*>& which, const Trouble& trouble) {
  // Where more than may fail stand in front, the others would be kept back by them in each run.
  if (trouble.count() >= kMostInFront) std::ranges::reverse(which);
  std::vector<const Known*> first, last;
  for (const auto* one : which)
    if (!trouble.is_given_up(*one)) (trouble.has_failed(*one) ? last : first).push_back(one);
  const auto count = first.size();
  first.insert(first.end(), last.begin(), last.end());
  which = std::move(first);
  return count;
}

Task<Result<void>> ask_in_parts(Numbers all, std::size_t together, const Ask& ask, client::Pop3Sink& sink) {
  if (together > 0) CO_TRY_OK(co_await ask(all.first(together), sink));
  for (auto i = together; i < all.size(); ++i) CO_TRY_OK(co_await ask(all.subspan(i, 1), sink));
  co_return Result<void>{};
}

Task<Result<void>> ask_for(std::vector<const Known*> which, Ask ask, client::Pop3Sink& sink, Trouble& trouble) {
  const auto without_trouble = arrange(which, trouble);
  const auto together = trouble.next_are_asked() == Trouble::Asked::together ? without_trouble : 0;
  std::vector<std::uint32_t> numbers;
  for (const auto* one : which) numbers.push_back(one->number);
  Counter counter(sink);
  auto done = co_await ask_in_parts(numbers, together, ask, counter);
  const auto at = counter.answered;
  if (!done && !counter.sink_failed && at < which.size())
    trouble.add(*which[at], done.error(), at < together ? Trouble::Asked::together : Trouble::Asked::alone);
  co_return done;
}

}  // namespace

bool Trouble::is_given_up(const Known& one) const {
  if (alone_ >= kMostAlone) return true;
  const auto found = failures_.find(name_of(one));
  return found != failures_.end() && found->second >= kMostOfOne;
}

void Trouble::add(const Known& at, const Error& why, Asked how) {
  constexpr Errc kOfServer[] = {Errc::syntax, Errc::limit, Errc::closed, Errc::timed_out, Errc::io};
  if (std::ranges::find(kOfServer, why.code) == std::end(kOfServer)) return;
  ++count_;
  alone_ += how == Asked::alone;
  ++failures_[name_of(at)];
  next_ = Asked::alone;
  wants_another_ = true;
  if (is_given_up(at) && on_note_)
    on_note_("message " + std::to_string(at.number) + " cannot be fetched: " + why.text);
}

Task<Result<void>> retrieve(client::Pop3Connection& server, std::vector<const Known*> which, client::Pop3Sink& sink,
                            Trouble& trouble) {
  return ask_for(
      std::move(which), [&server](Numbers numbers, client::Pop3Sink& to) { return server.retrieve(numbers, to); }, sink,
      trouble);
}

Task<Result<void>> top(client::Pop3Connection& server, std::vector<const Known*> which, std::uint32_t lines,
                       client::Pop3Sink& sink, Trouble& trouble) {
  return ask_for(
      std::move(which),
      [&server, lines](Numbers numbers, client::Pop3Sink& to) { return server.top(numbers, lines, to); }, sink, trouble);
}

}  // namespace posthorn::fetch
