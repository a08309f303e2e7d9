#include "delivery/signatures.h"

#include <utility>

#include "base/log.h"
#include "base/metrics.h"
#include "client/line_ends.h"
#include "delivery/settings.h"
#include "mailauth/dkim/signer.h"
#include "text/idna.h"

namespace posthorn::delivery {
namespace {

using mailauth::dkim::Signer;

inline Counter messages_signed{"dkim.signed", "Forms of messages that were signed by DKIM."};
inline Counter signing_failed{"dkim.failed", "Messages that could not be signed by DKIM."};

constexpr std::size_t kLong = 64 << 10;  // bytes that take a reactor some 0.1 ms

// The signer is given what will go out: client/smtp_content.cc.
class SentBytes {
 public:
  SentBytes(Signer& signer, smtp::Body body) : signer_(signer), as_it_is_(body == smtp::Body::binary_mime) {}
  void feed(std::string_view piece) {
    if (as_it_is_) return signer_.feed(piece);
    text_.clear();
    line_ends_.put(text_, piece);
    signer_.feed(text_);
  }
  void finish() {
    text_.clear();
    if (!as_it_is_) line_ends_.finish(text_);
    signer_.feed(text_);
    signer_.end();
  }

 private:
  Signer& signer_;
  const bool as_it_is_;
  client::LineEnds line_ends_;
  std::string text_;
};

// Of what a message begins with: as far as its header may go, so that no more is hashed of mail that is not ours.
std::size_t header_length(std::string_view piece) {
  const auto end = piece.find("\n\r\n");
  return end == piece.npos ? piece.size() : end + 3;
}

std::string selectors(const auth::SigningKeys& keys) {
  std::string out;
  for (const auto& key : *keys) out += (out.empty() ? "" : ", ") + key.name;
  return out;
}

}  // namespace

bool may_sign(const queue::Entry& entry, const queue::Recipient& recipient) {
  const auto& origin = entry.origin;
  if (!origin.ours) return false;
  const bool signed_in = origin.account.value() != 0, made_here = origin.ip.empty();
  return signed_in || made_here || recipient.forwarded_for.empty();
}

struct Signatures::Slot {
  AsyncMutex mutex;  // of who signs; guards what follows
  std::string author_domain;
  auth::SigningKeys keys;  // null: not signed yet.  That the keys are the same is seen by their being the same object.
  SignaturePtr signature;
};

Signatures::Signatures(auth::Directory& directory, WorkerPool& workers) : directory_(directory), workers_(workers) {}

Task<Result<SignaturePtr>> Signatures::of(Outgoing& message, const Outgoing::Form& form) {
  auto key = std::to_string(message.id().value());
  if (form.plan) key += '/' + std::to_string(static_cast<int>(form.plan->host.content));
  std::shared_ptr<Slot> slot;
  {
    std::lock_guard hold(mutex_);
    if (const auto* known = slots_.find(key)) slot = *known;
    else slots_.put(std::move(key), slot = std::make_shared<Slot>());
  }
  const auto only_one = co_await slot->mutex.lock();
  if (slot->keys) {
    CO_TRY(const auto keys, co_await keys_of(slot->author_domain));
    if (keys == slot->keys) co_return slot->signature;
  }
  slot->keys = nullptr;
  auto done = co_await sign(*slot, message, form);
  if (!done) {
    signing_failed.add();
    log::warning("dkim.cannot_sign", {{"message", message.id().value()}, {"domain", slot->author_domain}, {"error", done.error()}});
    co_return std::unexpected(std::move(done).error());
  }
  co_return slot->signature;
}

// The directory has a domain as it was written there; From may have it in the other form.
Task<Result<auth::SigningKeys>> Signatures::keys_of(std::string author_domain) {
  auto keys = co_await directory_.signing_keys(author_domain);
  if (!keys || !(*keys)->empty()) co_return keys;
  auto other = text::domain_to_unicode(author_domain);
  if (other == author_domain) other = text::domain_to_ascii(author_domain).value_or(other);
  if (other == author_domain) co_return keys;
  co_return co_await directory_.signing_keys(std::move(other));
}

Task<Result<void>> Signatures::sign(Slot& slot, Outgoing& message, const Outgoing::Form& form) {
  Signer signer;
  SentBytes bytes(signer, form.body);
  const auto source = message.source(form);
  std::string_view rest;  // of the piece that the header ends in
  bool ended = false;
  while (!signer.header_ended()) {
    CO_TRY(const auto piece, co_await source->next());
    const std::size_t length = header_length(piece);
    rest = piece.substr(length);
    if (length > 0) bytes.feed(piece.substr(0, length));
    else bytes.finish(), ended = true;
  }
  slot.author_domain = signer.author_domain();
  CO_TRY(slot.keys, co_await keys_of(slot.author_domain));
  if (slot.keys->empty()) {  // the body need not be read
    slot.signature = std::make_shared<const Signature>();
    co_return Result<void>{};
  }
  const auto keys = std::exchange(slot.keys, nullptr);  // until it is done
  for (auto piece = rest; !ended;) {
    if (piece.size() > kLong) co_await workers_.run([&] { bytes.feed(piece); });
    else if (!piece.empty()) bytes.feed(piece);
    CO_TRY(piece, co_await source->next());
    ended = piece.empty();
    if (ended) bytes.finish();
  }
  mailauth::dkim::Identity identity{.domain = text::domain_to_ascii(slot.author_domain).value_or(slot.author_domain), .keys = *keys};
  identity.time = now();
  auto fields = co_await workers_.run([&] { return signer.finish(identity); });
  auto out = std::make_shared<Signature>();
  if (fields) {
    messages_signed.add();
    out->note = fields->empty() ? "signed already for " + identity.domain : "signed for " + identity.domain + " with " + selectors(keys);
    out->fields = *std::move(fields);
  } else if (fields.error().code == Errc::invalid || fields.error().code == Errc::too_large) {
    signing_failed.add();
    out->note = "not signed: " + fields.error().text;
  } else {
    co_return std::unexpected(std::move(fields).error());
  }
  slot.keys = keys;
  slot.signature = std::move(out);
  co_return Result<void>{};
}

}  // namespace posthorn::delivery
