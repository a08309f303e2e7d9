// The subject without "Re:", "Fwd:" and list tags, by which SORT and THREAD compare.
#pragma once

#include <string>
#include <string_view>

namespace posthorn::message {

// [RFC5256 2.1] Of a subject with its encoded words decoded; not casemapped.  is_reply_or_forward: "Re:", "Fwd:", "(fwd)" or
// "[fwd: ..]" was removed [RFC5256 3].  Linear time.
std::string base_subject(std::string_view decoded_utf8, bool* is_reply_or_forward = nullptr);

}  // namespace posthorn::message
