// What an operator asks of the queue, and gets.  All of it in steps, so that a million entries can be treated with a progress line.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "queue/entry.h"

namespace posthorn::queue {

// Everything that is given must fit.  Addresses and domains in any case; a domain without "@".
struct Selection {
  std::optional<EntryId> id;
  std::string sender;            // address; "<>": the null reverse-path
  std::string sender_domain;
  std::string recipient;         // address: groups that have it
  std::string recipient_domain;  // groups that have one there
  bool below = false;            // or in a domain below recipient_domain
  bool not_dated = false;        // leaves out what its sender wants to be sent later [RFC4865]
  std::optional<std::chrono::milliseconds> older_than, younger_than;
  enum class Which : std::uint8_t { all, held, not_held };
  Which which = Which::all;
};

enum class Verb : std::uint8_t {
  retry,   // due now; leaves held ones alone
  hold,    // no attempts until it is released; the time in the queue goes on
  release,  // held ones are due now
  remove,  // without a word to anybody
  bounce,  // failed: the sender is told
};

// Where a step ended; empty at the beginning, and in an answer when there is no more.  Opaque.
using Position = std::string;

constexpr std::size_t kListedRecipients = 100;  // of a message

struct Listed {
  EntryId id;
  Entry entry;
  // Of the groups that fit; `partial`: it has more than a page holds.
  std::uint64_t waiting = 0, done = 0, held = 0;  // recipients; held ones wait, too
  std::uint32_t attempts = 0;                     // most
  SysTime next{};                                 // earliest; 0: held all
  bool in_flight = false;                         // somebody works on it
  bool partial = false;
  std::string recipient;  // the first that waits
  Answer last;            // of it
  std::vector<Recipient> recipients;  // the first kListedRecipients of waiting + done
};
struct Page {
  std::vector<Listed> entries;
  Position next;
  std::uint64_t examined = 0;  // groups looked at by this step
};

struct Shown {
  GroupId id;
  Group group;
  bool in_flight = false;
};
struct Detail {
  Entry entry;
  std::vector<Shown> groups;  // those that are not done
  Position next;
};

struct Step {
  std::uint64_t examined = 0;   // groups looked at
  std::uint64_t changed = 0;    // groups that the verb applied to
  std::uint64_t recipients = 0;  // in those
  // Of `changed`: somebody is at work on them just now; hold, remove and bounce take effect for those whom that attempt leaves waiting.
  std::uint64_t in_flight = 0;
  std::vector<EntryId> entries;  // those of `changed`: ascending, each once
  Position next;
};

}  // namespace posthorn::queue
