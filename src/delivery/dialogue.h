// What was said and decided in one attempt, bounded.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "client/transcript.h"

namespace posthorn::delivery {

struct DialogueLine {
  enum class Kind : char { sent = 'C', received = 'S', note = '*' };
  SysTime when;
  Kind kind = Kind::note;
  std::string text;
  friend bool operator==(const DialogueLine&, const DialogueLine&) = default;
};

// One reactor's.
class Dialogue {
 public:
  static constexpr std::size_t kMaxBytes = 16 << 10, kMaxLine = 1000;  // what is more is left out, and counted

  void add(DialogueLine::Kind kind, std::string_view text, SysTime when = now()) {
    if (text.size() > kMaxLine) text = text.substr(0, kMaxLine);
    if (bytes_ + text.size() > kMaxBytes) {
      ++left_out_;
      return;
    }
    bytes_ += text.size() + 16;
    lines_.push_back({when, kind, std::string(text)});
  }
  void add(const client::TranscriptLine& line) {
    using Kind = client::TranscriptLine::Kind;
    add(line.kind == Kind::sent ? DialogueLine::Kind::sent : line.kind == Kind::received ? DialogueLine::Kind::received : DialogueLine::Kind::note, line.text, line.when);
  }
  void note(std::string_view text) { add(DialogueLine::Kind::note, text); }

  std::vector<DialogueLine> take() {
    if (left_out_ > 0) lines_.push_back({now(), DialogueLine::Kind::note, std::to_string(left_out_) + " lines left out"});
    left_out_ = bytes_ = 0;
    return std::exchange(lines_, {});
  }

 private:
  std::vector<DialogueLine> lines_;
  std::size_t bytes_ = 0, left_out_ = 0;
};

}  // namespace posthorn::delivery
