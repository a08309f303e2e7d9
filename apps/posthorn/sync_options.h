// The options of posthorn sync.
#pragma once

#include <string>
#include <vector>

#include "client_options.h"

namespace posthorn {

struct SyncCliOptions {
  PlaceOptions server;
  ClientOptions client;
  std::string tree;               // "maildir:PATH", or the path
  std::string layout = "maildir++";  // of a new one
  std::vector<std::string> only, except;
  bool force_delete = false, compress = false, watch = false;
  double timeout = 0;             // seconds; 0: the usual ones
};

int sync_command(const SyncCliOptions&);

}  // namespace posthorn
