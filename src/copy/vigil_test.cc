#include "copy/vigil.h"

#include <gtest/gtest.h>

#include "async/reactor.h"

namespace posthorn::copy {
namespace {

using namespace std::chrono_literals;

class Idle final : public MailPlace {
 public:
  int spoken = 0;
  bool speaking = false;
  std::string name() const override { return "idle"; }
  Task<Result<std::vector<FolderInfo>>> folders() override { co_return fail(Errc::unsupported); }
  Task<Result<FolderNumbers>> enter(FolderInfo, Entering) override { co_return fail(Errc::unsupported); }
  Task<Result<std::vector<MessageInfo>>> list(bool) override { co_return fail(Errc::unsupported); }
  Task<Result<void>> read(std::vector<std::uint32_t>, LetterSink&) override { co_return fail(Errc::unsupported); }
  Task<Result<bool>> keep_numbers(FolderNumbers) override { co_return false; }
  Task<Result<void>> add(std::vector<Letter>&, std::vector<Added>&) override { co_return fail(Errc::unsupported); }
  Task<Result<void>> set_flags(std::vector<std::pair<std::uint32_t, imap::FlagList>>) override { co_return fail(Errc::unsupported); }
  Task<> stay() override {
    speaking = true;
    ++spoken;
    co_await sleep_for(20ms);
    speaking = false;
  }
  Task<> close() override { co_return; }
};

Task<Result<int>> until_it_has_spoken(Idle& idle, int times) {
  while (idle.spoken < times) co_await sleep_for(1ms);
  co_return 7;
}

Task<> speaks(Idle& idle) {
  const auto out = co_await beside(idle, until_it_has_spoken(idle, 2), 1ms);
  EXPECT_EQ(out.value(), 7);
  EXPECT_FALSE(idle.speaking);  // and nothing is under way there any more
  const auto said = idle.spoken;
  co_await sleep_for(300ms);
  EXPECT_EQ(idle.spoken, said);
}

TEST(Vigil, SpeaksWhileTheOtherIsAtWork) {
  Idle idle;
  run_task(speaks(idle));
}

TEST(Vigil, SaysNothingDuringWhatIsShort) {
  Idle idle;
  EXPECT_EQ(run_task(beside(idle, until_it_has_spoken(idle, 0))).value(), 7);
  EXPECT_EQ(idle.spoken, 0);
}

}  // namespace
}  // namespace posthorn::copy
