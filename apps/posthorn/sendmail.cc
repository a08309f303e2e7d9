// posthorn sendmail: a message from standard input into the drop directory.
#include "sendmail.h"

#include <errno.h>
#include <pwd.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <set>

#include "app/data_dir.h"
#include "client/line_ends.h"
#include "commands.h"
#include "config/core_settings.h"
#include "output.h"
#include "proto/smtp/address.h"
#include "sendmail_input.h"
#include "sendmail_options.h"
#include "server/drop/drop_directory.h"
#include "server/drop/sender_policy.h"
#include "server/drop/settings.h"
#include "text/ascii.h"

namespace posthorn {
namespace {

// Where mail is left when the configuration cannot be read, which may hold passwords.
constexpr const char* kUsualDirectory = "/var/spool/posthorn";

int complain(int code, const std::string& text) {
  std::fprintf(stderr, "sendmail: %s\n", text.c_str());
  return code;
}

int code_of(Errc code) {
  switch (code) {
    case Errc::denied: return EX_NOPERM;
    case Errc::not_found: return EX_TEMPFAIL;  // the directory: it is made when the server starts
    case Errc::no_space:
    case Errc::io:
    case Errc::busy: return EX_TEMPFAIL;
    case Errc::too_large:
    case Errc::syntax: return EX_DATAERR;
    case Errc::invalid: return EX_USAGE;
    case Errc::unsupported: return EX_UNAVAILABLE;
    default: return EX_TEMPFAIL;
  }
}

std::string config_path(const SendmailOptions& options) {
  if (options.config) return *options.config;
  const char* from_environment = std::getenv("POSTHORN_CONFIG");
  return from_environment ? from_environment : Common{}.config;
}

struct Where {
  std::string directory;
  bool rules_known = false;  // the settings are in effect
};

Result<Where> drop_directory(const std::string& config_file) {
  auto loaded = config::load_file(config_file);
  if (loaded.config) {
    config::apply(*loaded.config);
    const auto named = drop::kDropDirectory.get();
    return Where{.directory = named.empty() ? app::drop_path(loaded.config->data_dir) : named, .rules_known = true};
  }
  if (::access(kUsualDirectory, W_OK | X_OK) == 0) return Where{.directory = kUsualDirectory};
  std::fputs(config::to_text(loaded).c_str(), stderr);
  return fail(Errc::io, "the configuration " + config_file + " cannot be used, and there is no " + kUsualDirectory);
}

std::string user_name() {
  const auto* entry = ::getpwuid(::getuid());
  return entry ? entry->pw_name : "user" + std::to_string(::getuid());
}

// As far as it can be known here: whether the domain is ours the server knows.
Result<void> check_sender(const drop::DropEnvelope& envelope) {
  if (!envelope.sender || envelope.sender->empty()) return {};
  const auto name = user_name();
  if (::getuid() == 0 || drop::is_among(name, drop::kTrustedUsers.get())) return {};
  const auto& sender = *envelope.sender;
  const std::string_view local = std::string_view(sender).substr(0, sender.find('@'));
  if (text::iequals(local.substr(0, local.find('+')), name)) return {};
  return fail(Errc::denied, "user " + name + " may not send as " + sender + "; sendmail.trusted_users can allow it");
}

Result<void> check_addresses(const drop::DropEnvelope& envelope) {
  const auto check = [](const std::string& address) -> Result<void> {
    const auto whole = address.find('@') == address.npos ? address + "@localhost" : address;
    if (auto mailbox = smtp::parse_mailbox(whole); !mailbox)
      return fail(Errc::syntax, "'" + address + "' is no address: " + mailbox.error().text);
    return {};
  };
  for (const auto& to : envelope.recipients) TRY_OK(check(to));
  if (envelope.sender && !envelope.sender->empty()) TRY_OK(check(*envelope.sender));
  return {};
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
  TRY(const auto where, drop_directory(config_path(options)));
  if (where.rules_known) TRY_OK(check_sender(envelope));
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
  const auto most = static_cast<std::uint64_t>(config::kMaxMessageSize.get());
  TRY_OK(write_message(writer, input, std::move(piece), where.rules_known ? std::optional(most) : std::nullopt));
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
    case SendmailOptions::Mode::deliver: break;
  }
  const auto done = deliver(options);
  return done ? EX_OK : complain(code_of(done.error().code), done.error().text);
}

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

bool is_sendmail_name(std::string_view argv0) {
  const auto name = base_name(argv0);
  return name == "sendmail" || name == "mailq" || name == "newaliases";
}

int sendmail_main(int argc, char** argv) {
  auto options = parse_sendmail({argv + 1, argv + argc});
  if (!options) return complain(code_of(options.error().code), options.error().text);
  if (base_name(argv[0]) == "mailq") options->mode = SendmailOptions::Mode::list_queue;
  if (base_name(argv[0]) == "newaliases") options->mode = SendmailOptions::Mode::new_aliases;
  return run_mode(*options);
}

}  // namespace posthorn
