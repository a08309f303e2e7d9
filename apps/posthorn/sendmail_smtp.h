// sendmail -bs: SMTP on standard input and output, for programs that send by a pipe.
#pragma once

#include <string>

#include "server/drop/drop_file.h"

namespace posthorn {

// Each message goes into the drop directory before its 250, as those of `sendmail -t` do: so it works whether the server runs or not, under the
// same rules about senders.  `given`: what the command line says of all messages (-F, -N, -R, -V).  Answers an exit code of sysexits.h.
int run_sendmail_smtp(const std::string& config_file, const drop::DropEnvelope& given);

}  // namespace posthorn
