#include "output.h"

#include <cstdio>
#include <utility>

#include "base/log.h"

namespace posthorn {

namespace json = boost::json;

void say(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
}

int say_failed(const Error& error) {
  const std::string text = error.text.empty() ? std::string(to_string(error.code)) : error.text;
  std::fprintf(stderr, "posthorn: %s\n", text.c_str());
  return kFailed;
}

std::optional<config::Config> load_config(const Common& common) {
  auto loaded = config::load_file(common.config);
  const auto problems = config::to_text(loaded);
  std::fputs(problems.c_str(), stderr);
  if (!loaded.config) return {};
  config::apply(*loaded.config);
  return std::move(loaded.config);
}

std::unique_ptr<app::AdminLink> open_link(const Common& common) {
  const auto config = load_config(common);
  if (!config) return nullptr;
  // A command that opens the store itself says what it has to say on its own; its log is for trouble.
  if (log::kLevel.get() < log::Level::warning) log::set_level(log::Level::warning);
  auto link = app::AdminLink::open(*config);
  if (link) return *std::move(link);
  say_failed(link.error());
  return nullptr;
}

Result<json::object> ask(app::AdminLink& link, const Common& common, const json::object& request) {
  TRY(const auto text, link.ask(json::serialize(request)));
  boost::system::error_code error;
  auto value = json::parse(text, error);
  if (error || !value.is_object()) return fail(Errc::syntax, "the server's answer cannot be read");
  auto& answer = value.get_object();
  const auto* good = answer.if_contains("ok");
  if (common.json) say(text);
  if (!good || !good->is_bool() || !good->get_bool()) {
    const bool not_running = text_of(answer, "code") == "not_found" && text_of(request, "command") == "status";
    return fail(not_running ? Errc::closed : Errc::invalid, text_of(answer, "error"));
  }
  return std::move(answer);
}

std::optional<json::object> ask(const Common& common, const json::object& request) {
  const auto link = open_link(common);
  if (!link) return {};
  auto answer = ask(*link, common, request);
  if (answer) return *std::move(answer);
  say_failed(answer.error());
  return {};
}

std::string text_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::int64_t number_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  boost::system::error_code error;
  const auto n = value ? value->to_number<std::int64_t>(error) : 0;
  return error ? 0 : n;
}

bool flag_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value && value->is_bool() && value->get_bool();
}

const json::array& list_of(const json::object& object, std::string_view key) {
  static const json::array none;
  const auto* value = object.if_contains(key);
  return value && value->is_array() ? value->get_array() : none;
}

const json::object& object_of(const json::object& object, std::string_view key) {
  static const json::object none;
  const auto* value = object.if_contains(key);
  return value && value->is_object() ? value->get_object() : none;
}

std::string count_text(std::int64_t count, std::string_view one, std::string_view more) {
  return std::to_string(count) + ' ' + std::string(count == 1 ? one : more);
}

std::string rough_time(std::int64_t seconds) {
  if (seconds < 0) return "0 s";
  if (seconds < 60) return std::to_string(seconds) + " s";
  if (seconds < 3600) return std::to_string(seconds / 60) + " min";
  if (seconds < 48 * 3600) return std::to_string(seconds / 3600) + " h";
  return std::to_string(seconds / 86400) + " d";
}

std::string rough_size(std::int64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double n = static_cast<double>(bytes) / 1024;
  const char* unit = "KiB";
  for (const char* next : {"MiB", "GiB", "TiB"})
    if (n >= 1024) {
      n /= 1024;
      unit = next;
    }
  char text[32];
  std::snprintf(text, sizeof text, n < 10 ? "%.1f %s" : "%.0f %s", n, unit);
  return text;
}

std::string columns(std::string_view left, std::size_t width, std::string_view right) {
  std::string out(left);
  out.resize(std::max(out.size() + 1, width), ' ');
  return out.append(right);
}

}  // namespace posthorn
