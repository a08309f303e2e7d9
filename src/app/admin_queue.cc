// What waits to be sent: shown, and treated as an operator wants.  A request is one bounded step; `position` of an answer continues it.
#include <algorithm>
#include <charconv>

#include "app/admin_commands.h"
#include "base/clock.h"
#include "base/log.h"
#include "text/base64.h"
#include "text/date.h"

namespace posthorn::app::commands {
namespace {

using namespace queue;

constexpr std::size_t kStep = 1000;  // groups looked at by one request

constexpr struct {
  std::string_view name;
  Verb verb;
} kVerbs[] = {{"retry", Verb::retry}, {"hold", Verb::hold}, {"release", Verb::release}, {"delete", Verb::remove}, {"bounce", Verb::bounce}};

Result<EntryId> entry_id(const std::string& text) {
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size()) return fail(Errc::syntax, "'" + text + "' is not the id of a message");
  return EntryId(id);
}

Result<std::optional<std::chrono::milliseconds>> age(const Request& request, std::string_view name) {
  TRY(const auto seconds, request.optional_number(name));
  if (!seconds) return std::nullopt;
  return std::chrono::seconds(std::min<std::uint64_t>(*seconds, 1'000'000'000));
}

// The rest of "*@example.org", which is a domain.
std::optional<std::string> domain_in(const std::string& address) {
  if (address.starts_with("*@")) return address.substr(2);
  if (address.starts_with('@')) return address.substr(1);
  return {};
}

Result<Selection> selection_in(const Request& request) {
  Selection s;
  TRY(const auto id, request.optional_text("id"));
  if (!id.empty()) {
    TRY(s.id, entry_id(id));
  }
  TRY(s.sender, request.optional_text("sender"));
  TRY(s.recipient, request.optional_text("recipient"));
  TRY(s.recipient_domain, request.optional_text("domain"));
  if (const auto domain = domain_in(s.sender)) {
    s.sender_domain = *domain;
    s.sender.clear();
  }
  if (const auto domain = domain_in(s.recipient)) {
    if (!s.recipient_domain.empty()) return fail(Errc::syntax, "two domains of recipients are given");
    s.recipient_domain = *domain;
    s.recipient.clear();
  }
  TRY(s.older_than, age(request, "older_than"));
  TRY(s.younger_than, age(request, "younger_than"));
  TRY(const auto which, request.optional_text("which"));
  if (which == "held") s.which = Selection::Which::held;
  else if (which == "not_held") s.which = Selection::Which::not_held;
  else if (!which.empty() && which != "all") return fail(Errc::syntax, "'which' is held, not_held or all");
  return s;
}

// Everything: a slip must not do that, so it has to be said.
bool selects_all(const Selection& s) {
  return !s.id && s.sender.empty() && s.sender_domain.empty() && s.recipient.empty() && s.recipient_domain.empty() && !s.older_than &&
         !s.younger_than && s.which == Selection::Which::all;
}

Result<Position> position_in(const Request& request) {
  TRY(const auto text, request.optional_text("position"));
  return text::base64_decode(text);
}

json::value position_text(const Position& position) {
  if (position.empty()) return nullptr;
  return json::value(text::base64_encode(position));
}

std::int64_t seconds(SysTime::duration d) { return std::chrono::floor<std::chrono::seconds>(d).count(); }

std::string time_text(SysTime t) { return text::format_rfc3339_utc(std::chrono::floor<std::chrono::seconds>(t)); }

void put_next(json::object& out, bool known, SysTime next) {
  out["next"] = known ? json::value(time_text(next)) : json::value(nullptr);
  out["next_in_seconds"] = known ? json::value(seconds(next - now())) : json::value(nullptr);
}

json::value show(const queue::Answer& a) {
  if (a.at == SysTime{} && a.text.empty()) return nullptr;
  const auto& e = a.enhanced;
  json::object out{{"code", a.code}, {"text", a.text}, {"server", a.server}};
  out["status"] = e.klass == 0 ? std::string() : std::to_string(e.klass) + '.' + std::to_string(e.subject) + '.' + std::to_string(e.detail);
  if (a.at != SysTime{}) out["at"] = time_text(a.at);
  return out;
}

json::object show(EntryId id, const Entry& e) {
  return {{"id", std::to_string(id.value())},
          {"sender", e.reverse_path},
          {"arrival", time_text(e.arrival)},
          {"age_seconds", seconds(now() - e.arrival)},
          {"size", e.size},
          {"recipients", e.recipients},
          {"priority", e.priority()},
          {"from_ip", e.origin.ip},
          {"helo", e.origin.helo},
          {"with", e.origin.with}};
}

json::array show(const std::vector<Recipient>& recipients) {
  json::array out;
  for (const auto& r : recipients) {
    json::object one{{"address", r.forward_path}, {"state", to_string(r.state)}, {"last", show(r.last)}};
    if (!r.forwarded_for.empty()) one["forwarded_for"] = r.forwarded_for;
    out.push_back(std::move(one));
  }
  return out;
}

// `recipients`: the first of them one by one, and how many more there are in the queue.
json::object show(const Listed& l, bool recipients) {
  auto out = show(l.id, l.entry);
  out["waiting"] = l.waiting;
  out["done"] = l.done;
  out["held"] = l.held;
  out["attempts"] = l.attempts;
  out["in_flight"] = l.in_flight;
  out["partial"] = l.partial;
  out["recipient"] = l.recipient;
  out["last"] = show(l.last);
  put_next(out, l.next != SysTime{}, l.next);
  if (!recipients) return out;
  out["to"] = show(l.recipients);
  out["to_more"] = l.waiting + l.done - l.recipients.size();
  return out;
}

json::object show(const Shown& s) {
  auto recipients = show(s.group.recipients);
  json::object out{{"group", s.id.group},  {"destination", s.group.destination}, {"attempts", s.group.attempts},
                   {"held", s.group.held}, {"in_flight", s.in_flight},           {"recipients", std::move(recipients)}};
  put_next(out, !s.group.held, s.group.due);
  return out;
}

json::object totals(Storage& storage) {
  const auto s = storage.queue().stats();
  return {{"messages", s.entries}, {"groups", s.groups}, {"held_groups", s.held}, {"bytes", s.bytes}, {"exact", s.exact}};
}

}  // namespace

Task<Answer> queue_list(const Request& request) {
  CO_TRY(auto selection, selection_in(request));
  CO_TRY(auto position, position_in(request));
  CO_TRY(const auto page, co_await request.storage.queue().list(std::move(selection), std::move(position), kStep));
  json::array entries;
  for (const auto& listed : page.entries) entries.push_back(show(listed, request.flag("recipients")));
  co_return json::object{{"entries", std::move(entries)},
                         {"examined", page.examined},
                         {"position", position_text(page.next)},
                         {"queue", totals(request.storage)},
                         {"running", static_cast<bool>(request.live)}};
}

Task<Answer> queue_show(const Request& request) {
  CO_TRY(const auto text, request.text("id"));
  CO_TRY(const auto id, entry_id(text));
  CO_TRY(auto position, position_in(request));
  CO_TRY(const auto detail, co_await request.storage.queue().show(id, std::move(position)));
  json::array groups;
  for (const auto& group : detail.groups) groups.push_back(show(group));
  co_return json::object{{"message", show(id, detail.entry)}, {"groups", std::move(groups)}, {"position", position_text(detail.next)}};
}

Task<Answer> queue_act(const Request& request) {
  CO_TRY(const auto name, request.text("verb"));
  const auto* verb = std::ranges::find(kVerbs, name, [](const auto& v) { return v.name; });
  if (verb == std::end(kVerbs)) co_return fail(Errc::syntax, "'verb' is retry, hold, release, delete or bounce");
  CO_TRY(auto selection, selection_in(request));
  CO_TRY(auto position, position_in(request));
  if (selects_all(selection) && !request.flag("all")) co_return fail(Errc::invalid, "nothing is selected; 'all' is what means everything");
  CO_TRY(const auto step, co_await request.storage.queue().act(verb->verb, std::move(selection), std::move(position), kStep));
  for (const auto id : step.entries) {
    log::info("admin.queue", {{"verb", name}, {"message", id}});
    using Kind = delivery::DialogueLine::Kind;
    request.storage.trace().add({.message = id,
                                 .when = now(),
                                 .reverse_path = {},
                                 .recipients = {},
                                 .lines = {{now(), Kind::note, "an operator's word: " + name}}});
  }
  co_return json::object{{"messages", step.entries.size()},
                         {"recipients", step.recipients},
                         {"in_flight", step.in_flight},
                         {"examined", step.examined},
                         {"position", position_text(step.next)},
                         {"queue", totals(request.storage)},
                         {"running", static_cast<bool>(request.live)}};
}

}  // namespace posthorn::app::commands
