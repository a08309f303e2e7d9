// What happened to messages: what delivery/trace has kept.
#include <algorithm>
#include <charconv>

#include "app/admin_commands.h"
#include "text/date.h"

namespace posthorn::app::commands {
namespace {

using delivery::TraceRecord;

constexpr std::size_t kShownRecipients = 10;  // of each message of an address

Result<queue::EntryId> message_id(const std::string& text) {
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size()) return fail(Errc::syntax, "'" + text + "' is not the id of a message");
  return queue::EntryId(id);
}

std::string time_text(SysTime t) {
  auto text = text::format_rfc3339_utc(std::chrono::floor<std::chrono::seconds>(t));
  char fraction[8];
  std::snprintf(fraction, sizeof fraction, ".%03dZ", static_cast<int>((t - std::chrono::floor<std::chrono::seconds>(t)).count()));
  text.pop_back();
  return text + fraction;
}

json::object show(const TraceRecord& r) {
  json::array recipients, lines;
  for (const auto& to : r.recipients) recipients.emplace_back(to);
  for (const auto& line : r.lines)
    lines.push_back(
        json::object{{"at", time_text(line.when)}, {"kind", std::string(1, static_cast<char>(line.kind))}, {"text", line.text}});
  return {{"at", time_text(r.when)}, {"sender", r.reverse_path}, {"recipients", std::move(recipients)}, {"lines", std::move(lines)}};
}

// One message of an address: from when, to whom, and what was said last.
json::object sum_up(queue::EntryId id, const std::vector<TraceRecord>& records) {
  const TraceRecord* first = &records.front();
  for (const auto& r : records)
    if (first->recipients.empty()) first = &r;
  json::array recipients;
  for (const auto& to : first->recipients)
    if (recipients.size() < kShownRecipients) recipients.emplace_back(to);
  json::object out{{"id", std::to_string(id.value())},
                   {"at", time_text(records.front().when)},
                   {"sender", first->reverse_path},
                   {"recipients", std::move(recipients)},
                   {"recipients_in_all", first->recipients.size()}};
  if (const auto& lines = records.back().lines; !lines.empty()) {
    out["last"] = lines.back().text;
    out["last_at"] = time_text(lines.back().when);
  }
  return out;
}

}  // namespace

Task<Answer> trace_message(const Request& request) {
  CO_TRY(const auto text, request.text("id"));
  CO_TRY(const auto id, message_id(text));
  auto& trace = request.storage.trace();
  co_await trace.flush();
  CO_TRY(const auto records, co_await trace.of_message(id));
  const auto queued = co_await request.storage.queue().show(id, {});
  if (!queued && queued.error().code != Errc::not_found) co_return std::unexpected(queued.error());
  if (records.empty() && !queued) co_return fail(Errc::not_found, "nothing is known of message " + text + " (any more: see trace.age)");
  json::array shown;
  for (const auto& r : records) shown.push_back(show(r));
  co_return json::object{{"id", text}, {"records", std::move(shown)}, {"queued", queued.has_value()}};
}

Task<Answer> trace_address(const Request& request) {
  CO_TRY(const auto address, request.text("address"));
  CO_TRY(const auto limit, request.optional_number("limit"));
  auto& trace = request.storage.trace();
  co_await trace.flush();
  CO_TRY(auto ids, co_await trace.of_address(address));
  std::ranges::sort(ids, std::ranges::greater());
  json::array messages;
  for (const auto id : ids) {
    if (messages.size() >= limit.value_or(20)) break;
    CO_TRY(const auto records, co_await trace.of_message(id));
    if (!records.empty()) messages.push_back(sum_up(id, records));
  }
  co_return json::object{{"address", address}, {"messages", std::move(messages)}, {"known", ids.size()}};
}

}  // namespace posthorn::app::commands
