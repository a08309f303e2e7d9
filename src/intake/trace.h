// The fields that a message gets on its way in. [RFC5321 4.4]
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace posthorn::intake {

// How a message came, for its Received field.
struct Origin {
  std::string helo;           // a Domain or address-literal; empty: the client gave none that is either
  std::string ip;             // numeric; empty: a Unix socket
  std::string with;           // "ESMTPSA" and its likes, see with_protocol()
  std::string tls_version;    // "TLSv1.3"; empty: no TLS
  std::string tls_cipher;
  std::optional<int> priority;  // [RFC6710 7] where one was asked for
  // For `posthorn trace`; never part of the message.
  std::string account;  // the address of who signed in; empty: nobody
  std::string session;  // as in the log
};

enum class Transport { smtp, esmtp, lmtp };
enum class Secured { no, yes };
enum class SignedIn { no, yes };
enum class Utf8 { no, yes };
// [RFC3848] [RFC6531 4.3] The registered name of the transmission type: ESMTP, ESMTPS, LMTPA, UTF8SMTPSA ...
std::string with_protocol(Transport, Secured, SignedIn, Utf8);

// "Return-Path: <...>" [RFC5321 4.4]
void put_return_path(std::string& out, std::string_view reverse_path);
// `recipient` is the only one; empty: there are several, and none is told about the others. [RFC5321 7.6]
void put_received(std::string& out, const Origin&, std::string_view hostname, std::string_view id,
                  std::string_view recipient, std::chrono::sys_seconds time);

}  // namespace posthorn::intake
