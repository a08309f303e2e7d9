// What a client does beside sending lines.
#include <algorithm>

#include "server/common/transcript_runner_testing.h"
#include "text/base64.h"

namespace posthorn::server::transcript {

Task<bool> Runner::act(const Step& step) {
  auto& c = client(step.session);
  const auto words = words_of(step.text);
  const auto action = words.empty() ? std::string() : words[0];
  if (action == "repeat" && words.size() >= 3) {
    const auto prefix = step.text.find(words[1]) + words[1].size() + 1;
    const auto piece = unescape(std::string_view(step.text).substr(prefix));
    for (int i = to_int(words[1]).value_or(0); i > 0; --i) {
      c.client->put(piece);
      auto sent = co_await c.client->flush_if_large(after(kPatience));
      if (!sent) break;
    }
    co_return true;
  }
  co_await flush_all(step);
  if (action == "tls") {
    auto context = net::TlsContext::client_insecure();
    if (!context) co_return false;
    c.tls = *context;
    auto done = co_await c.client->start_tls_client(*c.tls, "mail.example.test", after(kPatience));
    if (!done) complain(step, "the TLS handshake failed", done.error());
    co_return done.has_value();
  }
  if (action == "close") {
    c.client->close();
    co_return true;
  }
  if (action == "shutdown") {
    c.server->shut_down();
    co_return true;
  }
  if (action == "setting" && words.size() >= 2) {
    const auto changed = change_setting(words[1], step.text.substr(step.text.find(words[1]) + words[1].size()));
    if (!changed) complain(step, "the setting", changed.error());
    co_return changed.has_value();
  }
  if (action == "scram") co_return act_scram(step, words);
  if (action == "flush") co_return true;
  if (action == "wait" && words.size() == 2) {
    co_await sleep_for(std::chrono::milliseconds(to_int(words[1]).value_or(0)));
    co_return true;
  }
  complain(step, "unknown action");
  co_return false;
}

bool Runner::act_scram(const Step& step, const std::vector<std::string>& words) {
  auto& c = client(step.session);
  const auto send = [&](const std::string& message) { c.client->put(text::base64_encode(message) + "\r\n"); };
  if (words.size() >= 4) {
    const bool plus = words[1].ends_with("-PLUS"), end_point = words.size() > 4 && words[4] == "tls-server-end-point";
    auth::ScramClient::Options options{.user = words[2], .password = words[3]};
    if (words[1].starts_with("SCRAM-SHA-1")) options.hash = crypto::ScramHash::sha1;
    options.binding_flag = words.size() > 4 ? words[4] : plus ? "tls-exporter" : "n";
    if (plus) {
      options.binding_flag.insert(0, "p=");
      options.binding_data = end_point ? c.client->tls_server_end_point() : c.client->tls_exporter();
    }
    c.scram.emplace(options);
    c.scram_final_said = false;
    send(c.scram->first());
    return true;
  }
  // Behind "+ " or "334 ".
  const auto& line = last_lines_[step.session];
  const auto said = text::base64_decode(std::string_view(line).substr(std::min(line.size(), line.find(' ') + 1)));
  if (!c.scram || !said) return complain(step, "no message of SCRAM: " + shown(line)), false;
  if (!c.scram_final_said) {
    send(c.scram->final(*said));
    c.scram_final_said = true;
    return true;
  }
  if (!c.scram->accepts(*said)) return complain(step, "the server has not proven that it knows the password: " + shown(*said)), false;
  send("");
  return true;
}

}  // namespace posthorn::server::transcript
