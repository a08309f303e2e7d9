#include "intake/header_editor.h"

#include <gtest/gtest.h>

namespace posthorn::intake {
namespace {

HeaderEditor::Complete completing(bool on) {
  if (!on) return {};
  return [](HeaderEditor::Missing missing) {
    return std::string(missing.date ? "D\r\n" : "") + (missing.message_id ? "M\r\n" : "");
  };
}

std::string edited(std::string_view in, bool complete, std::size_t piece) {
  HeaderEditor editor(completing(complete));
  std::string out;
  while (!in.empty()) {
    const auto n = std::min(piece, in.size());
    const std::string copy(in.substr(0, n));  // so that ASan sees a view that is kept
    editor.edit(copy, out);
    in.remove_prefix(n);
  }
  editor.finish(out);
  return out;
}

TEST(HeaderEditor, ChangesWhatItMustAndNothingElse) {
  struct Case {
    std::string_view in, plain, completed;
  };
  const Case cases[] = {
      {"", "", "D\r\nM\r\n"},
      {"A: b\r\n\r\nbody\r\n", "A: b\r\n\r\nbody\r\n", "A: b\r\nD\r\nM\r\n\r\nbody\r\n"},
      {"Date: b\r\nA: c\r\n\r\nDate", "Date: b\r\nA: c\r\n\r\nDate", "Date: b\r\nA: c\r\nM\r\n\r\nDate"},
      {"mEssage-iD : b\r\n\r\n", "mEssage-iD : b\r\n\r\n", "mEssage-iD : b\r\nD\r\n\r\n"},
      {"Date:x\r\nMessage-ID:y\r\n\r\n\r\n", "Date:x\r\nMessage-ID:y\r\n\r\n\r\n", "Date:x\r\nMessage-ID:y\r\n\r\n\r\n"},
      // no end of the header
      {"A: b\r\n", "A: b\r\n", "A: b\r\nD\r\nM\r\n"},
      {"A: b", "A: b", "A: b\r\nD\r\nM\r\n"},
      // an earlier Return-Path, folded too, goes; not one further down
      {"Return-Path: <x>\r\n y\r\nA: b\r\n\r\n", "A: b\r\n\r\n", "A: b\r\nD\r\nM\r\n\r\n"},
      {"return-path:<x>\r\nReturn-Path: <z>\r\nA: b\r\n\r\n", "A: b\r\n\r\n", "A: b\r\nD\r\nM\r\n\r\n"},
      {"A: b\r\nReturn-Path: <x>\r\n\r\n", "A: b\r\nReturn-Path: <x>\r\n\r\n", "A: b\r\nReturn-Path: <x>\r\nD\r\nM\r\n\r\n"},
      // mbox
      {"From a@b Thu\r\nA: b\r\n\r\nx", "A: b\r\n\r\nx", "A: b\r\nD\r\nM\r\n\r\nx"},
      {">From a@b Thu\r\nA: b\r\n\r\nx", "A: b\r\n\r\nx", "A: b\r\nD\r\nM\r\n\r\nx"},
      {"From: a\r\n\r\nx", "From: a\r\n\r\nx", "From: a\r\nD\r\nM\r\n\r\nx"},
      // no header at all
      {"hello world: x\r\nDate: x\r\n", "\r\nhello world: x\r\nDate: x\r\n", "D\r\nM\r\n\r\nhello world: x\r\nDate: x\r\n"},
      {"hello", "\r\nhello", "D\r\nM\r\n\r\nhello"},
      {"\r\nbody", "\r\nbody", "D\r\nM\r\n\r\nbody"},
      {" A: b\r\n\r\n", "\r\n A: b\r\n\r\n", "D\r\nM\r\n\r\n A: b\r\n\r\n"},
      // a line that is no field, deep in the header, and continuations
      {"A: b\r\nrubbish\r\nDate: x\r\n\r\n", "A: b\r\nrubbish\r\nDate: x\r\n\r\n", "A: b\r\nrubbish\r\nDate: x\r\nM\r\n\r\n"},
      {"A: b\r\n Date: x\r\n\r\n", "A: b\r\n Date: x\r\n\r\n", "A: b\r\n Date: x\r\nD\r\nM\r\n\r\n"},
      {"A: b\r\n\rx\r\n\r\n", "A: b\r\n\rx\r\n\r\n", "A: b\r\n\rx\r\nD\r\nM\r\n\r\n"},
      // bare LF (BINARYMIME)
      {"A: b\n\nbody", "A: b\n\nbody", "A: b\nD\r\nM\r\n\nbody"},
  };
  for (const auto& c : cases)
    for (const std::size_t piece : {1u, 2u, 3u, 7u, 1000u}) {
      EXPECT_EQ(edited(c.in, false, piece), c.plain) << c.in << piece;
      EXPECT_EQ(edited(c.in, true, piece), c.completed) << c.in << piece;
    }
}

std::string kept_of(std::string_view in, std::size_t piece) {
  HeaderEditor editor({}, HeaderEditor::Bcc::drop);
  std::string out;
  for (; !in.empty(); in.remove_prefix(std::min(piece, in.size()))) {
    const std::string copy(in.substr(0, piece));
    editor.edit(copy, out);
  }
  editor.finish(out);
  out += '|';
  for (const auto& field : editor.kept()) out += field.name + '[' + field.value + ']';
  return out + (editor.kept_all() ? "" : " not all") + (editor.says_tls_is_optional() ? " optional" : "");
}

TEST(HeaderEditor, DropsBccAndRemembersAuthors) {
  struct Case {
    std::string_view in, out;
  };
  const Case cases[] = {
      {"From: a\r\nBcc: b,\r\n c\r\nTo: d\r\n\r\nBcc: e\r\n", "From: a\r\nTo: d\r\n\r\nBcc: e\r\n|from[ a\r\n]"},
      {"bCC: b\r\n c\r\n\r\nx", "\r\nx|"},
      {"Bcc: b\r\nResent-Bcc:\r\nBccc: y\r\n\r\n", "Bccc: y\r\n\r\n|"},
      {"FROM : a,\r\n\tb\r\nSender:c\r\nfrom:d\r\n\r\nFrom: e", "FROM : a,\r\n\tb\r\nSender:c\r\nfrom:d\r\n\r\nFrom: e|"
                                                               "from[ a,\r\n\tb\r\n]sender[c\r\n]from[d\r\n]"},
      {"From: a", "From: a|from[ a]"},
      {"TLS-Required: No\r\n\r\n", "TLS-Required: No\r\n\r\n|tls-required[ No\r\n] optional"},
      {"tls-required:\r\n no \r\n\r\n", "tls-required:\r\n no \r\n\r\n|tls-required[\r\n no \r\n] optional"},
      {"TLS-Required: Yes\r\n\r\n", "TLS-Required: Yes\r\n\r\n|tls-required[ Yes\r\n]"},
      {"Fromage: a\r\nFrom\r\n: x\r\n\r\n", "Fromage: a\r\nFrom\r\n: x\r\n\r\n|"},
  };
  for (const auto& c : cases)
    for (const std::size_t piece : {1u, 2u, 3u, 7u, 1000u}) EXPECT_EQ(kept_of(c.in, piece), c.out) << piece;
}

// Blanks before the colon hide no author from us that others would see.
TEST(HeaderEditor, BlanksBeforeTheColon) {
  for (const std::size_t blanks : {1u, 90u, 900u, 5000u})
    for (const std::size_t piece : {1u, 7u, 10'000u}) {
      const std::string in = "Subject: x\r\nFrom" + std::string(blanks, ' ') + ": ceo@b.example\r\n\r\n";
      const auto found = kept_of(in, piece);
      EXPECT_EQ(found.ends_with(" not all"), blanks > 998) << blanks;
      if (blanks < 998) EXPECT_NE(found.find("from[ ceo"), found.npos) << found;
    }
}

TEST(HeaderEditor, RemembersABoundedPart) {
  HeaderEditor editor;
  std::string out;
  editor.edit("From: a\r\nFrom: ", out);
  const std::string piece(10'000, 'x');
  for (int i = 0; i < 100; ++i) editor.edit(piece, out);
  editor.edit("\r\nSender: b\r\n\r\n", out);
  EXPECT_EQ(out.size(), 1'000'000u + 9 + 6 + 2 + 11 + 2);
  EXPECT_FALSE(editor.kept_all());
  std::size_t held = 0;
  for (const auto& field : editor.kept()) held += field.name.size() + field.value.size();
  EXPECT_LE(held, HeaderEditor::kMaxKept);
  EXPECT_EQ(editor.kept().at(0).value, " a\r\n");
}

TEST(HeaderEditor, HoldsLittleOfAnEndlessLine) {
  HeaderEditor editor;
  std::string out;
  const std::string piece(10'000, 'x');
  for (int i = 0; i < 100; ++i) editor.edit(piece, out);
  EXPECT_EQ(out.size(), 1'000'002u);  // it is no header: an empty line is before it
  EXPECT_TRUE(editor.in_body());
}

TEST(HeaderEditor, SaysWhetherFromIsMissing) {
  for (const auto& [header, missing] : {std::pair("Subject: x\r\n", true), std::pair("fROM : ann\r\nSubject: x\r\n", false),
                                        std::pair("Subject: x\r\n From: folded\r\n", true), std::pair("", true)}) {
    bool said = !missing;
    HeaderEditor editor([&said](HeaderEditor::Missing m) {
      said = m.from;
      return std::string();
    });
    std::string out;
    editor.edit(std::string(header) + "\r\nFrom: body\r\n", out);
    editor.finish(out);
    EXPECT_EQ(said, missing) << header;
  }
}

}  // namespace
}  // namespace posthorn::intake
