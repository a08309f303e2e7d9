#include "server/imap/encode_binary.h"

#include <string>
#include <utility>

#include "message/binary_to_base64.h"
#include "message/parser.h"

namespace posthorn::imap {
namespace {

constexpr std::size_t kPiece = 64 * 1024;

}  // namespace

Task<Result<store::Incoming>> encode_binary(store::MailStore& store, store::Incoming incoming) {
  CO_TRY_OK(co_await incoming.write_ahead());
  const auto id = incoming.id();
  const auto size = incoming.size();
  message::Parser parser;
  for (std::uint64_t at = 0; at < size;) {
    CO_TRY(const auto piece, co_await store.blobs().read(id, at, kPiece));
    if (piece.empty()) co_return fail(Errc::corrupt, "a message that is coming in ends early");
    parser.feed(piece);
    at += piece.size();
  }
  message::BinaryToBase64 converter(parser.finish());
  if (!converter.is_needed()) co_return std::move(incoming);
  auto encoded = store.begin_incoming();
  std::string out;
  for (std::uint64_t at = 0; at < size;) {
    CO_TRY(const auto piece, co_await store.blobs().read(id, at, kPiece));
    if (piece.empty()) co_return fail(Errc::corrupt, "a message that is coming in ends early");
    converter.feed(piece, out);
    at += piece.size();
    if (at >= size) converter.finish(out);
    CO_TRY_OK(co_await encoded.write(std::exchange(out, {})));
  }
  co_return std::move(encoded);
}

}  // namespace posthorn::imap
