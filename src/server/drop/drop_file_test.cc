// The head of a dropped file: what is written is read, and what anybody may have written is refused.
#include "server/drop/drop_file.h"

#include <gtest/gtest.h>

namespace posthorn::drop {
namespace {

TEST(DropFile, WhatIsWrittenIsRead) {
  const DropEnvelope cases[] = {
      {.sender = {}, .recipients = {"root"}},
      {.sender = "", .recipients = {"a@example.test", "b@example.test"}, .full_name = "Ann of Example"},
      {.sender = "ann@example.test",
       .recipients = {"\"a b\"@example.test"},
       .full_name = {},
       .ret = smtp::Return::headers,
       .envelope_id = "x y",
       .notify = smtp::Notify{.never = false, .success = true, .failure = false, .delay = true}},
      {.sender = {},
       .recipients = {"root"},
       .full_name = {},
       .ret = smtp::Return::full,
       .envelope_id = {},
       .notify = smtp::Notify{.never = true}},
  };
  for (const auto& c : cases) {
    std::string text;
    put_head(text, c);
    text += "Subject: x\n\nsender not@head\n";
    std::string_view in = text;
    const auto read = take_head(in);
    ASSERT_TRUE(read) << read.error().text;
    EXPECT_EQ(*read, c);
    EXPECT_EQ(in, "Subject: x\n\nsender not@head\n");
  }
}

TEST(DropFile, WhatIsNoHeadIsRefused) {
  const std::string magic = "posthorn-drop 1\n", to = "recipient root\n";
  for (const auto& text :
       {std::string(), std::string("\n"), std::string("From: x\n\nhello\n"), magic, magic + "\n", magic + to,
        magic + to + "sender a\nsender b\n\n", magic + "recipient \n\n", magic + to + "ret some\n\n", magic + to + "notify never,delay\n\n",
        magic + to + "notify \n\n", magic + to + "envid " + std::string(101, 'x') + "\n\n",
        magic + to + "envid \n\n", magic + to + "envid gr\xc3\xbc\xc3\x9f\n\n", magic + to + "envid " + std::string(34, '=') + "\n\n", magic + to + "colour red\n\n",
        magic + to + "sender\n\n", magic + "recipient a\rb\n\n", magic + "recipient a" + std::string(1, '\0') + "b\n\n",
        magic + "recipient " + std::string(kMaxHeadLine, 'x') + "\n\n"}) {
    std::string_view in = text;
    EXPECT_FALSE(take_head(in)) << text.substr(0, 60);
  }
  std::string many = magic;
  for (std::size_t i = 0; i <= kMaxDropRecipients; ++i) many += to;
  std::string_view in = many += '\n';
  EXPECT_EQ(take_head(in).error().code, Errc::limit);
}

}  // namespace
}  // namespace posthorn::drop
