// What SMTP, submission and LMTP sessions count.
#pragma once

#include "base/metrics.h"

namespace posthorn::server {

inline Gauge smtp_connections{"smtp.connections", "SMTP, submission and LMTP connections that are open."};
inline Counter smtp_messages_accepted{"smtp.messages_accepted", "Messages accepted and stored."};
inline Counter smtp_messages_refused{"smtp.messages_refused", "Messages refused after their content."};
inline Counter smtp_recipients_refused{"smtp.recipients_refused", "RCPT commands refused."};
inline Counter smtp_bytes_received{"smtp.bytes_received", "Bytes of message content received."};
inline Counter smtp_sign_ins{"smtp.sign_ins", "Successful AUTH commands."};
inline Counter smtp_sign_ins_refused{"smtp.sign_ins_refused", "Refused AUTH commands."};

}  // namespace posthorn::server
