// The tagged answer to a command.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "proto/imap/writer.h"

namespace posthorn::imap {

struct Reply {
  Completion completion = Completion::ok;
  std::string code;  // response code without brackets, or empty
  std::string text;
  bool expunged = false;  // messages were removed: HIGHESTMODSEQ is told
  bool sent = false;  // the command has written it itself (STARTTLS)
};

inline Reply ok(std::string_view text, std::string code = {}) {
  return {Completion::ok, std::move(code), std::string(text)};
}
inline Reply no(std::string_view text, std::string code = {}) {
  return {Completion::no, std::move(code), std::string(text)};
}
inline Reply bad(std::string_view text) { return {Completion::bad, {}, std::string(text)}; }

// What the client is told of a failure below: its class, in the words of [RFC5530].
Reply response_for(const Error&);

}  // namespace posthorn::imap
