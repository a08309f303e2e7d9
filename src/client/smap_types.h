// What a caller tells an SMAP client, and what it gets back. [SMAP1]
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "client/message_source.h"
#include "client/sasl_client.h"
#include "client/smtp_types.h"
#include "client/transcript.h"
#include "net/tls.h"
#include "net/tls_policy.h"
#include "proto/smap/reply.h"
#include "proto/smap/reply_reader.h"

namespace posthorn::client {

// How long waits may last; the peer cannot stretch `opening` and `command` by sending a little now and then.
struct SmapTimeouts {
  using Patience = std::chrono::milliseconds;
  Patience opening = std::chrono::minutes(3);   // all of open()
  Patience command = std::chrono::minutes(10);  // a command that moves no messages, to its end
  Patience transfer = std::chrono::hours(12);   // one that does
  Patience silence = std::chrono::minutes(3);   // without a single octet, either way, in any of them but one:
  Patience answer = std::chrono::minutes(10);   // from the end of an upload, which the server stores or sends first [RFC5321 4.5.3.2.6]
  Patience logout = std::chrono::seconds(5);
};

struct SmapOptions {
  std::string host;  // the server's name, for OAUTHBEARER and texts
  TlsMode tls = TlsMode::required;
  std::shared_ptr<const net::TlsContext> tls_context;  // REQUIRES: one, unless tls is none
  net::TlsPolicy tls_policy;
  std::optional<Credentials> credentials;  // nullopt: open() ends before the sign-in
  std::size_t folders = 100'000;           // in one answer to LIST
  std::uint32_t messages = 20'000'000;     // of a folder
  SmapTimeouts timeouts;
  smap::ReplyLimits limits;
  Transcript transcript;
};

using SmapPath = std::vector<std::string>;  // the words of a folder's name, outermost first; {"INBOX"} is the INBOX [SMAP1 1.4]

struct SmapFetchWants {
  bool flags = true, keywords = false, uid = false, size = false, date = false;
};

// What has become of the folder that is open. [SMAP1 5.3]
struct SmapNews {
  std::vector<smap::NumberRanges> expunged;  // each by the numbers that the one before has left
  std::optional<std::uint32_t> messages;     // how many there are now: some were added
  std::vector<smap::FetchReply> changed;     // flags and keywords, by the new numbers
  std::string snapshot;                      // a new one's name; empty: none
  bool from_snapshot = false;                // it is what has changed since the snapshot that was named; else all is new
};

struct SmapSnapshot {
  std::string name;
  std::uint32_t messages = 0;  // that the folder had then
};

struct SmapWanted {
  std::uint32_t number = 0;
  std::uint64_t size = 0;  // as the server told it; by it a stand-in for a message that has gone is told from the message
};

// Takes messages, or parts of them, one after the other.
class SmapSink {
 public:
  virtual ~SmapSink() = default;
  virtual Task<Result<void>> begin(std::uint32_t number) = 0;
  // With the line ends that the server sent: LF for most [SMAP1 6.2].  Valid during the call.
  virtual Task<Result<void>> write(std::string_view octets) = 0;
  // It is whole.
  virtual Task<Result<void>> end(std::uint32_t number) = 0;
  // It began, and is none: nothing of it counts.
  virtual void drop() {}
};

// To be saved in a folder, to be sent, or both. [SMAP1 10]
struct SmapUpload {
  SmapPath folder;  // empty: it is not saved
  std::uint8_t flags = 0;                   // bits of smap::Flag
  std::vector<std::string> keywords;        // as they are shown: free text without commas and control characters
  std::optional<text::DateTime> date;       // INTERNALDATE
  std::optional<std::string> mail_from;     // envelope sender; nullopt: who signed in.  REQUIRES to send: addresses as in SMTP, without <>
  std::vector<std::string> recipients;      // empty: it is not sent
  std::string notify;                       // RFC 3461's words for all recipients: "SUCCESS,FAILURE"; empty: the server's default
  std::uint64_t size = 0;                   // that `content` gives, exactly
  // The server takes out all CR and ends the last line [SMAP1 10.2].
  std::function<std::unique_ptr<MessageSource>()> content;
};

}  // namespace posthorn::client
