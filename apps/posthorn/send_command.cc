// posthorn send: from the options to a server and back.
#include <sysexits.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "async/reactor.h"
#include "async/worker_pool.h"
#include "base/ip_address.h"
#include "client/submission.h"
#include "client_roads.h"
#include "progress.h"
#include "proto/smtp/address.h"
#include "send_message.h"
#include "send_options.h"
#include "send_report.h"
#include "send_smap.h"

namespace posthorn {
namespace {

using namespace std::chrono_literals;
using client::Scheme;

constexpr std::uint64_t kWorthABar = 256 * 1024;

// Somebody may be waiting before the screen.
client::SmtpTimeouts patience() {
  client::SmtpTimeouts t;
  t.connect = 15s;
  t.tls = 30s;
  t.greeting = 60s;
  t.command = 2min;
  t.transaction = 24h;  // a large file over a slow line; each wait has its own end
  return t;
}

struct Server {
  Place place;  // whose `url` is the one to send through
  std::vector<client::Door> doors;
  std::map<std::uint16_t, std::uint16_t> mapped;
};

bool is_url(const std::string& name) { return name.contains("://") || name.starts_with("lmtp:"); }

// A host, with or without user and port, as a URL: what is usual behind that port.
std::string url_of_host(std::string host) {
  if (const auto address = IpAddress::parse(host); address && !address->is_v4()) host = '[' + host + ']';
  const auto url = client::parse_mail_url("submissions://" + host);
  if (!url || url->port == 0 || url->port == client::default_port(Scheme::submissions)) return "submissions://" + host;
  return (url->port == client::default_port(Scheme::smtp) ? "smtp://" : "submission://") + host;
}

bool is_smap(Scheme s) { return s == Scheme::smap || s == Scheme::smaps; }
bool sends(Scheme s) { return s == Scheme::smtp || s == Scheme::submission || s == Scheme::submissions || s == Scheme::lmtp; }

Result<std::map<std::uint16_t, std::uint16_t>> read_maps(const std::vector<std::string>& given) {
  std::map<std::uint16_t, std::uint16_t> out;
  for (const auto& one : given) {
    std::uint16_t from = 0, to = 0;
    const auto* const end = one.data() + one.size();
    const auto left = std::from_chars(one.data(), end, from);
    const bool good =
        left.ec == std::errc() && left.ptr != end && *left.ptr == '=' && std::from_chars(left.ptr + 1, end, to).ptr == end && to != 0;
    if (!good) return fail(Errc::invalid, "--map '" + one + "': it is two ports, as 465=10465");
    out[from] = to;
  }
  return out;
}

Result<Server> find_server(const SendOptions& o) {
  Server out;
  auto named = o.place;
  if (named.name.empty()) named.name = "default";
  bool port_is_known = true;
  if (!is_url(named.name)) {
    TRY(const bool account, has_account(o.client, named.name));
    if (!account && o.place.name.empty())
      return fail(Errc::invalid, "through which server? Say --server, or make an account named default");
    if (!account) {
      named.name = url_of_host(named.name);
      const auto url = client::parse_mail_url(named.name);
      port_is_known = url && url->port != 0;
    }
  }
  TRY(out.place, find_place(o.client, named));
  auto& place = out.place;
  if (place.send_url) place.url = *place.send_url;
  if (is_smap(place.url.scheme)) return out;
  if (!sends(place.url.scheme))
    return fail(Errc::invalid,
                "no mail can be sent through " + client::to_string(place.url) + ": it takes smtp, submission, submissions, lmtp or smap");
  const client::DoorWishes wishes{.port_is_known = port_is_known,
                                  .fallback = !o.no_fallback,
                                  .allow_plaintext = place.allow_plaintext,
                                  .protect = !place.url.user.empty() || o.require_tls};
  out.doors = client::doors_of(place.url, wishes);
  TRY(out.mapped, read_maps(o.maps));
  return out;
}

// [RFC5321 4.1.4] Our name; an address literal where this machine has none that others could know.
std::string own_name(const SendOptions& o) {
  if (!o.hello.empty()) return o.hello;
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) == 0 && std::strchr(name, '.') && smtp::is_domain(name)) return name;
  return "[127.0.0.1]";
}

client::Transcript transcript_to_stderr() {
  return [](const client::TranscriptLine& line) {
    using Kind = client::TranscriptLine::Kind;
    const char* const who = line.kind == Kind::sent ? "C:" : line.kind == Kind::received ? "S:" : "--";
    std::fprintf(stderr, "%s %s\n", who, printable(line.text).c_str());
  };
}

class Sending {
 public:
  Sending(const SendOptions& o, const Server& server, const Outgoing& message)
      : server_(server), message_(message), progress_(!o.client.json && !o.client.quiet && !o.client.verbose) {}

  Task<Result<SendReport>> run(client::SmtpOptions smtp, const client::TlsForHosts& tls) {
    const client::SubmissionServer target{.url = server_.place.url,
                                          .doors = server_.doors,
                                          .mapped = server_.mapped,
                                          .trying = [this](const client::Door& door) { show_attempt(door); }};
    auto open = co_await client::open_submission(target, smtp, tls, pool_);
    progress_.end();
    if (!open) co_return std::unexpected(std::move(open).error());
    begin_report(*open);
    if (open->connection) co_await send_all(*open->connection);
    progress_.end();
    co_return std::move(report_);
  }

  Task<Result<SendReport>> run(client::SmapOptions smap) {
    report_.size = client::length_of(message_.pieces);
    auto report = co_await send_by_smap(server_.place, std::move(smap), message_, pool_, [this](std::uint64_t done) { show(done); });
    progress_.end();
    co_return report;
  }

 private:
  void begin_report(client::OpenSubmission& open) {
    report_.host = server_.place.url.host.empty() ? server_.place.url.path : server_.place.url.host;
    report_.tried = std::move(open.tried);
    report_.door = open.door;
    report_.opened = open.connection != nullptr;
    report_.message_id = message_.message_id;
    report_.size = message_.mail.size.value_or(0);
    report_.longest_line = message_.longest_line;
    for (const auto& one : message_.recipients) report_.recipients.push_back(smtp::to_string(one.forward_path));
    if (!report_.opened) return;
    report_.tls_version = open.connection->tls().version;
    report_.tls_cipher = open.connection->tls().cipher;
    report_.signed_in_by = open.connection->signed_in_by();
    const auto& mail = message_.mail;
    const bool notices = mail.ret || mail.envelope_id || message_.recipients.front().notify;
    report_.no_notices = notices && !open.connection->extensions().dsn;
  }

  // In as many transactions as the server wants; each of them has recipients that none before it had. [RFC5321 4.5.3.1.10]
  Task<> send_all(client::SmtpConnection& connection) {
    report_.results.resize(message_.recipients.size());
    std::vector<std::size_t> left(message_.recipients.size());
    for (std::size_t i = 0; i < left.size(); ++i) left[i] = i;
    while (!left.empty() && connection.is_usable()) {
      const auto before = left.size();
      left = co_await send_to(connection, std::move(left));
      if (report_.failure || left.size() == before) break;
    }
    co_await connection.quit();
  }

  // Answers with those that are left for another transaction.
  Task<std::vector<std::size_t>> send_to(client::SmtpConnection& connection, std::vector<std::size_t> whom) {
    client::PieceSource source(message_.pieces, pool_, [this](std::uint64_t done) { show(done); });
    client::MessageToSend one{.mail = message_.mail, .recipients = {}, .source = &source};
    for (const auto i : whom) one.recipients.push_back(message_.recipients[i]);
    auto result = co_await connection.send(std::move(one));
    std::vector<std::size_t> left;
    for (std::size_t i = 0; i < whom.size(); ++i) {
      report_.results[whom[i]] = result.recipients[i];
      if (result.recipients[i].state == client::RecipientState::postponed) left.push_back(whom[i]);
    }
    report_.failure = std::move(result.failure);
    co_return left;
  }

  // A port that lets nobody in takes some time.
  void show_attempt(const client::Door& door) {
    progress_.end();
    progress_.show("posthorn send: connecting to " + printable(server_.place.url.host) + ' ' + client::to_string(door));
  }
  void show(std::uint64_t done) {
    if (report_.size < kWorthABar) return;
    progress_.show({.what = "posthorn send", .done = done, .total = report_.size, .unit = client::ProgressUnit::bytes});
  }

  const Server& server_;
  const Outgoing& message_;
  Progress progress_;
  WorkerPool pool_{1};
  SendReport report_;
};

// An error, and the exit code where it is not that of its class.
struct Ending {
  Ending(Error e, std::optional<int> c = {}) : error(std::move(e)), code(c) {}  // NOLINT(google-explicit-constructor): for TRY
  Error error;
  std::optional<int> code;
};

// What is missing or malformed before there is a server is the message, or a file of it.
template <class T>
std::expected<T, Ending> of_input(Result<T> from) {
  if (from) return *std::move(from);
  const auto code = from.error().code;
  return std::unexpected(Ending(from.error(), code == Errc::not_found ? std::optional(EX_NOINPUT)
                                              : code == Errc::syntax  ? std::optional(EX_DATAERR)
                                                                      : std::nullopt));
}
template <class T>
std::expected<T, Ending> of_password(Result<T> from) {
  if (from) return *std::move(from);
  const auto code = from.error().code;
  const bool of_its_class = code == Errc::invalid || code == Errc::timed_out;
  return std::unexpected(Ending(from.error(), of_its_class ? std::nullopt : std::optional(EX_NOPERM)));
}

// The message, or its text, comes from standard input.
bool reads_input(const SendOptions& o) {
  if (!o.writes()) return o.file.empty() || o.file == "-";
  return o.html_file == "-" || o.body_file == "-" || (!o.body && o.body_file.empty());
}

std::expected<SendReport, Ending> send(const SendOptions& o) {
  TRY(const auto server, find_server(o));
  if (o.place.secret.file == "-" && reads_input(o))
    return std::unexpected(Error{Errc::invalid, "standard input cannot be the password and the message"});
  TRY(const auto tls, client::TlsForHosts::make(server.place.trust));
  TRY(const auto message, of_input(make_outgoing(o, server.place.url.user)));
  if (is_smap(server.place.url.scheme)) {
    TRY(auto credentials, of_password(obtain_credentials(server.place)));
    TRY(auto smap, smap_options_of(server.place, std::move(credentials)));
    if (o.client.verbose) smap.transcript = transcript_to_stderr();
    Sending sending(o, server, message);
    TRY(auto report, run_task(sending.run(std::move(smap))));
    return report;
  }
  client::SmtpOptions smtp;
  TRY(smtp.credentials, of_password(obtain_credentials(server.place)));
  smtp.hello = own_name(o);
  smtp.timeouts = patience();
  if (o.client.verbose) smtp.transcript = transcript_to_stderr();
  Sending sending(o, server, message);
  TRY(auto report, run_task(sending.run(std::move(smtp), tls)));
  return report;
}

}  // namespace

int send_command(const SendOptions& o) {
  const auto report = send(o);
  if (!report) return say_client_error(o.client, "send", report.error().error, report.error().code);
  say_report(o, *report);
  return exit_code_of(*report);
}

}  // namespace posthorn
