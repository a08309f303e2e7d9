// ENVELOPE of a FETCH response. [RFC3501 7.4.2]
#pragma once

#include <string>

#include "message/summary_view.h"

namespace posthorn::imap {

void put_envelope(std::string& out, const message::EnvelopeView&);

}  // namespace posthorn::imap
