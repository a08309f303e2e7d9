// Numbers that could be confused have their own types.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace posthorn {

template <class Tag, class Rep>
class StrongId {
 public:
  using rep = Rep;
  constexpr StrongId() = default;
  explicit constexpr StrongId(Rep v) : value_(v) {}
  constexpr Rep value() const { return value_; }
  friend constexpr auto operator<=>(StrongId, StrongId) = default;

 private:
  Rep value_ = 0;
};

using AccountId = StrongId<struct AccountIdTag, std::uint64_t>;    // never reused
using MailboxId = StrongId<struct MailboxIdTag, std::uint32_t>;    // unique in its account, never reused
using MessageId = StrongId<struct MessageIdTag, std::uint64_t>;    // unique in its account, never reused, in order of arrival
using Uid = StrongId<struct UidTag, std::uint32_t>;                // [RFC3501 2.3.1.1] 1..2^32-1, ascending
using UidValidity = StrongId<struct UidValidityTag, std::uint32_t>;
using SeqNum = StrongId<struct SeqNumTag, std::uint32_t>;          // [RFC3501 2.3.1.2] 1..EXISTS
using ModSeq = StrongId<struct ModSeqTag, std::uint64_t>;          // [RFC7162 3.1] 1..2^63-1, account-wide here

}  // namespace posthorn

template <class Tag, class Rep>
struct std::hash<posthorn::StrongId<Tag, Rep>> {
  std::size_t operator()(posthorn::StrongId<Tag, Rep> id) const noexcept { return std::hash<Rep>{}(id.value()); }
};
