// A queued message on its way to a host: without what only a mailbox sees (queue::Entry::prefix), and changed where the host cannot take it as it is.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "async/task.h"
#include "base/result.h"
#include "blob/blob.h"
#include "client/message_source.h"
#include "delivery/targets.h"
#include "message/downgrade.h"
#include "message/summary.h"
#include "proto/smtp/ehlo.h"
#include "queue/entry.h"

namespace posthorn::delivery {

// Memory: at most two pieces of the message (blob::kChunkSize), while it is being sent.  One coroutine at a time.
class Outgoing {
 public:
  // REQUIRES: both outlive it.
  Outgoing(blob::Blobs&, blob::Id, const queue::Entry&);

  // How the message goes to a host that offers this.
  struct Form {
    smtp::Body body = smtp::Body::seven_bit;
    bool smtp_utf8 = false;
    std::optional<message::DowngradePlan> plan;  // it is converted
    std::optional<Trouble> impossible;           // it cannot go there
  };
  // Errors: the message cannot be read.
  Task<Result<Form>> form_for(const smtp::Extensions&, std::string reverse_path, std::vector<std::string> recipients);

  // Once for each transaction, `front` before everything else.  `form` outlives it.
  std::unique_ptr<client::MessageSource> source(const Form& form, std::string front = {});

  blob::Id id() const { return id_; }

 private:
  Task<Result<void>> begin();
  Task<Result<void>> scan();

  blob::Blobs& blobs_;
  blob::Id id_;
  const queue::Entry& entry_;
  bool begun_ = false;
  std::string first_;  // the first piece
  std::optional<message::Summary> summary_;
  std::optional<message::ContentFacts> facts_;
};

}  // namespace posthorn::delivery
