#include "intake/transaction.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/clock.h"
#include "crypto/random.h"
#include "delivery/local.h"
#include "delivery/settings.h"
#include "text/date.h"

namespace posthorn::intake {
namespace {

std::chrono::sys_seconds this_second() { return std::chrono::floor<std::chrono::seconds>(now()); }

// [RFC6409 8.3] [RFC5322 3.6.4] Unique: the time and 64 random bits, at our own name.
std::string new_message_id(std::string_view hostname) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%llx.%016llx", static_cast<unsigned long long>(now().time_since_epoch().count()),
                static_cast<unsigned long long>(crypto::random_u64()));
  return '<' + std::string(buffer) + '@' + std::string(hostname) + '>';
}

std::string fields_for(HeaderEditor::Missing missing, std::string_view hostname, const std::string& from) {
  std::string out;
  if (missing.from && !from.empty()) out += "From: " + from + "\r\n";
  if (missing.message_id) out += "Message-ID: " + new_message_id(hostname) + "\r\n";
  if (missing.date) out += "Date: " + text::format_rfc5322_date({this_second(), 0}) + "\r\n";
  return out;
}

HeaderEditor::Complete completer(const Options& options) {
  return options.fix_ups == FixUps::none ? HeaderEditor::Complete() : missing_fields(options.hostname, options.from);
}

// Does a mailbox here get it now?
bool stays(const smtp::Envelope& envelope, Here here) {
  return here == Here::accounts && std::ranges::any_of(envelope.forward_paths, [](const auto& path) { return !path.accounts.empty(); });
}

// What is answered together is delivered together.
std::vector<delivery::Group> groups_of(const smtp::Envelope& envelope, Answers answers, Here here) {
  std::vector<delivery::Group> groups(answers == Answers::one_for_all ? 1 : envelope.forward_paths.size());
  for (std::size_t i = 0; i < envelope.forward_paths.size() && here == Here::accounts; ++i) {
    auto& accounts = groups[answers == Answers::one_for_all ? 0 : i].accounts;
    const auto& more = envelope.forward_paths[i].accounts;
    accounts.insert(accounts.end(), more.begin(), more.end());
  }
  return groups;
}

// "accepted from client.test [192.0.2.1] with ESMTPSA, TLSv1.3 TLS_AES_128_GCM_SHA256, signed in as ann@example.org; 2048 bytes, session 1f"
std::string arrival_text(const Origin& origin, std::uint64_t size) {
  // A program on this machine, by no connection.
  if (origin.ip.empty() && origin.with == "local") return "accepted from " + origin.account + "; " + std::to_string(size) + " bytes";
  std::string out = "accepted from " + (origin.helo.empty() ? std::string("a client") : origin.helo);
  if (!origin.ip.empty()) out += " [" + origin.ip + ']';
  out += " with " + origin.with;
  out += origin.tls_version.empty() ? ", no TLS" : ", " + origin.tls_version + ' ' + origin.tls_cipher;
  if (!origin.account.empty()) out += ", signed in as " + origin.account;
  out += "; " + std::to_string(size) + " bytes";
  if (!origin.session.empty()) out += ", session " + origin.session;
  return out;
}

std::string fate_text(const smtp::ForwardPath& path, Here here) {
  if (here == Here::nobody) return "queued, to be sent at a later time";
  std::string out;
  if (path.accounts.size() == 1) out = "stored in the mailbox";
  else if (!path.accounts.empty()) out = "stored in " + std::to_string(path.accounts.size()) + " mailboxes";
  if (path.remote.empty()) return out;
  out += out.empty() ? "queued" : ", queued";
  if (path.remote.front() == path.address) return out;
  out += " for <" + path.remote.front() + '>';
  if (path.remote.size() > 1) out += " and " + std::to_string(path.remote.size() - 1) + " more";
  return out;
}

}  // namespace

HeaderEditor::Complete missing_fields(std::string hostname, std::string from) {
  return [hostname = std::move(hostname), from = std::move(from)](HeaderEditor::Missing missing) { return fields_for(missing, hostname, from); };
}

Transaction::Transaction(store::MailStore& store, smtp::Envelope envelope, Origin origin, Options options)
    : store_(store),
      envelope_(std::move(envelope)),
      origin_(std::move(origin)),
      options_(std::move(options)),
      here_(envelope_.options.hold_until && *envelope_.options.hold_until > now() ? Here::nobody : Here::accounts),
      incoming_(store.begin_incoming(stays(envelope_, here_) ? store::Incoming::For::mailboxes : store::Incoming::For::passing)),
      id_(std::to_string(incoming_->id().value())),
      editor_(completer(options_), options_.fix_ups == FixUps::submission ? HeaderEditor::Bcc::drop : HeaderEditor::Bcc::keep) {
  const auto& paths = envelope_.forward_paths;
  // [RFC5321 4.4] Only who makes the final delivery says it; the others do not send it (queue::Entry::prefix).
  if (stays(envelope_, here_)) put_return_path(edited_, envelope_.reverse_path);
  prefix_ = static_cast<std::uint32_t>(edited_.size());
  put_received(edited_, origin_, options_.hostname, id_, paths.size() == 1 ? paths[0].address : std::string_view(), this_second());
  if (needs_queue(envelope_, here_) && !options_.queue) refuse({Errc::unsupported, "there is no queue"});
}

void Transaction::refuse(Error error) {
  if (failure_) return;
  failure_ = std::move(error);
  incoming_.reset();
  edited_ = {};
}

Task<Result<void>> Transaction::store(std::string_view bytes) {
  if (editor_.in_body() && edited_.empty()) co_return co_await incoming_->write(bytes);
  editor_.edit(bytes, edited_);
  auto written = co_await incoming_->write(edited_);
  edited_.clear();
  if (editor_.in_body()) edited_ = {};
  co_return written;
}

Task<> Transaction::write(std::string_view bytes) {
  content_size_ += bytes.size();
  if (failure_) co_return;
  if (content_size_ > options_.max_size) {
    refuse({Errc::too_large, "message larger than max_message_size"});
    co_return;
  }
  auto written = co_await store(bytes);
  if (!written) refuse(std::move(written).error());
}

Task<Result<Receipt>> Transaction::commit(store::Beside* beside) {
  if (!failure_) {
    editor_.finish(edited_);
    if (!edited_.empty()) {
      auto written = co_await incoming_->write(edited_);
      if (!written) refuse(std::move(written).error());
    }
  }
  if (!failure_ && editor_.received_count() > options_.max_received)
    refuse({Errc::limit, "too many Received fields"});
  if (failure_) co_return std::unexpected(*failure_);

  Receipt receipt{.id = id_, .size = incoming_->size(), .recipients = {}};
  auto groups = groups_of(envelope_, options_.answers, here_);
  const store::InternalDate date{.seconds = this_second().time_since_epoch().count(), .zone_minutes = 0};
  auto incoming = std::move(*incoming_);
  incoming_.reset();
  const auto id = incoming.id();
  const auto entry = queue_entry(incoming);
  std::optional<queue::Staged> queued;
  const delivery::Also also = [&](const std::vector<Result<void>>& outcomes) -> Result<kv::Batch> {
    auto recipients = for_queue(outcomes);
    kv::Batch rows = std::move(options_.rows);
    if (recipients.empty()) return rows;
    TRY(auto staged, options_.queue->stage(id, entry, std::move(recipients)));
    queued.emplace(std::move(staged));
    rows.append(queued->take_rows());
    return rows;
  };
  CO_TRY(receipt.recipients, co_await delivery::deliver_local(store_, std::move(incoming), std::move(groups), date, also, beside));
  if (queued) queued->committed();
  if (options_.answers == Answers::one_for_all)
    receipt.recipients.assign(envelope_.forward_paths.size(), Result<void>(receipt.recipients.at(0)));
  if (options_.trace && delivery::kTraceArrivals.get()) keep_trace(id, receipt);
  co_return receipt;
}

queue::Entry Transaction::queue_entry(const store::Incoming& incoming) const {
  queue::Entry entry;
  entry.reverse_path = envelope_.reverse_path;
  entry.options = envelope_.options;
  entry.options.tls_optional = !entry.options.require_tls && editor_.says_tls_is_optional();  // [RFC8689 4.1]
  entry.origin = {.account = envelope_.submitter, .ip = origin_.ip, .helo = origin_.helo, .with = origin_.with, .ours = envelope_.ours};
  entry.arrival = now();
  entry.size = incoming.size();
  entry.prefix = prefix_;
  entry.received = editor_.received_count() + 1;  // our own
  entry.shared = prefix_ > 0;
  return entry;
}

// Of the groups that will have no trouble.
std::vector<queue::Recipient> Transaction::for_queue(const std::vector<Result<void>>& outcomes) const {
  std::vector<queue::Recipient> recipients;
  for (std::size_t i = 0; i < envelope_.forward_paths.size(); ++i)
    if (outcomes[options_.answers == Answers::one_for_all ? 0 : i])
      put_for_queue(recipients, envelope_, envelope_.forward_paths[i], here_);
  drop_repeated(recipients);
  return recipients;
}

void Transaction::keep_trace(queue::EntryId id, const Receipt& receipt) const {
  using delivery::DialogueLine;
  delivery::TraceRecord record{.message = id, .when = now(), .reverse_path = envelope_.reverse_path, .recipients = {}, .lines = {}};
  record.lines.push_back({record.when, DialogueLine::Kind::note, arrival_text(origin_, receipt.size)});
  for (std::size_t i = 0; i < receipt.recipients.size() && record.recipients.size() < delivery::Trace::kMaxRecipients; ++i) {
    if (!receipt.recipients[i]) continue;
    const auto& path = envelope_.forward_paths[i];
    record.recipients.push_back(path.address);
    record.lines.push_back({record.when, DialogueLine::Kind::note, '<' + path.address + ">: " + fate_text(path, here_)});
  }
  if (!record.recipients.empty()) options_.trace->add(std::move(record));
}

}  // namespace posthorn::intake
