#include "counters.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>

namespace mailload {

using std::string;

ProcTree read_tree(const std::vector<int>& roots, bool mem) {
  ProcTree t;
  if (roots.empty()) return t;
  std::map<int, std::vector<int>> kids;
  std::map<int, double> cpu;
  DIR* d = opendir("/proc");
  while (dirent* e = readdir(d)) {
    int pid = atoi(e->d_name);
    if (pid <= 0) continue;
    std::ifstream f("/proc/" + string(e->d_name) + "/stat");
    string s((std::istreambuf_iterator<char>(f)), {});
    size_t p = s.rfind(')');
    if (p == string::npos) continue;
    char stc;
    int ppid, x;
    unsigned long long fl[9];
    unsigned long ut, stt;
    long cut, cst;
    if (sscanf(s.c_str() + p + 2, "%c %d %d %d %d %d %llu %llu %llu %llu %llu %lu %lu %ld %ld", &stc, &ppid,
               &x, &x, &x, &x, &fl[0], &fl[1], &fl[2], &fl[3], &fl[4], &ut, &stt, &cut, &cst) != 15)
      continue;
    kids[ppid].push_back(pid);
    cpu[pid] = double(ut + stt) + double(cut + cst);
  }
  closedir(d);
  std::vector<int> todo(roots);
  std::set<int> seen;
  double hz = double(sysconf(_SC_CLK_TCK));
  while (!todo.empty()) {
    int p = todo.back();
    todo.pop_back();
    if (!seen.insert(p).second || !cpu.count(p)) continue;
    t.procs++;
    t.cpu += cpu[p] / hz;
    for (int k : kids[p]) todo.push_back(k);
    {
      std::ifstream f("/proc/" + std::to_string(p) + "/io");
      string l;
      while (std::getline(f, l))
        if (l.rfind("write_bytes:", 0) == 0) t.wbytes += atoll(l.c_str() + 12);
    }
    if (mem) {
      std::ifstream f("/proc/" + std::to_string(p) + "/smaps_rollup");
      string l;
      while (std::getline(f, l)) {
        if (l.rfind("Pss:", 0) == 0) t.pss_kb += atoll(l.c_str() + 4);
        if (l.rfind("Rss:", 0) == 0) t.rss_kb += atoll(l.c_str() + 4);
        if (l.rfind("Anonymous:", 0) == 0) t.anon_kb += atoll(l.c_str() + 10);
      }
    }
  }
  return t;
}
Disk read_disk() {  // device that holds "/"
  Disk r;
  std::ifstream m("/proc/self/mountinfo");
  string l, dev;
  while (std::getline(m, l)) {
    std::istringstream s(l);
    string a, b, mm, rt, mp;
    s >> a >> b >> mm >> rt >> mp;
    if (mp == "/") dev = mm;
  }
  std::ifstream f("/sys/dev/block/" + dev + "/stat");
  int64_t v[17] = {};
  for (auto& x : v) f >> x;
  r.writes = v[4];
  r.sectors = v[6];
  r.flushes = v[15];
  return r;
}
double busy_cpu() {
  std::ifstream f("/proc/stat");
  string n;
  double v[8] = {}, s = 0;
  f >> n;
  for (auto& x : v) f >> x;
  for (int i = 0; i < 8; i++)
    if (i != 3 && i != 4) s += v[i];
  return s / double(sysconf(_SC_CLK_TCK));
}
double self_cpu() {
  rusage u;
  getrusage(RUSAGE_SELF, &u);
  return double(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         double(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

}  // namespace mailload
