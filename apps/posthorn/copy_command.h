// posthorn copy, export, import.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client_options.h"
#include "commands.h"
#include "copy/copier.h"

namespace posthorn {

struct CopyCommand {
  std::string verb = "copy";
  Common common;  // its configuration: for places of the local store
  ClientOptions client;
  PlaceOptions source, target;
  copy::CopyOptions options;
  std::vector<std::string> renamed;  // "Sent Items=Sent"
  bool no_flags = false, verify = false;
  std::string accounts_csv;  // many accounts instead of one: lines source,password,target,password
  int connections = 4;       // accounts at once
  int retries = 3;           // of an account, when a connection breaks
};
// 0; EX_DATAERR: some messages were refused, or --verify found differences; else what sysexits.h has for the (first) error.
int copy_command(CopyCommand&);

}  // namespace posthorn
