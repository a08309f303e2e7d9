// posthorn sendmail: a message from standard input into the drop directory.
#include "sendmail.h"

#include <sysexits.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <set>

#include "client/line_ends.h"
#include "commands.h"
#include "output.h"
#include "sendmail_drop.h"
#include "sendmail_input.h"
#include "sendmail_options.h"
#include "sendmail_smtp.h"
#include "server/drop/drop_directory.h"

namespace posthorn {
namespace {

int complain(int code, const std::string& text) {
  std::fprintf(stderr, "sendmail: %s\n", text.c_str());
  return code;
}

std::string config_path(const SendmailOptions& options) {
  if (options.config) return *options.config;
  const char* from_environment = std::getenv("POSTHORN_CONFIG");
  return from_environment ? from_environment : Common{}.config;
}

// The message behind the head, `piece` first.  What is counted is what the server will: with CRLF.
Result<void> write_message(drop::DropWriter& writer, SendmailInput& input, std::string piece, std::optional<std::uint64_t> most) {
  client::LineEnds line_ends;
  std::string lines;
  for (std::uint64_t size = 0;;) {
    if (piece.empty()) {
      TRY(piece, input.next());
    }
    lines.clear();
    if (piece.empty()) line_ends.finish(lines);
    else line_ends.put(lines, piece);
    size += lines.size();
    if (most && size > *most)
      return fail(Errc::too_large, "the message is larger than max_message_size, " + size_text(static_cast<std::int64_t>(*most)));
    if (piece.empty()) return {};
    TRY_OK(writer.write(piece));
    piece.clear();
  }
}

Result<void> deliver(SendmailOptions& options) {
  auto& envelope = options.envelope;
  TRY(const auto where, find_drop(config_path(options)));
  TRY_OK(check_sender(where, envelope));
  SendmailInput input(options.dot_ends);
  std::string piece;
  if (options.recipients_from_header) {
    TRY(piece, read_header(input));
    for (auto& to : header_recipients(piece)) envelope.recipients.push_back(std::move(to));
  }
  if (envelope.recipients.empty())
    return fail(options.recipients_from_header ? Errc::syntax : Errc::invalid,
                options.recipients_from_header ? "the header names no recipients" : "no recipients");
  std::set<std::string> seen;
  std::erase_if(envelope.recipients, [&seen](const std::string& to) { return !seen.insert(to).second; });
  if (envelope.recipients.size() > drop::kMaxDropRecipients)
    return fail(Errc::syntax, "more than " + std::to_string(drop::kMaxDropRecipients) + " recipients");
  TRY_OK(check_addresses(envelope));

  std::string head;
  drop::put_head(head, envelope);
  if (head.size() > drop::kMaxHead) return fail(Errc::too_large, "the recipients' addresses are longer than " + size_text(drop::kMaxHead) + " together");
  TRY(auto writer, drop::DropWriter::create(where.directory));
  TRY_OK(writer.write(head));
  TRY_OK(write_message(writer, input, std::move(piece), where.max_size));
  return writer.commit();
}

int run_mode(SendmailOptions& options) {
  Common common;
  common.config = config_path(options);
  switch (options.mode) {
    case SendmailOptions::Mode::list_queue: return queue_list(common, {}, false) == kDone ? EX_OK : EX_UNAVAILABLE;
    case SendmailOptions::Mode::run_queue: return queue_act(common, "retry", {.all = true}) == kDone ? EX_OK : EX_UNAVAILABLE;
    case SendmailOptions::Mode::new_aliases:
      std::puts("newaliases: nothing to do: aliases are changed by `posthorn alias` and take effect at once");
      return EX_OK;
    case SendmailOptions::Mode::smtp: return run_sendmail_smtp(common.config, options.envelope);
    case SendmailOptions::Mode::deliver: break;
  }
  const auto done = deliver(options);
  return done ? EX_OK : complain(exit_code_of(done.error().code), done.error().text);
}

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

bool is_sendmail_name(std::string_view argv0) {
  const auto name = base_name(argv0);
  return name == "sendmail" || name == "mailq" || name == "newaliases";
}

int sendmail_main(int argc, char** argv) {
  auto options = parse_sendmail({argv + 1, argv + argc});
  if (!options) return complain(exit_code_of(options.error().code), options.error().text);
  if (base_name(argv[0]) == "mailq") options->mode = SendmailOptions::Mode::list_queue;
  if (base_name(argv[0]) == "newaliases") options->mode = SendmailOptions::Mode::new_aliases;
  return run_mode(*options);
}

}  // namespace posthorn
