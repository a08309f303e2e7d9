#include "sync/remote_watch.h"

#include <gtest/gtest.h>

namespace posthorn::sync {
namespace {

imap::StatusItems status(std::uint32_t messages, std::uint32_t uid_next, std::uint64_t mod_seq) {
  imap::StatusItems out;
  out.messages = messages, out.unseen = 1, out.uid_next = uid_next, out.uid_validity = 7, out.high_mod_seq = mod_seq;
  return out;
}

// "* STATUS INBOX (...)" as it comes.
client::Unsolicited told(std::string_view line) {
  auto response = imap::parse_response(line, {});
  EXPECT_TRUE(response) << line;
  client::Unsolicited out;
  out.responses.push_back(*std::move(response));
  return out;
}

TEST(RemoteWatch, OnlyWhatWasNotKnownIsNews) {
  SyncOptions options;
  options.except = {"Junk"};
  RemoteWatch watch;
  client::MailboxStates all{{"INBOX", status(1, 2, 3)}, {"A", status(0, 1, 1)}, {"Junk", status(5, 6, 7)}};
  EXPECT_TRUE(watch.look(all, options));
  EXPECT_FALSE(watch.look(all, options));
  EXPECT_EQ(watch.size(), 2u);
  struct Row {
    std::string_view line;
    bool is_news;
  };
  const Row rows[] = {{"* STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7 UNSEEN 1 HIGHESTMODSEQ 3)", false},
                      {"* STATUS INBOX (UNSEEN 0)", true},
                      {"* STATUS Junk (MESSAGES 6 UIDNEXT 7)", false},
                      {"* STATUS A (MESSAGES 1 UIDNEXT 2 HIGHESTMODSEQ 2)", true},
                      {"* STATUS A (MESSAGES 1 UIDNEXT 2 HIGHESTMODSEQ 2)", false},
                      {"* STATUS A (HIGHESTMODSEQ 3)", true},
                      {"* STATUS A (UIDVALIDITY 8)", true},
                      {"* LIST () \"/\" INBOX", false},
                      {"* LIST (\\HasNoChildren) \"/\" C", true},
                      {"* LIST (\\HasNoChildren) \"/\" D (\"OLDNAME\" (C))", true},
                      {"* LIST (\\NonExistent) \"/\" D", true},
                      {"* LIST (\\NonExistent) \"/\" D", false},
                      {"* LIST () \"/\" E", true},
                      {"* LIST (\\Noselect \\HasChildren) \"/\" E", true},
                      {"* LIST (\\Noselect \\HasChildren) \"/\" E", false},
                      {"* LIST () \"/\" Junk", false},
                      {"* LIST () \"/\" Junk (\"OLDNAME\" (A))", true},
                      {"* 3 EXISTS", false}};
  for (const auto& row : rows) EXPECT_EQ(watch.hear(told(row.line), options), row.is_news) << row.line;
  client::Unsolicited lost;
  lost.overflow = true;
  EXPECT_TRUE(watch.hear(lost, options));
}

// What was heard before a run, and is so after it, needs no other run.
TEST(RemoteWatch, WhatWasHeardIsKnown) {
  RemoteWatch watch;
  EXPECT_TRUE(watch.look({{"A", status(0, 1, 1)}}, {}));
  EXPECT_TRUE(watch.hear(told("* STATUS A (MESSAGES 1 UIDNEXT 2 HIGHESTMODSEQ 2)"), {}));
  EXPECT_FALSE(watch.look({{"A", status(1, 2, 2)}}, {}));
  EXPECT_TRUE(watch.look({{"A", status(1, 2, 3)}}, {}));
  EXPECT_TRUE(watch.look({}, {}));
}

}  // namespace
}  // namespace posthorn::sync
