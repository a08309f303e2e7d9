// One attempt to bring a message to the recipients of a group at other hosts.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/smtp_connection.h"
#include "delivery/connections.h"
#include "delivery/dialogue.h"
#include "delivery/outgoing.h"
#include "delivery/router.h"
#include "delivery/signatures.h"
#include "delivery/targets.h"
#include "queue/work.h"

namespace posthorn::delivery {

// What an attempt says about a recipient.
struct Verdict {
  queue::State state = queue::State::waiting;
  queue::Answer answer;
  bool passed_on = false;  // delivered: the next host reports to the sender itself [RFC3461 5.2.1]
};

// What it says about the destination.
enum class Pressure : std::uint8_t {
  none,         // nothing
  took,         // it took a message
  slow_down,    // 421, 45x
  unreachable,  // no host could be spoken to
};

// What attempts share.  Outlives them.
struct AttemptContext {
  blob::Blobs* blobs = nullptr;
  TargetContext targets;
  std::string hello;
  std::function<std::shared_ptr<const net::TlsContext>()> tls;  // for clients
  // The reverse-path that a recipient's copy goes out with; empty: the null one.
  std::function<std::string(const queue::Entry&, const queue::Recipient&)> reverse_path;
  Signatures* signatures = nullptr;  // null: nothing is signed
};

// 1. Every recipient that was waiting has one verdict.  `delivered` and `relayed` only after the host has taken the message; `failed` only after a
//    5yz about this recipient or message, or when no host can ever take it.
// 2. A host that cannot be reached, or says 4yz or 5yz before it has heard of the message, is followed by the next one [RFC5321 5.1].
// 3. When all was sent and no answer came, the recipients wait: they may get it twice, but not never [RFC5321 6.1].
// 4. cancelled(): the process ends; who has no verdict then is as before.
//
// On one reactor.  REQUIRES: what it is given outlives it.
class Attempt {
 public:
  Attempt(const AttemptContext&, Connections&, const queue::Work&, const Way&, Dialogue&);
  Attempt(const Attempt&) = delete;

  // `open`: a connection to this destination, if there is one.
  Task<> run(std::optional<OpenConnection> open);

  const std::vector<Verdict>& verdicts() const { return verdicts_; }  // one for each recipient of the work
  bool cancelled() const { return cancelled_; }
  Pressure pressure() const { return pressure_; }
  // The last one, if it can take another message.
  std::optional<OpenConnection> take_connection() { return std::exchange(connection_, std::nullopt); }
  const std::string& last_host() const { return last_host_; }

 private:
  struct Batch;
  Task<bool> connect();
  Task<bool> open(Target target);
  client::SmtpOptions options_for(const Target&, const std::shared_ptr<Dialogue*>& listener) const;
  void note_host_failure(const client::Failure&, const Target&);
  Task<> transact();
  Batch next_batch() const;
  Task<Result<SignaturePtr>> signature_for(const Batch&, const Outgoing::Form&);
  client::MessageToSend message_for(const Batch&, const Outgoing::Form&, std::size_t signature, client::MessageSource&) const;
  bool has_deadline_passed() const;
  void take_results(const Batch&, const client::TransactionResult&);
  void take_failure(const Batch&, const client::Failure&);

  void decide(std::size_t recipient, queue::State, smtp::EnhancedCode, std::string text);
  void decide(std::size_t recipient, queue::State, const smtp::Reply&, bool by_us);
  void decide_all(queue::State, smtp::EnhancedCode, const std::string& text);
  void conclude();
  void drop_connection();
  OpenConnection give_up_connection();  // it is of no more use for this message
  std::string server() const;

  const AttemptContext& context_;
  Connections& connections_;
  const queue::Work& work_;
  const Way& way_;
  Dialogue& dialogue_;
  Outgoing outgoing_;
  Targets targets_;
  std::optional<OpenConnection> connection_;
  std::vector<Verdict> verdicts_;
  std::vector<std::size_t> pending_;     // recipients without a verdict
  std::optional<Verdict> host_verdict_;  // of the hosts that were of no use: the last temporary one, else the last
  bool reached_ = false;                 // a host was spoken to
  bool tls_failed_ = false;              // the last open()
  bool cancelled_ = false;
  Pressure pressure_ = Pressure::none;
  std::string last_host_;
};

}  // namespace posthorn::delivery
