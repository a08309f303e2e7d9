#include <algorithm>
#include <random>

#include "imap.h"
#include "messages.h"
#include "modes.h"

namespace mailload {

Task<void> append_worker(int idx) {
  Stats& st = L->st;
  int64_t n = take();
  int64_t user = O.same_user ? 0 : idx % O.users;
  while (n >= 0) {
    try {
      CP c;
      co_await imap_login(*c, O.host, O.port, user, O.tls, O.starttls);
      while (n >= 0) {
        int64_t t0 = now_ns();
        const string tag = new_tag(*c);
        c->out += tag + " APPEND " + O.mailbox;
        int k = 0;
        for (; k < O.multiappend && n >= 0; k++) {
          string m;
          append_message(m, n, rcpt_addr(user), false);
          const char* fl = n % 3 == 0 ? " (\\Seen)" : n % 50 == 7 ? " (\\Flagged)" : "";
          c->out += string(fl) + " {" + std::to_string(m.size()) + "+}\r\n";
          c->out += m;
          if (k + 1 < O.multiappend) n = take();
        }
        c->out += "\r\n";
        co_await c->flush();
        Resp r;
        co_await imap_read(*c, tag, r);
        if (r.status != "OK") throw Bad("APPEND: " + r.status + " " + r.text);
        g_sent[size_t(user)] += k;
        st.cnt["ok"] += k;
        st.add("append", now_ns() - t0);
        if (O.multiappend == 1 || n >= 0) n = take();
        co_await Yield{};
      }
      co_await imap_logout(*c);
    } catch (const std::exception& e) {
      st.err(e.what());
      n = take();
    }
  }
}

Task<void> mixed_worker(int idx) {
  Stats& st = L->st;
  std::mt19937 rng{unsigned(idx) * 7919u + 1};
  int64_t end = now_ns() + int64_t(O.seconds * 1e9);
  int64_t sess = idx;
  while (now_ns() < end) {
    try {
      int64_t ts = now_ns(), t0 = ts;
      CP c;
      co_await imap_login(*c, O.host, O.port, sess % O.users, O.tls, O.starttls);
      sess += O.conns;
      st.add("login", now_ns() - t0);
      Resp sel;
      t0 = now_ns();
      const string q1 = "SELECT " + O.mailbox;
      co_await imap_ok(*c, q1, sel);
      st.add("select", now_ns() - t0);
      st.cnt["ops"] += 2;
      if (sel.exists > 0) {
        Resp f;
        t0 = now_ns();
        int64_t lo = std::max<int64_t>(1, sel.exists - 19);
        const string q2 = "FETCH " + std::to_string(lo) + ":* (UID FLAGS RFC822.SIZE INTERNALDATE ENVELOPE)";
        co_await imap_ok(*c, q2, f, true);
        st.add("list", now_ns() - t0);
        st.cnt["ops"]++;
        if (f.rows < sel.exists - lo + 1) st.err("mixed: list rows short");
        for (int k = 0; k < 3 && !f.uids.empty(); k++) {
          uint32_t u = f.uids[rng() % f.uids.size()];
          Resp b;
          t0 = now_ns();
          const string q3 = "UID FETCH " + std::to_string(u) + " (BODY.PEEK[])";
          co_await imap_ok(*c, q3, b);
          st.add("body", now_ns() - t0);
          if (b.rows < 1 || b.literal_bytes < 10) st.err("mixed: no body");
          Resp w;
          t0 = now_ns();
          const string q4 = "UID STORE " + std::to_string(u) + (rng() % 2 ? " +" : " -") + "FLAGS (\\Seen)";
          co_await imap_ok(*c, q4, w);
          st.add("store", now_ns() - t0);
          st.cnt["ops"] += 2;
        }
      }
      {
        const string tag = new_tag(*c);
        t0 = now_ns();
        c->out += tag + " IDLE\r\n";
        co_await c->flush();
        Resp i;
        co_await imap_read(*c, tag, i);
        if (i.status != "+") throw Bad("idle: " + i.status);
        if (O.think_ms > 0) co_await Sleep{O.think_ms / 1000};
        c->out += "DONE\r\n";
        co_await c->flush();
        Resp d;
        co_await imap_read(*c, tag, d);
        if (d.status != "OK") throw Bad("idle done: " + d.status);
        st.add("idle", now_ns() - t0);
      }
      Resp n;
      t0 = now_ns();
      const string q5 = "NOOP";
      co_await imap_ok(*c, q5, n);
      st.add("noop", now_ns() - t0);
      co_await imap_logout(*c);
      st.cnt["ops"] += 3;
      st.cnt["ok"]++;
      st.add("session", now_ns() - ts);
      continue;
    } catch (const std::exception& e) {
      st.err(e.what());
    }
    co_await Sleep{0.01};
  }
}

}  // namespace mailload
