// posthorn send: what the command line says.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client_options.h"

namespace posthorn {

struct SendOptions {
  PlaceOptions place;
  ClientOptions client;

  std::string file;  // of a whole message; "-" is standard input
  std::string from;
  std::vector<std::string> to, cc, bcc;
  bool read_recipients = false, as_is = false;

  // Any of these: the message is written here.
  std::optional<std::string> subject, body;
  std::string body_file, html_file;
  std::vector<std::string> attach, headers;
  bool writes() const { return subject || body || !body_file.empty() || !html_file.empty() || !attach.empty() || !headers.empty(); }

  std::string notify, ret, envelope_id, hold_for, hold_until;
  bool require_tls = false;

  bool no_fallback = false;
  std::string hello;
  std::vector<std::string> maps;
};

int send_command(const SendOptions&);

}  // namespace posthorn
