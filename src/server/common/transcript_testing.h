// Session transcripts: what a client says, what the server must answer, run over an in-memory stream against a whole
// server (memory kv, real store, directory and sign-in).  Test support of every protocol; not in the product.
//
//   # comment                                 (also after white space; empty lines are skipped)
//   == name                                   a new scenario with a fresh server; directives before the first one hold for all
//
// Directives, before the first step of a scenario:
//   @protocol smtp|submission|lmtp|imap|pop3  (default: the caller's)
//   @tls none|starttls|implicit               (default: starttls)   implicit: use `C!: tls` as first step
//   @allow_plaintext_auth
//   @lf                                       the server may end lines with LF alone
//   @peer 192.0.2.7                           where clients connect from, port 4711; else from a Unix socket
//   @domain example.org                       (default, when there is no @domain: example.test)
//   @account ann@example.test secret [bytes]  with a quota of so many bytes, when given
//   @account_setting ann@example.test pop3.hide_seen true    one of its own (one word)
//   @apop ann@example.test secret
//   @alias info@example.test ann@example.test ...
//   @setting smtp.max_recipients 3            any setting, as in the file (numbers, true/false, text, "10 KiB"); put back afterwards
//   @queue                                    mail for elsewhere is queued, and stays there
//   @mailbox ann@example.test Work            beside INBOX and the special-use ones
//   @message ann@example.test INBOX [\Seen \Flagged keyword ...]
//   | Subject: raw lines of the message, each ended with CRLF; escapes as in C:
//   |
//   | The leading bar and one space go.
//
// Steps.  Without a number session 1 is meant; `C2:` is session 2, which is connected at its first mention:
//   C: text          sends text and CRLF.  Sent together with the next C: lines: they arrive pipelined.
//   C!: action       tls | close | shutdown | repeat N text (escapes; no CRLF) | wait MS | flush
//   C!: setting imap.acl_anyone true         as after a reload; when the lines before have been sent
//   C!: scram MECHANISM user password [y|binding-type]    sends the first message of SCRAM; the type is tls-exporter for -PLUS otherwise
//   C!: scram        sends what follows the line S: has just matched; at the end it complains unless the server has proven itself
//   S: pattern       the next line (without CRLF) matches; `*` is any run of bytes, but a `* ` at the start of a pattern is
//                    literal (IMAP), and so is the flag `\*`; \x2a is a star elsewhere.  `S: *` alone is any line.
//   S?: pattern      lines that may come or not; a run of S?: lines takes what matches any of them, in any order
//   S~: pattern      a run of S~: lines must all come, in any order
//   S-: pattern      skips lines up to and with the first one that matches
//   S!: closed       the server closed the connection, and nothing came before that
//   S!: silent       nothing comes for 50 ms
//   X: stored ann@example.test INBOX 2        the mailbox has 2 messages
//   X: message ann@example.test INBOX 1       the first one (by UID) is, line by line (patterns as in S:):
//   | Return-Path: <*>
//   X: flags ann@example.test INBOX 1 \Seen keyword ...   (in any order; nothing more)
//   X: queued 2                               there are two messages in the queue; line by line (patterns as in S:), each message and its
//   | <reverse-path> requiretls by=RT ...     recipients, in alphabetical order:
//   | - <forward-path> for ALIAS notify=success,delay orcpt=rfc822;ADDRESS
//   X: log part of a line                     such an event has been logged since the scenario began
//
// Escapes in C:, repeat, | and patterns: \r \n \t \0 \xHH \\ \c (at the end: no CRLF follows) and ${base64:text}, whose text has
// escapes too, likewise ${md5:text} in hexadecimal; in C: also ${TIMESTAMP}, of POP3's greeting, ${UIDVALIDITY} and ${HIGHESTMODSEQ}, the last such number that a response code had.  A backslash before anything else stays (\Seen, \"); write \\recent for a flag in lower case.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "async/worker_pool.h"
#include "auth/authenticator.h"
#include "auth/directory.h"
#include "blob/blob.h"
#include "config/config.h"
#include "kv/memory/memory_store.h"
#include "queue/queue.h"
#include "server/common/session_context.h"
#include "store/mail_store.h"

namespace posthorn::server {

// The session of a protocol: run_smtp_session and its likes.
using RunSession = std::function<Task<>(SessionContext)>;

// A server without listeners.  Call open() first and close() last, both on the reactor that uses it.
class TestServer {
 public:
  TestServer();
  ~TestServer();
  TestServer(const TestServer&) = delete;

  Task<Result<void>> open();
  Task<> close();
  Task<Result<void>> add_domain(std::string domain);
  // With the cheap password scheme.
  Task<Result<AccountId>> add_account(std::string address, std::string password, std::uint64_t quota_bytes = 0);
  Task<Result<void>> add_message(std::string address, std::string mailbox, std::string message,
                                 std::vector<std::string> flags = {});
  // not_found: no such account or mailbox.
  Task<Result<std::uint32_t>> count_messages(std::string address, std::string mailbox);
  // `number` from 1, in UID order.
  Task<Result<std::string>> read_message(std::string address, std::string mailbox, std::uint32_t number);
  Task<Result<std::vector<std::string>>> read_flags(std::string address, std::string mailbox, std::uint32_t number);
  // From now on services() have a queue, from which nothing is ever taken.
  Task<Result<void>> open_queue();
  // As `X: queued` shows it, message by message; each begins with its reverse-path.
  Task<Result<std::vector<std::string>>> read_queue();
  // What `posthorn store check` would say; empty is good.
  Task<std::vector<std::string>> check();
  // A self-signed certificate, made at the first call.
  std::shared_ptr<const net::TlsContext> tls();

  Services& services() { return *services_; }
  kv::MemoryStore& kv() { return *kv_; }  // for set_faults()

 private:
  struct Place {
    store::AccountPtr account;
    store::MailboxStatePtr mailbox;
  };
  Task<Result<Place>> find_place(std::string address, std::string mailbox);

  std::unique_ptr<kv::MemoryStore> kv_;
  WorkerPool workers_{1};
  blob::Blobs blobs_;
  store::MailStore store_;
  auth::Directory directory_;
  auth::Authenticator authenticator_;
  std::shared_ptr<const net::TlsContext> tls_;
  std::unique_ptr<queue::Queue> queue_;
  std::unique_ptr<Services> services_;
};

// Runs every scenario of a file (or text); returns what went wrong, each with file, line and scenario.  Every scenario ends with
// a check of the store.  Blocks; on a thread that is no reactor.
std::vector<std::string> run_transcript_file(const std::string& path, const RunSession&, config::Protocol default_protocol);
std::vector<std::string> run_transcript(std::string_view text, const std::string& name, const RunSession&,
                                        config::Protocol default_protocol);

// The *.txt files of a folder, sorted; for INSTANTIATE_TEST_SUITE_P.
std::vector<std::string> transcript_files(const std::string& folder);

// Parts of the above, for tests of other kinds.
std::string unescape(std::string_view text, bool* no_line_end = nullptr);
bool matches_pattern(std::string_view line, std::string_view pattern);

}  // namespace posthorn::server
