#include <cstdio>

#include "imap.h"
#include "messages.h"
#include "modes.h"
#include "smtp.h"

namespace mailload {

static Task<string> pop_ok(Conn& c, const char* what) {
  string_view l = co_await c.line();
  if (!starts(l, "+OK")) throw Bad(string(what) + ": " + string(l.substr(0, 60)));
  string s(l);
  co_return s;
}
static Task<int64_t> pop_list(Conn& c) {
  int64_t n = 0;
  for (;;) {
    string_view l = co_await c.line();
    if (l == ".") break;
    n++;
  }
  co_return n;
}
static Task<void> pop_auth(Conn& c, int64_t user) {
  co_await connect_to(c, O.host, O.port, O.tls);
  co_await pop_ok(c, "banner");
  if (O.starttls) {
    c.out += "STLS\r\n";
    co_await c.flush();
    co_await pop_ok(c, "stls");
    c.start_tls();
    co_await c.op(Conn::HANDSHAKE);
  }
  c.out += "USER " + login_name(user) + "\r\n";
  co_await c.flush();
  co_await pop_ok(c, "user");
  c.out += "PASS " + O.pass + "\r\n";
  co_await c.flush();
  co_await pop_ok(c, "pass");
}
Task<void> pop3_worker(int) {
  Stats& st = L->st;
  for (int64_t n; (n = take()) >= 0;) {
    try {
      int64_t t0 = now_ns();
      CP c;
      co_await pop_auth(*c, n % O.users);
      st.add("login", now_ns() - t0);
      c->out += "STAT\r\n";
      co_await c->flush();
      string s = co_await pop_ok(*c, "stat");
      int64_t cnt = 0, oct = 0;
      sscanf(s.c_str(), "+OK %ld %ld", &cnt, &oct);
      c->out += "LIST\r\n";
      co_await c->flush();
      co_await pop_ok(*c, "list");
      int64_t l1 = co_await pop_list(*c);
      c->out += "UIDL\r\n";
      co_await c->flush();
      co_await pop_ok(*c, "uidl");
      int64_t l2 = co_await pop_list(*c);
      if (l1 != cnt || l2 != cnt) st.err("pop3 LIST/UIDL count differs from STAT");
      int64_t tr = now_ns();
      int64_t got = 0, asked = 0;
      const int64_t window = O.pipeline ? 32 : 1;
      while (got < cnt) {
        while (asked < cnt && asked - got < window) c->out += "RETR " + std::to_string(++asked) + "\r\n";
        co_await c->flush();
        co_await pop_ok(*c, "retr");
        string body;
        for (;;) {
          string_view l = co_await c->line();
          if (l == ".") break;
          int64_t add = int64_t(l.size()) + 2;
          if (!l.empty() && l[0] == '.') add--;
          got += 0;
          oct -= add;
          st.cnt["octets"] += add;
          if (O.check) {
            body.append(!l.empty() && l[0] == '.' ? l.substr(1) : l);
            body += "\r\n";
          }
        }
        if (O.check && !check_message(body)) st.err("pop3 checksum");
        got++;
        st.cnt["retr"]++;
        if (got % 32 == 0) co_await Yield{};
      }
      if (oct != 0) st.err("pop3 octets differ from STAT");
      st.add("retr_all", now_ns() - tr);
      if (O.dele) {
        for (int64_t i = 1; i <= cnt; i++) c->out += "DELE " + std::to_string(i) + "\r\n";
        co_await c->flush();
        for (int64_t i = 1; i <= cnt; i++) co_await pop_ok(*c, "dele");
      }
      c->out += "QUIT\r\n";
      co_await c->flush();
      co_await pop_ok(*c, "quit");
      st.add("session", now_ns() - t0);
      st.cnt["ok"]++;
    } catch (const std::exception& e) {
      st.err(e.what());
    }
  }
}
Task<void> login_worker(int, bool pop) {
  Stats& st = L->st;
  for (int64_t n; (n = take()) >= 0;) {
    try {
      int64_t t0 = now_ns();
      CP c;
      if (pop) {
        co_await pop_auth(*c, n % O.users);
        st.add("login", now_ns() - t0);
        c->out += "QUIT\r\n";
        co_await c->flush();
        co_await pop_ok(*c, "quit");
      } else {
        co_await imap_login(*c, O.host, O.port, n % O.users, O.tls, O.starttls);
        st.add("login", now_ns() - t0);
        co_await imap_logout(*c);
      }
      st.cnt["ok"]++;
    } catch (const std::exception& e) {
      st.err(e.what());
    }
  }
}

}  // namespace mailload
