// Does a message match?  For all messages at once by what their entries say, and for one message with whatever has been read of it.
#pragma once

#include <optional>
#include <string_view>

#include "message/search_text.h"
#include "message/summary.h"
#include "search/index_bits.h"
#include "search/program.h"
#include "store/object_id.h"
#include "text/date.h"

namespace posthorn::search {

// Among the messages of a domain: those that match, and those of which more must be read.  The others do not match.
struct SearchAnswer {
  IndexBits yes, open;
};

// By the entries alone: keys that cost more leave their messages open.  One pass over the view for every key.
SearchAnswer match_entries(const SearchNode&, const store::View&, const IndexBits& domain);

// [RFC3501 6.4.4] SENT*: the date in the zone of the Date field, which is midnight here.  A message without a readable one has none that
// could be before, on or behind another.
bool match_sent_date(const SearchNode&, const std::optional<text::DateTime>& sent);

enum class Verdict : std::uint8_t { no, yes, unknown };  // unknown: more must be read

// One message with what has been read of it so far.  What it is given outlives it.
class Candidate {
 public:
  Candidate(std::uint32_t index, const store::Entry& entry) : index_(index), entry_(&entry) {}
  void set_summary(const message::SummaryView* summary, store::ThreadId thread) {
    summary_ = summary;
    thread_ = thread;
  }
  void set_header(std::string_view block) { header_ = block; }
  void set_message(std::string_view bytes) { message_ = bytes; }         // all of it
  void set_reader(const message::ReadBytes* read) { read_ = read; }      // when it is too large for that

  Verdict match(const SearchNode&);

 private:
  Verdict match_children(const SearchNode&);
  Verdict match_text(const SearchNode&);

  std::uint32_t index_;
  const store::Entry* entry_;
  const message::SummaryView* summary_ = nullptr;
  store::ThreadId thread_;
  std::optional<std::string_view> header_;
  std::optional<std::string_view> message_;
  const message::ReadBytes* read_ = nullptr;
  std::optional<message::Summary> decoded_;  // when first asked for
};

}  // namespace posthorn::search
