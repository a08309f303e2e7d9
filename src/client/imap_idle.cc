// IDLE, or NOOP now and then. [RFC2177]
#include <algorithm>

#include "client/imap_connection.h"
#include "client/imap_state.h"

namespace posthorn::client {
namespace {

constexpr std::chrono::minutes kLongestIdle{25};  // [RFC2177 3] 29 minutes, and some routers forget earlier

bool is_new(const ImapState& s) { return !s.unsolicited.responses.empty() || s.unsolicited.overflow || s.validity_changed; }

// One IDLE.  true: go on with another; false: there is something new, or somebody wants to be served.
Task<Result<bool>> idle_once(ImapState& s, Deadline until) {
  const Deadline patience = after(s.options.timeouts.command);
  const auto tag = begin_command(s, "IDLE");
  CO_TRY_OK(co_await s.channel->flush(patience));
  CO_TRY_OK(co_await await_continuation(s, tag, patience, "IDLE"));
  const Deadline end = std::min(until, after(kLongestIdle));
  bool woken = false;
  while (!is_new(s) && !s.completed.contains(tag)) {
    CO_TRY(const auto event, co_await s.channel->next_event_or_interrupt(end));
    if (!event) {
      woken = std::chrono::steady_clock::now() < end;
      break;
    }
    CO_TRY_OK(co_await take_event(s, *event, {}, nullptr));
  }
  if (!s.completed.contains(tag)) {
    s.channel->put_line("DONE");
    CO_TRY_OK(co_await s.channel->flush(after(s.options.timeouts.command)));
  }
  CO_TRY(const auto status, co_await finish_command(s, tag, after(s.options.timeouts.command), {}));
  CO_TRY_OK(judge(s, status, "IDLE"));
  co_return !woken && !is_new(s);
}

}  // namespace

Task<Result<bool>> ImapConnection::idle(Deadline until, std::chrono::milliseconds interval) {
  auto& s = *state_;
  CO_TRY_OK(s.check_followed());
  const bool can_idle = s.has("IDLE") || s.has("IMAP4REV2");
  while (!is_new(s) && std::chrono::steady_clock::now() < until) {
    if (can_idle) {
      CO_TRY(const bool again, co_await idle_once(s, until));
      if (!again) break;
      continue;
    }
    CO_TRY_OK(co_await noop());
    if (is_new(s)) break;
    const Deadline next = std::min(until, after(interval));
    CO_TRY(const auto event, co_await s.channel->next_event_or_interrupt(next));
    if (!event && std::chrono::steady_clock::now() < next) break;  // wake()
    if (event) CO_TRY_OK(co_await take_event(s, *event, {}, nullptr));
  }
  CO_TRY_OK(s.check_followed());
  co_return is_new(s);
}

void ImapConnection::wake() {
  if (state_->channel) state_->channel->connection().interrupt();
}

}  // namespace posthorn::client
