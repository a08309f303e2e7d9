// ETRN [RFC1985]
#include "base/log.h"
#include "queue/queue.h"
#include "server/smtp/session.h"
#include "server/smtp/settings.h"

namespace posthorn::server {
namespace {

constexpr std::size_t kStep = 1000;       // groups looked at in one commit
constexpr std::uint64_t kSoon = 10'000;   // and before the answer

}  // namespace

Task<> SmtpSession::cmd_etrn(smtp::Command& command) {
  const auto etrn = std::move(std::get<smtp::Etrn>(command));
  if (!has_queue() || is_lmtp()) co_return refuse(502, {5, 5, 1}, "There is no queue here", "ETRN");
  if (!may_etrn()) co_return refuse(459, {4, 7, 1}, "Node " + etrn.name + " not allowed: this is not for you", "ETRN");
  const auto unable = "Unable to queue messages for node " + etrn.name;
  // [RFC1985 5.3] There are no queues with names.
  if (etrn.what == smtp::Etrn::What::queue) co_return refuse(458, {4, 3, 0}, unable, "ETRN");

  queue::Selection selection{.recipient_domain = etrn.name, .not_dated = true};
  selection.below = etrn.what == smtp::Etrn::What::domain_and_below;
  queue::Position at;
  std::uint64_t examined = 0, messages = 0;
  bool answered = false;
  do {
    auto step = co_await context_.services.queue->act(queue::Verb::retry, selection, std::move(at), kStep);
    if (!step) {
      log::info("smtp.etrn_failed", {{"session", context_.session_id}, {"node", etrn.name}, {"error", step.error()}});
      if (!answered) refuse(458, {4, 3, 0}, unable, "ETRN");
      co_return;
    }
    examined += step->examined;
    messages += step->changed;
    at = std::move(step->next);
    if (examined < kSoon || at.empty() || answered) continue;
    // [RFC1985 5.1] The client is answered soon; what is left is looked at before its next command.
    answered = true;
    reply(250, {2, 0, 0}, "OK, queuing for node " + etrn.name + " started");
    auto sent = co_await connection_.flush(after(kCommandTimeout.get()));
    if (!sent) co_return end_for(sent.error());  // nothing is done on behalf of who has gone
  } while (!at.empty() && !connection_.is_shut_down());
  log::info("smtp.etrn", {{"session", context_.session_id}, {"node", etrn.name}, {"messages", messages}});
  if (answered) co_return;
  if (messages == 0) reply(251, {2, 0, 0}, "OK, no messages waiting for node " + etrn.name);
  else reply(253, {2, 0, 0}, "OK, " + std::to_string(messages) + " pending messages for node " + etrn.name + " started");
}

}  // namespace posthorn::server
