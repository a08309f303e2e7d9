#include "sendmail_smtp.h"

#include <sysexits.h>

#include <cstdio>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include "proto/smtp/address.h"
#include "proto/smtp/command.h"
#include "proto/smtp/reply.h"
#include "sendmail_drop.h"
#include "server/drop/drop_directory.h"

namespace posthorn {
namespace {

constexpr std::size_t kPiece = 32 << 10;

// A line without its end, which may be LF alone; what is beyond `most` is skipped, and `cut` set.  None: the input has ended.
std::optional<std::string> next_line(std::size_t most, bool& cut) {
  std::string line;
  cut = false;
  for (int c; (c = std::getchar()) != EOF;) {
    if (c == '\n') {
      if (line.ends_with('\r')) line.pop_back();
      return line;
    }
    if (line.size() <= most) line += static_cast<char>(c);
    else cut = true;
  }
  return std::nullopt;
}

class SmtpOnPipes {
 public:
  SmtpOnPipes(DropPlace place, const drop::DropEnvelope& given) : place_(std::move(place)), given_(given) {
    reset();
  }

  int run() {
    say({220, place_.hostname + " ESMTP Posthorn"});
    const smtp::CommandLimits limits;
    while (!ended_) {
      bool cut = false;
      const auto line = next_line(limits.line, cut);
      if (!line) break;
      if (cut || line->size() > limits.line) {
        say({500, {5, 5, 2}, "Line too long"});
        continue;
      }
      auto command = smtp::parse_command(*line);
      if (command) std::visit([this](auto& c) { answer(c); }, *command);
      else say(command.error().reply);
      ended_ = ended_ || (!command && command.error().desynchronised);
    }
    return code_;
  }

 private:
  void say(const smtp::Reply& r) {
    std::string out;
    smtp::put_reply(out, r);
    std::fputs(out.c_str(), stdout);
    if (std::fflush(stdout) == 0) return;
    ended_ = true;  // nobody reads: who does not hear of a message sends it again
    code_ = EX_IOERR;
  }
  void say(const Error& why) {
    switch (why.code) {
      case Errc::denied: return say({550, {5, 7, 1}, why.text});
      case Errc::too_large: return say({552, {5, 3, 4}, why.text});
      case Errc::no_space: return say({452, {4, 3, 1}, why.text});
      case Errc::syntax:
      case Errc::invalid: return say({553, {5, 1, 3}, why.text});
      default: return say({451, {4, 3, 0}, why.text});
    }
  }
  void reset() {
    envelope_ = given_;
    envelope_.recipients.clear();
    envelope_.sender.reset();
    addresses_ = 0;
  }

  void answer(smtp::Ehlo&) {
    reset();
    smtp::Reply r(250, place_.hostname);
    for (const char* keyword : {"PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES"}) r.lines.emplace_back(keyword);
    r.lines.push_back("SIZE" + (place_.max_size ? ' ' + std::to_string(*place_.max_size) : std::string()));
    say(r);
  }
  void answer(smtp::Helo&) {
    reset();
    say({250, place_.hostname});
  }
  void answer(smtp::Mail& mail) {
    if (envelope_.sender) return say({503, {5, 5, 1}, "There is a sender already"});
    const bool more = mail.body == smtp::Body::binary_mime || mail.smtp_utf8 || mail.auth || mail.ret || mail.envelope_id || mail.require_tls || mail.deliver_by ||
                      mail.hold_for_seconds || mail.hold_until || mail.priority;
    if (more) return say({555, {5, 5, 4}, "A parameter is not offered here"});  // [RFC5321 4.1.1.11]
    if (place_.max_size && mail.size.value_or(0) > *place_.max_size) return say({552, {5, 3, 4}, "Message too big"});
    drop::DropEnvelope asked;
    asked.sender = mail.reverse_path ? smtp::to_string(*mail.reverse_path) : std::string();
    if (const auto allowed = check_sender(place_, asked); !allowed) return say(allowed.error());
    envelope_.sender = std::move(asked.sender);
    say({250, {2, 1, 0}, "Sender ok"});
  }
  void answer(smtp::Rcpt& rcpt) {
    if (!envelope_.sender) return say({503, {5, 5, 1}, "Say MAIL first"});
    if (rcpt.notify || rcpt.original_recipient) return say({555, {5, 5, 4}, "DSN is not offered here"});
    auto address = smtp::to_string(rcpt.forward_path);
    addresses_ += address.size() + 20;
    if (envelope_.recipients.size() == drop::kMaxDropRecipients || addresses_ > drop::kMaxHead / 2) return say({452, {4, 5, 3}, "Too many recipients"});
    envelope_.recipients.push_back(std::move(address));
    say({250, {2, 1, 5}, "Recipient ok"});
  }
  void answer(smtp::Data&) {
    if (envelope_.recipients.empty()) return say({503, {5, 5, 1}, envelope_.sender ? "Say RCPT first" : "Say MAIL first"});
    auto writer = drop::DropWriter::create(place_.directory);
    if (!writer) return say(writer.error());
    std::string head;
    drop::put_head(head, envelope_);
    auto done = writer->write(head);
    if (done) say({354, "End data with <CRLF>.<CRLF>"});
    else return say(done.error());
    done = take_content(*writer);
    if (ended_) return;
    if (done) done = writer->commit();
    reset();
    if (done) say({250, {2, 0, 0}, "Left for the server"});
    else say(done.error());
  }
  void answer(smtp::Rset&) {
    reset();
    say({250, {2, 0, 0}, "Forgotten"});
  }
  void answer(smtp::Noop&) { say({250, {2, 0, 0}, "Ok"}); }
  void answer(smtp::Help&) { say({214, {2, 0, 0}, "EHLO HELO MAIL RCPT DATA RSET NOOP QUIT"}); }
  void answer(smtp::Vrfy&) { say({252, {2, 5, 0}, "Cannot say, but will take the message and try"}); }
  void answer(smtp::Quit&) {
    ended_ = true;
    say({221, {2, 0, 0}, "Bye"});
  }
  void answer(smtp::Bdat&) {  // what follows it is no command
    ended_ = true;
    say({502, {5, 5, 1}, "There is no BDAT here"});
  }
  void answer(smtp::Unknown&) { say({500, {5, 5, 2}, "Command not recognized"}); }
  template <class Other>
  void answer(Other&) {
    say({502, {5, 5, 1}, "There is no such command here"});
  }

  // Up to the line with only a dot, also when it cannot be written: the end must be found.  A line may end with LF alone: whoever is at the other
  // end of the pipe sends mail of his own.
  Result<void> take_content(drop::DropWriter& writer) {
    Result<void> done;
    std::string piece;
    std::uint64_t size = 0;
    const auto flush = [&] {
      if (place_.max_size && size > *place_.max_size) done = fail(Errc::too_large, "Message too big");
      if (done) done = writer.write(piece);
      piece.clear();
    };
    int before = '\n';
    const auto put = [&](int c) {
      size += c == '\n' && before != '\r' ? 2 : 1;  // with CRLF, as the server counts
      piece += static_cast<char>(c);
      before = c;
    };
    for (int c; (c = std::getchar()) != EOF; put(c)) {
      if (piece.size() >= kPiece) flush();
      if (before != '\n' || c != '.') continue;
      c = std::getchar();  // [RFC5321 4.5.2]
      const bool cr = c == '\r';
      if (cr) c = std::getchar();
      if (c == '\n') return flush(), done;
      if (c == EOF) break;
      if (cr) put('\r');
    }
    ended_ = true;
    code_ = EX_DATAERR;
    std::fputs("sendmail: the input ended inside a message\n", stderr);
    return fail(Errc::closed, "no end");
  }

  const DropPlace place_;
  const drop::DropEnvelope given_;
  drop::DropEnvelope envelope_;
  std::size_t addresses_ = 0;
  bool ended_ = false;
  int code_ = EX_OK;
};

}  // namespace

int run_sendmail_smtp(const std::string& config_file, const drop::DropEnvelope& given) {
  auto place = find_drop(config_file);
  if (place) return SmtpOnPipes(*std::move(place), given).run();
  std::string out;
  smtp::put_reply(out, 421, {4, 3, 0}, place.error().text);
  std::fputs(out.c_str(), stdout);
  return exit_code_of(place.error().code);
}

}  // namespace posthorn
