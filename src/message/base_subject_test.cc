#include "message/base_subject.h"

#include <gtest/gtest.h>

namespace posthorn::message {
namespace {

TEST(BaseSubject, RemovesWhatRepliesAndListsAdd) {
  struct Case {
    std::string_view subject, base;
    bool reply;
  };
  for (const auto& c : {
           Case{"", "", false},
           Case{"   ", "", false},
           Case{"hello", "hello", false},
           Case{" a \t b\r\n c ", "a b c", false},
           Case{"Re: hello", "hello", true},
           Case{"RE:RE: fwd: FW:hello", "hello", true},
           Case{"re : hello", "hello", true},
           Case{"Re[2]: hello", "hello", true},
           Case{"Re [2] : hello", "hello", true},
           Case{"Re [2]] : hello", "Re [2]] : hello", false},
           Case{"reply: hello", "reply: hello", false},
           Case{"fwdd: hello", "fwdd: hello", false},
           Case{"re:", "", true},
           Case{"[list] hello", "hello", false},
           Case{"[list]hello", "hello", false},
           Case{"[a] [b] hello", "hello", false},
           Case{"[a][b] Re: [c] hello", "hello", true},
           Case{"[list]", "[list]", false},
           Case{"[a] [b] ", "[b]", false},
           Case{"Re: [a]", "[a]", true},
           Case{"[a] re:", "", true},
           Case{"[a[b] hello", "[a[b] hello", false},
           Case{"[] hello", "hello", false},
           Case{"hello (fwd)", "hello", true},
           Case{"hello (FWD) (fwd)(fwd)  ", "hello", true},
           Case{"(fwd)", "", true},
           Case{"hello (fwd) there", "hello (fwd) there", false},
           Case{"[Fwd: hello]", "hello", true},
           Case{"[fwd: Re: hello (fwd)]", "hello", true},
           Case{"[fwd:[fwd: hello]]", "hello", true},
           Case{"[fwd:]", "", true},
           Case{"[a][fwd: hello]", "hello", true},
           Case{"[fwd: hello] there", "there", false},
           Case{"[fwd: hello", "[fwd: hello", false},
           Case{"re: [fwd: [x] fw: hello] (fwd)", "hello", true},
           Case{"R\xC3\xA9: hello", "R\xC3\xA9: hello", false},
       }) {
    bool reply = !c.reply;
    EXPECT_EQ(base_subject(c.subject, &reply), c.base) << c.subject;
    EXPECT_EQ(reply, c.reply) << c.subject;
  }
}

TEST(BaseSubject, TakesLinearTime) {
  for (const std::string_view piece : {"[a]", "[fwd:", "re:", "re[", "[fwd:re [", " ", "(fwd)", "[", "]", "[re:"}) {
    std::string subject;
    while (subject.size() < 200'000) subject += piece;
    base_subject(subject);
    base_subject(subject + std::string(subject.size(), ']'));
  }
}

}  // namespace
}  // namespace posthorn::message
