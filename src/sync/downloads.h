// Messages from there into files. Internal to sync.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/event.h"
#include "message/lf_lines.h"
#include "sync/folder_state.h"

namespace posthorn::sync {

// The network and the disk are at work at the same time: while one batch is made durable and shown, by a thread of the pool, the next one comes.
// Two batches at most.
//
// INVARIANT 1: the journal takes a message for downloaded when its bytes and its name are on the disk. [docs/formats/sync.md]
class Downloads final : public client::MessageSink {
 public:
  explicit Downloads(FolderRun& run) : run_(run) {}
  ~Downloads() override;  // REQUIRES: finish() has ended
  Downloads(const Downloads&) = delete;
  Downloads& operator=(const Downloads&) = delete;

  // All that exist of them; the last batch is under way when it ends.
  Task<Result<void>> fetch(std::vector<std::uint32_t> uids);
  // Everything that has come whole is there and known.  Once, also after an error.
  Task<Result<void>> finish();

  Task<Result<void>> begin(const imap::FetchResponse&, std::uint64_t) override;
  Task<Result<void>> write(std::string_view octets) override;
  Task<Result<void>> end(const imap::FetchResponse& all) override;

 private:
  struct Arrived {
    std::uint32_t uid;
    MaildirFlags flags;
    mailfile::MaildirDraft draft;
  };
  // What the pool has.
  struct Batch {
    mailfile::MaildirBatch files;
    std::vector<std::pair<std::uint32_t, MaildirFlags>> messages = {};
    std::vector<mailfile::MaildirEntry> delivered = {};
    Result<void> result = {};
    Event done = {};
  };

  Result<void> begin_draft();
  Result<void> put(std::string_view octets);
  Result<void> end_draft(const imap::FetchResponse& all);
  // REQUIRES: no batch is under way.
  Result<void> hand_over();
  Task<Result<void>> await_batch();

  FolderRun& run_;
  std::uint64_t all_ = 0, done_ = 0;
  bool answered_ = false;  // the server has given what it has
  std::optional<mailfile::MaildirDraft> draft_;
  message::LfLines lines_;
  std::string text_;
  std::vector<Arrived> arrived_;
  std::unique_ptr<Batch> batch_;
};

}  // namespace posthorn::sync
