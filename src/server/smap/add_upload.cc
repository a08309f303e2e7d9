// ADD: the message comes, and is sent, saved, or both. [SMAP1 10.2]
//
// Both is one commit: the mail system has what is sent and the folder has the copy, or neither does (intake::Transaction::commit).  So +OK
// is never said before both are on stable storage, and after -ERR the client may try again without anybody getting the message twice.
#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "config/core_settings.h"
#include "intake/settings.h"
#include "intake/submission.h"
#include "proto/smap/words.h"
#include "server/common/imap_port.h"
#include "server/smap/add_batch.h"
#include "server/smap/session.h"
#include "server/smap/settings.h"
#include "text/ascii.h"

namespace posthorn::smap {
namespace {

constexpr std::size_t kPiece = 64 << 10;                  // of what is handed on at once
constexpr std::uint64_t kAddedFields = 4 << 10;           // more than they can be
constexpr auto kUploadTimeout = std::chrono::hours(1);    // for the whole message, however steadily it comes

std::uint64_t max_size() { return static_cast<std::uint64_t>(config::kMaxMessageSize.get()); }

store::InternalDate date_of(const AddBatch& batch) {
  if (batch.date) return *batch.date;
  return {.seconds = std::chrono::floor<std::chrono::seconds>(now()).time_since_epoch().count(), .zone_minutes = 0};
}

// Why a message was not sent, for its sender.
Reply send_failed(const Error& error, std::uint32_t received) {
  if (error.code == Errc::over_quota) return err("Not sent: the mailbox of a recipient is full");
  if (error.code == Errc::limit && std::cmp_greater(received, intake::kMaxReceived.get())) return err("Not sent: too many hops, this message is in a loop");
  return err("Not sent: " + reply_for(error).text);
}

}  // namespace

struct Session::Arriving {
  std::optional<intake::Transaction> message;  // to be sent
  std::optional<store::Incoming> copy;         // to be saved
  Result<void> copy_written;
  // Of both: what is saved is what was sent, with the Message-ID and Date that were added.
  std::optional<intake::HeaderEditor> header;
  std::uint64_t size = 0;
};

Session::Outcome Session::upload(AddBatch& batch, UploadForm form) {
  if (auto refusal = refuse_upload(batch, form)) co_return *std::move(refusal);
  Arriving arriving;
  if (!batch.recipients.empty()) arriving.message.emplace(begin_message(batch));
  if (batch.folder) arriving.copy.emplace(context_.services.store.begin_incoming());
  if (arriving.message && arriving.copy) arriving.header.emplace(intake::missing_fields(context_.services.hostname));
  put_line("> Go ahead");
  UploadDecoder decoder(form, {.size = max_size(), .skip = max_size() + (64 << 10)});  // line ends grow
  CO_TRY_OK(co_await receive(decoder, arriving));
  if (is_nobody()) co_return err("The account has been removed");
  if (decoder.too_large()) co_return std::unexpected(Error{Errc::too_large, {}});
  co_return co_await conclude(batch, arriving);
}

// What can be refused before a byte of the message has been sent.
std::optional<Reply> Session::refuse_upload(const AddBatch& batch, const UploadForm& form) const {
  if (!batch.folder && batch.recipients.empty()) return err("There is no folder to save it in, and nobody to send it to");
  // [RFC1870 6.1] An estimate is believed when it says that there is no point in sending.
  const auto announced = std::max({form.chunk, form.size, std::uint64_t{1}});
  if (announced > max_size()) return reply_for({Errc::too_large, {}});
  if (!batch.recipients.empty() && std::cmp_greater_equal(sent_, intake::kMaxTransactions.get())) return err("Too many messages on one connection");
  if (batch.folder && !store::MailStore::fits(*batch.target->account, announced))
    return reply_for({Errc::over_quota, {}});
  return std::nullopt;
}

intake::Transaction Session::begin_message(const AddBatch& batch) const {
  smtp::Envelope envelope{.reverse_path = {}, .forward_paths = batch.recipients, .options = {}, .submitter = account_->id(), .ours = true};
  if (!batch.has_sender) envelope.reverse_path = user_;
  else if (batch.sender) envelope.reverse_path = smtp::to_string(*batch.sender);
  for (auto& path : envelope.forward_paths) path.options.notify = batch.notify;
  envelope.options.body = smtp::Body::eight_bit_mime;
  envelope.options.smtp_utf8 = batch.needs_utf8 || !text::is_ascii(envelope.reverse_path);
  // [RFC3848] Departure: there is no registered name for this way in.
  intake::Origin origin{.helo = {},
                        .ip = connection().peer().ip,
                        .with = "SMAP",
                        .tls_version = connection().tls_version(),
                        .tls_cipher = connection().tls_cipher(),
                        .account = user_,
                        .session = context_.session_id};
  intake::Options options{.hostname = context_.services.hostname,
                          .max_size = max_size() + kAddedFields,  // what was uploaded is judged before
                          .max_received = static_cast<std::uint32_t>(intake::kMaxReceived.get()),
                          .fix_ups = intake::FixUps::submission};
  options.queue = context_.services.queue;
  options.trace = context_.services.trace;
  return intake::Transaction(context_.services.store, std::move(envelope), std::move(origin), std::move(options));
}

// Takes all of the upload from the stream, whatever becomes of it: a full disk must not break the framing.
Task<Result<void>> Session::receive(UploadDecoder& decoder, Arriving& arriving) {
  const auto deadline = steady_now() + kUploadTimeout;
  std::string content, edited;
  for (bool more = true; more;) {
    content.clear();
    CO_TRY(more, co_await read_upload(decoder, content));
    if (steady_now() > deadline) {
      lost_ = true;
      say_bye("The upload takes too long", "slow_upload");
      co_return fail(Errc::timed_out, "the upload takes too long");
    }
    if (arriving.header) {
      edited.clear();
      arriving.header->edit(content, edited);
      if (!more) arriving.header->finish(edited);
      content.swap(edited);
    }
    arriving.size += content.size();
    for (std::string_view left = content; !left.empty(); left.remove_prefix(std::min(kPiece, left.size()))) {
      const auto piece = left.substr(0, kPiece);
      if (arriving.message) co_await arriving.message->write(piece);
      if (arriving.copy && arriving.copy_written) arriving.copy_written = co_await arriving.copy->write(piece);
    }
  }
  co_return Result<void>{};
}

Session::Outcome Session::conclude(AddBatch& batch, Arriving& arriving) {
  CO_TRY_OK(arriving.copy_written);
  std::optional<store::Beside> copy;
  if (arriving.copy) {
    CO_TRY(auto prepared, co_await prepare_copy(batch, arriving));
    copy.emplace(std::move(prepared));
  }
  if (arriving.message) {
    CO_TRY(auto sent, co_await send(batch, arriving, copy ? &*copy : nullptr));
    if (!sent.is_ok) co_return sent;
  } else {
    CO_TRY_OK(co_await save(*copy));
  }
  if (!copy) co_return ok("Message sent");
  log::info("smap.added", {{"session", context_.session_id},
                           {"mailbox", batch.target->state->name},
                           {"uid", copy->stored->uid},
                           {"size", arriving.size}});
  // Who may not read the folder is not told what is in it.
  if (batch.target->rights.contains(store::kRead)) {
    put_attribute(output() += "* ADD ", "UID", uid_word(copy->stored->uid_validity, copy->stored->uid));
    end_line();
  }
  co_return ok(arriving.message ? "Message sent and saved" : "Message saved");
}

// The message may have taken long to come: what counts is what the user may do now.
Task<Result<store::Beside>> Session::prepare_copy(AddBatch& batch, Arriving& arriving) {
  CO_TRY(batch.target, co_await locate(*batch.folder, store::kInsert));
  const auto& target = *batch.target;
  store::NewMessage message{.incoming = *std::move(arriving.copy), .flags = batch.flags, .keywords = {}, .internal_date = date_of(batch)};
  message.flags &= store::changeable_flags(target.rights);  // [SMAP1 10.1] what is missing there goes
  if (target.rights.contains(store::kWrite)) message.keywords = batch.keywords;
  co_return store::Beside{.message = std::move(message), .account = target.account, .mailbox = target.state->id, .stored = {}};
}

// +OK or why not.  An error: of the copy, or of something here; nothing was sent.
Session::Outcome Session::send(AddBatch& batch, Arriving& arriving, store::Beside* copy) {
  auto& message = *arriving.message;
  if (!message.failed()) {
    CO_TRY(const auto objection, co_await intake::judge_authors(context_.services.directory, identity(), message.header()));
    if (objection) co_return err(objection->text);
  }
  const auto envelope_sender = message.envelope().reverse_path;
  auto receipt = co_await message.commit(copy);
  if (!receipt || !receipt->recipients.front()) {
    const auto& why = receipt ? receipt->recipients.front().error() : receipt.error();
    log::info("smap.not_sent", {{"session", context_.session_id}, {"from", envelope_sender}, {"class", to_string(why.code)}, {"error", why}});
    if (!receipt && copy && why.code == Errc::over_quota) co_return reply_for(why);
    co_return send_failed(why, message.header().received_count());
  }
  ++sent_;
  log::info("smap.sent", {{"session", context_.session_id},
                          {"message", receipt->id},
                          {"from", envelope_sender},
                          {"to", batch.recipients.front().address},
                          {"recipients", batch.recipients.size()},
                          {"size", receipt->size}});
  co_return ok("Message sent");
}

Task<Result<void>> Session::save(store::Beside& copy) {
  std::vector<store::NewMessage> one;
  one.push_back(std::move(copy.message));
  CO_TRY(const auto stored, co_await context_.services.store.append_all(copy.account, copy.mailbox, std::move(one)));
  copy.stored = store::Appended{stored.uid_validity, stored.uids.front(), stored.mod_seq};
  co_return Result<void>{};
}

}  // namespace posthorn::smap
