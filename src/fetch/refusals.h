// When a server that refuses messages is asked no more.
#pragma once

namespace posthorn::fetch {

// Refusals without anything taken between them: at some point they are no matter of the single message.  One that was refused by an earlier run
// does not count: there are few of them in each (Turns), and however many there are, new mail gets its turn.
class Refusals {
 public:
  void taken() { for_now_ = all_ = 0; }
  // true: it is enough.
  bool add(bool for_good) {
    for_now_ += for_good ? 0 : 1;
    return ++all_ >= kMost || for_now_ >= kMostForNow;
  }

 private:
  static constexpr int kMost = 20, kMostForNow = 3;
  int all_ = 0, for_now_ = 0;
};

}  // namespace posthorn::fetch
