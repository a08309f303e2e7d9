#include "dns/pending.h"

#include <utility>

#include "async/reactor.h"

namespace posthorn::dns {

void Pending::finish(Reply reply) {
  if (claimed_.exchange(true, std::memory_order_acq_rel)) return;
  reply_ = std::move(reply);
  done_.set();
}

Task<Reply> Pending::wait(std::shared_ptr<Pending> self, Deadline deadline) {
  Alarm alarm;
  Reactor::current().wheel().arm(
      alarm, deadline, [](void* pending) { static_cast<Pending*>(pending)->finish(no_reply(Status::timeout, "no answer in time")); },
      self.get());
  co_await self->done_.wait();
  alarm.disarm();
  co_return std::move(self->reply_);
}

Reply no_reply(Status status, std::string why) {
  Reply out;
  out.status = status;
  out.why = std::move(why);
  return out;
}

}  // namespace posthorn::dns
