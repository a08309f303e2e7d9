// posthorn queue ...
#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/settings.h"
#include "commands.h"
#include "output.h"
#include "progress.h"

namespace posthorn {
namespace {

namespace json = boost::json;

// What is asked, once for each id.
Result<std::vector<json::object>> requests(const std::string& command, const QueueSelection& s) {
  json::object base{{"command", command}};
  const auto put = [&base](const char* name, const std::string& value) {
    if (!value.empty()) base[name] = value;
  };
  put("sender", s.sender);
  put("recipient", s.recipient);
  put("domain", s.domain);
  for (const auto& [name, text] : {std::pair("older_than", s.older_than), std::pair("younger_than", s.younger_than)}) {
    if (text.empty()) continue;
    const auto time = parse_duration(text);
    if (!time || time->count() < 0) return fail(Errc::invalid, "'" + text + "' is not a time; write \"30 min\", \"2 h\" or \"1 d\"");
    base[name] = std::chrono::duration_cast<std::chrono::seconds>(*time).count();
  }
  if (s.held && s.not_held) return fail(Errc::invalid, "--held and --not-held exclude each other");
  if (s.held) base["which"] = "held";
  if (s.not_held) base["which"] = "not_held";
  const bool any = base.size() > 1 || !s.ids.empty();
  if (s.all && any) return fail(Errc::invalid, "--all is everything: it does not go with a selection");
  if (s.all) base["all"] = true;
  if (s.ids.empty()) return std::vector{std::move(base)};
  std::vector<json::object> out;
  for (const auto& id : s.ids) {
    out.push_back(base);
    out.back()["id"] = id;
  }
  return out;
}

// All steps of a request.  Its answers go to `each`.
template <class F>
Result<void> for_each_step(app::AdminLink& link, json::object request, F each) {
  for (;;) {
    TRY(const auto answer, ask(link, {}, request));
    each(answer);
    const auto position = text_of(answer, "position");
    if (position.empty()) return {};
    request["position"] = position;
  }
}

void note_stopped(const app::AdminLink& link) {
  if (!link.server_runs()) std::fputs("posthorn: note: the server is not running; nothing is sent until it is\n", stderr);
}

std::string padded_left(std::string text, std::size_t width) {
  if (text.size() < width) text.insert(0, width - text.size(), ' ');
  return text;
}

std::string path(const std::string& address) { return address.empty() ? "<>" : address; }

// "451 4.3.0 mx.example.org[192.0.2.1]: try later"
std::string last_text(const json::object& of) {
  const auto& last = object_of(of, "last");
  if (last.empty()) return "not tried yet";
  std::string out;
  if (const auto code = number_of(last, "code")) out += std::to_string(code) + ' ';
  if (const auto status = text_of(last, "status"); !status.empty()) out += status + ' ';
  if (const auto server = text_of(last, "server"); !server.empty()) out += server + ": ";
  return out + text_of(last, "text");
}

std::string next_text(const json::object& of) {
  if (flag_of(of, "in_flight")) return "now";
  const auto* next = of.if_contains("next_in_seconds");
  if (!next || next->is_null()) return "held";
  const auto s = number_of(of, "next_in_seconds");
  return s <= 0 ? "due" : "in " + rough_time(s);
}

struct Sum {
  std::int64_t messages = 0, waiting = 0, held = 0, bytes = 0;
};

// What a verb has done so far.
struct Treated {
  std::int64_t messages = 0, recipients = 0, in_flight = 0, examined = 0, groups = 0;

  void add(const json::object& answer) {
    messages += number_of(answer, "messages");
    recipients += number_of(answer, "recipients");
    in_flight += number_of(answer, "in_flight");
    examined += number_of(answer, "examined");
    groups = std::max({groups, examined, number_of(object_of(answer, "queue"), "groups")});  // deleting makes them fewer
  }
  std::string line(const std::string& verb) const {
    return verb + ": " + count_text(messages, "message", "messages") + "; " + std::to_string(examined) + " of about " +
           count_text(groups, "group", "groups") + " looked at";
  }
};

void say_head() {
  say(padded_left("id", 20) + padded_left("age", 9) + padded_left("size", 10) + padded_left("tries", 7) + padded_left("next", 11) +
      "  sender");
}

void say_entry_head(const json::object& e) {
  say(padded_left(text_of(e, "id"), 20) + padded_left(rough_time(number_of(e, "age_seconds")), 9) +
      padded_left(rough_size(number_of(e, "size")), 10) + padded_left(std::to_string(number_of(e, "attempts")), 7) +
      padded_left(next_text(e), 11) + "  " + path(text_of(e, "sender")));
}

void say_entry(const json::object& e) {
  say_entry_head(e);
  const auto waiting = number_of(e, "waiting"), done = number_of(e, "done"), held = number_of(e, "held");
  std::string line = "    to " + text_of(e, "recipient");
  if (waiting == 0) line = "    everybody has an answer; the sender is still to be told";
  std::string more;
  const auto put = [&more](std::int64_t n, const char* what) {
    if (n > 0) more += (more.empty() ? "" : ", ") + std::to_string(n) + what;
  };
  put(waiting - 1, " more waiting");
  put(done, " done");
  if (held != waiting) put(held, " held");
  if (!more.empty()) line += " (" + more + (flag_of(e, "partial") ? ", and others" : "") + ')';
  say(line);
  if (waiting > 0) say("       " + last_text(e));
}

void say_recipients(const json::object& g) {
  for (const auto& value : list_of(g, "recipients")) {
    const auto& r = value.as_object();
    auto line = "    " + columns(text_of(r, "address"), 40, text_of(r, "state"));
    if (const auto forwarded = text_of(r, "forwarded_for"); !forwarded.empty()) line += ", for " + forwarded;
    say(line);
    say("       " + last_text(r));
  }
}

void say_group(const json::object& g) {
  say("");
  say("to " + text_of(g, "destination") + ": " + count_text(number_of(g, "attempts"), "attempt", "attempts") + ", next " + next_text(g));
  say_recipients(g);
}

// With every recipient.  One that has gone since it was listed is listed, no more.
void say_all_of(app::AdminLink& link, const json::object& entry) {
  say_entry_head(entry);
  const auto show = [](const json::object& answer) {
    for (const auto& group : list_of(answer, "groups")) say_recipients(group.as_object());
  };
  (void)for_each_step(link, {{"command", "queue.show"}, {"id", text_of(entry, "id")}}, show);
}

}  // namespace

int queue_list(const Common& common, const QueueSelection& selection, bool recipients) {
  auto asked = requests("queue.list", selection);
  if (!asked) return say_failed(asked.error()), kUsage;
  const auto link = open_link(common);
  if (!link) return kFailed;
  note_stopped(*link);
  Sum sum;
  for (auto& request : *asked) {
    if (common.json) request["recipients"] = true;
    const auto done = for_each_step(*link, request, [&](const json::object& answer) {
      for (const auto& value : list_of(answer, "entries")) {
        const auto& e = value.as_object();
        if (sum.messages++ == 0 && !common.json) say_head();
        sum.waiting += number_of(e, "waiting");
        sum.held += number_of(e, "held");
        sum.bytes += number_of(e, "size");
        if (common.json) say(json::serialize(e));
        else if (!recipients) say_entry(e);
        else say_all_of(*link, e);
      }
    });
    if (!done) return say_failed(done.error());
  }
  if (common.json) return kDone;
  if (sum.messages == 0) say("no messages");
  else
    say(count_text(sum.messages, "message", "messages") + ", " + rough_size(sum.bytes) + ", " +
        count_text(sum.waiting, "recipient waiting", "recipients waiting") +
        (sum.held ? ", " + std::to_string(sum.held) + " of them held" : ""));
  return kDone;
}

int queue_show(const Common& common, const std::string& id) {
  const auto link = open_link(common);
  if (!link) return kFailed;
  note_stopped(*link);
  bool first = true;
  const auto done = for_each_step(*link, {{"command", "queue.show"}, {"id", id}}, [&](const json::object& answer) {
    if (common.json) return say(json::serialize(answer));
    const auto& m = object_of(answer, "message");
    if (std::exchange(first, false)) {
      const auto line = [](std::string_view left, const std::string& right) { say(columns(left, 12, right)); };
      line("message", text_of(m, "id"));
      line("sender", path(text_of(m, "sender")));
      line("arrived", text_of(m, "arrival") + ", " + rough_time(number_of(m, "age_seconds")) + " ago");
      line("from", text_of(m, "helo") + " [" + text_of(m, "from_ip") + "] " + text_of(m, "with"));
      line("size", rough_size(number_of(m, "size")));
      line("recipients", std::to_string(number_of(m, "recipients")) + " in all");
    }
    for (const auto& value : list_of(answer, "groups")) say_group(value.as_object());
  });
  return done ? int{kDone} : say_failed(done.error());
}

int queue_act(const Common& common, const std::string& verb, const QueueSelection& selection) {
  auto asked = requests("queue.act", selection);
  if (!asked) return say_failed(asked.error()), kUsage;
  if (asked->size() == 1 && asked->front().size() == 1)
    return say_failed(
               {Errc::invalid, "say which messages: by id, --sender, --to, --domain, --older-than, --held ...; --all means every one"}),
           kUsage;
  const auto link = open_link(common);
  if (!link) return kFailed;
  note_stopped(*link);
  Progress progress(!common.json);
  Treated sum;
  for (auto& request : *asked) {
    request["verb"] = verb;
    const auto done = for_each_step(*link, std::move(request), [&](const json::object& answer) {
      sum.add(answer);
      const bool goes_on = !text_of(answer, "position").empty() || &request != &asked->back();
      if (goes_on) progress.show(sum.line(verb));
    });
    if (done) continue;
    progress.end();
    return say_failed(done.error());
  }
  progress.end();
  if (common.json) {
    say(json::serialize(
        json::object{{"ok", true}, {"verb", verb}, {"messages", sum.messages}, {"recipients", sum.recipients}, {"in_flight", sum.in_flight}}));
    return kDone;
  }
  say(verb + ": " + count_text(sum.messages, "message", "messages") + ", " + count_text(sum.recipients, "recipient", "recipients"));
  if (sum.in_flight > 0)
    say("note: " + count_text(sum.in_flight, "group of recipients is", "groups of recipients are") +
        " being delivered just now; what that leaves waiting is treated then");
  return kDone;
}

}  // namespace posthorn
