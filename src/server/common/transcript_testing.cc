#include "server/common/transcript_testing.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>

#include "async/task_group.h"
#include "auth/scram_testing.h"
#include "base/log.h"
#include "base/settings.h"
#include "crypto/digest.h"
#include "text/ascii.h"
#include "text/base64.h"

namespace posthorn::server {
namespace {

constexpr auto kPatience = std::chrono::seconds(30);  // for what must come; only a hanging server takes so long

struct Step {
  enum class Kind { send, client_action, line, optional_line, any_order_line, skip_to, server_state, check } kind;
  int session = 1;
  std::string text;
  std::vector<std::string> block;  // the | lines
  int line = 0;
};

struct Scenario {
  std::string name;
  std::vector<Step> directives, steps;
};

std::vector<std::string> words_of(std::string_view text) {
  std::istringstream in{std::string(text)};
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::optional<int> to_int(std::string_view s) {
  int n = 0;
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), n);
  if (error != std::errc() || end != s.data() + s.size()) return {};
  return n;
}

// "C2!: text" into its kind, session and text.
std::optional<Step> parse_step(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == line.npos || colon == 0) return {};
  auto head = line.substr(0, colon);
  Step step;
  auto text = line.substr(colon + 1);
  if (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  step.text = text;
  const char who = head.front();
  head.remove_prefix(1);
  std::size_t digits = 0;
  while (digits < head.size() && text::is_digit(head[digits])) ++digits;
  if (digits != 0) step.session = *to_int(head.substr(0, digits));
  head.remove_prefix(digits);
  using Kind = Step::Kind;
  if (who == 'C' && head.empty()) step.kind = Kind::send;
  else if (who == 'C' && head == "!") step.kind = Kind::client_action;
  else if (who == 'S' && head.empty()) step.kind = Kind::line;
  else if (who == 'S' && head == "?") step.kind = Kind::optional_line;
  else if (who == 'S' && head == "~") step.kind = Kind::any_order_line;
  else if (who == 'S' && head == "-") step.kind = Kind::skip_to;
  else if (who == 'S' && head == "!") step.kind = Kind::server_state;
  else if (who == 'X' && head.empty()) step.kind = Kind::check;
  else return {};
  return step;
}

Result<std::vector<Scenario>> parse_transcript(std::string_view text) {
  std::vector<Scenario> scenarios;
  Scenario common;  // directives before the first "=="
  Scenario* current = &common;
  std::vector<std::string>* block = nullptr;
  int number = 0;
  while (!text.empty()) {
    ++number;
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    const auto bare = text::trim(line);
    if (bare.empty() || bare.front() == '#') continue;
    if (line.starts_with("==")) {
      scenarios.push_back(Scenario{std::string(text::trim(line.substr(2))), common.directives, {}});
      current = &scenarios.back();
      block = nullptr;
    } else if (line.front() == '|') {
      if (!block) return fail(Errc::syntax, "line " + std::to_string(number) + ": a | line belongs to nothing");
      auto content = line.substr(1);
      if (content.starts_with(' ')) content.remove_prefix(1);
      block->emplace_back(content);
    } else if (line.front() == '@') {
      current->directives.push_back(Step{.kind = Step::Kind::check, .text = std::string(line.substr(1)), .line = number});
      block = &current->directives.back().block;
    } else if (auto step = parse_step(line)) {
      step->line = number;
      current->steps.push_back(*std::move(step));
      block = &current->steps.back().block;
    } else {
      return fail(Errc::syntax, "line " + std::to_string(number) + ": not understood: " + std::string(line));
    }
  }
  if (!common.steps.empty()) {
    if (!scenarios.empty()) return fail(Errc::syntax, "steps before the first ==");
    common.name = "all";
    scenarios.push_back(std::move(common));
  }
  return scenarios;
}

SettingValue setting_value(const std::string& text) {
  if (text == "true") return true;
  if (text == "false") return false;
  std::int64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error == std::errc() && end == text.data() + text.size()) return n;
  return text;
}

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
  void remember(std::string_view line) {
    constexpr std::string_view kSnapshot = "* SNAPSHOT \"";  // of SMAP
    if (line.starts_with(kSnapshot)) named_["SNAPSHOT"] = line.substr(kSnapshot.size(), line.rfind('"') - kSnapshot.size());
    if (line.starts_with("+OK ") && line.ends_with(">") && line.find('<') != line.npos) named_["TIMESTAMP"] = line.substr(line.find('<'));
    for (const std::string_view name : {"UIDVALIDITY", "HIGHESTMODSEQ"}) {
      const auto at = line.find(std::string("[") + std::string(name) + " ");
      if (at != line.npos) named_[std::string(name)] = line.substr(at + name.size() + 2, line.find(']', at) - at - name.size() - 2);
    }
  }
  std::string with_named(std::string text) const {
    for (const auto& [name, value] : named_) {
      const auto mark = "${" + name + "}";
      for (auto at = text.find(mark); at != text.npos; at = text.find(mark, at)) text.replace(at, mark.size(), value);
    }
    return text;
  }
  std::map<std::string, std::string> named_;
  std::vector<const SettingBase*> changed_settings_;
  bool has_domain_ = false;
  std::vector<std::string> problems_;
};

Result<void> Runner::change_setting(const std::string& name, std::string_view value) {
  const auto* setting = find_setting(name);
  if (!setting) return fail(Errc::not_found, "no setting " + name);
  changed_settings_.push_back(setting);
  return setting->set(setting_value(std::string(text::trim(value))));
}

Task<Result<void>> Runner::apply(const Step& directive) {
  const auto words = words_of(directive.text);
  if (words.empty()) co_return fail(Errc::syntax, "empty directive");
  const auto& name = words[0];
  const auto argument = [&](std::size_t i) { return i < words.size() ? words[i] : std::string(); };
  if (name == "protocol") {
    for (auto p : {config::Protocol::smtp, config::Protocol::submission, config::Protocol::lmtp, config::Protocol::imap,
                   config::Protocol::pop3})
      if (config::to_string(p) == argument(1)) {
        rules_.protocol = p;
        co_return Result<void>{};
      }
    co_return fail(Errc::syntax, "unknown protocol");
  }
  if (name == "tls") {
    for (auto t : {config::TlsMode::none, config::TlsMode::starttls, config::TlsMode::implicit})
      if (config::to_string(t) == argument(1)) {
        rules_.tls = t;
        co_return Result<void>{};
      }
    co_return fail(Errc::syntax, "unknown TLS mode");
  }
  if (name == "lf") {
    line_end_ = net::LineEnd::any_lf;
    co_return Result<void>{};
  }
  if (name == "allow_plaintext_auth") {
    rules_.allow_plaintext_auth = true;
    co_return Result<void>{};
  }
  if (name == "queue") co_return co_await server_.open_queue();
  if (name == "peer") {
    CO_TRY(const auto ip, IpAddress::parse(argument(1)));
    peer_ = net::peer_at(ip, 4711);
    co_return Result<void>{};
  }
  if (name == "setting") co_return change_setting(argument(1), directive.text.substr(directive.text.find(words[1]) + words[1].size()));
  if (name == "domain") {
    has_domain_ = true;
    auto domain = argument(1);
    co_return co_await server_.add_domain(std::move(domain));
  }
  if (!has_domain_) {
    has_domain_ = true;
    CO_TRY_OK(co_await server_.add_domain("example.test"));
  }
  if (name == "account") {
    const auto quota = static_cast<std::uint64_t>(to_int(argument(3)).value_or(0));
    CO_TRY_OK(co_await server_.add_account(argument(1), argument(2), quota));
    co_return Result<void>{};
  }
  if (name == "account_setting") {
    std::map<std::string, std::string, std::less<>> changes{{argument(2), argument(3)}};
    co_return co_await server_.services().directory.change_settings(argument(1), std::move(changes));
  }
  if (name == "apop") co_return co_await server_.services().directory.set_apop_secret(argument(1), argument(2));
  if (name == "alias") {
    std::vector<std::string> targets(words.begin() + 2, words.end());
    co_return co_await server_.services().directory.add_alias(argument(1), std::move(targets));
  }
  if (name == "mailbox") {
    CO_TRY(auto record, co_await server_.services().directory.find_account(argument(1)));
    CO_TRY(auto account, co_await server_.services().store.account(record.id));
    CO_TRY_OK(co_await account->create_mailbox(argument(2)));
    co_return Result<void>{};
  }
  if (name == "message") {
    std::string message;
    for (const auto& line : directive.block) {
      bool no_line_end = false;
      message += unescape(line, &no_line_end);
      if (!no_line_end) message += "\r\n";
    }
    std::vector<std::string> flags(words.begin() + 3, words.end());
    for (auto& flag : flags)
      if (flag.front() == '[' || flag.back() == ']') std::erase_if(flag, [](char c) { return c == '[' || c == ']'; });
    co_return co_await server_.add_message(argument(1), argument(2), std::move(message), std::move(flags));
  }
  co_return fail(Errc::syntax, "unknown directive @" + name);
}

// A coroutine that owns nothing: what it uses lives in the Runner until the group is joined.
Task<> run_one(const RunSession& run, SessionContext context) {
  auto& connection = context.connection;
  co_await run(context);
  connection.close();
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

Task<bool> Runner::expect_state(const Step& step) {
  auto& connection = *client(step.session).client;
  const auto pending = next_lines_.find(step.session);
  if (pending != next_lines_.end() || !connection.input().empty()) {
    complain(step, "an answer nobody expected: " +
                       shown(pending != next_lines_.end() ? pending->second : connection.input()));
    co_return false;
  }
  const bool closed = step.text == "closed";
  auto more = co_await connection.read_more(closed ? after(kPatience) : after(std::chrono::milliseconds(50)));
  if (more) {
    complain(step, "an answer nobody expected: " + shown(connection.input()));
    co_return false;
  }
  const bool good = closed ? more.error().code == Errc::closed || more.error().code == Errc::io
                           : more.error().code == Errc::timed_out;
  if (!good) complain(step, "expected " + step.text + ", but", more.error());
  co_return good;
}

Task<bool> Runner::check(const Step& step) {
  const auto words = words_of(step.text);
  const auto number = words.size() > 3 ? to_int(words[3]) : std::optional<int>();
  if (!words.empty() && words[0] == "log") {
    const auto part = text::trim(std::string_view(step.text).substr(3));
    // The session may still be on its way to that point.
    const auto deadline = after(kPatience);
    while (!log_.has(part) && std::chrono::steady_clock::now() < deadline) co_await sleep_for(std::chrono::milliseconds(2));
    const bool good = log_.has(part);
    if (!good) {
      complain(step, "not in the log: " + std::string(part));
      for (const auto& line : log_.lines()) problems_.push_back("    log: " + line);
    }
    co_return good;
  }
  if (words.size() == 2 && words[0] == "queued") co_return co_await check_queue(step, to_int(words[1]).value_or(-1));
  if (number && words[0] == "stored") {
    auto count = co_await server_.count_messages(words[1], words[2]);
    if (!count) complain(step, step.text, count.error());
    else if (*count != static_cast<std::uint32_t>(*number))
      complain(step, "there are " + std::to_string(*count) + " messages, expected " + words[3]);
    else co_return true;
    co_return false;
  }
  if (number && words[0] == "message") co_return co_await check_message(step, words, *number);
  if (number && words[0] == "flags") {
    auto flags = co_await server_.read_flags(words[1], words[2], *number);
    if (!flags) {
      complain(step, step.text, flags.error());
      co_return false;
    }
    std::vector<std::string> wanted(words.begin() + 4, words.end());
    std::ranges::sort(wanted);
    if (*flags == wanted) co_return true;
    std::string have;
    for (const auto& flag : *flags) have += " " + flag;
    complain(step, "the flags are:" + have);
    co_return false;
  }
  complain(step, "unknown check");
  co_return false;
}

Task<bool> Runner::check_queue(const Step& step, int messages) {
  auto lines = co_await server_.read_queue();
  if (!lines) {
    complain(step, step.text, lines.error());
    co_return false;
  }
  bool good = std::ranges::count_if(*lines, [](const auto& line) { return line.starts_with('<'); }) == messages;
  good = good && (step.block.empty() || step.block.size() == lines->size());
  for (std::size_t i = 0; good && i < step.block.size(); ++i) good = matches_pattern((*lines)[i], step.block[i]);
  if (good) co_return true;
  complain(step, "the queue is:");
  for (const auto& line : *lines) problems_.push_back("    " + line);
  co_return false;
}

Task<bool> Runner::check_message(const Step& step, const std::vector<std::string>& words, std::uint32_t number) {
  auto message = co_await server_.read_message(words[1], words[2], number);
  if (!message) {
    complain(step, step.text, message.error());
    co_return false;
  }
  std::string_view rest = *message;
  for (const auto& pattern : step.block) {
    if (rest.empty()) {
      complain(step, "the message ends before: " + pattern);
      co_return false;
    }
    const auto end = rest.find("\r\n");
    const auto line = rest.substr(0, end);
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 2);
    if (!matches_pattern(line, pattern)) {
      complain(step, "expected in the message: " + pattern + "\n   but it is: " + shown(line));
      co_return false;
    }
  }
  if (!rest.empty()) complain(step, "the message goes on: " + shown(rest));
  co_return rest.empty();
}

// \S+ of an escape at `at` (behind the backslash): appends what it means, returns how much it took; 0: no escape.
std::size_t put_escape(std::string& out, std::string_view rest) {
  if (rest.empty()) return 0;
  switch (rest.front()) {
    case 'r': out += '\r'; return 1;
    case 'n': out += '\n'; return 1;
    case 't': out += '\t'; return 1;
    case '0': out += '\0'; return 1;
    case '\\': out += '\\'; return 1;
    case 'x':
      if (rest.size() >= 3 && text::hex_value(rest[1]) >= 0 && text::hex_value(rest[2]) >= 0) {
        out += static_cast<char>(text::hex_value(rest[1]) * 16 + text::hex_value(rest[2]));
        return 3;
      }
      return 0;
    default: return 0;
  }
}

}  // namespace

std::string unescape(std::string_view text, bool* no_line_end) {
  if (text.ends_with("\\c") && !text.ends_with("\\\\c")) {
    text.remove_suffix(2);
    if (no_line_end) *no_line_end = true;
  }
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '\\') {
      if (const auto n = put_escape(out, text.substr(i + 1))) {
        i += 1 + n;
        continue;
      }
    } else if (text.substr(i).starts_with("${base64:") || text.substr(i).starts_with("${md5:")) {
      const auto end = text.find('}', i), colon = text.find(':', i);
      if (end != text.npos) {
        const auto inside = unescape(text.substr(colon + 1, end - colon - 1));
        out += text[i + 2] == 'b' ? text::base64_encode(inside) : crypto::to_hex(crypto::view(crypto::md5(inside)));
        i = end + 1;
        continue;
      }
    }
    out += text[i++];
  }
  return out;
}

bool matches_pattern(std::string_view line, std::string_view pattern) {
  // The pattern as bytes with a mark for each wildcard.
  std::string want;
  std::vector<bool> any;
  if (pattern.starts_with("* ")) {
    want = "*";
    any = {false};
    pattern.remove_prefix(1);
  }
  while (!pattern.empty()) {
    auto end = pattern.find('*');
    const bool literal = end != pattern.npos && end != 0 && pattern[end - 1] == '\\';
    want += unescape(pattern.substr(0, end));  // a backslash at its end stays
    any.resize(want.size(), false);
    if (end == pattern.npos) break;
    want += '*';
    any.push_back(!literal);
    pattern.remove_prefix(end + 1);
  }
  // Greedy from the left, going back to the last wildcard on a mismatch.
  std::size_t i = 0, p = 0, star = std::string::npos, star_i = 0;
  while (i < line.size()) {
    if (p < want.size() && any[p]) {
      star = p++;
      star_i = i;
    } else if (p < want.size() && want[p] == line[i]) {
      ++p;
      ++i;
    } else if (star != std::string::npos) {
      p = star + 1;
      i = ++star_i;
    } else {
      return false;
    }
  }
  while (p < want.size() && any[p]) ++p;
  return p == want.size();
}

std::vector<std::string> run_transcript(std::string_view text, const std::string& name, const RunSession& run,
                                        config::Protocol protocol) {
  auto scenarios = parse_transcript(text);
  if (!scenarios) return {name + ": " + scenarios.error().text};
  if (scenarios->empty()) return {name + ": no scenario"};
  std::vector<std::string> problems;
  for (const auto& scenario : *scenarios) {
    Runner runner(scenario, name, run, protocol);
    run_task(runner.run());
    problems.insert(problems.end(), runner.problems().begin(), runner.problems().end());
  }
  return problems;
}

std::vector<std::string> run_transcript_file(const std::string& path, const RunSession& run, config::Protocol protocol) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return {path + ": cannot be read"};
  std::ostringstream text;
  text << in.rdbuf();
  return run_transcript(text.str(), std::filesystem::path(path).filename(), run, protocol);
}

std::vector<std::string> transcript_files(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

}  // namespace posthorn::server
