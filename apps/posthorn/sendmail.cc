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

#include "app/data_dir.h"
#include "commands.h"
#include "config/core_settings.h"
#include "message/address.h"
#include "message/header.h"
#include "output.h"
#include "proto/smtp/address.h"
#include "sendmail_options.h"
#include "server/drop/drop_directory.h"
#include "server/drop/sender_policy.h"
#include "server/drop/settings.h"
#include "text/ascii.h"

namespace posthorn {
namespace {

// Where mail is left when the configuration cannot be read, which may hold passwords.
constexpr const char* kUsualDirectory = "/var/spool/posthorn";
constexpr std::size_t kMaxHeader = 1 << 20;

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
    if (auto mailbox = smtp::parse_mailbox(whole); !mailbox) return fail(Errc::syntax, "'" + address + "' is no address: " + mailbox.error().text);
    return {};
  };
  for (const auto& to : envelope.recipients) TRY_OK(check(to));
  if (envelope.sender && !envelope.sender->empty()) TRY_OK(check(*envelope.sender));
  return {};
}

// Standard input up to its end, or a line with only a dot.
class Input {
 public:
  explicit Input(bool dot_ends) : dot_ends_(dot_ends) {}

  // The next bytes; empty: the end.
  Result<std::string> next() {
    while (!ended_) {
      char piece[32 * 1024];
      const auto n = ::read(STDIN_FILENO, piece, sizeof piece);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail(Errc::io, std::string("cannot read the message: ") + std::strerror(errno));
      ended_ = n == 0;
      std::string out = dot_ends_ ? up_to_dot({piece, static_cast<std::size_t>(n)}) : std::string(piece, static_cast<std::size_t>(n));
      if (!out.empty()) return out;
    }
    return std::string();
  }

 private:
  // Holds back a line as long as it may be the dot.
  std::string up_to_dot(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) {
      if (ended_ && dot_seen_) break;
      line_ += c;
      if (!at_line_start_) {
        out += line_;
        line_.clear();
      } else if (line_ == ".\n" || line_ == ".\r\n") {
        ended_ = dot_seen_ = true;
        line_.clear();
        return out;
      } else if (line_ != "." && line_ != ".\r") {
        out += line_;
        line_.clear();
      } else {
        continue;
      }
      at_line_start_ = c == '\n';
    }
    if (ended_) {  // "." as the last line without an end is one, too
      if (line_ != "." && line_ != ".\r") out += line_;
      line_.clear();
    }
    return out;
  }

  const bool dot_ends_;
  bool ended_ = false, dot_seen_ = false, at_line_start_ = true;
  std::string line_;
};

// [RFC5322 3.6.6] A message that was resent is for those whom the Resent fields name.
void add_recipients(std::string_view header, std::vector<std::string>& to) {
  const message::HeaderView fields(header);
  bool resent = false;
  for (const auto* name : {"Resent-To", "Resent-Cc", "Resent-Bcc"}) resent = resent || fields.find(name).has_value();
  for (const std::string name : {"To", "Cc", "Bcc"})
    for (const auto& field : fields.find_all((resent ? "Resent-" : "") + name))
      for (const auto& a : message::parse_address_list(field.value, drop::kMaxDropRecipients + 1)) {
        if (a.kind != message::Address::Kind::mailbox || a.mailbox.empty()) continue;
        const auto address = smtp::to_string({a.mailbox, a.host.empty() ? "localhost" : a.host});
        to.push_back(a.host.empty() ? address.substr(0, address.rfind('@')) : address);
      }
}

// Where the header ends, its empty line included; npos: it goes on.
std::size_t header_end(std::string_view text) {
  if (text.starts_with('\n')) return 1;
  if (text.starts_with("\r\n")) return 2;
  const auto lf = text.find("\n\n"), crlf = text.find("\n\r\n");
  if (lf == text.npos && crlf == text.npos) return text.npos;
  return lf < crlf ? lf + 2 : crlf + 3;
}

Result<std::string> read_header(Input& input) {
  std::string text;
  while (header_end(text) == text.npos) {
    if (text.size() > kMaxHeader) return fail(Errc::too_large, "the header is larger than " + size_text(kMaxHeader));
    TRY(const auto more, input.next());
    if (more.empty()) break;
    text += more;
  }
  return text;
}

Result<void> deliver(SendmailOptions& options) {
  auto& envelope = options.envelope;
  TRY(const auto where, drop_directory(config_path(options)));
  if (where.rules_known) TRY_OK(check_sender(envelope));
  Input input(options.dot_ends);
  std::string piece;
  if (options.recipients_from_header) {
    TRY(piece, read_header(input));
    // "From ann Thu ..." of mailbox files is no field, and would hide the others.
    std::string_view header = piece;
    if (header.starts_with("From ")) header.remove_prefix(std::min(header.size(), header.find('\n') + 1));
    add_recipients(header.substr(0, header_end(header)), envelope.recipients);
  }
  if (envelope.recipients.empty())
    return fail(options.recipients_from_header ? Errc::syntax : Errc::invalid, options.recipients_from_header ? "the header names no recipients" : "no recipients");
  std::vector<std::string> each;
  for (auto& to : envelope.recipients)
    if (std::ranges::find(each, to) == each.end()) each.push_back(std::move(to));
  envelope.recipients = std::move(each);
  if (envelope.recipients.size() > drop::kMaxDropRecipients) return fail(Errc::syntax, "more than " + std::to_string(drop::kMaxDropRecipients) + " recipients");
  TRY_OK(check_addresses(envelope));

  TRY(auto writer, drop::DropWriter::create(where.directory));
  std::string head;
  drop::put_head(head, envelope);
  TRY_OK(writer.write(head));
  const auto most = static_cast<std::uint64_t>(config::kMaxMessageSize.get());
  for (std::uint64_t size = 0;;) {
    if (piece.empty()) {
      TRY(piece, input.next());
      if (piece.empty()) break;
    }
    size += piece.size();
    if (where.rules_known && size > most) return fail(Errc::too_large, "the message is larger than max_message_size, " + size_text(static_cast<std::int64_t>(most)));
    TRY_OK(writer.write(piece));
    piece.clear();
  }
  return writer.commit();
}

int run_mode(SendmailOptions& options) {
  Common common;
  common.config = config_path(options);
  switch (options.mode) {
    case SendmailOptions::Mode::list_queue: return queue_list(common, {}) == kDone ? EX_OK : EX_UNAVAILABLE;
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
