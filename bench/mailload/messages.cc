#include "messages.h"

#include <dirent.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>

namespace mailload {

std::vector<string> g_pool;  // bodies, CRLF, not dot-stuffed (no line starts with a dot unless from file)
static std::vector<uint32_t> g_sum;  // checksum of the body
bool g_whole = false;                // pool holds whole messages (from files)
static uint32_t fnv(string_view s) {
  uint32_t h = 2166136261u;
  for (unsigned char c : s) h = (h ^ c) * 16777619u;
  return h;
}
static const char* kWords[] = {
    "report",   "meeting",  "invoice",  "please",   "attached", "project", "review",  "thanks",   "regards",
    "schedule", "update",   "customer", "delivery", "contract", "server",  "network", "quarter",  "budget",
    "the",      "and",      "of",       "to",       "in",       "that",    "with",    "from",     "this",
    "have",     "will",     "your",     "for",      "not",      "are",     "release", "version",  "question",
    "answer",   "tomorrow", "monday",   "friday",   "office",   "travel",  "design",  "document", "number",
    "paper",    "people",   "time",     "work",     "system",   "change",  "problem", "result",   "summer",
    "winter",   "garden",   "music",    "window",   "table",    "river"};
void build_pool() {
  auto add_file = [](const string& p) {
    std::ifstream f(p, std::ios::binary);
    string s((std::istreambuf_iterator<char>(f)), {}), o;
    if (s.empty()) return;
    o.reserve(s.size() + s.size() / 40);
    for (size_t i = 0; i < s.size(); i++) {
      if (s[i] == '\n' && (i == 0 || s[i - 1] != '\r')) o += '\r';
      o += s[i];
    }
    if (o.size() < 2 || o.substr(o.size() - 2) != "\r\n") o += "\r\n";
    g_pool.push_back(o);
  };
  if (!O.file.empty()) add_file(O.file);
  if (!O.dir.empty()) {
    std::vector<string> names;
    if (DIR* d = opendir(O.dir.c_str())) {
      while (dirent* e = readdir(d))
        if (e->d_name[0] != '.') names.push_back(O.dir + "/" + e->d_name);
      closedir(d);
    }
    std::sort(names.begin(), names.end());
    for (auto& n : names) add_file(n);
  }
  if (!g_pool.empty()) {
    g_whole = true;
    return;
  }
  std::mt19937 rng(12345);
  int64_t body = std::max<int64_t>(64, O.size - 420);
  size_t np = size_t(std::clamp<int64_t>(int64_t(16) * 1024 * 1024 / body, 16, 256));
  for (size_t i = 0; i < np; i++) {
    string b;
    size_t col = 0;
    if (i % 64 == 7) b += "xyzzyneedle is here\r\n";
    while (O.random && int64_t(b.size()) < body - 2) {
      static const char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
      b += kDigits[rng() % 64];
      if (++col == 76) {
        b += "\r\n";
        col = 0;
      }
    }
    while (int64_t(b.size()) < body - 2) {
      const char* wd = kWords[rng() % (sizeof kWords / sizeof *kWords)];
      b += wd;
      col += strlen(wd) + 1;
      if (rng() % 5 == 0) {
        char n[16];
        snprintf(n, sizeof n, "%u", unsigned(rng() % 100000));
        b += n;
      }
      if (col > 66) {
        b += "\r\n";
        col = 0;
      } else
        b += ' ';
    }
    b.resize(size_t(body - 2));
    if (b.back() == '\r') b.back() = 'x';
    if (b.back() == '\n') b += 'x';
    b += "\r\n";
    g_pool.push_back(b);
    g_sum.push_back(fnv(b));
  }
}
string uname(int64_t i) {
  char b[64];
  snprintf(b, sizeof b, O.user_fmt.c_str(), int(O.first_user + i % O.users));
  return b;
}
string login_name(int64_t i) {
  string u = uname(i);
  return O.login_domain.empty() ? u : u + "@" + O.login_domain;
}
void append_message(string& out, int64_t n, const string& rcpt, bool stuff) {
  size_t k = size_t(n) % g_pool.size();
  const string& b = g_pool[k];
  if (!g_whole) {
    static const time_t base = time(nullptr);
    time_t t = base - (n % 5000) * 3600;  // spread over about 200 days
    tm g;
    gmtime_r(&t, &g);
    char date[64], h[700];
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &g);
    int64_t thr = n / 4;
    int len = snprintf(
        h, sizeof h,
        "From: \"Sender %lld\" <s%lld@sender.test>\r\nTo: <%s>\r\nSubject: %sTopic %lld %s %s\r\nDate: %s\r\n"
        "Message-ID: <%lld.%ld@load.test>\r\n%s%sMIME-Version: 1.0\r\nContent-Type: text/plain; "
        "charset=us-ascii\r\n"
        "X-Mailload-Sum: %08x\r\n\r\n",
        (long long)(n % 997), (long long)(n % 997), rcpt.c_str(), n % 4 ? "Re: " : "", (long long)thr,
        kWords[size_t(thr) % 60], n % 100 == 3 ? "plughsubject" : "weekly", date, (long long)n, long(base),
        "", "", g_sum[k]);
    out.append(h, size_t(len));
  }
  if (stuff && g_whole) {
    size_t i = 0;
    while (i < b.size()) {
      if (b[i] == '.') out += '.';
      size_t e = b.find('\n', i);
      if (e == string::npos) e = b.size() - 1;
      out.append(b, i, e - i + 1);
      i = e + 1;
    }
  } else
    out += b;
}
bool check_message(string_view m) {
  size_t p = m.find("X-Mailload-Sum: ");
  if (p == string_view::npos) return g_whole;
  uint32_t want = uint32_t(strtoul(string(m.substr(p + 16, 8)).c_str(), nullptr, 16));
  size_t b = m.find("\r\n\r\n");
  if (b == string_view::npos) return false;
  return fnv(m.substr(b + 4)) == want;
}
string b64(const string& s) {
  string o(4 * ((s.size() + 2) / 3) + 1, 0);
  int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(o.data()),
                          reinterpret_cast<const unsigned char*>(s.data()), int(s.size()));
  o.resize(size_t(n));
  return o;
}
string rcpt_addr(int64_t u) {
  if (O.domain.empty() || O.domain == "NONE") return uname(u);
  string domain = O.domain;  // with %d: of each user another
  if (const auto at = domain.find("%d"); at != string::npos) domain.replace(at, 2, std::to_string(u));
  return uname(u) + "@" + domain;
}

static std::atomic<int64_t> g_next{0};
int64_t g_total = 0;
int64_t take() {
  int64_t n = g_next.fetch_add(1, std::memory_order_relaxed);
  return n < g_total ? n : -1;
}
std::vector<std::atomic<int64_t>> g_sent(0);
std::atomic<bool> g_stop{false};

}  // namespace mailload
