// Settings that belong to the server as a whole.  A module's own settings are declared in that module.
#pragma once

#include <cstdint>

#include "base/settings.h"

namespace posthorn::config {

inline const Setting<Bytes> kMaxMessageSize{"max_message_size", 50_MiB, 64_KiB, 2_GiB,
                                            "The largest message accepted, by SMTP, LMTP and IMAP APPEND."};

enum class StorageBackend { rocksdb, memory };
inline constexpr std::string_view kStorageBackendNames[] = {"rocksdb", "memory"};
inline const Setting<StorageBackend> kStorageBackend{"storage.backend", StorageBackend::rocksdb,
                                                     kStorageBackendNames,
                                                     "Where mail is kept: rocksdb (in data_dir), or memory, "
                                                     "which forgets everything at exit and is for tests."};

inline const Setting<std::int64_t> kReactors{
    "threads.reactors", 0, 0, 1024, "Threads that serve connections; 0 means one for each processor."};
inline const Setting<std::int64_t> kWorkers{
    "threads.workers", 0, 0, 1024,
    "Threads for work that blocks (disk, password hashing); 0 means a good number for this machine."};

}  // namespace posthorn::config
