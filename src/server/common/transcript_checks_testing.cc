// What must be so beside the lines that come.
#include <algorithm>

#include "server/common/transcript_runner_testing.h"
#include "text/ascii.h"

namespace posthorn::server::transcript {

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

}  // namespace posthorn::server::transcript
