// Nobody gets another name because the system could not be asked.
#include "server/drop/local_user.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>

namespace posthorn::drop {
namespace {

template <int Code>
int answers(uid_t, passwd*, char*, std::size_t, passwd** found) {
  *found = nullptr;
  return Code;
}

int needs_room(uid_t, passwd* entry, char* buffer, std::size_t size, passwd** found) {
  *found = nullptr;
  if (size < 100'000) return ERANGE;
  std::strcpy(buffer, "ann");
  entry->pw_name = buffer;
  *found = entry;
  return 0;
}

TEST(LocalUser, WhoIsUnknownHasHisNumber) {
  EXPECT_EQ(local_user(4'000'000, answers<0>)->name, "user4000000");
  EXPECT_EQ(local_user(4'000'000, answers<ENOENT>)->name, "user4000000");
  EXPECT_FALSE(local_user(4'000'000, answers<0>)->trusted);
  EXPECT_TRUE(local_user(0)->trusted);
}

TEST(LocalUser, ADirectoryServiceThatDoesNotAnswerIsNoAnswer) {
  EXPECT_EQ(local_user(4'000'000, answers<EIO>).error().code, Errc::busy);
  EXPECT_EQ(local_user(4'000'000, answers<ECONNREFUSED>).error().code, Errc::busy);
  EXPECT_EQ(local_user(4'000'000, answers<ERANGE>).error().code, Errc::busy);
}

TEST(LocalUser, ALongEntryIsRead) { EXPECT_EQ(local_user(4'000'000, needs_room)->name, "ann"); }

}  // namespace
}  // namespace posthorn::drop
