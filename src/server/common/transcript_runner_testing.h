// A scenario, run against a server of its own.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/task_group.h"
#include "auth/scram_testing.h"
#include "base/log.h"
#include "base/settings.h"
#include "server/common/transcript_script_testing.h"
#include "server/common/transcript_testing.h"

namespace posthorn::server::transcript {

constexpr auto kPatience = std::chrono::seconds(30);  // for what must come; only a hanging server takes so long

// Of what came, for a complaint.
std::string shown(std::string_view bytes);

// One scenario under way.
class Runner {
 public:
  Runner(const Scenario& scenario, std::string name, const RunSession& run, config::Protocol protocol)
      : scenario_(scenario), name_(std::move(name)), run_(run) {
    rules_.protocol = protocol;
    rules_.tls = config::TlsMode::starttls;
  }

  Task<> run();
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  struct Client {
    std::unique_ptr<net::Connection> server, client;
    std::shared_ptr<const net::TlsContext> tls;
    std::optional<auth::ScramClient> scram;
    bool scram_final_said = false;
  };

  void complain(const Step& step, const std::string& what) {
    problems_.push_back(name_ + ":" + std::to_string(step.line) + " (" + scenario_.name + "): " + what);
  }
  void complain(const Step& step, const std::string& what, const Error& e) {
    complain(step, what + ": " + std::string(to_string(e.code)) + " " + e.text);
  }

  Result<void> change_setting(const std::string& name, std::string_view value);
  Task<Result<void>> apply(const Step& directive);
  Task<> run_steps();
  Task<bool> run_step(std::size_t& at);
  Client& client(int number);
  Task<bool> flush_all(const Step&);
  Task<bool> act(const Step&);
  bool act_scram(const Step&, const std::vector<std::string>& words);
  Task<bool> expect_state(const Step&);
  Task<bool> check(const Step&);
  Task<bool> check_queue(const Step&, int messages);
  Task<bool> check_message(const Step&, const std::vector<std::string>& words, std::uint32_t number);
  // The next line stays in next_line_ until taken.
  Task<bool> fetch_line(const Step&);
  void take_line(int session) {
    last_lines_[session] = std::move(next_lines_[session]);
    remember(last_lines_[session]);
    next_lines_.erase(session);
  }
  Task<bool> expect_any_order(std::size_t& at);
  Task<bool> expect_optional(std::size_t& at);

  const Scenario& scenario_;
  const std::string name_;
  const RunSession& run_;
  ListenerRules rules_;
  std::optional<net::Peer> peer_;
  TestServer server_;
  log::Capture log_;
  TaskGroup sessions_;
  std::map<int, Client> clients_;
  std::map<int, std::string> next_lines_, last_lines_;
  net::LineEnd line_end_ = net::LineEnd::crlf;  // of the server

  // ${UIDVALIDITY}, ${HIGHESTMODSEQ}: the number that a server named so last.  ${TIMESTAMP}: of the last greeting that had one [RFC1939 4].
  void remember(std::string_view line);
  std::string with_named(std::string text) const;
  std::map<std::string, std::string> named_;
  std::vector<const SettingBase*> changed_settings_;
  bool has_domain_ = false;
  std::vector<std::string> problems_;
};

}  // namespace posthorn::server::transcript
