// Lists of UIDs, of whatever is in the file.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "mailfile/maildir_uids.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto parse : {posthorn::mailfile::parse_dovecot_uids, posthorn::mailfile::parse_courier_uids}) {
    const auto uids = parse(text);
    if (!uids) continue;
    if (uids->uid_validity == 0) std::abort();
    for (const auto& [name, uid] : uids->uids)
      if (uid == 0 || name.empty() || (uid < 0xFFFFFFFF && uids->uid_next <= uid)) std::abort();
  }
  return 0;
}
