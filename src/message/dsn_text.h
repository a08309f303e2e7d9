// The part of a notification that people read [RFC6522 3].  Internal to dsn.cc.
#pragma once

#include <span>
#include <string>

#include "message/dsn.h"

namespace posthorn::message {

// Why the message does not come back as a whole although somebody may expect it.
enum class LeftOut { nothing, too_large, binary, not_wanted };

// UTF-8, lines with CRLF.
std::string dsn_text(const DsnContext& context, const DsnMessage& message, std::span<const DsnRecipient> recipients, LeftOut left_out);

// "Undeliverable: the message's subject", UTF-8, one line.
std::string dsn_subject(const DsnContext& context, const DsnMessage& message, DsnAction action);

}  // namespace posthorn::message
