// A search as a program: keys resolved against a mailbox, ordered by what they cost.  What a client searches by, of whatever protocol,
// becomes one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "message/search_text.h"
#include "store/index_ranges.h"

namespace posthorn::search {

// What has to be read of a message to decide a key; each includes the ones before it.
enum class Cost : std::uint8_t { entry, summary, header, text };

enum class SearchOp : std::uint8_t {
  constant, all_of, any_of, none_of,                                                           // none_of has one child
  indexes, flags, keywords, larger, smaller, mod_seq, internal_date, internal_time, save_date, email,  // Cost::entry
  sent_date, thread,                                                                           // Cost::summary
  header,                                                                                      // Cost::header
  text,                                                                                        // Cost::text
};

struct SearchNode {
  SearchOp op = SearchOp::constant;
  Cost cost = Cost::entry;
  bool want = true;                    // constant, flags, keywords: the value looked for
  std::uint64_t number = 0;            // flag bit, keyword bit, size, mod-sequence, id
  std::int64_t from = 0, until = 0;    // dates and times: seconds, [from, until)
  message::SearchScope scope{};        // text
  std::string name, needle;            // lower case; casemapped
  store::IndexRanges ranges;           // indexes
  std::vector<SearchNode> children;    // ascending cost
};

// Immutable once made; threads: any.
struct SearchProgram {
  SearchNode root;
  bool wants_mod_seq = false;
  bool wants_threads = false;    // THREADID is in it
  bool wants_summaries = false;  // something of Cost::summary is in it
};

}  // namespace posthorn::search
