// A message whose large parts are files: so that one of any size takes little memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "async/worker_pool.h"
#include "base/file_descriptor.h"
#include "client/message_source.h"
#include "message/transfer_encoder.h"

namespace posthorn::client {

struct MessagePiece {
  enum class Form : std::uint8_t { as_is, base64 };

  std::string text;  // as it is; or, if `file` is set, nothing
  // `size` bytes from `offset`.  Its name is for errors.
  std::shared_ptr<const FileDescriptor> file;
  std::string name;
  std::uint64_t offset = 0, size = 0;
  Form form = Form::as_is;

  std::uint64_t length() const;  // as it is sent
};
using MessagePieces = std::vector<MessagePiece>;
MessagePiece text_piece(std::string text);
std::uint64_t length_of(const MessagePieces&);

// The pieces, one behind the other.  io: a file cannot be read, or has become shorter: never half a message.
class PieceSource final : public MessageSource {
 public:
  // `progress`: so many bytes were given away; called before each piece.  The pieces outlive this.
  PieceSource(const MessagePieces& pieces, WorkerPool& pool, std::function<void(std::uint64_t)> progress = {})
      : pieces_(pieces), pool_(pool), progress_(std::move(progress)) {}
  Task<Result<std::string_view>> next() override;

 private:
  Result<void> fill(const MessagePiece&);

  const MessagePieces& pieces_;
  WorkerPool& pool_;
  const std::function<void(std::uint64_t)> progress_;
  std::size_t at_ = 0;          // of pieces_
  std::uint64_t read_ = 0;      // of a file
  std::uint64_t given_ = 0;
  std::string raw_, out_;
  message::TransferEncoder encoder_{message::TransferEncoder::Encoding::base64};
};

}  // namespace posthorn::client
