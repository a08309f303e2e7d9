// Any bytes are read the same however they are cut; what was read comes back from what we write.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "mailfile/mbox_reader.h"

using namespace posthorn;
using namespace posthorn::mailfile;

namespace {

struct Message {
  std::string text, flags;
  friend bool operator==(const Message&, const Message&) = default;
};

struct Collect final : MboxReader::Events {
  Result<void> begin(const MboxMessage& m) override {
    all.push_back({.text = {}, .flags = m.flags});
    return {};
  }
  Result<void> put(std::string_view bytes) override {
    all.back().text += bytes;
    return {};
  }
  Result<void> end() override { return {}; }
  std::vector<Message> all;
};

std::vector<Message> read(std::string_view in, std::size_t step) {
  MboxReader reader;
  Collect out;
  for (; !in.empty(); in.remove_prefix(std::min(step, in.size())))
    if (!reader.feed(in.substr(0, step), out)) return out.all;
  (void)reader.finish(out);
  return out.all;
}

std::string write(const std::vector<Message>& all, std::size_t step) {
  std::string out;
  for (const auto& one : all) {
    MboxEncoder encoder;
    encoder.begin(out, "a@b", SysTime(), one.flags);
    for (std::string_view text = one.text; !text.empty(); text.remove_prefix(std::min(step, text.size())))
      encoder.put(out, text.substr(0, step));
    encoder.finish(out);
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto whole = read(text, size + 1);
  CHECK(read(text, 1) == whole && read(text, 7) == whole);
  const auto written = write(whole, size + 1);
  CHECK(write(whole, 1) == written);
  const auto again = read(written, written.size() + 1);
  CHECK(again.size() == whole.size());
  // From then on nothing changes: the first writing completes last lines and takes CR LF for the end of a
  // header.
  CHECK(read(write(again, 3), 5) == again);
  return 0;
}
