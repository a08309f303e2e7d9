#include "client/given_message.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "client/letter.h"
#include "message/address.h"
#include "message/compose.h"
#include "message/header.h"
#include "text/ascii.h"
#include "text/utf8.h"

namespace posthorn::client {
namespace {

constexpr std::size_t kMaxHeader = 1 << 20;
constexpr std::size_t kChunk = 64 * 1024;

std::unexpected<Error> trouble(const std::string& what) {
  const auto code = errno == ENOENT ? Errc::not_found : errno == ENOSPC || errno == EDQUOT ? Errc::no_space : Errc::io;
  return fail(code, what + ": " + std::strerror(errno));
}

// Which is gone when it is closed.
Result<std::shared_ptr<const FileDescriptor>> make_nameless_file() {
  const char* const folder = std::getenv("TMPDIR");
  std::string name = std::string(folder && *folder == '/' ? folder : "/tmp") + "/posthorn-XXXXXX";
  const int fd = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) return trouble("cannot make a file beside " + name);
  ::unlink(name.c_str());
  return std::make_shared<const FileDescriptor>(fd);
}

Result<void> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return trouble("cannot keep the message in a temporary file");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<MessageFile> keep_input(int from, const std::string& name) {
  TRY(auto file, make_nameless_file());
  MessageFile out{.file = std::move(file), .name = name};
  std::string piece(kChunk, '\0');
  for (;;) {
    const auto n = ::read(from, piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return trouble("cannot read " + name);
    if (n == 0) return out;
    TRY_OK(write_all(out.file->fd(), {piece.data(), static_cast<std::size_t>(n)}));
    out.size += static_cast<std::uint64_t>(n);
  }
}

Result<std::string> read_at(const MessageFile& from, std::uint64_t offset, std::size_t count) {
  std::string out(static_cast<std::size_t>(std::min<std::uint64_t>(count, from.size - offset)), '\0');
  for (std::size_t have = 0; have < out.size();) {
    const auto n = ::pread(from.file->fd(), out.data() + have, out.size() - have, static_cast<off_t>(offset + have));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return trouble("cannot read " + from.name);
    if (n == 0) return fail(Errc::io, from.name + " has become shorter while it was read");
    have += static_cast<std::size_t>(n);
  }
  return out;
}

// Its empty line included; npos: it goes on.
std::size_t header_end(std::string_view text) {
  if (text.starts_with('\n')) return 1;
  if (text.starts_with("\r\n")) return 2;
  const auto lf = text.find("\n\n"), crlf = text.find("\n\r\n");
  if (lf == text.npos && crlf == text.npos) return text.npos;
  return lf < crlf ? lf + 2 : crlf + 3;
}

bool has_bare_cr(std::string_view text) {
  for (auto at = text.find('\r'); at != text.npos; at = text.find('\r', at + 1))
    if (at + 1 == text.size() || text[at + 1] != '\n') return true;
  return false;
}

Result<std::string> read_header(const MessageFile& from, std::uint64_t offset) {
  std::string text;
  while (header_end(text) == text.npos && offset + text.size() < from.size) {
    if (text.size() > kMaxHeader) return fail(Errc::too_large, "the header of the message is larger than 1 MiB");
    TRY(const auto more, read_at(from, offset + text.size(), kChunk));
    text += more;
  }
  text.resize(std::min(text.size(), header_end(text)));
  // It is going to be sent as a line end, which would make fields of its own of what stands behind it: a Bcc that is not taken out.
  if (has_bare_cr(text)) return fail(Errc::syntax, from.name + " is no message that can be sent: there is a CR without LF in its header");
  const auto first = message::HeaderView(text).begin();
  if (first == std::default_sentinel || first->name.empty())
    return fail(Errc::syntax, from.name + " is no message: it does not begin with a header field");
  return text;
}

// Of the first line, if it is that of a mailbox file.
Result<std::uint64_t> skip_from_line(const MessageFile& from) {
  TRY(const auto start, read_at(from, 0, 4096));
  if (!start.starts_with("From ")) return 0;
  const auto end = start.find('\n');
  return end == start.npos ? 0 : end + 1;
}

std::string domain_of_author(const message::HeaderView& header) {
  const auto field = header.find("From");
  if (!field) return {};
  const auto list = message::parse_address_list(field->value, 1);
  return list.empty() ? std::string() : list.front().host;
}

std::string without_bcc(const message::HeaderView& header) {
  std::string out;
  for (const auto& field : header)
    if (!text::iequals(field.name, "Bcc") && !text::iequals(field.name, "Resent-Bcc")) out += field.whole;
  if (!out.empty() && !out.ends_with('\n')) out += "\r\n";
  return out;
}

// How large a piece is with CRLF at the end of its lines; and what is in it.
class Meter {
 public:
  void feed(std::string_view bytes) {
    for (const char c : bytes) {
      if ((c == '\n') != (before_ == '\r')) ++size;  // a CR or LF alone, which gets its other half
      line_ = c == '\n' || c == '\r' ? 0 : line_ + 1;
      longest_line = std::max(longest_line, line_);
      before_ = c;
    }
    size += bytes.size();
    eight_bit = eight_bit || !text::is_ascii(bytes);
    nul = nul || bytes.contains('\0');
  }
  // A last line without an end gets one.
  void finish() { size += before_ == '\n' ? 0 : before_ == '\r' ? 1 : 2; }
  std::uint64_t size = 0, longest_line = 0;
  bool eight_bit = false, nul = false;

 private:
  std::uint64_t line_ = 0;
  char before_ = 0;
};

}  // namespace

Result<MessageFile> open_regular_file(const std::string& path) {
  auto file = std::make_shared<const FileDescriptor>(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status{};
  if (file->fd() < 0 || ::fstat(file->fd(), &status) != 0) return trouble("cannot read " + path);
  if (!S_ISREG(status.st_mode)) return fail(Errc::invalid, path + " is no file");
  // The kernel's own files (/proc) say that they are empty, and are not.
  if (status.st_size == 0) return keep_input(file->fd(), path);
  return MessageFile{.file = std::move(file), .name = path, .size = static_cast<std::uint64_t>(status.st_size)};
}

Result<MessageFile> open_message_file(const std::string& path) {
  if (path == "-") return keep_input(STDIN_FILENO, "standard input");
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode)) return open_regular_file(path);
  const FileDescriptor pipe(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (pipe.fd() < 0) return trouble("cannot read " + path);
  return keep_input(pipe.fd(), path);
}

Result<GivenMessage> prepare_message(const MessageFile& from, std::optional<text::DateTime> date) {
  GivenMessage out;
  TRY(const auto start, skip_from_line(from));
  TRY(out.header, read_header(from, start));
  const message::HeaderView header(out.header);
  std::string head;
  if (date && !header.find("Date")) message::put_header_field(head, "Date", text::format_rfc5322_date(*date));
  if (const auto id = header.find("Message-ID"))
    out.message_id = message::unfold(id->value);
  else if (date)
    message::put_header_field(head, "Message-ID", out.message_id = make_message_id(domain_of_author(header)));
  head += without_bcc(header);
  Meter meter;
  meter.feed(head);
  out.utf8_header = meter.eight_bit;
  const auto body = start + out.header.size();
  // The empty line stands alone: the header's view ends before it.
  head += "\r\n";
  meter.feed("\r\n");
  for (auto at = body; at < from.size;) {
    TRY(const auto piece, read_at(from, at, kChunk));
    meter.feed(piece);
    at += piece.size();
  }
  meter.finish();
  if (meter.nul) return fail(Errc::syntax, from.name + " is no message that can be sent: there is NUL in it");
  out.eight_bit = meter.eight_bit;
  out.size = meter.size;
  out.longest_line = meter.longest_line;
  out.pieces.push_back(text_piece(std::move(head)));
  if (body < from.size) {
    MessagePiece rest;
    rest.file = from.file;
    rest.name = from.name;
    rest.offset = body;
    rest.size = from.size - body;
    out.pieces.push_back(std::move(rest));
  }
  return out;
}

}  // namespace posthorn::client
