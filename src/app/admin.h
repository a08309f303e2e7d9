// The administration commands, the same for a running server and for a stopped one.
//
// A request is one JSON object on one line, and so is its answer:
//   {"command": "domain.add", "domain": "example.org"}
//   {"ok": true, ...}      or      {"ok": false, "code": "exists", "error": "domain example.org exists already"}
//
//   domain.add {domain, dkim?}   domain.list   domain.remove {domain}   domain.dns {domain}
//   domain.dkim.list {domain}   domain.dkim.rotate {domain, activate?}   domain.dkim.activate {domain}
//   domain.dkim.remove {domain, selector}
//   account.add {accounts: [{address, password, quota?}]}    answers {results: [{address, ok, code?, error?}]}
//   account.list {domain?, usage?}   account.remove {address}   account.password {address, password}
//   account.quota {address, quota}
//   alias.add {address, targets}   alias.list {domain?}   alias.remove {address}
//   queue.list {selection, position?}   queue.show {id, position?}   queue.act {verb, selection, all?, position?}
//   trace.message {id}   trace.address {address, limit?}
//   status   store.check
//
// Sizes are bytes.  At most kMaxBatch accounts are added by one request.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/storage.h"
#include "async/task.h"

namespace posthorn::app {

// What only a running server can tell.
struct LiveStatus {
  std::int64_t process = 0;
  std::int64_t uptime_seconds = 0;
  std::string version, hostname;
  std::vector<std::string> listeners;
  double commits_per_second = 0, syncs_per_second = 0;                // over the last second
  double commits_per_second_10 = 0, syncs_per_second_10 = 0;          // over the last ten
};

// Threads: any.  Passwords come in and are never logged nor answered; private keys neither.
class Admin {
 public:
  static constexpr std::size_t kMaxBatch = 1000;
  static constexpr std::size_t kMaxRequest = 4 << 20;  // bytes

  // `live` is empty when no server runs.
  Admin(Storage& storage, std::function<LiveStatus()> live) : storage_(storage), live_(std::move(live)) {}

  // Answers whatever comes; never fails.  Without line ends.
  Task<std::string> answer(std::string request);
  // The answer that says why not.
  static std::string refusal(const Error&);

 private:
  Storage& storage_;
  std::function<LiveStatus()> live_;
};

}  // namespace posthorn::app
