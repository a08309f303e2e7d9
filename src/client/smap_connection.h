// One connection to an SMAP server, as its client. [SMAP1]
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "client/smap_types.h"
#include "net/connection.h"

namespace posthorn::client {

struct SmapState;

// Errors of all calls: denied: sign-in refused, or a certificate that does not satisfy the policy; invalid: the server says -ERR, which has no
// codes; syntax: what it says is no SMAP, contradicts itself, or is more than SmapOptions allows; unsupported: it does not offer what is
// needed; closed, timed_out, cancelled, io.  Texts are sentences for people that quote the server's words, without control characters.
// After all but invalid, unsupported and those of a SmapSink or MessageSource's own making the connection is closed: is_usable(); after those too.
//
// INVARIANT 1: nothing that was said before TLS counts behind it, and what is sent behind the reply to STARTTLS ends the attempt.
// INVARIANT 2: a password or token is sent without TLS only with Credentials::allow_plaintext, and never appears in a transcript.
// INVARIANT 3: no message is ever whole in memory.
// INVARIANT 4: the numbers of the open folder's messages stay as they are but for noop() and expunge(): a server that does otherwise is left.
// Threads: everything on the reactor's thread; one call at a time, except shut_down().
class SmapConnection {
 public:
  explicit SmapConnection(SmapOptions);
  ~SmapConnection();  // closes without LOGOUT
  SmapConnection(const SmapConnection&) = delete;
  SmapConnection& operator=(const SmapConnection&) = delete;

  // TLS, greeting, sign-in.  Once.
  Task<Result<void>> open(std::unique_ptr<net::Connection>);
  bool is_usable() const;
  bool has(std::string_view capability) const;  // in capitals; as of the last time before the sign-in
  const std::string& signed_in_by() const;      // the mechanism, or "LOGIN"; empty: not
  bool is_tls() const;
  std::string tls_version() const;  // "TLSv1.3"; empty: clear text

  // --- folders
  // One level: what is in the folder of that path, or at the top.  A name may stand there twice [SMAP1 4.2].
  Task<Result<std::vector<smap::ListReply>>> list(SmapPath);
  Task<Result<void>> create(SmapPath);
  Task<Result<void>> remove(SmapPath);
  Task<Result<void>> rename(SmapPath from, SmapPath to);

  // --- the folder that is open; its messages have the numbers from 1
  // How many messages there are.
  Task<Result<std::uint32_t>> open_folder(SmapPath);
  // With snapshots [SMAP1 5.6]: what has changed since that one (without a name: none is known), or all that is there.
  Task<Result<SmapNews>> open_folder_since(SmapPath, SmapSnapshot);
  std::uint32_t messages() const;
  Task<Result<SmapNews>> noop();
  // Of all messages, ascending; those that the server does not tell of are left out.
  Task<Result<std::vector<smap::FetchReply>>> fetch(SmapFetchWants);
  // "HEADERS(SUBJECT,DATE)", "ALL" of each, without setting SEEN.  Those that the server does not give, or gives a stand-in for because they
  // have gone, are put into `refused`.
  Task<Result<void>> fetch_content(std::string part, std::vector<SmapWanted> wanted, SmapSink&, std::vector<std::uint32_t>& refused);
  enum class Change { set, add, remove };
  // With Change::set those flags and keywords and no others; keywords only where the server has them.
  Task<Result<void>> store(smap::NumberRanges, Change, std::uint8_t flags, std::vector<std::string> keywords);
  // Removes these, whatever their flags are, and tells all that has changed.  REQUIRES: at most kMostRanges, for the numbers are others then.
  static constexpr std::size_t kMostRanges = 100;
  Task<Result<SmapNews>> expunge(smap::NumberRanges);

  // --- messages
  // Its UID where it was saved; empty: the server does not tell, or it was only sent.  invalid: refused, and nothing of it is there; the
  // connection may be closed nevertheless.
  Task<Result<std::string>> add(SmapUpload);
  // The last add() has given away all of its message and got no answer: it is there, or was sent, or not.
  bool in_doubt() const;

  Task<> logout();
  // What is under way fails with `cancelled`, and so does all that is begun later.
  void shut_down();

 private:
  std::unique_ptr<SmapState> state_;
};

// Ranges of numbers that stand in ascending order.
smap::NumberRanges smap_ranges(const std::vector<std::uint32_t>& numbers);
// Can stand in a list of keywords.
bool is_smap_keyword(std::string_view);

}  // namespace posthorn::client
