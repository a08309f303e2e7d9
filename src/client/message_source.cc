#include "client/message_source.h"

#include <utility>

namespace posthorn::client {

Task<Result<std::string_view>> TextSource::next() { co_return std::exchange(text_, {}); }

}  // namespace posthorn::client
