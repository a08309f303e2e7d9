// The bytes of a message: DATA's text and BDAT's chunks. [RFC5321 4.1.1.4] [RFC3030]
#include <algorithm>

#include "client/line_ends.h"
#include "client/smtp_state.h"
#include "proto/dot_stuffer.h"
#include "proto/smtp/command_writer.h"

namespace posthorn::client {
namespace {

using Part = Outcome<std::optional<smtp::Reply>>;

constexpr std::size_t kChunk = net::Connection::kLargeOutput;
constexpr std::size_t kSlice = 16 * 1024;  // of a piece, so that a chunk does not become much larger than it should
constexpr std::size_t kOpenChunks = 8;     // that wait for their reply, with PIPELINING

Part all_sent() { return std::optional<smtp::Reply>(); }

// [SmtpConnection INVARIANT 3] The server must not take what it has got for the message.
std::unexpected<Failure> source_failed(SmtpState& s, const Error& why) {
  s.channel->close();
  return std::unexpected(s.channel->failure(Stage::body, Cause::source, "the message cannot be read: " + why.text));
}

// What the server says before the message has ended can only be a refusal.  Behind it the stream is of no use: the rest of the message
// would have to follow.
Task<Outcome<>> check_not_refused(SmtpState& s) {
  auto& channel = *s.channel;
  CO_TRY(auto reply, channel.early_reply(Stage::body));
  if (!reply && channel.in_reply()) {
    channel.expect_reply();
    CO_TRY(reply, co_await channel.read_reply(Stage::body, s.options.timeouts.block));
  }
  if (!reply) co_return Outcome<>{};
  channel.close();
  if (is_refusal(*reply)) co_return std::unexpected(channel.refusal(Stage::body, *std::move(reply)));
  co_return std::unexpected(
      channel.failure(Stage::body, Cause::bad_reply, "a reply before the message was sent: " + one_line(*reply)));
}

Task<Outcome<>> send_chunk(SmtpState& s, std::string& chunk, bool last) {
  auto& channel = *s.channel;
  if (channel.open_commands() == 0) CO_TRY_OK(channel.check_silence(Stage::body));
  std::string line;
  smtp::put_bdat(line, chunk.size(), last);
  channel.put(line);
  channel.put_content(chunk);
  chunk.clear();
  co_return co_await channel.flush(Stage::body, s.options.timeouts.block);
}

// Reads replies to chunks until at most `open` have none.  A reply: one was refused, and no chunk waits for its reply any more.
Task<Part> read_chunk_replies(SmtpState& s, std::size_t open) {
  auto& channel = *s.channel;
  std::optional<smtp::Reply> refused;
  while (channel.open_commands() > (refused ? 0 : open)) {
    CO_TRY(auto reply, co_await channel.read_reply(Stage::body, s.options.timeouts.final_dot));
    if (refused || is_success(reply)) continue;
    if (!is_refusal(reply)) {
      channel.close();
      co_return std::unexpected(channel.failure(Stage::body, Cause::bad_reply, "the server answered BDAT by " + one_line(reply)));
    }
    refused = std::move(reply);
    if (!channel.is_open()) co_return std::unexpected(channel.refusal(Stage::body, *std::move(refused)));
  }
  co_return refused;
}

}  // namespace

Task<Part> send_dotted(SmtpState& s, MessageSource& source, std::size_t replies) {
  auto& channel = *s.channel;
  // A bare CR or LF must not reach a server that takes it for the end of a line, or of the message.
  proto::DotStuffer stuffer(proto::DotStuffer::BareCr::to_crlf);
  std::uint64_t bytes = 0;
  for (;;) {
    auto piece = co_await source.next();
    if (!piece) co_return source_failed(s, piece.error());
    if (piece->empty()) break;
    bytes += piece->size();
    for (std::string_view rest = *piece, out; !(out = stuffer.next(rest)).empty();) {
      for (; !out.empty(); out.remove_prefix(std::min(out.size(), kChunk))) {
        channel.put_content(out.substr(0, kChunk));
        if (channel.waiting() < kChunk) continue;
        CO_TRY_OK(co_await channel.flush(Stage::body, s.options.timeouts.block));
        CO_TRY_OK(co_await check_not_refused(s));
      }
    }
  }
  channel.put_content(stuffer.finish());
  channel.show_sent("(" + std::to_string(bytes) + " bytes)");
  channel.show_sent(".");
  CO_TRY_OK(co_await check_not_refused(s));
  CO_TRY_OK(co_await channel.flush(Stage::body, s.options.timeouts.block));
  for (std::size_t i = 0; i < replies; ++i) channel.expect_reply();
  co_return all_sent();
}

Task<Part> send_chunked(SmtpState& s, MessageSource& source, smtp::Body body, std::size_t replies) {
  auto& channel = *s.channel;
  LineEnds line_ends;
  std::string chunk;
  for (;;) {
    auto piece = co_await source.next();
    if (!piece) co_return source_failed(s, piece.error());
    if (piece->empty()) break;
    for (std::string_view rest = *piece; !rest.empty(); rest.remove_prefix(std::min(rest.size(), kSlice))) {
      // A full chunk goes out when there is more, so that the last one is never empty without need.
      if (chunk.size() >= kChunk) {
        CO_TRY_OK(co_await send_chunk(s, chunk, false));
        CO_TRY(auto refused, co_await read_chunk_replies(s, s.may_pipeline() ? kOpenChunks - 1 : 0));
        if (refused) co_return refused;
      }
      if (body == smtp::Body::binary_mime) chunk += rest.substr(0, kSlice);
      else line_ends.put(chunk, rest.substr(0, kSlice));
    }
  }
  if (body != smtp::Body::binary_mime) line_ends.finish(chunk);
  // No chunk is open when the last one goes out: whatever was said too much is found before it could be taken for the decision.
  CO_TRY(auto refused, co_await read_chunk_replies(s, 0));
  if (refused) co_return refused;
  CO_TRY_OK(co_await send_chunk(s, chunk, true));
  for (std::size_t i = 1; i < replies; ++i) channel.expect_reply();
  co_return all_sent();
}

}  // namespace posthorn::client
