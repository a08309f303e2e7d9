// Message-ids of a header value, in one form, so that equal ones are equal strings.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace posthorn::message {

// [RFC5256 3] [RFC5322 3.6.4] Of Message-ID, References and In-Reply-To, in order: what stands between '<' and '>', quotes and
// white space removed, so that <"a"@b> is <a@b>.  What is no message-id is passed over.
std::vector<std::string> message_ids(std::string_view value);

}  // namespace posthorn::message
