#include "imap.h"

#include <algorithm>
#include <cstdlib>

#include "messages.h"
#include "smtp.h"

namespace mailload {

bool starts(string_view a, string_view p) { return a.substr(0, p.size()) == p; }
static int64_t lit_len(string_view l) {
  if (l.empty() || l.back() != '}') return -1;
  size_t p = l.rfind('{');
  if (p == string_view::npos) return -1;
  int64_t v = 0;
  for (size_t i = p + 1; i + 1 < l.size(); i++) {
    if (l[i] == '+') continue;
    if (l[i] < '0' || l[i] > '9') return -1;
    v = v * 10 + (l[i] - '0');
  }
  return v;
}
static int64_t count_numbers(string_view s) {
  int64_t n = 0;
  bool in = false;
  for (char ch : s) {
    bool d = ch >= '0' && ch <= '9';
    if (d && !in) n++;
    in = d;
  }
  return n;
}
Task<void> imap_read(Conn& c, const string& tag, Resp& r, bool collect) {
  int64_t rx0 = c.rx;
  for (;;) {
    string_view l = co_await c.line();
    if (starts(l, "* ")) {
      string_view x = l.substr(2);
      if (!x.empty() && x[0] >= '0' && x[0] <= '9') {
        size_t i = 0;
        int64_t v = 0;
        while (i < x.size() && x[i] >= '0' && x[i] <= '9') v = v * 10 + (x[i++] - '0');
        string_view k = x.substr(std::min(i + 1, x.size()));
        if (starts(k, "FETCH")) {
          r.rows++;
          if (collect) {
            size_t u = k.find("UID ");
            if (u != string_view::npos)
              r.uids.push_back(uint32_t(strtoul(string(k.substr(u + 4, 11)).c_str(), nullptr, 10)));
          }
        } else if (starts(k, "EXISTS"))
          r.exists = v;
        else if (starts(k, "EXPUNGE") && r.exists > 0)
          r.exists--;
      } else if (starts(x, "SEARCH") || starts(x, "SORT") || starts(x, "THREAD")) {
        r.found = count_numbers(x);
      } else if (starts(x, "ESEARCH")) {
        size_t p = x.find("COUNT ");
        r.found = p == string_view::npos ? 0 : atoll(string(x.substr(p + 6, 12)).c_str());
      } else if (starts(x, "STATUS")) {
        size_t p = x.find("MESSAGES ");
        if (p != string_view::npos) r.status_messages = atoll(string(x.substr(p + 9, 12)).c_str());
      } else if (starts(x, "CAPABILITY")) {
        c.capa = string(x);
      } else if (starts(x, "BYE") && tag.empty()) {
        r.status = "BYE";
        co_return;
      } else if (starts(x, "OK [UIDNEXT ")) {
        r.uidnext = atoll(string(x.substr(12, 12)).c_str());
      }
      for (int64_t n = lit_len(l); n >= 0;) {
        r.literal_bytes += n;
        if (O.check && n > 0) {
          string_view b = co_await c.bytes(size_t(n));
          if (!check_message(b)) r.bad_sum++;
        } else {
          co_await c.skip(size_t(n));
        }
        string_view m = co_await c.line();
        n = lit_len(m);
      }
      continue;
    }
    if (starts(l, "+")) {
      r.status = "+";
      break;
    }
    if (!tag.empty() && starts(l, tag) && l.size() > tag.size() && l[tag.size()] == ' ') {
      string_view s = l.substr(tag.size() + 1);
      size_t p = s.find(' ');
      r.status = string(s.substr(0, p));
      if (p != string_view::npos) r.text = string(s.substr(p + 1));
      size_t cp = r.text.find("[CAPABILITY ");
      if (cp != string::npos) c.capa = r.text.substr(cp);
      break;
    }
    throw Bad("unexpected line: " + string(l.substr(0, 60)));
  }
  r.bytes += c.rx - rx0;
}
string new_tag(Conn& c) { return "a" + std::to_string(++c.tagno); }
Task<void> imap_cmd(Conn& c, const string& cmd, Resp& r, bool collect) {
  const string tag = new_tag(c);
  c.out += tag;
  c.out += ' ';
  c.out += cmd;
  c.out += "\r\n";
  co_await c.flush();
  co_await imap_read(c, tag, r, collect);
}
Task<void> imap_ok(Conn& c, const string& cmd, Resp& r, bool collect) {
  co_await imap_cmd(c, cmd, r, collect);
  if (r.status != "OK") throw Bad(cmd.substr(0, 30) + ": " + r.status + " " + r.text.substr(0, 60));
}
Task<void> imap_login(Conn& c, const string& host, int port, int64_t user, bool tls, bool starttls) {
  co_await connect_to(c, host, port, tls);
  {
    string_view l = co_await c.line();
    if (!starts(l, "* OK")) throw Bad("imap banner: " + string(l.substr(0, 60)));
  }
  if (starttls) {
    Resp r;
    const string s = "STARTTLS";
    co_await imap_ok(c, s, r);
    c.start_tls();
    co_await c.op(Conn::HANDSHAKE);
  }
  Resp r;
  const string s = "LOGIN " + login_name(user) + " " + O.pass;
  co_await imap_ok(c, s, r);
}
Task<void> imap_logout(Conn& c) {
  Resp r;
  const string s = "LOGOUT";
  co_await imap_ok(c, s, r);
}

}  // namespace mailload
