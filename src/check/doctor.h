// The whole examination.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "async/task.h"
#include "check/discovery.h"
#include "check/finding.h"
#include "check/probe.h"
#include "check/round_trip.h"
#include "check/settings.h"
#include "check/world.h"

namespace posthorn::check {

// Either a host, or a domain with or without a user.
struct Question {
  std::string host;        // a name or an address
  std::string domain;      // in A-labels
  std::string address;     // "joe@example.org"; empty: not said
  std::set<Service> only;  // empty: all
  bool ispdb = false;
  std::optional<Login> login;
  std::vector<std::string> selectors;  // of DKIM, besides the usual ones
};

struct HostReport {
  std::string host;
  HostLookup lookup;
};

struct Report {
  Question question;
  std::vector<Candidate> candidates;
  std::vector<HostReport> hosts;  // that were named, with and without addresses
  std::vector<PortReport> ports;
  std::vector<Setting> settings;
  std::optional<RoundTrip> round_trip;  // its findings are among `servers`
  std::vector<Finding> servers;         // what is wrong with servers and with how they are found, folded
  bool dns_is_silent = false;           // nothing could be asked: nothing is known of the domain
  std::vector<Finding> domain;          // the records of a domain: good ones too, in their order
  bool has_errors() const;
};

struct Step {
  std::string what;
  std::size_t done = 0, all = 0;
};
using OnStep = std::function<void(const Step&)>;

// Ends by itself: every wait has its deadline, at most kAtOnce ports are looked at together.
inline constexpr std::size_t kAtOnce = 24;
Task<Report> examine(World&, Question, OnStep);

}  // namespace posthorn::check
