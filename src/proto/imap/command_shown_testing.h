// Commands as text, so that a test's case is one line.
#pragma once

#include <string>

#include "proto/imap/parser.h"

namespace posthorn::imap {

std::string shown(const Command&);
std::string shown(const FlagList&);
std::string shown(const SequenceSet&);

}  // namespace posthorn::imap
