// The modes that read and append mail: each worker is one connection at a time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "loop.h"

namespace mailload {

Task<void> pop3_worker(int idx);
Task<void> login_worker(int idx, bool pop);
Task<void> append_worker(int idx);
Task<void> mixed_worker(int idx);

struct StepRes {
  string name;
  double ms;
  int64_t rows, found, bytes;
  bool ok;
};
extern std::vector<std::vector<StepRes>> g_steps;  // per connection
Task<void> fetch_worker(int idx);

// Opens connections in IDLE; they stay open until idle_done.
using Held = std::vector<std::unique_ptr<CP>>;
Task<void> idle_opener(Held* held);
Task<void> idle_done(Held* held, size_t from, size_t step);

// IDLE listeners and one sender that takes turns with them.  One thread only.
void prepare_notify(int listeners);
Task<void> listener(int user);
Task<void> notify_sender();

}  // namespace mailload
