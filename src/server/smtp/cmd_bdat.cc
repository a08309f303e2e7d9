// BDAT [RFC3030]: the message in counted chunks.
#include "config/core_settings.h"
#include "server/smtp/metrics.h"
#include "server/smtp/reply_for.h"
#include "server/smtp/session.h"
#include "server/smtp/settings.h"

namespace posthorn::server {

// Whatever the answer is, exactly the chunk's bytes are taken from the connection: they come without waiting for it.
Task<> SmtpSession::cmd_bdat(smtp::Command& command) {
  const auto chunk = std::get<smtp::Bdat>(command);
  const bool belongs = state_ == State::mail || state_ == State::chunks;
  if (is_hopeless(chunk.size)) {
    refuse(reply_for(Errc::too_large, About::message), "BDAT");
    say_goodbye({4, 3, 4}, "Chunk too big", "chunk too big");
    co_return;
  }
  if (!message_ && belongs && !envelope_.forward_paths.empty()) {
    message_.emplace(begin_message());
    chunk_newlines_ = {};
  }
  if (!message_) message_deadline_ = after(kMessageTimeout.get());
  const auto recipients_refused = recipients_refused_;
  auto taken = co_await take_chunk(chunk.size);
  if (!taken) {
    reset_transaction();
    co_return end_for(taken.error());
  }
  if (!message_) {
    if (state_ == State::connected) refuse(503, {5, 5, 1}, is_lmtp() ? "Say LHLO first" : "Say EHLO first", "BDAT");
    else if (state_ == State::greeted) refuse(503, {5, 5, 1}, "Say MAIL first", "BDAT");
    else if (state_ == State::chunks_refused) refuse(503, {5, 5, 1}, "A chunk was refused, say RSET", "BDAT");
    else {
      // [RFC3030 4.2] After a failed BDAT only RSET helps.
      state_ = State::chunks_refused;
      refuse(recipients_refused != 0 ? 554 : 503, {5, 5, 1}, "No valid recipients", "BDAT");
    }
    co_return;
  }
  if (chunk.last) {
    smtp_bytes_received.add(static_cast<std::int64_t>(message_->content_size()));
    if (mail_.body != smtp::Body::binary_mime && chunk_newlines_.found())
      message_->refuse({Errc::syntax, "bare CR or LF"});
    co_return co_await finish_message();
  }
  state_ = State::chunks;
  if (message_->failed()) {
    // [RFC3030 3] Told now, so that the client need not send the rest.
    const auto failure = message_->failure();
    message_.reset();
    state_ = State::chunks_refused;
    smtp_messages_refused.add();
    refuse(reply_for(failure, About::message), "BDAT");
    co_return;
  }
  reply(250, {2, 0, 0}, std::to_string(chunk.size) + " octets received");
}

// A chunk, or the whole with it, so far over the limit that swallowing it would only waste time and network.
bool SmtpSession::is_hopeless(std::uint64_t more) const {
  const auto limit = 2 * static_cast<std::uint64_t>(config::kMaxMessageSize.get()) + 65536;
  return more > limit || (message_ && message_->content_size() + more > limit);
}

Task<Result<void>> SmtpSession::take_chunk(std::uint64_t size) {
  while (size != 0) {
    if (connection_.input().empty()) CO_TRY_OK(co_await wait_for_content());
    const auto piece = connection_.input().substr(0, size);
    if (message_) {
      if (mail_.body != smtp::Body::binary_mime) chunk_newlines_.feed(piece);
      co_await message_->write(piece);
    }
    size -= piece.size();
    connection_.consume(piece.size());
  }
  co_return Result<void>{};
}

}  // namespace posthorn::server
