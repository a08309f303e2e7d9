// What of an envelope the queue gets.
#pragma once

#include <vector>

#include "intake/envelope.h"
#include "queue/entry.h"

namespace posthorn::intake {

// Who is stored here by the same commit.
enum class Here : std::uint8_t {
  accounts,  // all of them
  nobody,    // the message is held back: accounts wait in the queue like the others [RFC4865]
};

// One forward-path: those it leads to elsewhere, and what its sender is owed at once. [RFC3461 5.2]  An alias that leads to several
// addresses hands on what was asked for but the report of success, which it gives itself: "expanded" [RFC3461 5.2.7.3 (c)].  The null
// reverse-path is owed nothing.
void put_for_queue(std::vector<queue::Recipient>& out, const smtp::Envelope&, const smtp::ForwardPath&, Here);

// Nobody gets a message twice who was named twice, or by an address and an alias: the first stays of those that wait, have one address (its domain in
// any case) and the same wishes about reports.
void drop_repeated(std::vector<queue::Recipient>&);

// Whether anything of it goes there.
bool needs_queue(const smtp::Envelope&, Here);

}  // namespace posthorn::intake
