// SEARCH as a program: keys resolved against a mailbox, ordered by what they cost. [RFC3501 6.4.4]
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "message/search_text.h"
#include "message/summary.h"
#include "proto/imap/command.h"
#include "server/imap/message_set.h"
#include "server/imap/selected.h"

namespace posthorn::imap {

// What has to be read to decide a key; each includes the ones before it.
enum class Cost : std::uint8_t { entry, summary, header, text };
enum class Verdict : std::uint8_t { no, yes, unknown };  // unknown: more must be read

// One message with what has been read of it so far.
class Candidate {
 public:
  Candidate(std::uint32_t index, const store::Entry& entry, bool recent) : index_(index), entry_(&entry), recent_(recent) {}
  // What it gets outlives it.
  void set_summary(const message::SummaryView* summary) { summary_ = summary; }
  void set_header(std::string_view block) { header_ = block; }
  void set_bytes(const message::ReadBytes* read) { read_ = read; }

 private:
  friend class SearchProgram;
  const message::Envelope* envelope();
  const message::Summary* decoded();

  std::uint32_t index_;
  const store::Entry* entry_;
  bool recent_;
  const message::SummaryView* summary_ = nullptr;
  std::optional<std::string_view> header_;
  const message::ReadBytes* read_ = nullptr;
  std::optional<message::Envelope> envelope_;  // decoded when first asked for
  std::optional<message::Summary> decoded_;
};

// Immutable once made; threads: any.
class SearchProgram {
 public:
  // Strings are taken from `charset` (upper case; empty: US-ASCII) to the form in which text is compared [RFC5051].
  // Errc::unsupported: unknown charset.  Errc::syntax: a sequence number above EXISTS.
  static Result<SearchProgram> compile(const Search&, const Selected&, const store::MailboxState&);

  Verdict match(Candidate&) const;
  Cost cost() const { return root_.cost; }  // of the dearest key
  bool wants_mod_seq() const { return wants_mod_seq_; }

 private:
  enum class Op : std::uint8_t {
    constant, all_of, any_of, none_of, indexes, flags, recent, keyword, internal_date, sent_date, larger, smaller, envelope, header,
    text, mod_seq
  };
  struct Node {
    Op op = Op::constant;
    Cost cost = Cost::entry;
    bool want = true;              // constant, flags, recent, keyword: the value looked for
    std::uint8_t date_op = 0;      // SearchDate::Op
    message::SearchScope scope{};  // text
    std::uint64_t number = 0;      // flag bit, keyword bits, size, mod-sequence
    std::chrono::sys_days date{};
    std::string name, needle;      // lower case; casemapped
    IndexRanges ranges;
    std::vector<Node> children;    // ascending cost
  };
  class Compiler;

  Verdict match(const Node&, Candidate&) const;
  static Verdict match_children(const SearchProgram&, const Node&, Candidate&);
  static Verdict match_summary(const Node&, Candidate&);
  static Verdict match_envelope(const Node&, Candidate&);
  static Verdict match_text(const Node&, Candidate&);

  Node root_;
  bool wants_mod_seq_ = false;
};

}  // namespace posthorn::imap
