#include "async/timer.h"

#include <algorithm>

namespace posthorn {

void Alarm::disarm() {
  if (!prev_) return;
  prev_->next_ = next_;
  next_->prev_ = prev_;
  prev_ = next_ = nullptr;
}

TimerWheel::TimerWheel() : start_(std::chrono::steady_clock::now()) {
  for (auto& head : slots_) head.prev_ = head.next_ = &head;
}

std::size_t TimerWheel::slot_of(Deadline when) const {
  auto tick = static_cast<std::uint64_t>(std::max<std::int64_t>(0, (when - start_) / kTick)) + 1;
  return std::max(tick, ticks_) % kSlots;
}

void TimerWheel::arm(Alarm& alarm, Deadline when, void (*fire)(void*), void* context) {
  alarm.disarm();
  if (when == kNoDeadline) return;
  alarm.when_ = when;
  alarm.fire_ = fire;
  alarm.context_ = context;
  Alarm& head = slots_[slot_of(when)];
  alarm.prev_ = head.prev_;
  alarm.next_ = &head;
  head.prev_->next_ = &alarm;
  head.prev_ = &alarm;
}

void TimerWheel::advance(Deadline now) {
  const auto target = static_cast<std::uint64_t>(std::max<std::int64_t>(0, (now - start_) / kTick));
  // After a long stall one turn of the wheel sees every slot.
  if (target > ticks_ + kSlots) ticks_ = target - kSlots;
  for (; ticks_ <= target; ++ticks_) {
    Alarm& head = slots_[ticks_ % kSlots];
    // Move the slot's list aside: an alarm that fires may arm or disarm others.
    Alarm due;
    if (head.next_ == &head) continue;
    due.next_ = head.next_;
    due.prev_ = head.prev_;
    due.next_->prev_ = &due;
    due.prev_->next_ = &due;
    head.prev_ = head.next_ = &head;
    while (due.next_ != &due) {
      Alarm& alarm = *due.next_;
      alarm.disarm();
      if (alarm.when_ <= now) {
        alarm.fire_(alarm.context_);
      } else {  // a later turn of the wheel
        alarm.prev_ = head.prev_;
        alarm.next_ = &head;
        head.prev_->next_ = &alarm;
        head.prev_ = &alarm;
      }
    }
    due.prev_ = due.next_ = nullptr;
  }
}

}  // namespace posthorn
