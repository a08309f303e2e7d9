#include "report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "messages.h"
#include "modes.h"

namespace mailload {

namespace {

void json_lat(string& j, const string& name, std::vector<float>& v) {
  if (v.empty()) return;
  std::sort(v.begin(), v.end());
  auto q = [&](double p) { return v[std::min(v.size() - 1, size_t(p * double(v.size())))]; };
  double sum = 0;
  for (float x : v) sum += x;
  char b[256];
  snprintf(
      b, sizeof b, "%s\"%s\":{\"n\":%zu,\"mean\":%.3f,\"p50\":%.3f,\"p95\":%.3f,\"p99\":%.3f,\"max\":%.3f}",
      j.empty() ? "" : ",", name.c_str(), v.size(), sum / double(v.size()), q(.5), q(.95), q(.99), v.back());
  j += b;
}
string esc(const string& s) {
  string o;
  for (char c : s) {
    if (c == '"' || c == '\\') o += '\\';
    if (static_cast<unsigned char>(c) < 32)
      o += ' ';
    else
      o += c;
  }
  return o;
}

// Per step: the median over the connections.
string steps_json() {
  string j = ",\"steps\":{";
  bool first = true;
  size_t ns = 0;
  for (auto& v : g_steps) ns = std::max(ns, v.size());
  for (size_t k = 0; k < ns; k++) {
    std::vector<double> ms;
    StepRes* s = nullptr;
    bool sok = true;
    for (auto& v : g_steps)
      if (k < v.size()) ms.push_back(v[k].ms), s = &v[k], sok = sok && v[k].ok;
    if (!s) continue;
    std::sort(ms.begin(), ms.end());
    double m = ms[ms.size() / 2];
    char b[300];
    snprintf(b, sizeof b,
             "%s\"%zu.%s\":{\"ms\":%.3f,\"rows\":%ld,\"found\":%ld,\"bytes\":%ld,\"rows_s\":%.0f,\"ok\":%s}",
             first ? "" : ",", k, s->name.c_str(), m, long(s->rows), long(s->found), long(s->bytes),
             m > 0 ? double(s->rows) * 1000 / m : 0, sok ? "true" : "false");
    j += b;
    first = false;
  }
  j += "}";
  return j;
}

string errors_json(const Stats& all) {
  string j = ",\"error_texts\":{";
  bool first = true;
  for (auto& [k, v] : all.errs) {
    j += (first ? "\"" : ",\"") + esc(k) + "\":" + std::to_string(v);
    first = false;
  }
  return j + "}";
}

}  // namespace

string report_json(const Outcome& o, Stats& all) {
  const int64_t ok = all.cnt["ok"];
  string j = "{\"mode\":\"" + (O.lmtp && O.mode == "smtp" ? string("lmtp") : O.mode) + "\"";
  auto num = [&](const char* k, double v, int prec = 3) {
    char b[96];
    snprintf(b, sizeof b, ",\"%s\":%.*f", k, prec, v);
    j += b;
  };
  if (!O.label.empty()) j += ",\"label\":\"" + esc(O.label) + "\"";
  j += ",\"tls\":\"" + string(O.tls ? "implicit" : O.starttls ? "starttls" : "none") + "\"";
  num("conns", O.conns, 0);
  if (O.mode == "smtp" || O.mode == "imap-append") {
    num("messages", double(g_total), 0);
    num("size", double(O.size), 0);
    num("per_conn", O.per_conn, 0);
    num("pipeline", O.pipeline, 0);
  }
  num("ok", double(ok), 0);
  num("errors", double(all.errors), 0);
  num("elapsed_s", o.elapsed);
  num("rate", o.elapsed > 0 ? double(ok) / o.elapsed : 0, 1);
  if (O.mode == "pop3") {
    num("msgs", double(all.cnt["retr"]), 0);
    num("msg_rate", double(all.cnt["retr"]) / o.elapsed, 1);
    num("mb_s", double(all.cnt["octets"]) / 1e6 / o.elapsed, 1);
  }
  if (O.mode == "imap-mixed") num("op_rate", double(all.cnt["ops"]) / o.elapsed, 1);
  if (O.verify_port) {
    num("delivered", double(o.delivered), 0);
    num("e2e_s", o.e2e);
    num("e2e_rate", double(o.delivered) / o.e2e, 1);
  }
  num("gen_cpu_s", o.gen_cpu);
  num("wall_s", o.wall);
  num("other_cpu_s", o.other_cpu, 2);
  if (!O.server_pids.empty()) {
    num("srv_cpu_s", o.after.cpu - o.before.cpu, 2);
    if (ok) num("srv_cpu_ms_per_op", (o.after.cpu - o.before.cpu) * 1000 / double(ok), 3);
    num("srv_procs", (O.mode == "imap-idle" ? o.held : o.after).procs, 0);
    if (O.mode == "imap-idle" && ok) {
      num("pss0_kb", double(o.before.pss_kb), 0);
      num("pss_kb", double(o.held.pss_kb), 0);
      num("pss_kb_per_conn", double(o.held.pss_kb - o.before.pss_kb) / double(ok), 2);
      num("anon_kb_per_conn", double(o.held.anon_kb - o.before.anon_kb) / double(ok), 2);
    }
  }
  num("disk_wr_kb", double(o.disk_after.sectors - o.disk_before.sectors) / 2, 0);
  num("disk_writes", double(o.disk_after.writes - o.disk_before.writes), 0);
  num("disk_flushes", double(o.disk_after.flushes - o.disk_before.flushes), 0);
  string lj;
  for (auto& [k, v] : all.lat) json_lat(lj, k, v);
  if (!lj.empty()) j += ",\"lat_ms\":{" + lj + "}";
  if (O.mode == "imap-fetch") j += steps_json();
  if (!all.errs.empty()) j += errors_json(all);
  return j + "}";
}

}  // namespace mailload
