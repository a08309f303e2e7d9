// RETR and TOP: messages on their way from the blob to the client, a piece at a time.
#include "base/log.h"
#include "proto/dot_stuffer.h"
#include "proto/pop3/top.h"
#include "server/pop3/as_ascii.h"
#include "server/pop3/reply_for.h"
#include "server/pop3/session.h"
#include "server/pop3/settings.h"

namespace posthorn::pop3 {

// `filter` has take(piece), the part of it to send, and done(): no more is needed.
template <class Filter>
Session::Outcome Session::send_message(std::uint32_t number, Filter filter) {
  const auto* entry = maildrop_->find(number);
  if (!entry) {
    err(Text::no_such_message);
    co_return Result<void>{};
  }
  const auto message = entry->message;
  const std::uint64_t size = entry->size;
  proto::DotStuffer stuffer;
  std::unique_ptr<AsAscii> ascii;  // null: as it is
  std::string converted;
  std::uint64_t offset = 0;
  do {
    auto piece = co_await maildrop_->account().read(message, offset, blob::kChunkSize);
    if (piece && piece->empty() && offset < size) piece = fail(Errc::corrupt, "the message is shorter than its entry says");
    if (piece && offset == 0 && !utf8_ && AsAscii::may_be_needed(*piece, size)) {
      auto made = co_await AsAscii::make(maildrop_->account().shared_from_this(), message, size, *piece);
      if (made)
        ascii = *std::move(made);
      else
        piece = std::unexpected(std::move(made).error());
    }
    if (!piece) {
      const auto& error = piece.error();
      log::warning("pop3.read_failed",
                   {{"session", context_.session_id}, {"user", address_}, {"message", message}, {"error", error}});
      // In the middle of a message there is no way to say so but to hang up.
      if (offset > 0) co_return std::unexpected(error);
      err(error.code == Errc::unsupported ? Reply{"[UTF8]", Text::needs_utf8} : reply_for(error.code));  // [RFC6856 5]
      co_return Result<void>{};
    }
    if (offset == 0) ok(Text::octets, std::to_string(size));
    offset += piece->size();
    if (ascii) {
      converted.clear();
      ascii->feed(*piece, converted);
      if (offset >= size) ascii->finish(converted);
      piece->swap(converted);
    }
    stuffer.put(connection_.output(), filter.take(*piece));
    if (offset < size && !filter.done()) {
      CO_TRY_OK(co_await connection_.flush_if_large(send_deadline()));
    }
  } while (offset < size && !filter.done());
  connection_.put(stuffer.finish());
  co_return Result<void>{};
}

Session::Outcome Session::cmd_retr(Retr& retr) {
  struct Everything {
    std::string_view take(std::string_view piece) { return piece; }
    bool done() const { return false; }
  };
  const bool exists = maildrop_->find(retr.number) != nullptr;
  CO_TRY_OK(co_await send_message(retr.number, Everything{}));
  if (exists) {
    ++retrieved_;
    retrieved.add();
  }
  co_return Result<void>{};
}

Session::Outcome Session::cmd_top(Top& top) {
  co_return co_await send_message(top.number, TopFilter(top.lines));
}

}  // namespace posthorn::pop3
