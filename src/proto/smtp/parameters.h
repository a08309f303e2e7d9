// Parameters of MAIL and RCPT, and the attributes of XCLIENT and XFORWARD: the parts of command.h that have a grammar of their own.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "proto/smtp/command.h"

namespace posthorn::smtp {

// Takes all of `in`, what stands behind the path.  What is wrong: 501 for a value (or a second one) that its extension does not allow, 555
// for a keyword that is not known. [RFC5321 4.1.1.11]
std::optional<CommandError> take_mail_parameters(std::string_view in, Mail&);
std::optional<CommandError> take_rcpt_parameters(std::string_view in, Rcpt&);

// 501 for what is no attribute of the command, or not of its form.
std::expected<XClient, CommandError> take_xclient(std::string_view in);
std::expected<XForward, CommandError> take_xforward(std::string_view in);

}  // namespace posthorn::smtp
