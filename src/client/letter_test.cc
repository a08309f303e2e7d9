#include "client/letter.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "async/reactor.h"
#include "client/given_message.h"
#include "message/param.h"
#include "net/certificate_testing.h"

namespace posthorn::client {
namespace {

// A file in memory.
std::shared_ptr<const FileDescriptor> file_of(std::string_view content) {
  auto file = std::make_shared<const FileDescriptor>(::memfd_create("test", MFD_CLOEXEC));
  EXPECT_EQ(::write(file->fd(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
  return file;
}

Task<Result<std::string>> read_pieces(const MessagePieces& pieces, WorkerPool& pool) {
  PieceSource source(pieces, pool);
  std::string out;
  for (;;) {
    const auto next = co_await source.next();
    if (!next) co_return std::unexpected(next.error());
    if (next->empty()) co_return out;
    out += *next;
  }
}
Result<std::string> text_of(const MessagePieces& pieces) {
  WorkerPool pool(1);
  auto text = run_task(read_pieces(pieces, pool));
  if (text) EXPECT_EQ(text->size(), length_of(pieces));
  return text;
}

Letter simple() {
  Letter letter;
  letter.from = parse_typed_address("Joe <joe@example.org>").value();
  letter.to = parse_typed_addresses("ann@example.org").value();
  letter.date = {.time = std::chrono::sys_seconds(std::chrono::seconds(0))};
  letter.message_id = "<1@example.org>";
  letter.boundary = "XYZ";
  return letter;
}

TEST(Letter, OfTextAlone) {
  auto letter = simple();
  letter.subject = "Gr\u00fc\u00dfe";
  letter.text = "Hello\nthere";
  EXPECT_EQ(text_of(write_letter(letter).value()).value(),
            "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\nFrom: Joe <joe@example.org>\r\nTo: ann@example.org\r\n"
            "Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\nMessage-ID: <1@example.org>\r\nMIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\nHello\r\nthere\r\n");
}

TEST(Letter, OfTextAndHtml) {
  auto letter = simple();
  letter.html = "<p>Hello</p>\n";
  const auto alone = text_of(write_letter(letter).value()).value();
  EXPECT_TRUE(alone.ends_with("Content-Type: text/html; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\n<p>Hello</p>\r\n")) << alone;
  letter.text = "Hello";
  const auto both = text_of(write_letter(letter).value()).value();
  const std::string alternative =
      "Content-Type: multipart/alternative;\r\n\tboundary=\"aXYZ\"\r\n\r\n"
      "--aXYZ\r\nContent-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\nHello\r\n\r\n"
      "--aXYZ\r\nContent-Type: text/html; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\n<p>Hello</p>\r\n\r\n--aXYZ--\r\n";
  EXPECT_TRUE(both.ends_with("MIME-Version: 1.0\r\n" + alternative)) << both;
  letter.attachments.push_back({.file = file_of("x"), .path = "x", .size = 1});
  const auto all = text_of(write_letter(letter).value()).value();
  EXPECT_TRUE(all.contains("--XYZ\r\n" + alternative + "\r\n--XYZ\r\n")) << all;
  letter.html = "\xff";
  EXPECT_EQ(write_letter(letter).error().code, Errc::invalid);
}

TEST(Letter, TheEncodingFitsTheText) {
  struct Case {
    std::string text, encoding, charset;
  };
  std::string japanese;
  for (int i = 0; i < 20; ++i) japanese += "\u65e5\u672c";
  const Case cases[] = {{"plain\r\n", "7bit", "us-ascii"},
                        {"Gr\u00fc\u00dfe an alle, die das lesen\n", "quoted-printable", "utf-8"},
                        {japanese, "base64", "utf-8"},
                        {std::string(2000, 'x'), "quoted-printable", "us-ascii"},
                        {"", "7bit", "us-ascii"}};
  for (const auto& c : cases) {
    auto letter = simple();
    letter.text = c.text;
    const auto text = text_of(write_letter(letter).value()).value();
    EXPECT_TRUE(text.contains("Content-Transfer-Encoding: " + c.encoding + "\r\n")) << text;
    EXPECT_TRUE(text.contains("charset=" + c.charset + "\r\n")) << text;
    for (std::size_t at = 0; at < text.size();) {
      const auto end = text.find("\r\n", at);
      ASSERT_NE(end, text.npos);
      EXPECT_LE(end - at, 998u);
      at = end + 2;
    }
  }
}

TEST(Letter, AttachmentsAreWhatTheyWere) {
  auto letter = simple();
  letter.text = "See below\n";
  const std::string content = std::string("\0\xff\r\n--XYZ--\r\n", 13) + std::string(100'000, 'z');
  letter.attachments.push_back({.file = file_of(content), .path = "/tmp/x y.PNG", .size = content.size()});
  letter.attachments.push_back({.file = file_of(""), .path = "empty", .size = 0});
  const auto text = text_of(write_letter(letter).value()).value();
  EXPECT_TRUE(text.contains("Content-Type: multipart/mixed;\r\n\tboundary=\"XYZ\"\r\n\r\n--XYZ\r\nContent-Type: text/plain")) << text.substr(0, 500);
  EXPECT_TRUE(text.contains("\r\n--XYZ\r\nContent-Type: image/png;\r\n\tname=\"x y.PNG\"\r\nContent-Transfer-Encoding: base64\r\n"
                            "Content-Disposition: attachment;\r\n\tfilename=\"x y.PNG\"\r\n\r\nAP8NCi0tWFlaLS0NCnp6"));
  EXPECT_TRUE(text.ends_with("filename=\"empty\"\r\n\r\n\r\n--XYZ--\r\n"));
}

TEST(Letter, NamesOfAttachments) {
  for (const std::string name : {"simple.txt", "a \"b\".txt", "Entw\u00fcrfe.pdf", "100%.txt",
                                 "ein sehr langer Name mit Umlauten \u00e4\u00f6\u00fc, der in keine Zeile passt und noch weiter geht.txt"}) {
    auto letter = simple();
    letter.attachments.push_back({.file = file_of("x"), .path = "/some/where/" + name, .size = 1});
    const auto text = text_of(write_letter(letter).value()).value();
    const auto at = text.find("Content-Disposition:") + 20;
    const auto read = message::parse_disposition(text.substr(at, text.find("\r\n\r\n", at) - at));
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(message::find_param_utf8(read->params, "filename"), name) << text;
    const auto type_at = text.rfind("Content-Type:") + 13;
    const auto type = message::parse_content_type(text.substr(type_at, text.find("\r\nContent-T", type_at) - type_at));
    ASSERT_TRUE(type);
    EXPECT_EQ(message::find_param_utf8(type->params, "name"), name) << text;
  }
  for (const auto& [path, shown] : {std::pair("a/..", "attachment"), std::pair("x\r\nBcc: y", "x__Bcc: y"), std::pair("a\\b", "a_b")}) {
    auto letter = simple();
    letter.attachments.push_back({.file = file_of("x"), .path = path, .size = 1});
    const auto text = text_of(write_letter(letter).value()).value();
    EXPECT_TRUE(text.contains("filename=\"" + std::string(shown) + "\"\r\n")) << text;
  }
}

TEST(Letter, NothingBecomesAnotherField) {
  const std::string bad = "x\r\nBcc: eve@example.org";
  auto letter = simple();
  letter.subject = bad;
  EXPECT_EQ(write_letter(letter).error().code, Errc::invalid);
  letter = simple();
  letter.fields = {{"X-Test", bad}};
  EXPECT_EQ(write_letter(letter).error().code, Errc::invalid);
  for (const std::string name : {"", "X Y", "X:", "Bcc", "subject", "Content-Type", "X\n"}) {
    letter.fields = {{name, "value"}};
    EXPECT_EQ(write_letter(letter).error().code, Errc::invalid) << name;
  }
  letter.fields = {{"X-Test", "\xff"}};
  EXPECT_EQ(write_letter(letter).error().code, Errc::invalid);
  letter.fields = {{"X-Test", std::string(1000, 'x')}};
  EXPECT_EQ(write_letter(letter).error().code, Errc::invalid);
  letter.fields = {{"X-Test", "fine"}};
  EXPECT_TRUE(text_of(write_letter(letter).value()).value().contains("\r\nX-Test: fine\r\n"));
  EXPECT_FALSE(parse_typed_addresses("joe@example.org\r\nBcc: eve@example.org"));
  letter.from = {.name = "Joe\r\nBcc: eve@example.org", .mailbox = {"joe", "example.org"}};
  EXPECT_FALSE(text_of(write_letter(letter).value()).value().contains("\r\nBcc"));
}

TEST(TypedAddress, IsRead) {
  const auto show = [](std::string_view typed) {
    std::string out;
    const auto all = parse_typed_addresses(typed);
    if (!all) return "error: " + all.error().text;
    for (const auto& one : *all) out += (out.empty() ? "" : " | ") + header_text(one);
    return out;
  };
  EXPECT_EQ(show("joe@example.org"), "joe@example.org");
  EXPECT_EQ(show("Joe Doe <joe@example.org>, ann@example.org"), "Joe Doe <joe@example.org> | ann@example.org");
  EXPECT_EQ(show("\"Doe, Joe\" <joe@example.org>"), "\"Doe, Joe\" <joe@example.org>");
  EXPECT_EQ(show("J\u00f6rg <joe@b\u00fccher.example>"), "=?utf-8?b?SsO2cmc=?= <joe@xn--bcher-kva.example>");
  EXPECT_EQ(show("j\u00f6rg@b\u00fccher.example"), "j\u00f6rg@b\u00fccher.example");
  for (const std::string bad : {"", "joe", "joe@", "joe@a..b", "joe@exa mple", "a@b@example.org", "\xff@example.org", "joe@example.org, ann"})
    EXPECT_TRUE(show(bad).starts_with("error: ")) << show(bad);
}

std::string prepared(std::string_view content, bool add = true, std::string* header = nullptr) {
  const MessageFile file{.file = file_of(content), .name = "it", .size = content.size()};
  const auto message = prepare_message(file, add ? std::optional(text::DateTime{}) : std::nullopt);
  if (!message) return "error: " + message.error().text;
  if (header) *header = message->header;
  auto text = text_of(message->pieces).value();
  return text + (message->eight_bit ? "|8" : "") + (message->utf8_header ? "|utf8" : "") + '|' + std::to_string(message->size - text.size());
}

TEST(GivenMessage, LosesBccAndGetsWhatIsMissing) {
  const std::string full = "Date: x\nMessage-ID: <1@x>\nFrom: a@example.org\n";
  EXPECT_EQ(prepared(full + "\nbody\n"), full + "\r\nbody\n|4");
  EXPECT_EQ(prepared(full + "BCC: b@example.org,\n c@example.org\nTo: d\n\nBcc: stays\n"), full + "To: d\n\r\nBcc: stays\n|5");
  EXPECT_EQ(prepared("Subject: x\r\n\r\nbody\r\n", false), "Subject: x\r\n\r\nbody\r\n|0");
  const auto added = prepared("From: a@example.org\n\nbody\n");
  EXPECT_TRUE(added.starts_with("Date: Thu, 01 Jan 1970 00:00:00 +0000\r\nMessage-ID: <")) << added;
  EXPECT_TRUE(added.contains("@example.org>\r\nFrom: a@example.org\n\r\nbody\n")) << added;
  EXPECT_EQ(prepared("From joe Thu Jan\nSubject: x\n\nb", false), "Subject: x\n\r\nb|3");
  EXPECT_EQ(prepared("Subject: only", false), "Subject: only\r\n\r\n|0");
  EXPECT_EQ(prepared("Subject: x\n\n\xc3\xbc\n", false), "Subject: x\n\r\n\xc3\xbc\n|8|2");
  EXPECT_EQ(prepared("Subject: \xc3\xbc\n\nx\n", false), "Subject: \xc3\xbc\n\r\nx\n|8|utf8|2");
  for (const std::string_view bad : {std::string_view(""), std::string_view("hello\nthere\n"), std::string_view("\nbody"), std::string_view("A: b\n\n\0", 7)})
    EXPECT_TRUE(prepared(bad).starts_with("error: it is no message")) << prepared(bad);
  EXPECT_TRUE(prepared("A: b\n" + std::string(2 << 20, 'x')).starts_with("error: the header"));
  EXPECT_EQ(prepared("A: b\n\nx\ry\n", false), "A: b\n\r\nx\ry\n|3");
}

// What is sent has CRLF in its place.
TEST(GivenMessage, ABareCrHidesNoField) {
  for (const std::string bad : {"Subject: x\rBcc: b@example.org\n\nbody\n", "From: a@example.org\rBcc: b@example.org\r\rbody\r", "A: b\r\r\n\nbody\n"})
    EXPECT_TRUE(prepared(bad).contains("CR without LF in its header")) << prepared(bad);
}

TEST(GivenMessage, LongLinesAreSeen) {
  const std::string text = "A: b\n\nxy\r\n" + std::string(1500, 'x') + "\rz\n";
  const MessageFile file{.file = file_of(text), .name = "it", .size = text.size()};
  EXPECT_EQ(prepare_message(file, std::nullopt)->longest_line, 1500u);
}

TEST(GivenMessage, AFileThatOnlySaysThatItIsEmptyIsRead) {
  const auto file = open_regular_file("/proc/self/status");
  ASSERT_TRUE(file) << file.error().text;
  EXPECT_GT(file->size, 0u);
}

TEST(Pieces, AFileThatShrinksIsNoMessage) {
  MessagePiece piece;
  piece.file = file_of("short");
  piece.size = 10;
  EXPECT_EQ(text_of({piece}).error().code, Errc::io);
}

}  // namespace
}  // namespace posthorn::client
