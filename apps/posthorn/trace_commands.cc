// posthorn trace ...
#include <algorithm>

#include "commands.h"
#include "output.h"

namespace posthorn {
namespace {

namespace json = boost::json;

// "2026-11-22 18:00:01.123" of "2026-11-22T18:00:01.123Z".
std::string time_of(const json::object& o, std::string_view key) {
  auto text = text_of(o, key);
  if (text.size() > 10) text[10] = ' ';
  if (text.ends_with('Z')) text.pop_back();
  return text;
}

std::string_view mark_of(const json::object& line) {
  const auto kind = text_of(line, "kind");
  return kind == "C" ? "   > " : kind == "S" ? "   < " : " ";
}

std::string names(const json::object& o) {
  std::string out;
  for (const auto& to : list_of(o, "recipients")) out += (out.empty() ? "" : ", ") + std::string(to.as_string());
  const auto more = number_of(o, "recipients_in_all") - static_cast<std::int64_t>(list_of(o, "recipients").size());
  return more > 0 ? out + " and " + std::to_string(more) + " more" : out;
}

std::string path(const std::string& address) { return address.empty() ? "<>" : address; }

int trace_message(app::AdminLink& link, const Common& common, const std::string& id) {
  const auto answer = ask(link, common, {{"command", "trace.message"}, {"id", id}});
  if (!answer) return say_failed(answer.error());
  if (common.json) return kDone;
  for (const auto& value : list_of(*answer, "records")) {
    const auto& record = value.as_object();
    if (list_of(record, "recipients").empty()) say("message " + id);
    else say("message " + id + " from " + path(text_of(record, "sender")) + " to " + names(record));
    std::string before;
    for (const auto& line_value : list_of(record, "lines")) {
      const auto& line = line_value.as_object();
      const auto at = time_of(line, "at");
      say((at == before ? std::string(at.size(), ' ') : at) + std::string(mark_of(line)) + text_of(line, "text"));
      before = at;
    }
    say("");
  }
  say(flag_of(*answer, "queued") ? "It is in the queue: posthorn queue show " + id : "It is not in the queue. Times are UTC.");
  return kDone;
}

int trace_address(app::AdminLink& link, const Common& common, const std::string& address, int limit) {
  const auto answer = ask(link, common, {{"command", "trace.address"}, {"address", address}, {"limit", limit}});
  if (!answer) return say_failed(answer.error());
  const auto& messages = list_of(*answer, "messages");
  if (messages.empty()) return say_failed({Errc::not_found, "nothing is known of " + address + " (any more: see trace.age)"});
  if (common.json) return kDone;
  for (const auto& value : messages) {
    const auto& m = value.as_object();
    say(time_of(m, "at") + "  message " + text_of(m, "id") + "  from " + path(text_of(m, "sender")) + " to " + names(m));
    say(time_of(m, "last_at") + "    " + text_of(m, "last"));
  }
  const auto shown = static_cast<std::int64_t>(messages.size()), known = number_of(*answer, "known");
  say(count_text(shown, "message", "messages") + (known > shown ? " of " + std::to_string(known) : "") +
      "; all of one: posthorn trace ID. Times are UTC.");
  return kDone;
}

}  // namespace

int trace(const Common& common, const std::string& what, int limit) {
  const bool id = !what.empty() && std::ranges::all_of(what, [](char c) { return c >= '0' && c <= '9'; });
  if (!id && what.find('@') == what.npos)
    return say_failed({Errc::invalid, "'" + what + "' is neither the id of a message nor an address"}), kUsage;
  const auto link = open_link(common);
  if (!link) return kFailed;
  return id ? trace_message(*link, common, what) : trace_address(*link, common, what, limit);
}

}  // namespace posthorn
