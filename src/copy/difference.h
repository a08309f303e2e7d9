// What of a folder is not at the target yet.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "copy/mail_place.h"

namespace posthorn::copy {

// Messages of both, by their places in the lists; it begins with nothing decided.  Each is paired at most once, in the order of the lists, so
// that of k copies at the source and n at the target k - n are missing, never less than none.
//
// INVARIANT: two messages are the same only when something beside their UID says so.
class Difference {
 public:
  Difference(std::vector<MessageInfo> source, std::vector<MessageInfo> target);

  // The same UID, size and date.  REQUIRES: the UIDs were to be kept.
  void pair_by_uid();
  // The same fields and size; then the same fields and date, for a server may count octets otherwise, or write messages anew.  What has no
  // fields is the same as nothing else.  Where sizes tell nothing: the same fields and date, if no other has them at either place.
  void pair_by_fields(bool by_size = true);
  // Those whose fields somebody at the other place has, too, and whose octets have to tell: the UIDs of both.
  std::pair<std::vector<std::uint32_t>, std::vector<std::uint32_t>> doubtful() const;
  // The same octets: `fields` of the doubtful ones are now digests of them.
  void pair_by_octets();

  const std::vector<MessageInfo>& source() const { return source_; }
  const std::vector<MessageInfo>& target() const { return target_; }
  std::vector<MessageInfo>& source() { return source_; }
  std::vector<MessageInfo>& target() { return target_; }

  std::vector<std::size_t> missing() const;                                            // of the source, ascending
  const std::vector<std::pair<std::size_t, std::size_t>>& same() const { return same_; }  // the source's, the target's

 private:
  enum class If { any, only_one };  // has the key
  template <class Key>
  void pair_up(Key key, If = If::any);

  std::vector<MessageInfo> source_, target_;
  std::vector<bool> left_, free_;  // not paired yet
  std::vector<std::pair<std::size_t, std::size_t>> same_;
};

}  // namespace posthorn::copy
