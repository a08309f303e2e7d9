// One dialogue between an ImapConnection and a script, and what came of it as text.
#pragma once

#include <string>
#include <vector>

#include "client/imap_types.h"
#include "client/scripted_server_testing.h"

namespace posthorn::client {

struct ImapDialogue {
  ImapOptions options;  // without TLS, as user/pencil, unless it is changed
  // What is called behind open(), one a line: "list", "list status", "status NAME", "create NAME", "rename A B", "remove NAME",
  // "subscribe NAME", "select NAME [VALIDITY MODSEQ]", "unselect", "fetch FIRST LAST [SINCE]", "messages FIRST LAST", "append NAME TEXT TEXT", "append-all NAME TEXT TEXT",
  // "store FIRST LAST", "move FIRST LAST NAME", "expunge FIRST LAST", "search ID", "idle", "follow-all", "follow-selected", "noop", "news", "logout".
  std::vector<std::string> calls = {"logout"};
  Script script;
};
ImapDialogue make_imap_dialogue(std::string script, std::vector<std::string> calls = {"logout"});

struct ImapPlayed {
  std::vector<std::string> outcomes;    // of open() and each call: "ok ..." or "ERROR: text"; after an unusable connection no more are made
  std::string complaints;               // of the server
  std::vector<std::string> transcript;  // "> a1 NOOP", "< * OK x", "- note"
  std::string signed_in_by;
};
ImapPlayed play(ImapDialogue);

}  // namespace posthorn::client
