// IDLE and RESUME. [SMAP1 5.5]
#include "async/reactor.h"
#include "base/log.h"
#include "server/common/imap_port.h"
#include "server/smap/session.h"
#include "server/smap/settings.h"
#include "text/ascii.h"

namespace posthorn::smap {

Session::Outcome Session::cmd_idle(Words&) {
  const GaugeHold idling(sessions_idling);
  server::Waker waker(Reactor::current(), connection());
  const auto watch = context_.services.store.hub().watch(folder_ ? folder_->account->id() : account_->id(), [wake = waker.callback()](ModSeq) { wake(); });
  const auto deadline = after(server::imap_port::kIdleTimeout.get());
  finish(ok("Entering idle mode..."));
  Reply nothing = ok("over");
  nothing.sent = true;
  // The watch came first, so a change between it and tell_changes() is seen by either.
  while (true) {
    if (is_nobody()) co_return nothing;
    if (folder_) {
      const auto told = co_await tell_changes();
      if (lost_) co_return nothing;
      if (!told) log_failure("IDLE", told.error());  // it will be told another time
    }
    CO_TRY_OK(co_await flush());
    if (connection().input().find('\n') != std::string_view::npos || connection().input().size() > kMaxLine) break;
    const auto woken = co_await connection().read_more_or_interrupt(deadline);
    if (!woken) {
      end(woken.error());
      co_return nothing;
    }
  }
  const auto line = co_await connection().read_line(kMaxLine, net::LineEnd::any_lf, deadline);
  if (!line && line.error().code != Errc::too_large) {
    end(line.error());
    co_return nothing;
  }
  if (!line) co_return err("The line is too long");
  if (!text::iequals(Words(*line).take(), "RESUME")) co_return err("Syntax error.");  // and the idle state is over all the same
  co_return ok("Resumed...");
}

}  // namespace posthorn::smap
