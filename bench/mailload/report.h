// The answer: one line of JSON.
#pragma once

#include "counters.h"
#include "stats.h"

namespace mailload {

// What was measured around the workers.
struct Outcome {
  ProcTree before, held, after;  // held: while the connections of imap-idle are open
  Disk disk_before, disk_after;
  double elapsed = 0;  // seconds; of imap-idle: until all are open
  double e2e = 0;      // seconds until the last message was seen through IMAP
  double wall = 0, gen_cpu = 0, other_cpu = 0;
  int64_t delivered = -1;
};

string report_json(const Outcome&, Stats&);

}  // namespace mailload
