// ADD: a message is saved, sent, or both. [SMAP1 10]
#include <utility>

#include "client/smap_channel.h"
#include "client/smap_connection.h"
#include "proto/smap/flags.h"
#include "proto/smap/words.h"

namespace posthorn::client {
namespace {

constexpr std::size_t kLongestLine = 7000;  // servers take 8000 bytes [SMAP1 1.2]

// What follows ADD, in lines that are not too long.
Result<std::vector<std::string>> lines_of(const SmapState& s, const SmapUpload& upload) {
  std::vector<std::string> words;
  if (!upload.folder.empty()) {
    TRY(const auto path, smap_path_text(s, upload.folder));
    words.push_back("FOLDER " + path + " \"\"");
    smap::put_flag_list(words.emplace_back("FLAGS="), upload.flags);
    std::string list;
    for (const auto& keyword : upload.keywords) {
      if (!is_smap_keyword(keyword)) return s.channel->failure(Errc::invalid, "no message can have the keyword " + keyword);
      list += (list.empty() ? "" : ",") + keyword;
    }
    if (!list.empty()) smap::put_attribute(words.emplace_back(), "KEYWORDS", list);
    if (upload.date) smap::put_attribute(words.emplace_back(), "INTERNALDATE", text::format_rfc5322_date(*upload.date));
  }
  if (upload.mail_from) smap::put_attribute(words.emplace_back(), "MAILFROM", *upload.mail_from);
  for (const auto& recipient : upload.recipients) smap::put_attribute(words.emplace_back(), "RCPTTO", recipient);
  if (!upload.notify.empty()) smap::put_attribute(words.emplace_back(), "NOTIFY", upload.notify);
  // In one chunk: the form that every server takes [SMAP1 13].
  const auto size = std::to_string(upload.size);
  words.push_back("{" + size + "/" + size + "}");
  std::vector<std::string> lines;
  for (const auto& word : words) {
    if (word.size() > kLongestLine) return s.channel->failure(Errc::invalid, "a line for the server would be too long: " + word.substr(0, 100));
    if (lines.empty() || lines.back().size() + word.size() > kLongestLine) lines.emplace_back("ADD");
    lines.back() += " " + word;
  }
  return lines;
}

class IntoUid final : public SmapTaker {
 public:
  std::string uid;
  Result<void> data(std::vector<std::string> words) override {
    if (!words.empty() && words.front() == "EXPUNGE") return fail(Errc::syntax, "the server gives messages other numbers in the middle of a command");
    if (words.empty() || words.front() != "ADD") return {};
    for (const auto& word : words)
      if (const auto [name, value, has_value] = smap::split_attribute(word); has_value && name == "UID") uid = value;
    return {};
  }
};

// Exactly as many octets as were announced: the connection ends where there are fewer, and a message is never cut short.
Task<Result<void>> send_octets(SmapState& s, const SmapUpload& upload, Deadline until) {
  const auto source = upload.content();
  std::uint64_t sent = 0;
  for (;;) {
    auto piece = co_await source->next();
    if (!piece) co_return s.channel->abandon(std::move(piece).error());
    if (piece->empty()) break;
    sent += piece->size();
    if (sent > upload.size) break;
    s.channel->put_octets(*piece);
    CO_TRY_OK(co_await s.channel->flush_if_large(until));
  }
  if (sent != upload.size) co_return s.channel->abandon({.code = Errc::io, .text = "a message has not the length that it was said to have"});
  s.channel->put_octets("\n");
  s.in_doubt = true;
  s.channel->note("a message of " + std::to_string(sent) + " octets");
  co_return co_await s.channel->flush(until);
}

// [SMAP1 10.1] What was said of the message would be of the next one, too.  It was refused, whether or not the connection lives on.
Task<Result<std::string>> refused(SmapState& s, std::string what, SmapStatus status) {
  const auto why = s.channel->refusal(what, status);
  (void)co_await s.channel->run("RSET", s.command_end());
  co_return why;
}

}  // namespace

Task<Result<std::string>> SmapConnection::add(SmapUpload upload) {
  auto& s = *state_;
  CO_TRY_OK(s.check_usable());
  CHECK(!upload.folder.empty() || !upload.recipients.empty());
  CO_TRY(const auto lines, lines_of(s, upload));
  s.in_doubt = false;
  const std::string what = upload.recipients.empty() ? "saving the message" : "sending the message";
  const Deadline until = s.transfer_end();
  IntoUid taker;
  SmapStatus status;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    s.channel->put_line(lines[i]);
    CO_TRY_OK(co_await s.channel->flush(until));
    std::string go_ahead;
    const bool last = i + 1 == lines.size();
    CO_TRY(const bool done, co_await s.channel->read_reply(taker, status, until, last ? &go_ahead : nullptr));
    if (done && !status.ok) co_return co_await refused(s, what, status);
    if (done && last) co_return s.channel->broken(Errc::syntax, "the server takes a message that it has not seen");
  }
  CO_TRY_OK(co_await send_octets(s, upload, until));
  CO_TRY(const bool done, co_await s.channel->read_reply(taker, status, until, s.options.timeouts.answer));
  CHECK(done);
  s.in_doubt = false;
  if (!status.ok) co_return co_await refused(s, what, status);
  co_return std::move(taker.uid);
}

}  // namespace posthorn::client
