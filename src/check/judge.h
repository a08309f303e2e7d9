// What is wrong with a port, and what to do about it.  Pure.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/clock.h"
#include "check/finding.h"
#include "check/probe.h"

namespace posthorn::check {

inline constexpr std::chrono::days kExpiresSoon{14};

// "mail.example.org:993".
std::string place_of(const PortReport&);

// TLS is on, and the certificate is what the user wants: verified, or he does not ask.
bool is_believed(const PortReport&);
// A mail program can use it: it speaks as its number says, TLS protects it and is believed, and somebody can sign in.
bool is_usable(const PortReport&);
// The same without the certificate.
bool would_be_usable(const PortReport&);

// Of a port that nobody promised and that is closed, nothing is said.
Findings judge_port(const PortReport&, SysTime now);

// Findings that differ in `about` only become one: "mail.example.org:465, :993".  Errors first, then warnings; else in their order.
std::vector<Finding> folded(std::vector<Finding>);

}  // namespace posthorn::check
