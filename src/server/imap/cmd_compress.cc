// COMPRESS. [RFC4978]
#include "server/imap/session.h"

namespace posthorn::imap {

Task<Result<Reply>> Session::cmd_compress(Command& command) {
  if (std::get<Compress>(command.command).mechanism != "DEFLATE") co_return bad("DEFLATE is the only compression");
  if (connection().is_compressed()) co_return no("DEFLATE is active already", "COMPRESSIONACTIVE");
  finish(command.tag, ok("DEFLATE is active"));
  CO_TRY_OK(co_await flush());
  connection().start_compression();
  Reply reply;
  reply.sent = true;
  co_return reply;
}

}  // namespace posthorn::imap
