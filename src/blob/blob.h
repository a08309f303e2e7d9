// Message bytes: written once, read in pieces, shared by everyone who links them.
//
// A blob is a row of chunks in Space::blob, keyed (id, number); each chunk has a checksum and is compressed when that helps; the last
// one says so, and how long the whole is (docs/formats/store.md).
//
// Order of writing: bytes, link, then the row that refers to them; removal in the reverse order.  A crash can leave an orphan
// (swept at start), never a dangling reference.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "blob/chunk.h"
#include "blob/recent.h"
#include "kv/store.h"

namespace posthorn::blob {

// A blob and the message it holds have one id: unique in the store for ever, ascending with time.
using Id = MessageId;

// Who links a blob is an account, or the queue, which stands beside the accounts.
constexpr AccountId kQueueOwner{~std::uint64_t{0}};

constexpr std::size_t kChunkSize = 256 * 1024;

// Bytes that are ready to be committed with the rows that refer to them.
struct Sealed {
  Id id;
  std::uint64_t size = 0;
  kv::Batch batch;  // the last chunk (a small blob: all of it), and the end of the "being written" mark
  bool written_ahead = false;  // some of it is in the store already: remove it if the batch is not committed
};

class Blobs;

// Blobs that were read at once, in one piece of memory: many small ones cost one allocation.  Moving it leaves the views valid.
class Wholes {
 public:
  std::size_t size() const { return places_.size(); }
  // nullopt: there is none, it is damaged, or longer than a chunk: Blobs::read() says which.
  std::optional<std::string_view> operator[](std::size_t index) const {
    const Place& p = places_[index];
    return p.found ? std::optional(std::string_view(*bytes_).substr(p.offset, p.length)) : std::nullopt;
  }

 private:
  friend class Blobs;
  struct Place {
    std::size_t offset = 0;
    std::uint32_t length = 0;
    bool found = false;
  };
  std::unique_ptr<std::string> bytes_;
  std::vector<Place> places_;
};

// A blob being written.  Up to one chunk is in memory; more is written ahead, unsynced.  What a dropped draft has written
// ahead is removed (Blobs::on_abandoned), or swept at the next start.
class Draft {
 public:
  Draft(Draft&& other) noexcept;
  Draft& operator=(Draft&&) = delete;
  ~Draft();
  Id id() const { return id_; }
  std::uint64_t size() const { return size_; }
  Task<Result<void>> write(std::string_view bytes);  // bytes are copied before the first wait
  // Writes ahead what is left: the draft holds no bytes any more, and Blobs::read() can read it.  REQUIRES: no write after it.
  Task<Result<void>> write_ahead();
  // REQUIRES: no write after it.
  Sealed seal() &&;

 private:
  friend class Blobs;
  Draft(Blobs& blobs, Id id, Packing packing) : blobs_(&blobs), id_(id), packing_(packing) {}
  Blobs* blobs_;
  Id id_;
  Packing packing_;
  std::uint64_t size_ = 0;
  std::uint32_t chunks_ = 0;  // written ahead
  bool complete_ = false;     // the last one, too
  std::string pending_;
};

// Threads: any.
class Blobs {
 public:
  struct Unlinked {
    Id id;
    std::uint64_t size;  // of the message, bytes
  };

  explicit Blobs(kv::Store& store) : store_(store) {}

  // Reads the id counter and sweeps what a crash left.  Call once before anything else.
  Task<Result<void>> open();

  // So many bytes of what comes in are kept in memory for those who read it next; none without it.
  void keep_recent(std::size_t bytes) { recent_.set_budget(bytes); }

  // What will not stay for long is not worth packing well.
  Draft begin(Packing = Packing::well);
  // Called when a draft is dropped after it has written ahead, on the dropping thread; set once, before begin().
  void on_abandoned(std::function<void(Unlinked)> f) { on_abandoned_ = std::move(f); }
  // Rows that link / unlink a blob to an account or to kQueueOwner; the caller commits them with its own rows.
  static void put_link(kv::Batch&, Id, AccountId);
  static void erase_link(kv::Batch&, Id, AccountId);
  // Marks a blob whose last link goes with this batch: if the process ends before remove_unlinked(), the next start removes it.
  static void put_doomed(kv::Batch&, Id);
  // Erases the link and the bytes in one go.  REQUIRES: nobody else has ever linked it, so nobody can.  Call removed() after the
  // commit.
  static void put_removal(kv::Batch&, Unlinked, AccountId);
  // The commit of put_removal() has happened.
  void removed(Unlinked);
  // Deletes the bytes of those that have no link left.  Call it after the unlinking commit.
  Task<Result<void>> remove_unlinked(std::vector<Unlinked>);

  // The piece [offset, offset + length) of the blob, cut at its end; at most kChunkSize bytes are returned at once, possibly fewer than asked for:
  // go on behind them.  not_found: no such blob; corrupt: the checksum of a chunk does not match.
  Task<Result<std::string>> read(Id, std::uint64_t offset, std::uint64_t length, kv::SnapshotPtr at = {});

  // Whole blobs of one chunk, in the order asked for, read at once.  `bytes`: about how long they are together, if that is known.
  // REQUIRES: not more at once than may be in memory.
  Task<Result<Wholes>> read_whole(std::vector<Id>, std::uint64_t bytes = 0, kv::SnapshotPtr at = {});

  // What store check uses; `at` is the state it looks at.
  struct Problem {
    Id id;
    std::string text;
  };
  struct Report {
    std::vector<Problem> problems;
    std::uint64_t blobs = 0;
    std::vector<std::pair<Id, AccountId>> links;
  };
  Task<Result<Report>> check(kv::SnapshotPtr at);  // every chunk's checksum, order and end; links without bytes, bytes without a link

 private:
  friend class Draft;
  Task<Result<void>> write_ahead_chunk(Id, std::uint32_t number, std::string bytes, Packing, bool last = false);
  Id next_id();
  // Adds a new reservation of ids to the batch when the present one is half used up.
  void renew_reservation(kv::Batch&);
  Task<Result<std::uint64_t>> newest_stored_id();
  Task<Result<void>> remove_one(Unlinked);
  Task<Result<void>> sweep_shard(std::uint64_t shard);
  Task<Result<void>> check_shard(std::uint64_t shard, kv::SnapshotPtr at, Report&);
  Task<Result<void>> check_links(std::uint64_t shard, kv::SnapshotPtr at, Report&);

  kv::Store& store_;
  std::function<void(Unlinked)> on_abandoned_;
  RecentBlobs recent_;
  std::mutex mutex_;               // guards the id counter
  std::uint64_t last_id_ = 0;
  std::uint64_t reserved_until_ = 0;
};

}  // namespace posthorn::blob
