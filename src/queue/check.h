// What `posthorn store check` says about the queue.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "blob/blob.h"
#include "kv/store.h"
#include "queue/entry.h"

namespace posthorn::queue {

struct CheckReport {
  std::vector<std::string> problems;  // at most 1,000
  std::uint64_t entries = 0, groups = 0, recipients = 0;
};
// Every row and every reference of docs/formats/queue.md, in the state `at`.  `linked`: the blobs that the queue links in it, ascending.
Task<Result<CheckReport>> check_queue(kv::Store&, blob::Blobs&, kv::SnapshotPtr at, std::vector<EntryId> linked);

}  // namespace posthorn::queue
