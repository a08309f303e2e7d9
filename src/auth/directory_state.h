// What the directory keeps in memory; private to directory*.cc.
#pragma once

#include <mutex>
#include <set>
#include <shared_mutex>

#include "auth/directory.h"
#include "auth/lru_map.h"
#include "base/metrics.h"

namespace posthorn::auth {

inline constexpr std::size_t kSigningKeyCache = 16 << 20;  // bytes: the keys of some 1,000 domains

// What an address is.  Null in both: it does not exist.
struct Directory::Address {
  std::shared_ptr<const AccountRecord> account;
  std::shared_ptr<const AliasRecord> alias;
  bool exists() const { return account || alias; }
};

struct Directory::State {
  mutable std::shared_mutex domains_mutex;
  std::set<std::string, std::less<>> domains;
  std::string secret;  // written by open() only

  mutable std::mutex mutex;  // guards what follows
  LruMap<Address> cache{static_cast<std::size_t>(kDirectoryCache.get())};
  LruMap<SigningKeys> signing_keys{kSigningKeyCache};  // by domain
  // Counts changes: what was read from the store before one is not put into the cache after it.
  std::uint64_t generation = 0;

  MetricSource cache_bytes{"auth.directory_cache_bytes", "Memory of the addresses looked up recently.", [this] {
                             std::lock_guard hold(mutex);
                             return static_cast<std::int64_t>(cache.used());
                           }};
  MetricSource domain_count{"auth.domains", "Domains of this server.", [this] {
                              std::shared_lock hold(domains_mutex);
                              return static_cast<std::int64_t>(domains.size());
                            }};

  bool has_domain(std::string_view domain) const {
    std::shared_lock hold(domains_mutex);
    return domains.contains(domain);
  }
  // The cache knows an address, account or alias, by the key its account has or would have.
  void forget(std::vector<std::string> keys) {
    std::lock_guard hold(mutex);
    ++generation;
    for (auto& key : keys) {
      key.front() = 'a';
      cache.erase(key);
    }
  }
  void forget_everything() {
    std::lock_guard hold(mutex);
    ++generation;
    cache.clear();
    signing_keys.clear();
  }
  void forget_signing_keys(const std::set<std::string>& of) {
    std::lock_guard hold(mutex);
    for (const auto& domain : of) signing_keys.erase(domain);
  }
};

}  // namespace posthorn::auth
