// The reader gives the same however the stream is cut; every command it gathers parses to a struct or an
// error; sets and names of fetched items survive writing and reading.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "proto/imap/command_reader.h"
#include "proto/imap/parser.h"
#include "proto/imap/writer.h"

using namespace posthorn;
using namespace posthorn::imap;

namespace {

using Event = CommandReader::Event;

void check_command(std::string_view text) {
  const auto got = parse_command(text);
  if (!got) {
    CHECK(!got.error().tag.empty() && !got.error().text.empty());
    return;
  }
  if (const auto* fetch = std::get_if<Fetch>(&got->command)) {
    std::string set;
    put_sequence_set(set, fetch->set);
    CHECK(parse_sequence_set(set).value() == fetch->set);
    std::string again = "x FETCH " + set + " (";
    for (auto a : fetch->attributes) {
      if (again.back() != '(') again += ' ';
      a.partial.reset();
      put_fetch_name(again, a);
    }
    CHECK(parse_command(again + ")").has_value());
    if (fetch->set.is_saved_result()) return;
    const auto numbers = fetch->set.resolve(100);
    std::string compact;
    put_number_set(compact, numbers);
    CHECK(parse_sequence_set(compact).value().resolve(1) == numbers);
  }
  if (const auto* select = std::get_if<Select>(&got->command)) {
    for (const auto names : {Names::utf7, Names::utf8}) {
      std::string again;
      Writer(again).raw("x SELECT ").mailbox(select->mailbox, names);
      const auto back = parse_command(again, {.utf8 = names == Names::utf8});
      CHECK(back && std::get<Select>(back->command).mailbox == select->mailbox);
    }
  }
}

// Every event as a line. Every third message of APPEND is refused.
class Session {
 public:
  void feed(std::string_view input) {
    while (!over_) {
      if (streaming_ > 0 && !stream(input)) return;
      const auto event = reader_.feed(input);
      if (event == Event::need_more) {
        CHECK(input.empty());
        return;
      }
      handle(event);
    }
  }

  std::string log;

 private:
  bool stream(std::string_view& input) {
    const auto n = std::min<std::uint64_t>(streaming_, input.size());
    log += input.substr(0, n);
    input.remove_prefix(n);
    streaming_ -= n;
    if (streaming_ > 0) return false;
    reader_.append_streamed();
    return true;
  }

  void handle(Event event) {
    log += std::to_string(static_cast<int>(event)) + ' ';
    if (event == Event::command || event == Event::line) {
      log += reader_.command();
      if (event == Event::command) check_command(reader_.command());
      if (log.size() % 7 == 0) reader_.expect_line();
    }
    if (event == Event::rejected || event == Event::fatal)
      log += reader_.rejection().tag + reader_.rejection().text;
    if (event == Event::fatal) over_ = true;
    if (event != Event::append) return;
    log += reader_.append().tag + reader_.append().append.mailbox + std::to_string(reader_.append().size);
    CHECK(reader_.append().number < 5);
    if (++appends_ % 3 == 0) return reader_.refuse_append();
    reader_.accept_append();
    streaming_ = reader_.append().size;
    if (streaming_ == 0) reader_.append_streamed();
  }

  CommandReader reader_{{.line = 2000, .literals = 500, .messages = 5, .skip = 3000, .literal_minus = false}};
  std::uint64_t streaming_ = 0;
  int appends_ = 0;
  bool over_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data + 1), size - 1);
  Session whole, cut;
  whole.feed(stream);
  // The first octet seeds where to cut.
  std::uint32_t random = data[0] + 1;
  for (auto rest = stream; !rest.empty();) {
    random = random * 1664525 + 1013904223;
    const auto n = std::min<std::size_t>((random >> 24) % 24 + 1, rest.size());
    const std::string chunk(rest.substr(0, n));  // its own memory, so that a stale view is found
    cut.feed(chunk);
    rest.remove_prefix(n);
  }
  CHECK(whole.log == cut.log);
  check_command(stream);
  (void)parse_command(stream, {.utf8 = true});
  return 0;
}
