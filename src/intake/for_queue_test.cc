#include "intake/for_queue.h"

#include <gtest/gtest.h>

namespace posthorn::intake {
namespace {

using queue::State;

smtp::ForwardPath path(std::vector<std::uint64_t> accounts, std::vector<std::string> remote, std::optional<smtp::Notify> notify = {}) {
  smtp::ForwardPath p;
  p.address = "bob@example.test";
  for (auto id : accounts) p.accounts.emplace_back(id);
  p.remote = std::move(remote);
  p.options.notify = notify;
  return p;
}

// "forward-path<forwarded-for state NOTIFY", the notice's letters: N S F D.
std::string shown(const smtp::ForwardPath& p, Here here = Here::accounts, std::string reverse_path = "ann@example.org") {
  smtp::Envelope envelope{.reverse_path = std::move(reverse_path), .forward_paths = {p}};
  std::vector<queue::Recipient> out;
  put_for_queue(out, envelope, p, here);
  EXPECT_EQ(needs_queue(envelope, here), !out.empty());
  std::string text;
  for (const auto& r : out) {
    text += (text.empty() ? "" : "; ") + r.forward_path;
    if (!r.forwarded_for.empty()) text += "<" + r.forwarded_for;
    text += " " + std::string(to_string(r.state)) + (r.owed ? " owed" : "");
    EXPECT_EQ(r.options.original_recipient, p.options.original_recipient);
    if (const auto& n = r.options.notify)
      text += std::string(" ") + (n->never ? "N" : "") + (n->success ? "S" : "") + (n->failure ? "F" : "") + (n->delay ? "D" : "");
  }
  return text;
}

TEST(ForQueue, WhoIsElsewhere) {
  EXPECT_EQ(shown(path({1, 2}, {})), "");
  EXPECT_EQ(shown(path({}, {"bob@example.test"})), "bob@example.test waiting");
  EXPECT_EQ(shown(path({1}, {"b@far.test", "c@far.test"})),
            "b@far.test<bob@example.test waiting; c@far.test<bob@example.test waiting");
}

// [RFC3461 5.2.3] [RFC3461 5.2.7]
TEST(ForQueue, WhatTheSenderIsOwed) {
  const smtp::Notify success{.success = true}, failure{.failure = true}, both{.success = true, .failure = true};
  EXPECT_EQ(shown(path({1}, {}, success)), "bob@example.test delivered owed S");
  EXPECT_EQ(shown(path({1}, {}, failure)), "");
  EXPECT_EQ(shown(path({1}, {}, success), Here::accounts, ""), "");
  // An alias with one address hands everything on; with several it reports itself.
  EXPECT_EQ(shown(path({}, {"b@far.test"}, both)), "b@far.test<bob@example.test waiting SF");
  EXPECT_EQ(shown(path({1}, {"b@far.test"}, both)), "bob@example.test expanded owed SF; b@far.test<bob@example.test waiting F");
  EXPECT_EQ(shown(path({1}, {"b@far.test"}, success)), "bob@example.test expanded owed S; b@far.test<bob@example.test waiting N");
  EXPECT_EQ(shown(path({1}, {"b@far.test"}, success), Here::accounts, ""), "b@far.test<bob@example.test waiting N");
}

TEST(ForQueue, NobodyIsThereTwice) {
  const smtp::Notify never{.never = true}, success{.success = true};
  const smtp::OriginalRecipient original{.address_type = "rfc822", .address = "x"};
  const auto waiting = [](std::string address, std::optional<smtp::Notify> notify = {}, std::string forwarded_for = {}) {
    queue::Recipient r{.forward_path = std::move(address), .forwarded_for = std::move(forwarded_for)};
    r.options.notify = notify;
    return r;
  };
  std::vector<queue::Recipient> all{waiting("b@far.test"), waiting("b@FAR.test"), waiting("B@far.test"), waiting("b@far.test", {}, "team@example.test"),
                                    waiting("b@far.test", never), waiting("b@far.test", never), waiting("c@far.test"), waiting("b@far.test")};
  all.back().options.original_recipient = original;
  for (int i = 0; i < 2; ++i) {  // what is only told is told for each
    all.push_back(waiting("d@example.test", success));
    all.back().state = State::delivered;
  }
  drop_repeated(all);
  std::string left;
  for (const auto& r : all) left += r.forward_path + (r.options.notify ? "!" : "") + (r.options.original_recipient ? "? " : " ");
  EXPECT_EQ(left, "b@far.test B@far.test b@far.test! c@far.test b@far.test? d@example.test! d@example.test! ");
}

TEST(ForQueue, WhatIsHeldBackIsForNobodyYet) {
  EXPECT_EQ(shown(path({1, 2}, {"b@far.test"}, smtp::Notify{.success = true}), Here::nobody), "bob@example.test waiting S");
  EXPECT_EQ(shown(path({}, {"b@far.test"}), Here::nobody), "b@far.test<bob@example.test waiting");
}

}  // namespace
}  // namespace posthorn::intake
