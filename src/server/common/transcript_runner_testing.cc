// One step after the other.
#include "server/common/transcript_runner_testing.h"

#include <algorithm>

namespace posthorn::server::transcript {
namespace {

// A coroutine that owns nothing: what it uses lives in the Runner until the group is joined.
Task<> run_one(const RunSession& run, SessionContext context) {
  auto& connection = context.connection;
  co_await run(context);
  connection.close();
}

}  // namespace

std::string shown(std::string_view bytes) {
  std::string out;
  for (char c : bytes.substr(0, 500)) {
    if (c == '\r') out += "\\r";
    else if (c == '\n') out += "\\n";
    else if (static_cast<unsigned char>(c) < 0x20) out += "\\?";
    else out += c;
  }
  return out;
}

void Runner::remember(std::string_view line) {
  constexpr std::string_view kSnapshot = "* SNAPSHOT \"";  // of SMAP
  if (line.starts_with(kSnapshot)) named_["SNAPSHOT"] = line.substr(kSnapshot.size(), line.rfind('"') - kSnapshot.size());
  if (line.starts_with("+OK ") && line.ends_with(">") && line.find('<') != line.npos) named_["TIMESTAMP"] = line.substr(line.find('<'));
  for (const std::string_view name : {"UIDVALIDITY", "HIGHESTMODSEQ"}) {
    const auto at = line.find(std::string("[") + std::string(name) + " ");
    if (at != line.npos) named_[std::string(name)] = line.substr(at + name.size() + 2, line.find(']', at) - at - name.size() - 2);
  }
}

std::string Runner::with_named(std::string text) const {
  for (const auto& [name, value] : named_) {
    const auto mark = "${" + name + "}";
    for (auto at = text.find(mark); at != text.npos; at = text.find(mark, at)) text.replace(at, mark.size(), value);
  }
  return text;
}

Runner::Client& Runner::client(int number) {
  auto [at, added] = clients_.try_emplace(number);
  if (added) {
    auto pair = net::make_connection_pair();
    at->second.server = std::move(pair.first);
    at->second.client = std::move(pair.second);
    if (peer_) at->second.server->set_peer(*peer_);
    SessionContext context{.services = server_.services(),
                           .rules = rules_,
                           .connection = *at->second.server,
                           .session_id = "test" + std::to_string(number)};
    sessions_.spawn(Reactor::current(), run_one(run_, std::move(context)));
  }
  return at->second;
}

Task<> Runner::run() {
  const Step nowhere{.kind = Step::Kind::check};
  auto opened = co_await server_.open();
  if (!opened) {
    complain(nowhere, "cannot open the store", opened.error());
    co_return;
  }
  bool ready = true;
  for (const auto& directive : scenario_.directives) {
    auto applied = co_await apply(directive);
    if (!applied) {
      complain(directive, "@" + directive.text, applied.error());
      ready = false;
    }
  }
  if (!has_domain_) {
    auto added = co_await server_.add_domain("example.test");
    if (!added) complain(nowhere, "cannot add the domain", added.error());
  }
  if (ready) co_await run_steps();
  for (auto& [number, c] : clients_) {
    const auto line = next_lines_.find(number);
    if (problems_.empty() && (line != next_lines_.end() || !c.client->input().empty()))
      complain(scenario_.steps.back(), "session " + std::to_string(number) + " has an answer nobody expected: " +
                                           shown(line != next_lines_.end() ? line->second : c.client->input()));
    c.client->close();
  }
  co_await sessions_.join();
  auto found = co_await server_.check();
  for (const auto& problem : found) complain(nowhere, problem);
  co_await server_.close();
  for (const auto* setting : changed_settings_) setting->reset();
}

Task<> Runner::run_steps() {
  for (std::size_t at = 0; at < scenario_.steps.size();) {
    const bool good = co_await run_step(at);
    if (!good) co_return;
  }
  if (!scenario_.steps.empty()) co_await flush_all(scenario_.steps.back());
}

// Runs the step at `at` (a run of steps, for those that belong together) and moves behind it; false ends the scenario.
Task<bool> Runner::run_step(std::size_t& at) {
  const Step& step = scenario_.steps[at];
  if (step.kind == Step::Kind::send) {
    bool no_line_end = false;
    auto& connection = *client(step.session).client;
    connection.put(unescape(with_named(step.text), &no_line_end));
    if (!no_line_end) connection.put("\r\n");
    ++at;
    co_return true;
  }
  if (step.kind == Step::Kind::client_action) {
    ++at;
    co_return co_await act(step);
  }
  const bool flushed = co_await flush_all(step);
  if (!flushed) co_return false;
  switch (step.kind) {
    case Step::Kind::check: ++at; co_return co_await check(step);
    case Step::Kind::server_state: ++at; co_return co_await expect_state(step);
    case Step::Kind::optional_line: co_return co_await expect_optional(at);
    case Step::Kind::any_order_line: co_return co_await expect_any_order(at);
    case Step::Kind::line:
    case Step::Kind::skip_to: break;
    case Step::Kind::send:
    case Step::Kind::client_action: CHECK(false);
  }
  ++at;
  for (;;) {
    const bool got = co_await fetch_line(step);
    if (!got) co_return false;
    const auto line = next_lines_[step.session];
    take_line(step.session);
    if (matches_pattern(line, step.text)) co_return true;
    if (step.kind == Step::Kind::line) {
      complain(step, "expected: " + step.text + "\n   but got: " + shown(line));
      co_return false;
    }
  }
}

Task<bool> Runner::expect_optional(std::size_t& at) {
  const auto begin = at;
  const auto& steps = scenario_.steps;
  while (at < steps.size() && steps[at].kind == Step::Kind::optional_line && steps[at].session == steps[begin].session) ++at;
  for (;;) {
    const bool got = co_await fetch_line(steps[begin]);
    if (!got) co_return false;
    const auto& line = next_lines_[steps[begin].session];
    bool any = false;
    for (auto i = begin; i < at && !any; ++i) any = matches_pattern(line, steps[i].text);
    if (!any) co_return true;
    take_line(steps[begin].session);
  }
}

Task<bool> Runner::expect_any_order(std::size_t& at) {
  const auto begin = at;
  const auto& steps = scenario_.steps;
  std::vector<const Step*> wanted;
  for (; at < steps.size() && steps[at].kind == Step::Kind::any_order_line && steps[at].session == steps[begin].session; ++at)
    wanted.push_back(&steps[at]);
  while (!wanted.empty()) {
    const bool got = co_await fetch_line(*wanted.front());
    if (!got) co_return false;
    const auto line = next_lines_[steps[begin].session];
    take_line(steps[begin].session);
    const auto hit = std::ranges::find_if(wanted, [&](const Step* s) { return matches_pattern(line, s->text); });
    if (hit == wanted.end()) {
      complain(*wanted.front(), "expected, among others: " + wanted.front()->text + "\n   but got: " + shown(line));
      co_return false;
    }
    wanted.erase(hit);
  }
  co_return true;
}

Task<bool> Runner::fetch_line(const Step& step) {
  if (next_lines_.contains(step.session)) co_return true;
  auto& connection = *client(step.session).client;
  auto line = co_await connection.read_line(1 << 20, line_end_, after(kPatience));
  if (!line) {
    complain(step, "expected: " + step.text + "\n   but", line.error());
    co_return false;
  }
  next_lines_[step.session] = *line;
  co_return true;
}

Task<bool> Runner::flush_all(const Step& step) {
  client(step.session);  // the first mention connects
  for (auto& [number, c] : clients_) {
    if (c.client->output().empty()) continue;
    // A server may close while we still talk: what it said is what counts.
    auto sent = co_await c.client->flush(after(kPatience));
    if (!sent) c.client->output().clear();
  }
  co_return true;
}

}  // namespace posthorn::server::transcript
