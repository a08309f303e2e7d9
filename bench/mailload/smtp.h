// SMTP and LMTP as a client.
#pragma once

#include "loop.h"

namespace mailload {

Task<void> connect_to(Conn& c, const string& host, int port, bool tls);
Task<int> smtp_reply(Conn& c, int want, const char* what);
Task<void> smtp_hello(Conn& c, bool lmtp, bool starttls, bool auth, int64_t user);
// One transaction; `t_dot` gets the time when everything was written.
Task<void> smtp_send(Conn& c, int64_t n, bool lmtp, bool pipeline, bool quit_after, int64_t fixed_user = -1,
                     int64_t* t_dot = nullptr);
Task<void> smtp_worker(int idx);       // modes smtp and lmtp
Task<void> smtp_conn_worker(int idx);  // mode smtp-conn

}  // namespace mailload
