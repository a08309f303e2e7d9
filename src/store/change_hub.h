// Wakes who watches an account, after each commit.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/ids.h"

namespace posthorn::store {

// It carries "account N is at mod-sequence M", never data.  Threads: any.
class ChangeHub {
 public:
  using OnChange = std::function<void(ModSeq)>;

  // Ends the watching when destroyed; after that on_change is not called any more.
  class Watch {
   public:
    Watch() = default;
    Watch(Watch&&) noexcept;
    Watch& operator=(Watch&&) noexcept;
    ~Watch();

   private:
    friend class ChangeHub;
    ChangeHub* hub_ = nullptr;
    AccountId account_;
    std::list<OnChange>::iterator position_;
  };

  // on_change is called on the committing thread, in commit order of the account: it must be short and must not call
  // the hub (post to a reactor).
  Watch watch(AccountId, OnChange on_change);
  void publish(AccountId, ModSeq);

 private:
  struct Shard {
    std::mutex mutex;
    std::unordered_map<AccountId, std::list<OnChange>> watchers;
  };
  Shard& shard(AccountId id) { return shards_[id.value() % shards_.size()]; }
  std::array<Shard, 64> shards_;
};

}  // namespace posthorn::store
