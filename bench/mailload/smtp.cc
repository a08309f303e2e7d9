#include "smtp.h"

#include <cstdlib>

#include "messages.h"

namespace mailload {

Task<void> connect_to(Conn& c, const string& host, int port, bool tls) {
  c.open_tcp(host, port);
  co_await c.op(Conn::CONNECT);
  if (tls) {
    c.start_tls();
    co_await c.op(Conn::HANDSHAKE);
  }
}
Task<int> smtp_reply(Conn& c, int want, const char* what) {
  int code = 0;
  for (;;) {
    string_view l = co_await c.line();
    if (l.size() < 3) throw Bad(string(what) + ": short reply");
    code = atoi(string(l.substr(0, 3)).c_str());
    if (l.size() > 3 && l[3] == '-') continue;
    if (want && code / 100 != want) throw Bad(string(what) + ": " + string(l));
    break;
  }
  co_return code;
}
Task<void> smtp_hello(Conn& c, bool lmtp, bool starttls, bool auth, int64_t user) {
  co_await smtp_reply(c, 2, "banner");
  const string hello = lmtp ? "LHLO load.test\r\n" : "EHLO load.test\r\n";
  c.out += hello;
  co_await c.flush();
  co_await smtp_reply(c, 2, "ehlo");
  if (starttls) {
    c.out += "STARTTLS\r\n";
    co_await c.flush();
    co_await smtp_reply(c, 2, "starttls");
    c.start_tls();
    co_await c.op(Conn::HANDSHAKE);
    c.out += hello;
    co_await c.flush();
    co_await smtp_reply(c, 2, "ehlo2");
  }
  if (auth) {
    string u = O.auth_user.empty() ? login_name(user) : O.auth_user;
    c.out += "AUTH PLAIN " + b64(string("\0", 1) + u + string("\0", 1) + O.pass) + "\r\n";
    co_await c.flush();
    co_await smtp_reply(c, 2, "auth");
  }
}

Task<void> smtp_send(Conn& c, int64_t n, bool lmtp, bool pipeline, bool quit_after, int64_t fixed_user,
                     int64_t* t_dot) {
  const string mf = "MAIL FROM:<" + O.from + ">\r\n";
  int R = fixed_user >= 0 ? 1 : O.rcpts;
  auto user = [&](int j) { return fixed_user >= 0 ? fixed_user : (n * O.rcpts + j) % O.users; };
  string rcpts;
  for (int j = 0; j < R; j++) rcpts += "RCPT TO:<" + rcpt_addr(user(j)) + ">\r\n";
  const string to0 = rcpt_addr(user(0));
  if (O.bdat) {
    string m;
    append_message(m, n, to0, false);
    c.out += mf;
    c.out += rcpts;
    c.out += "BDAT " + std::to_string(m.size()) + " LAST\r\n";
    c.out += m;
    if (quit_after) c.out += "QUIT\r\n";
    co_await c.flush();
    if (t_dot) *t_dot = now_ns();
    co_await smtp_reply(c, 2, "mail");
    for (int j = 0; j < R; j++) co_await smtp_reply(c, 2, "rcpt");
  } else {
    if (pipeline) {
      c.out += mf;
      c.out += rcpts;
      c.out += "DATA\r\n";
      co_await c.flush();
      co_await smtp_reply(c, 2, "mail");
      for (int j = 0; j < R; j++) co_await smtp_reply(c, 2, "rcpt");
      co_await smtp_reply(c, 3, "data");
    } else {
      c.out += mf;
      co_await c.flush();
      co_await smtp_reply(c, 2, "mail");
      for (int j = 0; j < R; j++) {
        c.out += "RCPT TO:<" + rcpt_addr(user(j)) + ">\r\n";
        co_await c.flush();
        co_await smtp_reply(c, 2, "rcpt");
      }
      c.out += "DATA\r\n";
      co_await c.flush();
      co_await smtp_reply(c, 3, "data");
    }
    append_message(c.out, n, to0, true);
    c.out += ".\r\n";
    if (quit_after) c.out += "QUIT\r\n";
    co_await c.flush();
    if (t_dot) *t_dot = now_ns();
  }
  if (lmtp) {
    for (int j = 0; j < R; j++) {
      co_await smtp_reply(c, 2, "lmtp final");
      g_sent[size_t(user(j))]++;
    }
  } else {
    co_await smtp_reply(c, 2, "final");
    for (int j = 0; j < R; j++) g_sent[size_t(user(j))]++;
  }
}
Task<void> smtp_worker(int idx) {
  Stats& st = L->st;
  int64_t n = take();
  while (n >= 0) {
    bool inflight = true;
    try {
      int64_t t0 = now_ns();
      CP c;
      co_await connect_to(*c, O.host, O.port, O.tls);
      co_await smtp_hello(*c, O.lmtp, O.starttls, O.auth, idx);
      st.add("hello", now_ns() - t0);
      for (int k = 0;;) {
        k++;
        bool last = O.per_conn && k >= O.per_conn;
        int64_t ts = O.per_conn == 1 ? t0 : now_ns();
        bool q = last && (O.pipeline || O.bdat);
        co_await smtp_send(*c, n, O.lmtp, O.pipeline, q);
        int64_t te = now_ns();
        st.add("msg", te - ts);
        st.cnt["ok"]++;
        inflight = false;
        n = take();
        if (n < 0 || last) {
          if (!q) {
            c->out += "QUIT\r\n";
            co_await c->flush();
          }
          co_await smtp_reply(*c, 2, "quit");
          break;
        }
        inflight = true;
        co_await Yield{};
      }
    } catch (const std::exception& e) {
      st.err(e.what());
      if (inflight) n = take();
    }
  }
}
Task<void> smtp_conn_worker(int) {
  Stats& st = L->st;
  for (int64_t n; (n = take()) >= 0;) {
    try {
      int64_t t0 = now_ns();
      CP c;
      co_await connect_to(*c, O.host, O.port, O.tls);
      co_await smtp_hello(*c, O.lmtp, O.starttls, O.auth, n % O.users);
      st.add("hello", now_ns() - t0);
      c->out += "QUIT\r\n";
      co_await c->flush();
      co_await smtp_reply(*c, 2, "quit");
      st.cnt["ok"]++;
    } catch (const std::exception& e) {
      st.err(e.what());
    }
  }
}

}  // namespace mailload
