// The bytes of requests and answers; pure.  Private to this folder.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/client.h"
#include "http/server.h"

namespace posthorn::http {

// Both take bytes as they come.  take() says how many it has used; the caller keeps the rest, and what is new, together for the next call.
// Errors: syntax; too_large: a limit; unsupported.  After an error, or when it is done, a reader is of no more use.

// [RFC9112 2] One request without a body.
class RequestReader {
 public:
  explicit RequestReader(std::size_t max_header);
  ~RequestReader();
  Result<std::size_t> take(std::string_view);
  bool is_done() const;
  // REQUIRES: is_done().
  Request request() const;
  bool keeps_alive() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// [RFC9112 4] One answer.  1xx are skipped.
class ResponseReader {
 public:
  explicit ResponseReader(const ClientLimits&);
  ~ResponseReader();
  Result<std::size_t> take(std::string_view);
  bool is_done() const;
  bool has_header() const;
  // Its body ends where the connection ends.  REQUIRES: has_header().
  bool needs_end() const;
  // The peer has closed.  syntax: in the middle.
  Result<void> end();
  // REQUIRES: has_header(); whole if is_done().
  Response take_response();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace posthorn::http
