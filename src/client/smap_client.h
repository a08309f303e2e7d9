// Commands of SMAP over one connection. [SMAP1]
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "async/timer.h"
#include "base/result.h"
#include "client/smap_reader.h"
#include "net/connection.h"

namespace posthorn::client {

struct SmapContent {
  std::vector<std::string> words;  // FETCH 3 CONTENTS
  std::string bytes;
};

// All that came in answer to one command.
struct SmapReply {
  bool ok = false;
  std::string text;
  std::vector<std::vector<std::string>> data;  // "* ..." without the star
  std::vector<SmapContent> contents;
};

struct SmapClientLimits {
  SmapReaderLimits reader = {};
  std::uint64_t reply = 64 << 20;   // bytes of everything in one reply
};

// One coroutine uses it; the connection outlives it.  After an error other than invalid the connection is of no use any more.
class SmapClient {
 public:
  explicit SmapClient(net::Connection& connection, SmapClientLimits limits = {}) : connection_(connection), limits_(limits), reader_(limits.reader) {}

  // The server's greeting must offer SMAP1; its words.  unsupported: it does not.
  Task<Result<std::string>> greeting(Deadline);
  // Sends the line and waits for the status reply.  invalid: it has a line end in it, nothing was sent.
  Task<Result<SmapReply>> command(std::string line, Deadline);
  // ADD with these words before the upload, which goes as one binary chunk, the form that every server takes [SMAP1 13].
  Task<Result<SmapReply>> add(std::string words, std::string message, Deadline);

 private:
  Task<Result<SmapReply>> read_reply(const std::string* upload, Deadline);

  net::Connection& connection_;
  SmapClientLimits limits_;
  SmapReader reader_;
};

// "word" as a word of a command, quoted.  REQUIRES: no control characters.
std::string smap_quoted(std::string_view word);

}  // namespace posthorn::client
