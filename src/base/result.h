// Expected failures are values: Result<T> is std::expected<T, Error>.
//
// TRY(auto x, expr);   binds the value or returns the error (statement, not expression)
// TRY_OK(expr);        the same without a value
// CO_TRY / CO_TRY_OK   their twins for coroutines
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace posthorn {

// The class of a failure. Every protocol maps it to its own words in exactly one switch.
enum class Errc {
  syntax,       // malformed input from a peer or a file
  invalid,      // well-formed, but not allowed here
  not_found,    // the thing named does not exist
  exists,       // the thing to be created is there already
  denied,       // no right to do this, or wrong credentials
  throttled,    // too many attempts; try again later
  too_large,    // a size limit of the configuration
  limit,        // another limit: count, depth, length
  over_quota,   // the account's quota
  no_space,     // the disk is (nearly) full; recovers by itself
  busy,         // a temporary conflict; try again
  io,           // the storage or the network failed
  corrupt,      // stored data does not pass its check
  closed,       // the peer closed the connection
  timed_out,    // a deadline passed
  cancelled,    // we are shutting down
  unsupported,  // known, but not built here
};

std::string_view to_string(Errc);

struct [[nodiscard]] Error {
  Errc code = Errc::invalid;
  std::string text;  // for the log and the operator; never shown to a remote client unless the caller says so
};

template <class T = void>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Errc code, std::string text = {}) {
  return std::unexpected(Error{code, std::move(text)});
}

// A broken invariant is a bug: CHECK stops the process (queue and store recover from that).
[[noreturn]] void check_failed(const char* file, int line, const char* what);

}  // namespace posthorn

#define CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::posthorn::check_failed(__FILE__, __LINE__, #condition))

#define POSTHORN_CONCAT_(a, b) a##b
#define POSTHORN_CONCAT(a, b) POSTHORN_CONCAT_(a, b)
#define POSTHORN_TRY_(tmp, binding, expr, ret)      \
  auto tmp = (expr);                                \
  if (!tmp) ret std::unexpected(std::move(tmp).error()); \
  binding = *std::move(tmp)
#define POSTHORN_TRY_OK_(tmp, expr, ret) \
  if (auto tmp = (expr); !tmp) ret std::unexpected(std::move(tmp).error())

#define TRY(binding, ...) POSTHORN_TRY_(POSTHORN_CONCAT(try_, __COUNTER__), binding, (__VA_ARGS__), return)
#define TRY_OK(...) POSTHORN_TRY_OK_(POSTHORN_CONCAT(try_, __COUNTER__), (__VA_ARGS__), return)
#define CO_TRY(binding, ...) POSTHORN_TRY_(POSTHORN_CONCAT(try_, __COUNTER__), binding, (__VA_ARGS__), co_return)
#define CO_TRY_OK(...) POSTHORN_TRY_OK_(POSTHORN_CONCAT(try_, __COUNTER__), (__VA_ARGS__), co_return)
