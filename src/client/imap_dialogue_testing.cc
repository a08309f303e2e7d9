#include "client/imap_dialogue_testing.h"

#include <sstream>

#include "async/reactor.h"
#include "async/task_group.h"
#include "client/imap_connection.h"

namespace posthorn::client {
namespace {

using imap::NumberSet;

std::string text_of(const NumberSet& set) {
  std::string out;
  if (!set.empty()) imap::put_number_set(out, set);
  return out;
}

std::string text_of(const imap::FetchResponse& f) {
  std::string out = f.uid ? std::to_string(*f.uid) : "?";
  if (f.flags) {
    out += "[";
    for (const auto flag : {imap::SystemFlag::seen, imap::SystemFlag::answered, imap::SystemFlag::flagged, imap::SystemFlag::deleted})
      if (f.flags->has(flag)) out += imap::to_string(flag);
    for (const auto& k : f.flags->keywords) out += k;
    out += "]";
  }
  if (f.mod_seq) out += "@" + std::to_string(*f.mod_seq);
  return out;
}

// "uid(octets)" for each message.
class TextSink final : public MessageSink {
 public:
  std::string log;
  Task<Result<void>> begin(const imap::FetchResponse&, std::uint64_t size) override {
    log += " " + std::to_string(size) + ":";
    co_return Result<void>{};
  }
  Task<Result<void>> write(std::string_view octets) override {
    log += octets;
    co_return Result<void>{};
  }
  Task<Result<void>> end(const imap::FetchResponse& all) override {
    log += "=" + text_of(all);
    co_return Result<void>{};
  }
  void drop() override { log += "=none"; }
};

template <class T>
std::string error_of(const Result<T>& result) {
  return std::string(to_string(result.error().code)) + ": " + result.error().text;
}

template <class T>
std::string ok_or_error(const Result<T>& result) {
  return result ? "ok" : error_of(result);
}

std::string text_of(const MailboxInfo& m) {
  std::string out = " " + m.name + (m.selectable ? "" : "!") + (m.subscribed ? "+" : "");
  if (m.status)
    out += "(" + std::to_string(m.status->messages.value_or(0)) + " " + std::to_string(m.status->uid_validity.value_or(0)) + " " +
           std::to_string(m.status->high_mod_seq.value_or(0)) + ")";
  return out;
}

std::string text_of(const SelectedMailbox& m) {
  std::string out = "ok " + std::to_string(m.messages) + " messages, validity " + std::to_string(m.uid_validity) + ", next " + std::to_string(m.uid_next) +
                    ", modseq " + std::to_string(m.high_mod_seq) + (m.read_only ? ", read-only" : "") + (m.any_keyword ? ", any keyword" : "");
  if (m.resynced) {
    out += ", vanished " + text_of(m.vanished) + ", changed";
    for (const auto& f : m.changed) out += " " + text_of(f);
  }
  return out;
}

std::string text_of(const std::vector<CopiedMessage>& pairs) {
  std::string out = "ok";
  for (const auto& p : pairs) out += " " + std::to_string(p.uid) + ">" + std::to_string(p.new_uid);
  return out;
}

struct Call {
  ImapConnection& connection;
  std::vector<std::string> words;
  std::uint32_t number(std::size_t i) const { return static_cast<std::uint32_t>(std::stoul(words.at(i))); }
  NumberSet set() const { return NumberSet({imap::NumberRange{number(1), number(2)}}); }
};

Task<std::string> call_fetch(Call call) {
  FetchWants wants;
  NumberSet vanished;
  if (call.words.size() > 3) wants.changed_since = call.number(3);
  std::string out = "ok";
  const auto each = [&out](const imap::FetchResponse& f) { out += " " + text_of(f); };
  auto done = co_await call.connection.fetch(call.set(), wants, each, &vanished);
  if (!vanished.empty()) out += " vanished " + text_of(vanished);
  co_return done ? out : error_of(done);
}

Task<std::string> call_messages(Call call) {
  TextSink sink;
  auto done = co_await call.connection.fetch_messages(call.set(), sink);
  co_return ok_or_error(done) + sink.log;
}

Task<std::string> call_append(Call call) {
  std::vector<MessageToAppend> messages;
  for (std::size_t i = 2; i < call.words.size(); ++i) {
    MessageToAppend one;
    const std::string& text = call.words[i];
    one.size = text.starts_with("lying") ? text.size() + 1 : text.size();
    one.open = [&text] { return std::make_unique<TextSource>(text); };
    one.flags.set(imap::SystemFlag::seen);
    one.flags.set(imap::SystemFlag::recent);
    messages.push_back(std::move(one));
  }
  if (call.words.front() == "append-all") {
    messages.front().uid_validity = 7, messages.front().uid = 5;
    std::vector<AppendedMessage> told;
    auto done = co_await call.connection.append_all(call.words.at(1), messages, &told);
    std::string out = ok_or_error(done);
    for (const auto& one : told) out += " " + std::to_string(one.uid_validity) + "/" + std::to_string(one.uid);
    co_return out;
  }
  std::vector<Result<AppendedMessage>> results;
  auto done = co_await call.connection.append(call.words.at(1), messages, results);
  std::string out = ok_or_error(done);
  for (const auto& r : results) out += r ? " " + std::to_string(r->uid) : " (" + error_of(r) + ")";
  co_return out;
}

Task<std::string> call_mailbox(Call call) {
  auto& c = call.connection;
  const auto& verb = call.words.front();
  const std::string name = call.words.size() > 1 ? call.words[1] : "";
  Result<void> done;
  if (verb == "create") done = co_await c.create(name);
  else if (verb == "rename") done = co_await c.rename(name, call.words.at(2));
  else if (verb == "remove") done = co_await c.remove(name);
  else if (verb == "subscribe") done = co_await c.subscribe(name);
  else if (verb == "unselect") done = co_await c.unselect();
  else if (verb == "noop") done = co_await c.noop();
  else CHECK(false);
  co_return ok_or_error(done);
}

Task<std::string> call_list(Call call) {
  ListWants wants;
  wants.status = call.words.size() > 1;
  auto done = co_await call.connection.list(wants);
  if (!done) co_return error_of(done);
  std::string out = "ok";
  for (const auto& m : *done) out += text_of(m);
  co_return out;
}

Task<std::string> call_select(Call call) {
  SelectWants wants;
  if (call.words.size() > 3) wants.known = {.uid_validity = call.number(2), .mod_seq = call.number(3), .uids = {}};
  auto done = co_await call.connection.select(call.words.at(1), wants);
  co_return done ? text_of(*done) : error_of(done);
}

Task<std::string> call_change(Call call) {
  auto& c = call.connection;
  const auto& verb = call.words.front();
  if (verb == "move") {
    auto done = co_await c.move(call.set(), call.words.at(3));
    co_return done ? text_of(*done) : error_of(done);
  }
  if (verb == "expunge") {
    auto done = co_await c.expunge(call.set());
    co_return done ? (*done ? "ok" : "ok, marked") : error_of(done);
  }
  StoreChange change{.uids = call.set(), .flags = {}, .unchanged_since = 5};
  change.flags.set(imap::SystemFlag::flagged);
  change.flags.keywords.push_back("$x");
  auto done = co_await c.store(std::span(&change, 1));
  co_return done ? "ok " + text_of(*done) : error_of(done);
}

std::string call_news(ImapConnection& connection) {
  const auto news = connection.take_unsolicited();
  std::string out = "ok";
  for (const auto& r : news.responses) {
    if (const auto* e = std::get_if<imap::ExistsResponse>(&r)) out += " exists " + std::to_string(e->count);
    if (const auto* e = std::get_if<imap::ExpungeResponse>(&r)) out += " expunge " + std::to_string(e->number);
    if (const auto* e = std::get_if<imap::VanishedResponse>(&r)) out += " vanished " + text_of(e->uids);
    if (const auto* e = std::get_if<imap::MailboxStatusResponse>(&r)) out += " status " + e->mailbox;
    if (const auto* e = std::get_if<imap::ListResponse>(&r)) out += " list " + e->mailbox + (e->non_existent ? "!" : "") + (e->old_name.empty() ? "" : "<" + e->old_name);
    if (const auto* e = std::get_if<imap::FetchResponse>(&r)) out += " fetch " + text_of(*e);
  }
  return out + (news.overflow ? " overflow" : "");
}

Task<std::string> make_call(ImapConnection& c, std::string line) {
  Call call{c, {}};
  std::istringstream in(line);
  for (std::string word; in >> word;) call.words.push_back(word);
  const auto& verb = call.words.front();
  if (verb == "list") co_return co_await call_list(std::move(call));
  if (verb == "select") co_return co_await call_select(std::move(call));
  if (verb == "fetch") co_return co_await call_fetch(std::move(call));
  if (verb == "messages") co_return co_await call_messages(std::move(call));
  if (verb == "append" || verb == "append-all") co_return co_await call_append(std::move(call));
  if (verb == "store" || verb == "move" || verb == "expunge") co_return co_await call_change(std::move(call));
  if (verb == "news") co_return call_news(c);
  if (verb == "search") {
    auto done = co_await c.search_header("Message-ID", call.words.at(1));
    co_return done ? "ok " + text_of(*done) : error_of(done);
  }
  if (verb == "follow-all") {
    auto done = co_await c.follow_all();
    if (!done || !*done) co_return done ? "ok no" : error_of(done);
    std::string out = "ok";
    for (const auto& [name, status] : **done) out += " " + name + "=" + std::to_string(status.uid_next.value_or(0));
    co_return out;
  }
  if (verb == "follow-selected") co_return ok_or_error(co_await c.follow_selected());
  if (verb == "idle") {
    auto done = co_await c.idle(after(std::chrono::seconds(60)), std::chrono::milliseconds(1));
    co_return done ? (*done ? "ok new" : "ok nothing") : error_of(done);
  }
  if (verb == "logout") {
    co_await c.logout();
    co_return "ok";
  }
  co_return co_await call_mailbox(std::move(call));
}

Task<> converse(ImapDialogue& d, std::unique_ptr<net::Connection> stream, ImapPlayed& played) {
  ImapConnection connection(d.options);
  auto opened = co_await connection.open(std::move(stream));
  played.signed_in_by = connection.signed_in_by();
  played.outcomes.push_back(ok_or_error(opened));
  for (const auto& line : d.calls) {
    if (!connection.is_usable()) break;
    auto outcome = co_await make_call(connection, line);
    if (line != "logout") played.outcomes.push_back(std::move(outcome));
  }
}

Task<ImapPlayed> run(ImapDialogue d) {
  auto pair = net::make_connection_pair();
  ImapPlayed played;
  d.options.transcript = [&played](const TranscriptLine& line) {
    constexpr const char* kMarks[] = {"> ", "< ", "- "};
    played.transcript.push_back(kMarks[static_cast<int>(line.kind)] + std::string(line.text));
  };
  ScriptedServer server(std::move(pair.first), d.script);
  TaskGroup group;
  group.spawn(Reactor::current(), server.run());
  co_await converse(d, std::move(pair.second), played);
  server.client_left();
  co_await group.join();
  played.complaints = server.complaints();
  co_return played;
}

}  // namespace

ImapDialogue make_imap_dialogue(std::string script, std::vector<std::string> calls) {
  ImapDialogue d;
  d.options.host = "mail.example";
  d.options.tls = TlsMode::none;
  d.options.credentials = Credentials{.user = "user", .authorize_as = {}, .password = "pencil", .token = {}, .allow_plaintext = true};
  d.calls = std::move(calls);
  d.script.text = std::move(script);
  return d;
}

ImapPlayed play(ImapDialogue d) { return run_task(run(std::move(d))); }

}  // namespace posthorn::client
