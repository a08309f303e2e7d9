// IDLE. [RFC2177]
#include <algorithm>

#include "async/reactor.h"
#include "base/log.h"
#include "base/metrics.h"
#include "proto/imap/writer.h"
#include "server/imap/imap_settings.h"
#include "server/imap/session.h"
#include "text/ascii.h"

namespace posthorn::imap {

Task<Result<Reply>> Session::cmd_idle(Command&) {
  const GaugeHold idling(sessions_idling);
  server::Waker waker(Reactor::current(), connection());
  const auto watch = context_.services.store.hub().watch(selected_ ? selected_->account->id() : account_->id(), [wake = waker.callback()](ModSeq) { wake(); });
  const auto deadline = after(kIdleTimeout.get());
  Writer(output()).continuation("idling");
  reader_.expect_line();
  idling_ = true;
  Result<Reply> answer = bad("Expected DONE");
  // The watch came first, so a change between it and sync() is seen by either.
  while (true) {
    if (selected_) {
      auto told = co_await sync(Expunges::tell, WithUid::no);
      if (!told && !lost_)  // it will be told another time
        log::warning("imap.idle_failed", {{"session", context_.session_id}, {"error", told.error()}});
    }
    if (state_ == State::logout) {
      answer->sent = true;  // BYE was the last word
      break;
    }
    auto flushed = co_await flush();
    if (!flushed) break;
    if (connection().input().empty()) {
      const auto keepalive = after(kIdleKeepalive.get());
      auto woken = co_await connection().read_more_or_interrupt(std::min(deadline, keepalive));
      if (!woken && woken.error().code == Errc::timed_out && keepalive < deadline) {
        // A client that has vanished shows by this, too: what is sent to it is never acknowledged.
        Writer(output()).untagged_status("OK", {}, "Still here");
        continue;
      }
      if (!woken) {
        end(woken.error());
        break;
      }
      if (*woken == net::Wake::interrupted) continue;
    }
    auto input = connection().input();
    const auto before = input.size();
    const auto event = reader_.feed(input);
    const bool done = event == CommandReader::Event::line && text::iequals(reader_.command(), "DONE");
    connection().consume(before - input.size());
    if (event == CommandReader::Event::need_more) continue;
    if (done) answer = ok("IDLE completed");
    break;
  }
  idling_ = false;
  co_return answer;
}

}  // namespace posthorn::imap
