// What the kernel counts: memory and processor time of process trees, writes of the disk, the machine's busy
// time.
#pragma once

#include <cstdint>
#include <vector>

namespace mailload {

struct ProcTree {
  double cpu = 0;
  int64_t pss_kb = 0, rss_kb = 0, anon_kb = 0, wbytes = 0;
  int procs = 0;
};
struct Disk {
  int64_t sectors = 0, writes = 0, flushes = 0;
};

ProcTree read_tree(const std::vector<int>& roots, bool mem);
Disk read_disk();
double busy_cpu();  // seconds of the whole machine: shows what other programs took during a run
double self_cpu();

}  // namespace mailload
