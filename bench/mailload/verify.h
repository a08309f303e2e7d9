// Counts through IMAP whether everything arrived.
#pragma once

#include <memory>
#include <vector>

#include "loop.h"

namespace mailload {

// The sessions are opened (and the users counted) before the clock starts, and polled afterwards, so that
// logins do not fall into the end-to-end time.
struct VConn {
  std::unique_ptr<CP> c;
  int64_t before = 0, after = 0;
};
extern std::vector<VConn> g_v;  // by user
Task<void> verify_open(int from, int step);
Task<void> verify_poll(int from, int step, int64_t until);
Task<void> verify_close(int from, int step);

}  // namespace mailload
