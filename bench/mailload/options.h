// The flags of one run (README.md), and the clock.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

namespace mailload {

using std::string;
using std::string_view;

inline int64_t now_ns() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return int64_t(t.tv_sec) * 1000000000 + t.tv_nsec;
}

struct Opt {
  string mode, host = "127.0.0.1", domain = "example.test", login_domain, pass = "secret",
               from = "load@sender.test";
  string user_fmt = "u%d", file, dir, mailbox = "INBOX", steps, label, auth_user, verify_host = "127.0.0.1";
  int port = 0, verify_port = 0, imap_port = 0;
  int conns = 1, threads = 1, users = 100, first_user = 0, per_conn = 0, rcpts = 1, ramp = 32,
      multiappend = 1;
  int64_t messages = 0, count = 0, size = 10240;
  double seconds = 10, hold = 2, timeout = 60, verify_timeout = 120, think_ms = 0, gap_ms = 0;
  bool tls = false, starttls = false, lmtp = false, auth = false, pipeline = false, bdat = false,
       dele = false, check = false;
  bool notify_lmtp = false, compress_literal = true, disk = true, same_user = false, random = false,
       insecure_ok = true, logout = true, hang = false;
  std::vector<int> server_pids;
};
extern Opt O;

[[noreturn]] void usage();
void parse_options(int argc, char** argv);  // into O; ends the program when they make no sense

}  // namespace mailload
