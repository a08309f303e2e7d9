// THREAD's algorithms: the RFC's rules by hand, and at random against [RFC5256 3] written down step by step.
#include "server/imap/thread_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <map>
#include <memory>
#include <random>

#include "message/base_subject.h"
#include "server/imap/reference_links.h"

namespace posthorn::imap {
namespace {

struct Mail {
  std::uint64_t id = 0;
  std::vector<std::uint64_t> references;
  std::int64_t date = 0;
  std::string subject;
};
using Mails = std::vector<Mail>;

std::string text_of(const ThreadTree& tree) {
  std::vector<std::uint32_t> numbers;
  for (std::uint32_t i = 0; i < tree.messages; ++i) numbers.push_back(i + 1);
  ThreadWriter writer(tree, numbers);
  std::string out;
  for (std::size_t limit = 1; writer.write(out, limit);) limit = out.size() + 1;  // in as many pieces as there can be
  return out;
}

struct Columns {
  std::vector<std::int64_t> dates;
  std::vector<ThreadSubject> subjects;
};

Columns columns_of(const Mails& mails) {
  Columns out;
  std::map<std::string, std::uint32_t> numbers{{"", 0}};
  for (const auto& mail : mails) {
    ThreadSubject subject;
    const auto base = message::base_subject(mail.subject, &subject.is_reply_or_forward);
    subject.subject = numbers.try_emplace(base, static_cast<std::uint32_t>(numbers.size())).first->second;
    out.subjects.push_back(subject);
    out.dates.push_back(mail.date);
  }
  return out;
}

ThreadTree linked(const Mails& mails) {
  ReferenceLinks links(static_cast<std::uint32_t>(mails.size()));
  for (std::uint32_t i = 0; i < mails.size(); ++i) links.add(i, mails[i].id, mails[i].references);
  return links.tree();
}

std::string references(const Mails& mails) {
  const auto columns = columns_of(mails);
  auto tree = linked(mails);
  sort_siblings(tree, columns.dates);
  merge_subjects(tree, columns.subjects, columns.dates);
  return text_of(tree);
}

std::string refs(const Mails& mails) {
  auto tree = linked(mails);
  sort_by_latest(tree, columns_of(mails).dates);
  return text_of(tree);
}

std::string ordered_subject(const Mails& mails) {
  const auto columns = columns_of(mails);
  std::vector<std::uint32_t> subjects;
  for (const auto& subject : columns.subjects) subjects.push_back(subject.subject);
  return text_of(thread_by_subject(subjects, columns.dates));
}

TEST(ThreadTree, References) {
  struct Case {
    const char* why;
    Mails mails;
    const char* threads;
  };
  const Case cases[] = {
      {"nothing", {}, ""},
      {"a chain", {{1, {}, 1, "a"}, {2, {1}, 2, "b"}, {3, {1, 2}, 3, "c"}}, "(1 2 3)"},
      {"siblings by date", {{1, {}, 1, "a"}, {2, {1}, 3, "b"}, {3, {1}, 2, "c"}}, "(1 (3)(2))"},
      {"the parent comes later", {{2, {1}, 1, "a"}, {1, {}, 2, "a"}}, "(2 1)"},
      {"a missing parent of several", {{2, {1}, 1, "a"}, {3, {1}, 2, "b"}}, "((1)(2))"},
      {"a missing parent of one", {{2, {1}, 1, "a"}, {3, {9}, 2, "b"}}, "(1)(2)"},
      {"a missing one in the middle", {{1, {}, 1, "a"}, {3, {1, 2}, 2, "b"}, {4, {1, 2}, 3, "c"}}, "(1 (2)(3))"},
      {"missing below missing", {{3, {1, 2}, 1, "a"}, {4, {1, 5}, 2, "b"}}, "((1)(2))"},
      {"no ids", {{0, {}, 2, "a"}, {0, {}, 1, "b"}}, "(2)(1)"},
      {"the same id twice", {{1, {}, 1, "a"}, {1, {}, 2, "b"}, {2, {1}, 3, "c"}}, "(1 3)(2)"},
      {"a loop of two", {{1, {2}, 1, "a"}, {2, {1}, 2, "b"}}, "(2 1)"},
      {"refers to itself", {{1, {1}, 1, "a"}, {2, {1, 1}, 2, "b"}}, "(1 2)"},
      {"own references win over those of others", {{3, {2, 1}, 1, "a"}, {1, {}, 2, "b"}, {2, {}, 3, "c"}}, "(2 1)(3)"},
      {"same subject, no references", {{1, {}, 1, "a"}, {2, {}, 2, "Re: a"}}, "(1 2)"},
      {"the reply comes first", {{1, {}, 1, "Re: a"}, {2, {}, 2, "a"}}, "(2 1)"},
      {"both are no replies", {{1, {}, 1, "a"}, {2, {}, 2, "a"}}, "((1)(2))"},
      {"both are replies", {{1, {}, 1, "Re: a"}, {2, {}, 2, "Re: a"}}, "((1)(2))"},
      {"three of the same", {{1, {}, 1, "a"}, {2, {}, 2, "a"}, {3, {}, 3, "a"}}, "((1)(2)(3))"},
      {"into a dummy", {{2, {1}, 1, "a"}, {3, {1}, 2, "b"}, {4, {}, 3, "a"}}, "((1)(2)(3))"},
      {"two dummies", {{2, {1}, 1, "a"}, {3, {1}, 2, "b"}, {5, {4}, 3, "a"}, {6, {4}, 4, "c"}}, "((1)(2)(3)(4))"},
      {"empty subjects stay apart", {{1, {}, 1, ""}, {2, {}, 2, "Re:"}}, "(1)(2)"},
      {"only the subject of the thread counts", {{1, {}, 1, "a"}, {2, {1}, 2, "b"}, {3, {}, 3, "Re: b"}}, "(1 2)(3)"},
      {"the same date: by number", {{1, {}, 5, "a"}, {2, {}, 5, "b"}, {3, {1}, 5, ""}, {4, {1}, 5, ""}}, "(1 (3)(4))(2)"},
  };
  for (const auto& c : cases) EXPECT_EQ(references(c.mails), c.threads) << c.why;
}

TEST(ThreadTree, RefsAreByTheLatestDateAndLeaveSubjectsAlone) {
  EXPECT_EQ(refs({{1, {}, 1, "a"}, {2, {}, 2, "a"}, {3, {1}, 9, "Re: a"}}), "(2)(1 3)");
  EXPECT_EQ(refs({{2, {1}, 5, "a"}, {3, {1}, 2, "b"}, {4, {}, 4, "a"}}), "(3)((2)(1))");
}

// [RFC5256 3] The shape of the RFC's example: no grandchildren.
TEST(ThreadTree, OrderedSubject) {
  EXPECT_EQ(ordered_subject({{0, {}, 5, "b"}, {0, {}, 1, "a"}, {0, {}, 2, "Re: b"}, {0, {}, 3, "[x] b"}, {0, {}, 4, "fwd: a"}, {0, {}, 3, "c"}}),
            "(2 5)(3 (4)(1))(6)");
}

// --- The steps of [RFC5256 3] as they stand there, slow and plain.
class Plain {
 public:
  explicit Plain(const Mails& mails) : mails_(mails) {}

  std::string references() {
    step_1();
    step_2_and_3();
    step_4();
    step_5();
    sort_all();
    return put(root_);
  }
  std::string refs() {
    step_1();
    step_2_and_3();
    step_4();
    sort_all();
    root_.children.sort([&](Node* a, Node* b) { return std::pair(latest(*a), head(*a).message) < std::pair(latest(*b), head(*b).message); });
    return put(root_);
  }

 private:
  struct Node {
    int message = -1;
    Node* parent = nullptr;
    std::list<Node*> children;
  };

  Node* make() { return &nodes_.emplace_back(); }
  static void unlink(Node* n) {
    if (n->parent) n->parent->children.remove(n);
    n->parent = nullptr;
  }
  static void link(Node* parent, Node* child) {
    for (auto* n = parent; n; n = n->parent)
      if (n == child) return;
    child->parent = parent;
    parent->children.push_back(child);
  }
  Node* of_id(std::uint64_t id) {
    auto& node = by_id_[id];
    if (!node) node = make();
    return node;
  }

  void step_1() {
    std::map<std::uint64_t, std::size_t> first;
    for (std::size_t i = 0; i < mails_.size(); ++i)
      if (mails_[i].id) first.try_emplace(mails_[i].id, i);
    std::vector<Node*> nodes;
    for (std::size_t i = 0; i < mails_.size(); ++i) {
      nodes.push_back(mails_[i].id && first[mails_[i].id] == i ? of_id(mails_[i].id) : make());
      nodes.back()->message = static_cast<int>(i);
    }
    for (std::size_t i = 0; i < mails_.size(); ++i) {
      const auto& refs = mails_[i].references;
      for (std::size_t r = 0; r + 1 < refs.size(); ++r)
        if (!of_id(refs[r + 1])->parent) link(of_id(refs[r]), of_id(refs[r + 1]));
      unlink(nodes[i]);
      if (!refs.empty()) link(of_id(refs.back()), nodes[i]);
    }
  }

  void step_2_and_3() {
    for (auto& node : nodes_)
      if (!node.parent) root_.children.push_back(&node);
    for (auto* node : root_.children) node->parent = &root_;
    prune(root_);
  }
  void prune(Node& node) {
    const auto children = node.children;
    for (auto* child : children) {
      prune(*child);
      if (child->message >= 0) continue;
      if (child->children.empty()) {
        unlink(child);
      } else if (&node != &root_ || child->children.size() == 1) {
        const auto promoted = child->children;
        unlink(child);
        for (auto* c : promoted) {
          c->parent = &node;
          node.children.push_back(c);
        }
      }
    }
  }

  const Node& head(const Node& node) const { return node.message >= 0 ? node : *node.children.front(); }
  std::int64_t date(const Node& node) const { return mails_[static_cast<std::size_t>(head(node).message)].date; }
  void sort_children(Node& node) {
    node.children.sort([&](Node* a, Node* b) { return std::pair(date(*a), head(*a).message) < std::pair(date(*b), head(*b).message); });
  }
  void sort_all() { sort_below(root_); }
  void sort_below(Node& node) {
    for (auto* child : node.children) sort_below(*child);
    sort_children(node);
  }
  void step_4() {
    for (auto* child : root_.children)
      if (child->message < 0) sort_children(*child);
    sort_children(root_);
  }
  std::string subject(const Node& node, bool* reply) const {
    return message::base_subject(mails_[static_cast<std::size_t>(head(node).message)].subject, reply);
  }
  bool is_reply(const Node& node) const {
    bool reply = false;
    if (node.message >= 0) subject(node, &reply);
    return reply;
  }
  void step_5() {
    std::map<std::string, Node*> table;
    std::map<Node*, std::string> subjects;
    for (auto* node : root_.children) subjects[node] = subject(*node, nullptr);
    for (auto* node : root_.children) {
      if (subjects[node].empty()) continue;
      auto& entry = table[subjects[node]];
      if (!entry) entry = node;
      else if (entry->message >= 0 && (node->message < 0 || (is_reply(*entry) && !is_reply(*node)))) entry = node;
    }
    const auto roots = root_.children;
    for (auto* node : roots) {
      if (subjects[node].empty() || node->parent != &root_) continue;
      auto& entry = table[subjects[node]];
      if (entry == node) continue;
      if (node->message < 0 && entry->message < 0) {
        for (auto* child : node->children) {
          child->parent = entry;
          entry->children.push_back(child);
        }
        node->children.clear();
        unlink(node);
      } else if (entry->message < 0 || (is_reply(*node) && !is_reply(*entry))) {
        unlink(node);
        link(entry, node);
      } else {
        auto* dummy = make();
        unlink(node);
        unlink(entry);
        link(dummy, node);
        link(dummy, entry);
        link(&root_, dummy);
        entry = dummy;
      }
    }
  }

  std::int64_t latest(const Node& node) const {
    auto out = date(node);
    for (const auto* child : node.children) out = std::max(out, latest(*child));
    return out;
  }
  std::string put(const Node& node) const {
    std::string out;
    for (const auto* child : node.children) {
      out += "(";
      const auto* at = child;
      if (at->message >= 0) out += std::to_string(at->message + 1);
      while (at->children.size() == 1) {
        at = at->children.front();
        out += " " + std::to_string(at->message + 1);
      }
      if (!at->children.empty()) out += (at->message >= 0 ? " " : "") + put(*at);
      out += ")";
    }
    return out;
  }

  const Mails& mails_;
  std::list<Node> nodes_;
  std::map<std::uint64_t, Node*> by_id_;
  Node root_;
};

Mails random_mails(std::mt19937& random) {
  const auto upto = [&](std::uint32_t n) { return random() % n; };
  Mails mails(upto(14));
  const auto ids = 1 + upto(16);
  for (auto& mail : mails) {
    mail.id = upto(ids);  // 0 now and then, and the same ones
    for (auto n = upto(5); n > 0; --n) mail.references.push_back(1 + upto(ids));
    mail.date = upto(6);
    constexpr const char* kStart[] = {"", "", "Re: ", "Fwd: "};
    constexpr const char* kBase[] = {"", "a", "b", "c", "d", "e"};
    mail.subject = std::string(kStart[upto(4)]) + kBase[upto(6)];
  }
  return mails;
}

std::string described(const Mails& mails) {
  std::string out;
  for (const auto& mail : mails) {
    out += "id " + std::to_string(mail.id) + " refs";
    for (const auto r : mail.references) out += " " + std::to_string(r);
    out += " date " + std::to_string(mail.date) + " " + mail.subject + "\n";
  }
  return out;
}

TEST(ThreadTree, AsTheStandardSaysAtRandom) {
  std::mt19937 random(5256);
  for (int i = 0; i < 30'000; ++i) {
    const auto mails = random_mails(random);
    ASSERT_EQ(references(mails), Plain(mails).references()) << described(mails);
    ASSERT_EQ(refs(mails), Plain(mails).refs()) << described(mails);
  }
}

// Neither depth nor hostile references cost more than bounded time and memory, nor recursion.
TEST(ThreadTree, DeepAndHostile) {
  constexpr std::uint64_t kCount = 100'000;
  Mails chain, star, fan;
  for (std::uint64_t i = 1; i <= kCount; ++i) {
    chain.push_back({i, {i - 1}, static_cast<std::int64_t>(i), ""});
    // Every one has a child already when it is hung below the deep end of the chain.
    star.push_back({i, {i + kCount, i + 1, i}, 0, ""});
    fan.push_back({i, {i * 3 + kCount, i * 5 + kCount, i * 7 + kCount}, 0, "a"});
  }
  chain.front().references.clear();
  const auto text = references(chain);
  EXPECT_TRUE(text.starts_with("(1 2 3 4 "));
  EXPECT_TRUE(text.ends_with(" 100000)"));
  for (auto& mail : chain) mail.id = kCount + 1 - mail.id, mail.references = {mail.id + 1};
  references(chain);
  references(star);
  references(fan);
}

}  // namespace
}  // namespace posthorn::imap
