// One message from "a client hands it to us" to "it is committed".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "delivery/trace.h"
#include "intake/envelope.h"
#include "intake/for_queue.h"
#include "intake/header_editor.h"
#include "intake/trace.h"
#include "queue/queue.h"
#include "store/mail_store.h"

namespace posthorn::intake {

enum class FixUps { none, submission };            // [RFC6409 8] Date and Message-ID are added, Bcc goes
enum class Answers { one_for_all, one_for_each };  // what the sender will be told: SMTP, LMTP [RFC2033 4.2]

// [RFC6409 8] What a user's message gets where it has none: Message-ID and Date, and From unless `from` is empty.
HeaderEditor::Complete missing_fields(std::string hostname, std::string from = {});

struct Options {
  std::string hostname;
  std::uint64_t max_size = 0;       // of the content, bytes
  std::uint32_t max_received = 50;  // more Received fields than this are a loop [RFC5321 6.3]
  FixUps fix_ups = FixUps::none;
  std::string from;  // with FixUps::submission: what From says where it is missing; empty: nothing is added
  Answers answers = Answers::one_for_all;
  kv::Batch rows;  // of the caller's, for the same commit
  delivery::Trace* trace = nullptr;  // is told of what is accepted
  queue::Queue* queue = nullptr;  // for those who are not here; none: an envelope that needs it is refused (unsupported)
};

struct Receipt {
  std::string id;                        // as in Received, the log and the reply
  std::uint64_t size = 0;                // as stored, trace fields included
  std::vector<Result<void>> recipients;  // in the order of the forward-paths
};

// Lives on one reactor.  Dropping it before commit() leaves nothing.
//
// 1. After the first failure writes do nothing and hold nothing, and commit() answers that failure; so a session can go on
//    swallowing what the client sends.
// 2. When commit() has answered a recipient with success, its accounts have the message on stable storage, once each, and for whom it leads to
//    elsewhere the queue has it; all of it by one commit.
// 3. What the sender may want to know of those who have it (NOTIFY=SUCCESS) is in the queue in the same commit. [RFC3461 5.2]
// 4. A message with a time before which it shall not go (hold_until) is queued for everybody, accounts here included. [RFC4865]
class Transaction {
 public:
  Transaction(store::MailStore&, smtp::Envelope, Origin, Options);
  Transaction(Transaction&&) = default;

  // The next bytes of the content, with CRLF line ends and without dot-stuffing.  REQUIRES: at most 64 KiB.
  Task<> write(std::string_view bytes);
  // The content is bad in a way that only the session can see; `commit` will say so.
  void refuse(Error);
  bool failed() const { return failure_.has_value(); }
  Errc failure() const { return failure_->code; }  // REQUIRES: failed()
  std::uint64_t content_size() const { return content_size_; }
  const smtp::Envelope& envelope() const { return envelope_; }
  // What has come of the header so far.
  const HeaderEditor& header() const { return editor_; }

  // Once, last.  With `beside`: what the sender keeps of it, stored by the same commit or nothing is, and nothing is sent; its failure (over_quota,
  // not_found, limit) is the error of all.  REQUIRES: then one_for_all.
  // Errors, with nothing stored: too_large; limit: a mail loop; no_space, io, ...; what refuse() was given.
  // With one_for_all the recipients' results are all the same.
  Task<Result<Receipt>> commit(store::Beside* beside = nullptr);

 private:
  Task<Result<void>> store(std::string_view bytes);
  queue::Entry queue_entry(const store::Incoming&) const;
  std::vector<queue::Recipient> for_queue(const std::vector<Result<void>>& outcomes) const;
  void keep_trace(queue::EntryId, const Receipt&) const;

  store::MailStore& store_;
  smtp::Envelope envelope_;
  Origin origin_;
  Options options_;
  Here here_;
  std::optional<store::Incoming> incoming_;
  std::string id_;
  HeaderEditor editor_;
  std::string edited_;  // trace fields and header on their way to the store
  std::uint32_t prefix_ = 0;  // bytes that only mailboxes here get
  std::uint64_t content_size_ = 0;
  std::optional<Error> failure_;
};

}  // namespace posthorn::intake
