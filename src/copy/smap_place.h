// A server that speaks SMAP as a place that mail is copied from or to. [SMAP1]
#pragma once

#include <memory>
#include <string>

#include "client/smap_types.h"
#include "copy/mail_place.h"
#include "net/connection.h"

namespace posthorn::copy {

// Signs in.  `only`: "Archive/2024", that folder and those below it; empty: all of one's own, without those that others share.
//
// Messages are known by their numbers while the folder is entered; their UIDs are words, and cannot be kept by other places.  The server makes
// all line ends LF, and adds the last one: the octets that come back are those of the same lines (keeps_octets() is false).  Keywords of free text
// are atoms everywhere else, in the form of smap::stored_keyword().
Task<Result<std::unique_ptr<MailPlace>>> open_smap_place(std::string name, client::SmapOptions, std::unique_ptr<net::Connection>, std::string only = {});

}  // namespace posthorn::copy
