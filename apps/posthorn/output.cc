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

std::string columns(std::string_view left, std::size_t width, std::string_view right) {
  std::string out(left);
  out.resize(std::max(out.size() + 1, width), ' ');
  return out.append(right);
}

}  // namespace posthorn
