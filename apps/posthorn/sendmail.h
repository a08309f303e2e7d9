// A drop-in for /usr/sbin/sendmail, mailq and newaliases.
#pragma once

#include <string_view>

namespace posthorn {

// The name by which the program was called is one of theirs.
bool is_sendmail_name(std::string_view argv0);

// `argv[0]` says which of the three it is; "posthorn sendmail" is the first.  Answers an exit code of sysexits.h.  Reads a message from
// standard input and leaves it for the server, whether that runs or not; docs/admin/sendmail.md.
int sendmail_main(int argc, char** argv);

}  // namespace posthorn
