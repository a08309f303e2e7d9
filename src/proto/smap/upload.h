// A message that a client uploads: how it is announced, and its bytes. [SMAP1 10.2]
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace posthorn::smap {

// "{.n}" or "{c/t}".
struct UploadForm {
  bool binary = false;
  std::uint64_t chunk = 0;  // of binary: exactly so many bytes come first
  std::uint64_t size = 0;   // an estimate of all
};
// nullopt: the word is none.
std::optional<UploadForm> parse_upload_form(std::string_view word);

// Takes an upload apart, however the network cuts it.
//
// 1. What it gives has CRLF at the end of every line, the last one too, and no other CR; an empty upload gives one empty line.
// 2. It takes nothing behind the end of the upload.
// 3. Beyond `size` bytes of content it gives nothing more and says so, but goes on taking to the end, up to `skip` bytes more: then the
//    stream is lost, as after a line between chunks that is neither a number nor empty.
class UploadDecoder {
 public:
  struct Limits {
    std::uint64_t size = 0;
    std::uint64_t skip = 1 << 20;
  };
  UploadDecoder(const UploadForm& form, Limits limits);

  enum class Event { need_more, done, lost };
  // Takes from the front of `in`; appends content to `out`, at most twice as much as was taken.  need_more: all of it was taken.
  Event feed(std::string_view& in, std::string& out);

  std::uint64_t size() const { return size_; }       // of the content so far, CRLF counted
  bool too_large() const { return size_ > limits_.size; }

 private:
  enum class State : std::uint8_t {
    line_start, dot, text,     // dot-stuffed
    chunk, chunk_line,         // binary
    done, lost
  };
  void feed_dotted(std::string_view& in, std::string& out);
  void feed_chunk(std::string_view& in, std::string& out);
  void feed_chunk_line(std::string_view& in);
  void begin_chunk(std::uint64_t size);
  void put(std::string& out, std::string_view raw);
  void put_line_end(std::string& out);
  void finish(std::string& out);

  Limits limits_;
  State state_;
  bool in_line_ = false;         // content has been given since the last line end
  std::uint64_t left_ = 0;       // of the chunk
  std::uint64_t size_ = 0;
  std::uint64_t overhead_ = 0;   // bytes that are no content: an endless stream of them is none either
  std::string held_;             // white space behind a dot, or the line between chunks
};

}  // namespace posthorn::smap
