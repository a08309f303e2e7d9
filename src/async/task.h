// Task<T>: what may wait.  Lazy: it starts when awaited, and resumes on the reactor it was awaited on.
// A Task that throws is a bug of ours; the session's edge catches it and closes the connection.
#pragma once

#include <boost/asio/awaitable.hpp>

namespace posthorn {

template <class T = void>
using Task = boost::asio::awaitable<T>;

}  // namespace posthorn
