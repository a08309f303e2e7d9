#include "queue/rows.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace posthorn::queue {
namespace {

SysTime at(std::int64_t ms) { return SysTime(std::chrono::milliseconds(ms)); }

Entry full_entry() {
  Entry e;
  e.reverse_path = "ann@example.test";
  e.options = {.body = smtp::Body::binary_mime, .smtp_utf8 = true, .require_tls = true, .tls_optional = true, .ret = smtp::Return::headers, .envelope_id = "",
               .deliver_by = DeliverBy{at(5000), false, true}, .hold_until = at(77), .priority = -9};
  e.origin = {AccountId(7), "192.0.2.1", "mail.example.test", "ESMTPSA", true};
  e.arrival = at(1'800'000'000'123);
  e.size = 1ull << 40;
  e.received = 3;
  e.prefix = 35;
  e.recipients = 100'000;
  e.groups = 1000;
  e.shared = true;
  return e;
}

Group full_group() {
  Group g{.due = at(9), .tried = at(8), .attempts = 5, .destination = "example.org", .held = true, .recipients = {}};
  const Answer said{450, {4, 2, 0}, "try later", "mx.example.org[192.0.2.9]", at(8)};
  for (auto state : {State::waiting, State::delivered, State::removed}) {
    Recipient r;
    r.forward_path = "bob@example.org";
    r.forwarded_for = "list@example.test";
    r.options.notify = smtp::Notify{.success = true, .delay = true};
    r.options.original_recipient = smtp::OriginalRecipient{"rfc822", "Bob@example.org"};
    r.state = state;
    r.owed = state == State::delivered;
    r.warned = state == State::waiting;
    r.last = said;
    g.recipients.push_back(r);
  }
  g.recipients.push_back({.forward_path = "plain@example.org"});
  return g;
}

TEST(QueueRows, ComeBackAsTheyWere) {
  for (const Entry& e : {full_entry(), Entry{}}) EXPECT_EQ(decode_entry(encode(e)).value(), e);
  EXPECT_EQ(decode_group(encode(full_group())).value(), full_group());
  const DueRow due{true, at(5), 9, "example.org"};
  EXPECT_EQ(decode_due(encode(due)).value(), due);
  EXPECT_EQ(decode_mark(encode_mark(at(6))).value(), at(6));
  const StateRow state{at(1), true, 2, 3, 4, 5};
  EXPECT_EQ(decode_state(encode(state)).value(), state);
}

TEST(QueueRows, OneAnswerForManyIsWrittenOnce) {
  Group g = full_group();
  const auto size = encode(g).size();
  for (int i = 0; i < 10; ++i) g.recipients.push_back(g.recipients[0]);
  EXPECT_LT(encode(g).size(), size + 10 * 75);
  EXPECT_EQ(decode_group(encode(g)).value(), g);
}

// Cut anywhere, or with more behind it, a row is refused.
TEST(QueueRows, DamageIsSeen) {
  const std::string entry = encode(full_entry()), group = encode(full_group());
  for (std::size_t i = 0; i < entry.size(); ++i) EXPECT_FALSE(decode_entry(entry.substr(0, i))) << i;
  for (std::size_t i = 0; i < group.size(); ++i) EXPECT_FALSE(decode_group(group.substr(0, i))) << i;
  EXPECT_FALSE(decode_entry(entry + "x"));
  EXPECT_FALSE(decode_group(group + "x"));
  EXPECT_FALSE(decode_due(""));
  EXPECT_FALSE(decode_state("\x02"));
}

TEST(QueueRows, KeysAreRead) {
  const GroupId id{EntryId(0x0102030405060708), 9};
  EXPECT_EQ(read_entry_key(entry_key(id.entry))->group, std::nullopt);
  EXPECT_EQ(read_entry_key(group_key(id))->group, 9u);
  EXPECT_EQ(read_due_key(due_key(at(1), id))->group, id);
  EXPECT_EQ(read_due_key(backlog_mark_key(at(7), "example.org"))->destination, "example.org");
  EXPECT_EQ(read_due_key(backlog_mark_key(at(7), "abcd"))->group, std::nullopt);  // as long as that of a group
  for (int priority : {-9, 0, 9}) {
    const std::string key = backlog_key("example.org", priority, at(5), id);
    const auto read = read_backlog_key(key);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->destination, "example.org");
    EXPECT_EQ(read->priority, priority);
    EXPECT_EQ(read->due, at(5));
    EXPECT_EQ(read->group, id);
  }
  EXPECT_EQ(read_held_key(held_key(id)), id);
  for (std::string_view bad : {"", "x", "e", "d", "b", "h", "b\0", "example"}) {
    EXPECT_FALSE(read_entry_key(bad));
    EXPECT_FALSE(read_due_key(bad));
    EXPECT_FALSE(read_backlog_key(bad));
    EXPECT_FALSE(read_held_key(bad));
  }
}

TEST(QueueRows, KeysAreInTheOrderOfWork) {
  const GroupId a{EntryId(5), 0}, b{EntryId(5), 1}, c{EntryId(6), 0};
  const std::vector<std::string> sorted = {
      // The priority first, then the time; destinations do not mix.
      backlog_from("a"), backlog_key("a", 9, at(9), a), backlog_key("a", 0, at(3), c), backlog_key("a", 0, at(4), a),
      backlog_key("a", -9, at(1), a), backlog_behind("a"), backlog_from("a.b"), backlog_key("a.b", 0, at(1), a),
      // Times.
      due_from(at(3)), backlog_mark_key(at(3), "z"), due_key(at(3), a), due_key(at(3), b), due_key(at(3), c), due_from(at(4)),
      due_key(at(0x100), a),
      // An entry and its groups stand together.
      entry_key(a.entry), group_key(a), group_key(b), after_entry_key(a.entry), group_key(c)};
  EXPECT_TRUE(std::ranges::is_sorted(sorted));
}

}  // namespace
}  // namespace posthorn::queue
