#include "options.h"

#include <cstdio>
#include <cstdlib>
#include <sstream>

namespace mailload {

Opt O;

[[noreturn]] void usage() {
  fprintf(stderr,
          "usage: mailload MODE --port P [options]\n"
          "modes: smtp lmtp smtp-conn pop3 pop3-login imap-login imap-append imap-fetch imap-mixed imap-idle "
          "notify pss sink\n"
          "see README.md for the options\n");
  exit(2);
}

void parse_options(int argc, char** argv) {
  if (argc < 2) usage();
  O.mode = argv[1];
  for (int i = 2; i < argc; i++) {
    string a = argv[i];
    auto val = [&]() -> string {
      if (i + 1 >= argc) usage();
      return argv[++i];
    };
    if (a == "--host")
      O.host = val();
    else if (a == "--port")
      O.port = stoi(val());
    else if (a == "--imap-port")
      O.imap_port = stoi(val());
    else if (a == "--conns")
      O.conns = stoi(val());
    else if (a == "--threads")
      O.threads = stoi(val());
    else if (a == "--messages")
      O.messages = stoll(val());
    else if (a == "--count")
      O.count = stoll(val());
    else if (a == "--size")
      O.size = stoll(val());
    else if (a == "--file")
      O.file = val();
    else if (a == "--dir")
      O.dir = val();
    else if (a == "--per-conn")
      O.per_conn = stoi(val());
    else if (a == "--rcpts")
      O.rcpts = stoi(val());
    else if (a == "--pipeline")
      O.pipeline = true;
    else if (a == "--bdat")
      O.bdat = true;
    else if (a == "--lmtp")
      O.lmtp = true;
    else if (a == "--auth")
      O.auth = true;
    else if (a == "--auth-user")
      O.auth_user = val(), O.auth = true;
    else if (a == "--tls")
      O.tls = true;
    else if (a == "--hang")
      O.hang = true;
    else if (a == "--starttls")
      O.starttls = true;
    else if (a == "--users")
      O.users = stoi(val());
    else if (a == "--first-user")
      O.first_user = stoi(val());
    else if (a == "--user-fmt")
      O.user_fmt = val();
    else if (a == "--domain")
      O.domain = val();
    else if (a == "--login-domain")
      O.login_domain = val();
    else if (a == "--pass")
      O.pass = val();
    else if (a == "--from")
      O.from = val();
    else if (a == "--mailbox")
      O.mailbox = val();
    else if (a == "--steps")
      O.steps = val();
    else if (a == "--same-user")
      O.same_user = true;
    else if (a == "--multiappend")
      O.multiappend = stoi(val());
    else if (a == "--dele")
      O.dele = true;
    else if (a == "--random")
      O.random = true;
    else if (a == "--check")
      O.check = true;
    else if (a == "--seconds")
      O.seconds = stod(val());
    else if (a == "--hold")
      O.hold = stod(val());
    else if (a == "--ramp")
      O.ramp = stoi(val());
    else if (a == "--think-ms")
      O.think_ms = stod(val());
    else if (a == "--gap-ms")
      O.gap_ms = stod(val());
    else if (a == "--timeout")
      O.timeout = stod(val());
    else if (a == "--verify-port")
      O.verify_port = stoi(val());
    else if (a == "--verify-timeout")
      O.verify_timeout = stod(val());
    else if (a == "--label")
      O.label = val();
    else if (a == "--server-pids") {
      std::istringstream ss(val());
      string p;
      while (std::getline(ss, p, ',')) O.server_pids.push_back(atoi(p.c_str()));
    } else {
      fprintf(stderr, "unknown option %s\n", a.c_str());
      usage();
    }
  }
  if (O.host.rfind("127.", 0) != 0) {
    fprintf(stderr, "only loopback targets are allowed\n");
    exit(2);
  }
}

}  // namespace mailload
