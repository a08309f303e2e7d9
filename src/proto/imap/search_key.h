// The search program as a tree. [RFC3501 6.4.4], MODSEQ of [RFC7162 3.1.5]
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "proto/imap/flags.h"
#include "proto/imap/sequence_set.h"

namespace posthorn::imap {

struct SearchKey;

struct SearchAll {};
struct SearchAnd {
  std::vector<SearchKey> keys;
};  // NEW is (RECENT UNSEEN)
struct SearchOr {
  std::vector<SearchKey> keys;
};  // always two
struct SearchNot {
  std::vector<SearchKey> keys;
};  // always one; OLD is NOT RECENT
struct SearchSequence {
  SequenceSet set;
  bool uid = false;
};
struct SearchFlag {
  SystemFlag flag = SystemFlag::seen;
  bool set = true;
};
struct SearchKeyword {
  std::string keyword;
  bool set = true;
};
struct SearchDate {
  enum class Field : std::uint8_t { internal_date, sent, save_date } field = Field::internal_date;
  enum class Op : std::uint8_t { before, on, since } op = Op::on;
  std::chrono::sys_days date{};
};
// [RFC5032] OLDER and YOUNGER: seconds before now.
struct SearchWithin {
  bool younger = false;
  std::uint32_t seconds = 0;  // never 0
};
// [RFC8474 5] EMAILID, THREADID.
struct SearchObjectId {
  bool thread = false;
  std::string id;
};
struct SearchSize {
  enum class Op : std::uint8_t { larger, smaller } op = Op::larger;
  std::uint64_t size = 0;
};
// FROM, TO, CC, BCC and SUBJECT are here too, with these names. Strings of the client are raw octets in the
// charset of the search; an empty value matches every message that has the field.
struct SearchHeader {
  std::string name;
  std::string value;
};
struct SearchText {
  enum class Scope : std::uint8_t { body, text } scope = Scope::text;
  std::string value;
};
// SAVEDATESUPPORTED [RFC8514 4.3] is SearchAll.  "$" is a SearchSequence with a saved result.
struct SearchModSeq {
  std::uint64_t mod_seq = 0;  // 0..2^63-1
  // The flag of an entry name "/flags/...", without that prefix. We keep one mod-sequence per message, and
  // [RFC7162 3.1.5] lets such a server ignore it.
  std::optional<std::string> entry_flag;
};

struct SearchKey {
  std::variant<SearchAll, SearchAnd, SearchOr, SearchNot, SearchSequence, SearchFlag, SearchKeyword,
               SearchDate, SearchWithin, SearchObjectId, SearchSize, SearchHeader, SearchText, SearchModSeq>
      key;
};

}  // namespace posthorn::imap
