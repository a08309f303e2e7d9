// posthorn domain dkim ...
#include "commands.h"
#include "output.h"

namespace posthorn {
namespace {

namespace json = boost::json;

std::string day_of(const json::object& key, std::string_view name) { return text_of(key, name).substr(0, 10); }

// What is printed is a piece of a zone file: all that is for people is a comment there.
void say_record(const json::object& record, const std::string& note) {
  say("; " + note);
  say(text_of(record, "zone_line"));
  say("; the same for a form: name " + text_of(record, "name") + ", type " + text_of(record, "type") + ", value");
  say("; " + text_of(record, "value"));
}

void say_keys_in(const json::object& answer, std::string_view state) {
  for (const auto& value : list_of(answer, "keys")) {
    const auto& key = value.as_object();
    if (text_of(key, "state") != state) continue;
    say_record(key.at("record").as_object(), text_of(key, "selector") + " (" + text_of(key, "algorithm") + ")");
  }
}

bool has_keys_in(const json::object& answer, std::string_view state) {
  for (const auto& value : list_of(answer, "keys"))
    if (text_of(value.as_object(), "state") == state) return true;
  return false;
}

void say_retired(const json::object& answer) {
  for (const auto& value : list_of(answer, "keys")) {
    const auto& key = value.as_object();
    if (text_of(key, "state") == "retired")
      say("; keep " + text_of(key.at("record").as_object(), "name") + " until " + text_of(key, "keep_record_until") +
          ", then remove it: mail on its way is signed with it");
  }
}

}  // namespace

int dkim_list(const Common& common, const std::string& domain) {
  const auto answer = ask(common, {{"command", "domain.dkim.list"}, {"domain", domain}});
  if (!answer) return kFailed;
  if (common.json) return kDone;
  for (const auto& value : list_of(*answer, "keys")) {
    const auto& key = value.as_object();
    const auto state = text_of(key, "state");
    auto line = columns(text_of(key, "selector"), 28, text_of(key, "algorithm"));
    line = columns(line, 38, state);
    line = columns(line, 48, "made " + day_of(key, "created"));
    if (state == "active") line += ", signs since " + day_of(key, "activated");
    if (state == "retired") line += ", retired " + day_of(key, "retired") + "; keep its record until " + text_of(key, "keep_record_until");
    say(line);
  }
  if (list_of(*answer, "keys").empty()) say("no keys; make some: posthorn domain dkim rotate " + domain);
  return kDone;
}

int dkim_rotate(const Common& common, const std::string& domain, bool activate) {
  const auto answer = ask(common, {{"command", "domain.dkim.rotate"}, {"domain", domain}, {"activate", activate}});
  if (!answer) return kFailed;
  if (common.json) return kDone;
  if (has_keys_in(*answer, "next")) {
    say("; new keys of " + domain + ". Publish these records, wait until they are seen everywhere, then:");
    say(";   posthorn domain dkim activate " + domain);
    say_keys_in(*answer, "next");
    return kDone;
  }
  say("; new keys of " + domain + ", which sign from now on. Publish these records:");
  say_keys_in(*answer, "active");
  say_retired(*answer);
  return kDone;
}

int dkim_activate(const Common& common, const std::string& domain) {
  const auto answer = ask(common, {{"command", "domain.dkim.activate"}, {"domain", domain}});
  if (!answer) return kFailed;
  if (common.json) return kDone;
  say("; the new keys of " + domain + " sign from now on");
  say_retired(*answer);
  return kDone;
}

int dkim_remove(const Common& common, const std::string& domain, const std::string& selector) {
  const auto answer = ask(common, {{"command", "domain.dkim.remove"}, {"domain", domain}, {"selector", selector}});
  if (!answer) return kFailed;
  if (common.json) return kDone;
  say("removed the key " + selector + " of " + domain);
  if (!has_keys_in(*answer, "active")) say("note: mail of " + domain + " is no longer signed");
  return kDone;
}

}  // namespace posthorn
