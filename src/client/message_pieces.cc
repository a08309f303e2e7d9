#include "client/message_pieces.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace posthorn::client {
namespace {

constexpr std::size_t kChunk = 48 * 1024;
constexpr std::uint64_t kBase64Line = 76;

}  // namespace

std::uint64_t MessagePiece::length() const {
  if (!file) return text.size();
  if (form == Form::as_is || size == 0) return size;
  // [RFC2045 6.8] TransferEncoder puts CRLF between the lines.
  const auto characters = (size + 2) / 3 * 4;
  return characters + (characters - 1) / kBase64Line * 2;
}

MessagePiece text_piece(std::string text) {
  MessagePiece piece;
  piece.text = std::move(text);
  return piece;
}

std::uint64_t length_of(const MessagePieces& pieces) {
  std::uint64_t sum = 0;
  for (const auto& piece : pieces) sum += piece.length();
  return sum;
}

Task<Result<std::string_view>> PieceSource::next() {
  if (progress_) progress_(given_);
  out_.clear();
  while (out_.empty() && at_ < pieces_.size()) {
    const auto& piece = pieces_[at_];
    if (!piece.file) {
      ++at_;
      if (piece.text.empty()) continue;
      given_ += piece.text.size();
      co_return std::string_view(piece.text);
    }
    CO_TRY_OK(co_await pool_.run([this, &piece] { return fill(piece); }));
    if (read_ < piece.size) continue;
    ++at_;
    read_ = 0;
  }
  given_ += out_.size();
  co_return std::string_view(out_);
}

// The next bytes of the file, as they are sent; on a worker.
Result<void> PieceSource::fill(const MessagePiece& piece) {
  raw_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kChunk, piece.size - read_)));
  std::size_t have = 0;
  while (have < raw_.size()) {
    const auto n = ::pread(piece.file->fd(), raw_.data() + have, raw_.size() - have, static_cast<off_t>(piece.offset + read_ + have));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(Errc::io, "cannot read " + piece.name + ": " + std::strerror(errno));
    if (n == 0) return fail(Errc::io, piece.name + " has become shorter while it was sent");
    have += static_cast<std::size_t>(n);
  }
  read_ += have;
  if (piece.form == MessagePiece::Form::as_is) {
    out_ = raw_;
    return {};
  }
  encoder_.feed(raw_, out_);
  if (read_ == piece.size) encoder_.finish(out_);
  return {};
}

}  // namespace posthorn::client
