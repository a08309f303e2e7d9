#include "client/letter.h"

#include <algorithm>
#include <array>

#include "crypto/digest.h"
#include "crypto/random.h"
#include "message/compose.h"
#include "message/content.h"
#include "message/encoded_word.h"
#include "text/ascii.h"
#include "text/utf8.h"

namespace posthorn::client {
namespace {

using message::put_header_field;

// What is written here, and what would change the meaning of the rest.
constexpr std::string_view kOwnFields[] = {"from",         "to",           "cc",        "bcc",          "subject",
                                           "date",         "message-id",   "mime-version", "content-type", "content-transfer-encoding",
                                           "content-disposition", "resent-bcc"};

Result<void> check_text(std::string_view value, std::string_view what) {
  if (!text::is_valid_utf8(value)) return fail(Errc::invalid, std::string(what) + " is no UTF-8");
  for (const char c : value)
    if ((static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7F')
      return fail(Errc::invalid, std::string(what) + " has a control character in it");
  return {};
}

// [RFC5322 3.6.8] ftext
Result<void> check_name(const std::string& name) {
  const bool good = !name.empty() && name.size() <= 76 && std::ranges::all_of(name, [](char c) { return c > ' ' && c < '\x7F' && c != ':'; });
  if (!good) return fail(Errc::invalid, "'" + name + "' cannot be the name of a header field");
  if (std::ranges::find(kOwnFields, text::to_lower(name)) != std::end(kOwnFields))
    return fail(Errc::invalid, "the header field " + name + " is written here");
  return {};
}

std::string header_list(const std::vector<TypedAddress>& all) {
  std::string out;
  for (const auto& one : all) out += (out.empty() ? "" : ", ") + header_text(one);
  return out;
}

// [RFC5322 2.1.1] Words are not divided, and one may be as long as somebody likes.
Result<void> check_lines(std::string_view header) {
  for (std::size_t at = 0; at < header.size();) {
    const auto end = header.find("\r\n", at);
    if (end - at > message::kLineLimit) return fail(Errc::invalid, "a word in the header is longer than a line may be");
    at = end + 2;
  }
  return {};
}

Result<std::string> header_of(const Letter& letter) {
  std::string out;
  put_header_field(out, "Date", text::format_rfc5322_date(letter.date));
  put_header_field(out, "From", header_text(letter.from));
  if (!letter.to.empty()) put_header_field(out, "To", header_list(letter.to));
  if (!letter.cc.empty()) put_header_field(out, "Cc", header_list(letter.cc));
  TRY_OK(check_text(letter.subject, "the subject"));
  if (!letter.subject.empty()) put_header_field(out, "Subject", message::encode_encoded_words(letter.subject));
  put_header_field(out, "Message-ID", letter.message_id);
  for (const auto& [name, value] : letter.fields) {
    TRY_OK(check_name(name));
    TRY_OK(check_text(value, "the header field " + name));
    put_header_field(out, name, message::encode_encoded_words(value));
  }
  put_header_field(out, "MIME-Version", "1.0");
  TRY_OK(check_lines(out));
  return out;
}

std::string with_crlf(std::string_view s) {
  std::string out;
  out.reserve(s.size() + s.size() / 16);
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '\r' || s[i] == '\n') {
      if (s[i] == '\r' && i + 1 < s.size() && s[i + 1] == '\n') ++i;
      out += "\r\n";
    } else {
      out += s[i];
    }
  }
  if (!out.empty() && !out.ends_with("\r\n")) out += "\r\n";
  return out;
}

// The text with the fields of its part.  7-bit where it can be read as it is, else what is shorter. [RFC2045 6.1]
Result<std::string> text_part(std::string_view utf8, const std::string& type) {
  if (!text::is_valid_utf8(utf8)) return fail(Errc::invalid, "the text is no UTF-8 (" + type + ")");
  const auto body = with_crlf(utf8);
  message::ContentMeter meter;
  meter.feed(body);
  const auto content = meter.result();
  using Encoding = message::TransferEncoder::Encoding;
  const bool plain = content.content == message::Content::seven_bit && content.longest_line <= message::kLineLimit;
  const auto encoding = content.escapes * 2 > body.size() / 3 ? Encoding::base64 : Encoding::quoted_printable;
  std::string out;
  put_header_field(out, "Content-Type", type + (content.has_8bit ? "; charset=utf-8" : "; charset=us-ascii"));
  put_header_field(out, "Content-Transfer-Encoding", plain ? "7bit" : message::name_of(encoding));
  out += "\r\n";
  if (plain) return out + body;
  message::TransferEncoder encoder(encoding);
  encoder.feed(body, out);
  encoder.finish_line(out);
  return out;
}

// Plain text, HTML, or both: the plain one first, because readers take the last that they can. [RFC2046 5.1.4]
Result<std::string> body_part(const Letter& letter) {
  if (letter.html.empty()) return text_part(letter.text, "text/plain");
  TRY(const auto html, text_part(letter.html, "text/html"));
  if (letter.text.empty()) return html;
  TRY(const auto plain, text_part(letter.text, "text/plain"));
  // [RFC2046 5.1.2] None may begin with another.
  const auto boundary = "a" + letter.boundary, delimiter = "--" + boundary;
  std::string out;
  put_header_field(out, "Content-Type", "multipart/alternative;\nboundary=\"" + boundary + '"');
  // [RFC2046 5.1.1] The line end before a delimiter belongs to it.
  return out + "\r\n" + delimiter + "\r\n" + plain + "\r\n" + delimiter + "\r\n" + html + "\r\n" + delimiter + "--\r\n";
}

bool is_token(char c) { return c > ' ' && c < '\x7F' && !std::string_view("()<>@,;:\\\"/[]?=").contains(c); }

// "; name=value" in pieces that fit a line; beyond ASCII with its charset. [RFC2231 3] [RFC2231 4]
void put_parameter(std::string& out, std::string_view name, std::string_view value) {
  constexpr std::size_t kPiece = 50;
  const bool ascii = text::is_ascii(value);
  if (ascii && value.size() <= kPiece) {
    out += ";\n" + std::string(name) + "=\"";
    for (const char c : value) out += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
    out += '"';
    return;
  }
  std::string piece = "utf-8''";
  std::vector<std::string> pieces;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    constexpr std::string_view kHex = "0123456789ABCDEF";
    const bool as_is = is_token(c) && c != '*' && c != '\'' && c != '%';  // attribute-char
    const std::string one = as_is ? std::string{c} : std::string{'%', kHex[byte >> 4], kHex[byte & 15]};
    if (piece.size() + one.size() > kPiece) pieces.push_back(std::exchange(piece, {}));
    piece += one;
  }
  pieces.push_back(piece);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    out += ";\n" + std::string(name);
    if (pieces.size() > 1) out += '*' + std::to_string(i);
    out += "*=" + pieces[i];
  }
}

// The last part of a path, as a name that can be shown and saved anywhere.
std::string shown_name(std::string_view path) {
  auto name = text::repair_utf8(path.substr(path.rfind('/') + 1));  // npos + 1 is 0
  for (char& c : name)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7F' || c == '\\') c = '_';
  constexpr std::size_t kLongest = 255;
  while (name.size() > kLongest || !text::is_valid_utf8(name)) name.pop_back();
  if (name.empty() || name == "." || name == "..") name = "attachment";
  return name;
}

// For readers that do not know [RFC2231], the name is in Content-Type as encoded words: against [RFC2047 5], as everybody does.
std::string attachment_header(const std::string& name) {
  std::string type(guess_type(name)), disposition = "attachment", out;
  if (text::is_ascii(name)) put_parameter(type, "name", name);
  else type += ";\nname=\"" + message::encode_encoded_words(name) + '"';
  put_parameter(disposition, "filename", name);
  put_header_field(out, "Content-Type", type);
  put_header_field(out, "Content-Transfer-Encoding", "base64");
  put_header_field(out, "Content-Disposition", disposition);
  return out + "\r\n";
}

MessagePiece in_base64(const Attachment& a) {
  MessagePiece piece;
  piece.file = a.file;
  piece.name = a.path;
  piece.size = a.size;
  piece.form = MessagePiece::Form::base64;
  return piece;
}

}  // namespace

Result<MessagePieces> write_letter(const Letter& letter) {
  MessagePieces pieces;
  TRY(auto head, header_of(letter));
  TRY(const auto part, body_part(letter));
  if (letter.attachments.empty()) {
    pieces.push_back(text_piece(head + part));
    return pieces;
  }
  const auto delimiter = "--" + letter.boundary;
  put_header_field(head, "Content-Type", "multipart/mixed;\nboundary=\"" + letter.boundary + '"');
  head += "\r\n";
  // [RFC2046 5.1.1] The line end before a delimiter belongs to it.
  if (!letter.text.empty() || !letter.html.empty()) head += delimiter + "\r\n" + part + "\r\n";
  for (const auto& one : letter.attachments) {
    pieces.push_back(text_piece(std::exchange(head, "\r\n") + delimiter + "\r\n" + attachment_header(shown_name(one.path))));
    if (one.size != 0) pieces.push_back(in_base64(one));
  }
  pieces.push_back(text_piece(head + delimiter + "--\r\n"));
  return pieces;
}

std::string_view guess_type(std::string_view file_name) {
  constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {"7z", "application/x-7z-compressed"}, {"avi", "video/x-msvideo"}, {"bmp", "image/bmp"}, {"bz2", "application/x-bzip2"},
      {"css", "text/css"}, {"csv", "text/csv"}, {"diff", "text/x-diff"},
      {"doc", "application/msword"}, {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
      {"epub", "application/epub+zip"}, {"flac", "audio/flac"}, {"gif", "image/gif"}, {"gz", "application/gzip"}, {"heic", "image/heic"},
      {"htm", "text/html"}, {"html", "text/html"}, {"ics", "text/calendar"}, {"jpeg", "image/jpeg"}, {"jpg", "image/jpeg"},
      {"json", "application/json"}, {"log", "text/plain"}, {"md", "text/markdown"}, {"mov", "video/quicktime"}, {"mp3", "audio/mpeg"},
      {"mp4", "video/mp4"}, {"odp", "application/vnd.oasis.opendocument.presentation"},
      {"ods", "application/vnd.oasis.opendocument.spreadsheet"}, {"odt", "application/vnd.oasis.opendocument.text"}, {"ogg", "audio/ogg"},
      {"patch", "text/x-diff"}, {"pdf", "application/pdf"}, {"png", "image/png"}, {"ppt", "application/vnd.ms-powerpoint"},
      {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"}, {"ps", "application/postscript"},
      {"rtf", "application/rtf"}, {"svg", "image/svg+xml"}, {"tar", "application/x-tar"}, {"tgz", "application/gzip"}, {"tif", "image/tiff"},
      {"tiff", "image/tiff"}, {"txt", "text/plain"}, {"vcf", "text/vcard"}, {"wav", "audio/wav"}, {"webm", "video/webm"}, {"webp", "image/webp"},
      {"xls", "application/vnd.ms-excel"}, {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
      {"xml", "application/xml"}, {"xz", "application/x-xz"}, {"zip", "application/zip"}, {"zst", "application/zstd"}};
  const auto dot = file_name.rfind('.');
  if (dot != file_name.npos)
    for (const auto& [ending, type] : kTypes)
      if (text::iequals(file_name.substr(dot + 1), ending)) return type;
  return "application/octet-stream";
}

std::string make_message_id(std::string_view domain) {
  const bool fits = !domain.empty() && text::is_ascii(domain);
  return '<' + crypto::to_hex(crypto::random_bytes(16)) + '@' + std::string(fits ? domain : "localhost") + '>';
}

}  // namespace posthorn::client
