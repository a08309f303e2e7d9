#include "verify.h"

#include "imap.h"
#include "messages.h"

namespace mailload {

std::vector<VConn> g_v;
Task<void> verify_open(int from, int step) {
  for (int u = from; u < O.users; u += step) {
    try {
      auto c = std::make_unique<CP>();
      co_await imap_login(**c, O.verify_host, O.verify_port, u, false, false);
      const string q = "STATUS " + O.mailbox + " (MESSAGES)";
      Resp r;
      co_await imap_ok(**c, q, r);
      g_v[size_t(u)].before = r.status_messages;
      g_v[size_t(u)].c = std::move(c);
    } catch (const std::exception& e) {
      L->st.err(string("verify open: ") + e.what());
    }
  }
}
Task<void> verify_poll(int from, int step, int64_t until) {
  for (int u = from; u < O.users; u += step) {
    auto& v = g_v[size_t(u)];
    if (!v.c || g_sent[size_t(u)] == 0) {
      v.after = v.before;
      continue;
    }
    try {
      const string q = "STATUS " + O.mailbox + " (MESSAGES)";
      for (;;) {
        Resp r;
        co_await imap_ok(**v.c, q, r);
        v.after = r.status_messages;
        if (v.after - v.before >= g_sent[size_t(u)] || now_ns() > until) break;
        co_await Sleep{0.02};
      }
    } catch (const std::exception& e) {
      L->st.err(string("verify: ") + e.what());
    }
  }
}
Task<void> verify_close(int from, int step) {
  for (int u = from; u < O.users; u += step) {
    auto& v = g_v[size_t(u)];
    if (!v.c) continue;
    try {
      co_await imap_logout(**v.c);
    } catch (const std::exception&) {
    }
    v.c.reset();
  }
}

}  // namespace mailload
