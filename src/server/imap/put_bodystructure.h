// BODY and BODYSTRUCTURE of a FETCH response. [RFC3501 7.4.2] [RFC9051 7.5.2]
#pragma once

#include <string>

#include "message/summary_view.h"

namespace posthorn::imap {

enum class ExtensionData : bool { no, yes };  // BODY is without, BODYSTRUCTURE with
enum class Revision : bool { rev1, rev2 };     // what the client has enabled

// Always a valid `body` of the grammar [RFC3501 9], whatever the message is.
void put_bodystructure(std::string& out, const message::StructureView&, ExtensionData, Revision = Revision::rev1);

}  // namespace posthorn::imap
