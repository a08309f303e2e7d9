// The machine-readable part of a notification [RFC3464 2] [RFC6533 4.1].  Internal to dsn.cc.
#pragma once

#include <span>
#include <string>

#include "message/dsn.h"

namespace posthorn::message {

// Whether the reader takes UTF-8: his own address is not ASCII.
enum class Charset { ascii, utf8 };

// Fields, one group per recipient; ends with a line end.
std::string delivery_status(const DsnContext& context, const DsnMessage& message, std::span<const DsnRecipient> recipients,
                            Charset charset);

// The status, or what the action has where that is none [RFC3461 6.3].
std::string status_of(const DsnRecipient& recipient);

// Lines of a reply or of our own words, made safe; none of them empty, and not too many.
std::vector<std::string> diagnostic_lines(const DsnRecipient& recipient);

}  // namespace posthorn::message
