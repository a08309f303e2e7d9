#include <algorithm>
#include <cstdlib>
#include <vector>

#include "imap.h"
#include "messages.h"
#include "modes.h"
#include "smtp.h"

namespace mailload {

Task<void> idle_opener(Held* held) {
  Stats& st = L->st;
  for (int64_t n; (n = take()) >= 0;) {
    try {
      int64_t t0 = now_ns();
      auto c = std::make_unique<CP>();
      co_await imap_login(**c, O.host, O.port, n % O.users, O.tls, O.starttls);
      Resp s;
      const string q = "SELECT " + O.mailbox;
      co_await imap_ok(**c, q, s);
      const string tag = new_tag(**c);
      (*c)->out += tag + " IDLE\r\n";
      co_await (*c)->flush();
      Resp i;
      co_await imap_read(**c, tag, i);
      if (i.status != "+") throw Bad("idle: " + i.status);
      st.add("open", now_ns() - t0);
      st.cnt["ok"]++;
      held->push_back(std::move(c));
    } catch (const std::exception& e) {
      st.err(e.what());
    }
  }
}
Task<void> idle_done(Held* held, size_t from, size_t step) {
  Stats& st = L->st;
  for (size_t i = from; i < held->size(); i += step) {
    try {
      Conn& c = **(*held)[i];
      const string tag = "a" + std::to_string(c.tagno);
      c.out += "DONE\r\n";
      co_await c.flush();
      Resp r;
      co_await imap_read(c, tag, r);
      if (r.status != "OK") throw Bad("done: " + r.status);
      co_await imap_logout(c);
      st.cnt["closed"]++;
    } catch (const std::exception& e) {
      st.err(string("close: ") + e.what());
    }
  }
}

struct Note {
  int64_t exists = 0, t = 0;
  bool ready = false;
};
static std::vector<Note> g_note;
static int g_ready = 0;
void prepare_notify(int listeners) { g_note.resize(size_t(listeners)); }

// Listener i watches the mailbox of user i, or of the first user.
static int64_t user_of(int64_t i) { return O.same_user ? 0 : i % O.users; }

Task<void> listener(int u) {
  try {
    co_await Sleep{u * 0.0005};  // many at a time would only wait for each other
    CP c;
    co_await imap_login(*c, O.host, O.imap_port, user_of(u), O.tls, false);
    Resp s;
    const string q = "SELECT " + O.mailbox;
    co_await imap_ok(*c, q, s);
    g_note[size_t(u)].exists = s.exists;
    const string tag = new_tag(*c);
    c->out += tag + " IDLE\r\n";
    co_await c->flush();
    Resp i;
    co_await imap_read(*c, tag, i);
    if (i.status != "+") throw Bad("idle refused");
    g_ready++;
    while (!g_stop) {
      string_view l;
      try {
        l = co_await c->line(5.0);
      } catch (const Bad& e) {
        if (string(e.what()) == "timeout") {
          c->err.clear();
          continue;
        }
        throw;
      }
      if (starts(l, "* ") && l.size() > 7 && l.substr(l.size() - 6) == "EXISTS") {
        g_note[size_t(u)].t = now_ns();
        g_note[size_t(u)].exists = atoll(string(l.substr(2)).c_str());
      }
    }
  } catch (const std::exception& e) {
    g_ready++;
    L->st.err(string("listener: ") + e.what());
  }
}
Task<void> notify_sender() {
  Stats& st = L->st;
  while (g_ready < O.conns) co_await Sleep{0.01};
  co_await Sleep{0.3};
  try {
    CP c;
    co_await connect_to(*c, O.host, O.port, false);
    co_await smtp_hello(*c, O.lmtp, false, false, 0);
    for (int64_t n; (n = take()) >= 0;) {
      // The latest of those who watch the mailbox counts.
      const int64_t user = user_of(n % O.conns);
      std::vector<size_t> watchers;
      for (size_t i = 0; i < g_note.size(); i++)
        if (user_of(int64_t(i)) == user) watchers.push_back(i);
      std::vector<int64_t> before;
      for (size_t i : watchers) before.push_back(g_note[i].exists);
      int64_t dot = 0;
      co_await smtp_send(*c, n, O.lmtp, true, false, int(user), &dot);
      int64_t t250 = now_ns();
      st.add("dot_to_250", t250 - dot);
      int64_t until = t250 + int64_t(30e9), last = 0;
      size_t told = 0;
      while (told < watchers.size() && now_ns() < until) {
        for (; told < watchers.size() && g_note[watchers[told]].exists > before[told]; told++)
          last = std::max(last, g_note[watchers[told]].t);
        if (told < watchers.size()) co_await Sleep{0.0005};
      }
      if (told < watchers.size()) {
        st.err("no EXISTS within 30 s");
        continue;
      }
      st.add("from_250", last - t250);
      st.add("from_dot", last - dot);
      st.cnt["ok"]++;
      if (O.gap_ms > 0) co_await Sleep{O.gap_ms / 1000};
    }
    c->out += "QUIT\r\n";
    co_await c->flush();
    co_await smtp_reply(*c, 2, "quit");
  } catch (const std::exception& e) {
    st.err(e.what());
  }
  g_stop = true;
}

}  // namespace mailload
