#include "intake/transaction.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/clock.h"
#include "crypto/random.h"
#include "delivery/local.h"
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

std::string missing_fields(HeaderEditor::Missing missing, std::string_view hostname) {
  std::string out;
  if (missing.message_id) out += "Message-ID: " + new_message_id(hostname) + "\r\n";
  if (missing.date) out += "Date: " + text::format_rfc5322_date({this_second(), 0}) + "\r\n";
  return out;
}

HeaderEditor::Complete completer(const Options& options) {
  if (options.fix_ups == FixUps::none) return {};
  return [hostname = options.hostname](HeaderEditor::Missing missing) { return missing_fields(missing, hostname); };
}

// What is answered together is delivered together.
std::vector<delivery::Group> groups_of(const smtp::Envelope& envelope, Answers answers) {
  std::vector<delivery::Group> groups(answers == Answers::one_for_all ? 1 : envelope.forward_paths.size());
  for (std::size_t i = 0; i < envelope.forward_paths.size(); ++i) {
    auto& accounts = groups[answers == Answers::one_for_all ? 0 : i].accounts;
    const auto& more = envelope.forward_paths[i].accounts;
    accounts.insert(accounts.end(), more.begin(), more.end());
  }
  return groups;
}

}  // namespace

Transaction::Transaction(store::MailStore& store, smtp::Envelope envelope, Origin origin, Options options)
    : store_(store),
      envelope_(std::move(envelope)),
      options_(std::move(options)),
      incoming_(store.begin_incoming()),
      id_(std::to_string(incoming_->id().value())),
      editor_(completer(options_), options_.fix_ups == FixUps::submission ? HeaderEditor::Bcc::drop : HeaderEditor::Bcc::keep) {
  put_return_path(edited_, envelope_.reverse_path);
  const auto& paths = envelope_.forward_paths;
  put_received(edited_, origin, options_.hostname, id_, paths.size() == 1 ? paths[0].address : std::string_view(),
               this_second());
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

Task<Result<Receipt>> Transaction::commit() {
  if (!failure_) {
    editor_.finish(edited_);
    if (!edited_.empty()) {
      auto written = co_await incoming_->write(edited_);
      if (!written) refuse(std::move(written).error());
    }
  }
  // One of them is our own.
  if (!failure_ && incoming_->received_count() > options_.max_received + 1)
    refuse({Errc::limit, "too many Received fields"});
  // Until there is a way into the queue, nothing is taken that would have to go there.
  if (std::ranges::any_of(envelope_.forward_paths, [](const auto& path) { return !path.remote.empty(); }) || envelope_.options.hold_until)
    refuse({Errc::unsupported, "no queue"});
  if (failure_) co_return std::unexpected(*failure_);

  Receipt receipt{.id = id_, .size = incoming_->size(), .recipients = {}};
  auto groups = groups_of(envelope_, options_.answers);
  const store::InternalDate date{.seconds = this_second().time_since_epoch().count(), .zone_minutes = 0};
  auto incoming = std::move(*incoming_);
  incoming_.reset();
  CO_TRY(receipt.recipients, co_await delivery::deliver_local(store_, std::move(incoming), std::move(groups), date));
  if (options_.answers == Answers::one_for_all)
    receipt.recipients.assign(envelope_.forward_paths.size(), Result<void>(receipt.recipients.at(0)));
  co_return receipt;
}

}  // namespace posthorn::intake
