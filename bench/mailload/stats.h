// What the workers count: latencies, successes, errors by text.
#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "options.h"

namespace mailload {

struct Stats {
  std::map<string, std::vector<float>> lat;  // milliseconds
  std::map<string, int64_t> cnt;
  std::map<string, int64_t> errs;  // by text, bounded
  int64_t errors = 0;
  void add(const char* k, int64_t ns) { lat[k].push_back(float(ns) / 1e6f); }
  void err(const string& what) {
    errors++;
    string k = what.substr(0, 90);
    if (errs.size() < 12 || errs.count(k)) errs[k]++;
  }
  void merge(const Stats& o) {
    for (auto& [k, v] : o.lat) lat[k].insert(lat[k].end(), v.begin(), v.end());
    for (auto& [k, v] : o.cnt) cnt[k] += v;
    for (auto& [k, v] : o.errs) errs[k] += v;
    errors += o.errors;
  }
};
struct Bad : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace mailload
