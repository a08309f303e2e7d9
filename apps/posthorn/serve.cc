// `serve` and `check-config`.
#include <malloc.h>

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <thread>

#include "app/app.h"
#include "app/local_store.h"
#include "base/log.h"
#include "code_pages.h"
#include "commands.h"
#include "output.h"

namespace posthorn {
namespace {

// They are taken by sigwait() in one place; threads made later inherit the mask.
sigset_t block_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int s : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&set, s);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return set;
}

// A connection is a descriptor; the soft limit is a relic of select().
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// From now on these end the process at once: for those in a hurry.  Everything acknowledged is on disk.
void let_signals_kill(const sigset_t& set) {
  ::signal(SIGTERM, SIG_DFL);
  ::signal(SIGINT, SIG_DFL);
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void reload(app::App& app, const Common& common) {
  const auto loaded = config::load_file(common.config);
  for (const auto& problem : loaded.problems)
    log::warning("config.problem", {{"file", loaded.name}, {"line", problem.line}, {"text", problem.text}});
  if (!loaded.config) {
    log::error("app.reload_failed", {{"file", loaded.name}, {"why", "the configuration has errors; the old one stays"}});
    return;
  }
  if (const auto done = app.reload(*loaded.config); !done) log::error("app.reload_failed", {{"error", done.error()}});
}

int run(app::App& app, const Common& common, const sigset_t& signals) {
  for (;;) {
    int signal = 0;
    if (::sigwait(&signals, &signal) != 0) continue;
    if (signal == SIGHUP) {
      reload(app, common);
      continue;
    }
    log::info("app.stopping", {{"signal", signal == SIGINT ? "SIGINT" : "SIGTERM"}});
    let_signals_kill(signals);
    return app.stop() ? kDone : kFailed;
  }
}

}  // namespace

int serve(const Common& common, const std::string& version) {
  const auto signals = block_signals();
  raise_descriptor_limit();
  // Every thread would get an arena of its own, each with its own free memory; with fewer they wait for each other.
  ::mallopt(M_ARENA_MAX, static_cast<int>(2 * std::max(1u, std::thread::hardware_concurrency())));
  const auto config = load_config(common);
  if (!config) return kFailed;
  if (const auto started = log::start(log::kFile.get()); !started) return say_failed(started.error());
  auto app = app::App::start(*config, version);
  if (!app) {
    log::error("app.start_failed", {{"error", app.error()}});
    log::stop();
    if (!log::kFile.get().empty()) say_failed(app.error());
    return kFailed;
  }
  map_code_pages();
  const int code = run(**app, common, signals);
  if (code == kDone) app->reset();
  log::stop();
  // Sessions that would not end still use what would be taken down now.
  if (code != kDone) ::_exit(code);
  return code;
}

int hold_store(const Common& common) {
  // Who presses Ctrl-C means the command; its end is ours.
  for (const int s : {SIGINT, SIGHUP, SIGPIPE}) ::signal(s, SIG_IGN);
  const auto config = load_config(common);
  if (!config) return kFailed;
  if (log::kLevel.get() < log::Level::warning) log::set_level(log::Level::warning);
  const auto done = app::hold_store(*config);
  return done ? int{kDone} : say_failed(done.error());
}

int check_config(const Common& common, const std::string& settings) {
  if (!settings.empty()) {
    const auto text = settings == "markdown" ? config::settings_markdown() : config::settings_text();
    std::fwrite(text.data(), 1, text.size(), stdout);
    return kDone;
  }
  const auto loaded = config::load_file(common.config);
  std::fputs(config::to_text(loaded).c_str(), stderr);
  if (!loaded.config) return kFailed;
  say(common.config + ": good");
  return kDone;
}

}  // namespace posthorn
