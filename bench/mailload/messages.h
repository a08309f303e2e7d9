// The messages that are sent, the users they go to, and the work that the workers share.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "options.h"

namespace mailload {

void build_pool();
string uname(int64_t i);
string login_name(int64_t i);
string rcpt_addr(int64_t u);
// Message number n for `rcpt`, with CRLF line ends; `stuff` doubles leading dots.
void append_message(string& out, int64_t n, const string& rcpt, bool stuff);
// True when the message carries our checksum and it fits the body.
bool check_message(string_view m);
string b64(const string& s);

// The number of the next message or session, -1 when all are taken.
int64_t take();
extern int64_t g_total;
extern std::vector<std::atomic<int64_t>> g_sent;  // by user: acknowledged
extern std::atomic<bool> g_stop;

}  // namespace mailload
