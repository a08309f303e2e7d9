#include "server/drop/local_user.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "server/drop/settings.h"

namespace posthorn::drop {
namespace {

constexpr std::size_t kBuffer = 4 << 10, kMostBuffer = 1 << 20;

}  // namespace

Result<LocalUser> local_user(uid_t uid, FindUser find) {
  passwd entry{};
  passwd* found = nullptr;
  std::string buffer(kBuffer, '\0');
  int code = 0;
  while ((code = find(uid, &entry, buffer.data(), buffer.size(), &found)) == ERANGE &&
         buffer.size() < kMostBuffer)
    buffer.resize(2 * buffer.size());
  if (code != 0 && code != ENOENT && code != ESRCH)
    return fail(Errc::busy, "user " + std::to_string(uid) + " cannot be looked up: " + std::strerror(code));
  const bool known = code == 0 && found;
  LocalUser out{.name = known ? found->pw_name : "user" + std::to_string(uid),
                .trusted = uid == 0 || uid == ::geteuid()};
  out.trusted = out.trusted || is_among(out.name, kTrustedUsers.get());
  return out;
}

}  // namespace posthorn::drop
