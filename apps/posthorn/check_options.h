// posthorn check: what was asked, and how it is shown.
#pragma once

#include <string>
#include <vector>

#include "check/doctor.h"
#include "client_options.h"

namespace posthorn {

struct CheckOptions {
  ClientOptions client;
  PlaceOptions place;  // its name is what is to be checked
  std::vector<std::string> only, selectors, maps, login_at;
  std::string user, relay, resolver, trust_anchor;
  double timeout = 10, arrival = 60;  // seconds
  bool ispdb = false, login = false;
};

int check_command(const CheckOptions&);

// A table and what is wrong, for people; in colours where standard output is a terminal and NO_COLOR is not set.
void show_report(const check::Report&, bool verbose);
// One object.
std::string json_of(const check::Report&);

}  // namespace posthorn
