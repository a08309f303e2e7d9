#include "check/round_trip.h"

#include <algorithm>
#include <tuple>

#include "async/reactor.h"
#include "check/judge.h"
#include "check/sessions.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "proto/imap/flags.h"
#include "text/date.h"

namespace posthorn::check {
namespace {

using std::chrono::milliseconds;
constexpr auto kPoll = milliseconds(500);
constexpr std::size_t kNewest = 20;  // messages of a maildrop that are looked at

milliseconds since(Deadline start) { return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start); }

// --- the message
struct Letter {
  std::string id;  // Message-ID with its brackets
  std::string text;
};

Letter write_letter(const std::string& address, const smtp::Mailbox& mailbox) {
  const auto mark = crypto::to_hex(crypto::random_bytes(12));
  Letter out{.id = "<posthorn-check-" + mark + '@' + mailbox.domain + '>', .text = {}};
  const auto date = text::format_rfc5322_date({std::chrono::floor<std::chrono::seconds>(now()), 0});
  out.text =
      "From: " + address + "\r\nTo: " + address + "\r\nSubject: posthorn check " + mark + "\r\nDate: " + date +
      "\r\nMessage-ID: " + out.id +
      "\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
      "\"posthorn check --login\" has sent this to see whether it arrives. It deletes it again; if it is still here, you may do so.\r\n";
  return out;
}

// The header fields of one message of a maildrop; as much as is needed to see whether it is ours.
class FindId final : public client::Pop3Sink {
 public:
  explicit FindId(std::string id) : id_(std::move(id)) {}
  Result<void> begin(std::uint32_t) override {
    header_.clear();
    return {};
  }
  Result<void> put(std::string_view piece) override {
    constexpr std::size_t kHeader = 64 << 10;
    header_ += piece.substr(0, kHeader - std::min(kHeader, header_.size()));
    return {};
  }
  Task<Result<void>> end(std::uint32_t number) override {
    if (header_.find(id_) != header_.npos) found_ = number;
    co_return Result<void>();
  }
  Result<void> refused(std::uint32_t, const pop3::Reply&) override { return {}; }
  std::optional<std::uint32_t> found() const { return found_; }

 private:
  const std::string id_;
  std::string header_;
  std::optional<std::uint32_t> found_;
};

std::string words_of(const smtp::Reply& reply) {
  std::string out = std::to_string(reply.code);
  for (const auto& line : reply.lines) out += ' ' + line;
  return out;
}

// --- one trip
class Trip {
 public:
  Trip(World& world, Login login) : world_(world), login_(std::move(login)) {}

  Task<> sign_in(const std::vector<PortReport>& ports);
  Task<> send();
  Task<> see();
  RoundTrip take() { return std::move(out_); }

 private:
  bool is_safe(const PortReport& r) const;
  bool is_known(const std::string& host) const;
  Task<Result<std::string>> try_port(const PortReport& r);
  void keep(const PortReport& r);
  Task<> see_by_imap();
  Task<Result<bool>> look_by_imap(client::ImapConnection& imap, bool with_junk);
  Task<> delete_by_imap(client::ImapConnection& imap);
  Task<> see_by_pop3();
  Task<Result<bool>> look_by_pop3(bool remove);
  void say_missing(const std::string& place);

  World& world_;
  const Login login_;
  RoundTrip out_;
  Letter letter_;
  Deadline accepted_{}, until_{};
  const PortReport *submission_ = nullptr, *imap_ = nullptr, *pop3_ = nullptr;  // the best that let us in
};

bool Trip::is_known(const std::string& host) const { return std::ranges::find(login_.hosts, host) != login_.hosts.end(); }

bool Trip::is_safe(const PortReport& r) const {
  if (r.target.service == Service::smtp || r.reached != Reached::yes) return false;
  if (is_usable(r)) return true;
  const bool plain = r.spoke == Spoke::clear && !r.tls && r.before.seen && !r.before.start_tls;
  return plain && login_.credentials.allow_plaintext;
}

Task<Result<std::string>> Trip::try_port(const PortReport& r) {
  if (r.target.service == Service::submission) {
    CO_TRY(const auto connection, co_await open_smtp(world_, r, login_.credentials));
    auto by = connection->signed_in_by();
    co_await connection->quit();
    co_return by;
  }
  if (r.target.service == Service::imap) {
    CO_TRY(const auto connection, co_await open_imap(world_, r, login_.credentials));
    auto by = connection->signed_in_by();
    co_await connection->logout();
    co_return by;
  }
  CO_TRY(const auto connection, co_await open_pop3(world_, r, login_.credentials));
  auto by = connection->signed_in_by();
  (void)co_await connection->quit();
  co_return by;
}

void Trip::keep(const PortReport& r) {
  const PortReport*& best = r.target.service == Service::submission ? submission_ : r.target.service == Service::imap ? imap_ : pop3_;
  if (!best) best = &r;
}

// What is promised before what is guessed, TLS from the first byte before STARTTLS.
Task<> Trip::sign_in(const std::vector<PortReport>& ports) {
  std::vector<const PortReport*> order;
  for (const auto& r : ports) {
    if (!is_safe(r)) continue;
    if (r.target.vouched || is_known(r.target.host))
      order.push_back(&r);
    else
      out_.findings.warn(place_of(r),
                         "not signed in: the host is not of the domain, and what names it is neither signed (DNSSEC) nor a page of the "
                         "domain's own web server [RFC6186 6]",
                         "when you know it as your server: --login-at " + r.target.host);
  }
  std::ranges::sort(order, {}, [](const PortReport* r) {
    return std::tuple(!r->tls, r->target.named_by.empty(), r->target.expected != Security::implicit, r);
  });
  for (const auto* r : order) {
    const auto start = std::chrono::steady_clock::now();
    const auto by = co_await try_port(*r);
    out_.sign_ins.push_back(
        {r->target.service, place_of(*r), by.has_value(), by.value_or(""), since(start), by ? std::string() : by.error().text});
    if (by) keep(*r);
    if (by) continue;
    const bool refused = by.error().code == Errc::denied;
    out_.findings.error(place_of(*r), "signing in fails: " + in_quotes(by.error().text),
                        refused
                            ? "see whether the name (--user) and the password are right; no other port was tried, for accounts get locked"
                            : "look at the server's log");
    if (refused) co_return;
  }
  if (order.empty())
    out_.findings.error(login_.address, "there is no port on which it is safe to sign in",
                        "see above what is wrong with them; --insecure or --allow-plaintext go on all the same");
}

Task<> Trip::send() {
  const auto mailbox = smtp::parse_mailbox(login_.address);
  if (!mailbox) out_.findings.note(login_.address, "no message is sent: this is no address");
  if (!mailbox || !submission_) co_return;
  letter_ = write_letter(login_.address, *mailbox);
  const auto start = std::chrono::steady_clock::now();
  auto connection = co_await open_smtp(world_, *submission_, login_.credentials);
  std::string why = connection ? "" : connection.error().text, advice = "look at the server's log";
  if (connection) {
    client::TextSource source(letter_.text);
    client::MessageToSend message{
        .mail = {.reverse_path = *mailbox, .size = letter_.text.size()}, .recipients = {{.forward_path = *mailbox}}, .source = &source};
    message.mail.smtp_utf8 = smtp::needs_smtp_utf8(*mailbox);
    const auto result = co_await (*connection)->send(std::move(message));
    const auto& r = result.recipients.front();
    out_.sent = r.state == client::RecipientState::accepted;
    const bool unknown = r.state == client::RecipientState::unknown;
    if (!out_.sent)
      why = r.state == client::RecipientState::refused ? words_of(r.reply)
            : result.failure                           ? result.failure->text
                                                       : "nobody can say what became of it";
    if (unknown) advice += ", and delete the message if it comes: its Message-ID is " + letter_.id;
    co_await (*connection)->quit();
  }
  out_.sending = since(start);
  accepted_ = std::chrono::steady_clock::now();
  until_ = accepted_ + login_.patience;
  if (out_.sent)
    out_.sent_by = place_of(*submission_);
  else
    out_.findings.error(place_of(*submission_), "the message to " + login_.address + " is not accepted: " + in_quotes(why),
                        advice);
}

void Trip::say_missing(const std::string& place) {
  out_.findings.error(
      place, "the message did not arrive within " + std::to_string(login_.patience.count() / 1000) + " s; its Message-ID is " + letter_.id,
      "look at the server's queue and log, and delete the message when it comes");
}

Task<Result<bool>> Trip::look_by_imap(client::ImapConnection& imap, bool with_junk) {
  std::vector<std::string> mailboxes{"INBOX"};
  if (with_junk) {
    CO_TRY(const auto all, co_await imap.list());
    for (const auto& m : all)
      if (m.special_uses & static_cast<std::uint8_t>(imap::SpecialUse::junk)) mailboxes.push_back(m.name);
  }
  for (const auto& mailbox : mailboxes) {
    CO_TRY_OK(co_await imap.select(mailbox));
    CO_TRY(const auto found, co_await imap.search_header("Message-ID", letter_.id));
    if (found.empty()) continue;
    out_.mailbox = mailbox;
    co_return true;
  }
  co_return false;
}

Task<> Trip::delete_by_imap(client::ImapConnection& imap) {
  const auto found = co_await imap.search_header("Message-ID", letter_.id);
  Result<bool> removed = false;
  if (found)
    removed = co_await imap.expunge(*found);
  else
    removed = std::unexpected(found.error());
  out_.deleted = removed.value_or(false);
  if (!removed)
    out_.findings.warn(place_of(*imap_), "the message could not be deleted: " + in_quotes(removed.error().text),
                       "delete it; its Message-ID is " + letter_.id);
  else if (!*removed)
    out_.findings.note(place_of(*imap_), "the message is only marked as deleted: without UIDPLUS others could go with it",
                       "expunge the mailbox when you like");
}

Task<> Trip::see_by_imap() {
  auto imap = co_await open_imap(world_, *imap_, login_.credentials);
  bool seen = false;
  std::optional<Error> error;
  if (!imap) error = imap.error();
  while (!seen && !error) {
    const bool last = std::chrono::steady_clock::now() >= until_;
    const auto found = co_await look_by_imap(**imap, last || since(accepted_) > login_.patience / 4);
    if (!found)
      error = found.error();
    else
      seen = *found;
    if (last) break;
    if (!seen && !error) co_await sleep_for(kPoll);
  }
  if (seen) {
    out_.imap = since(accepted_);
    out_.seen_by_imap = place_of(*imap_);
    if (out_.mailbox != "INBOX")
      out_.findings.warn(place_of(*imap_), "the message came into " + in_quotes(out_.mailbox) + ", not into INBOX",
                         "see why the server takes it for junk: SPF, DKIM, DMARC");
  } else if (error) {
    out_.findings.error(place_of(*imap_), "looking for the message fails: " + in_quotes(error->text),
                        "look at the server's log, and delete the message; its Message-ID is " + letter_.id);
  } else {
    say_missing(place_of(*imap_));
  }
  // POP3 sees it first; then it goes.
  if (pop3_ && (!seen || out_.mailbox == "INBOX")) co_await see_by_pop3();
  if (seen) co_await delete_by_imap(**imap);
  if (imap) co_await (*imap)->logout();
}

Task<Result<bool>> Trip::look_by_pop3(bool remove) {
  CO_TRY(const auto pop3, co_await open_pop3(world_, *pop3_, login_.credentials));
  CO_TRY(auto listed, co_await pop3->list());
  std::vector<std::uint32_t> numbers;
  for (std::size_t i = listed.size() - std::min(kNewest, listed.size()); i < listed.size(); ++i) numbers.push_back(listed[i].number);
  FindId sink(letter_.id);
  if (!numbers.empty()) CO_TRY_OK(co_await pop3->top(numbers, 0, sink));
  if (remove && sink.found()) {
    const std::uint32_t number = *sink.found();
    CO_TRY(const auto refused, co_await pop3->remove(std::span(&number, 1)));
    CO_TRY_OK(co_await pop3->quit());
    out_.deleted = refused.empty();
  } else {
    (void)co_await pop3->quit();
  }
  co_return sink.found().has_value();
}

Task<> Trip::see_by_pop3() {
  std::optional<Error> error;
  bool seen = false;
  while (!seen && !error) {
    const bool last = std::chrono::steady_clock::now() >= until_;
    const auto found = co_await look_by_pop3(out_.seen_by_imap.empty());
    if (!found)
      error = found.error();
    else
      seen = *found;
    if (last) break;
    if (!seen && !error) co_await sleep_for(2 * kPoll);
  }
  if (seen) {
    out_.pop3 = since(accepted_);
    out_.seen_by_pop3 = place_of(*pop3_);
  } else if (error && error->code == Errc::unsupported) {
    out_.findings.note(place_of(*pop3_), "not looked for by POP3: the server has no TOP, and others' mail is not fetched");
  } else if (error) {
    out_.findings.error(place_of(*pop3_), "looking for the message fails: " + in_quotes(error->text), "look at the server's log");
  } else {
    say_missing(place_of(*pop3_));
  }
}

Task<> Trip::see() {
  if (!out_.sent) co_return;
  if (imap_)
    co_await see_by_imap();
  else if (pop3_)
    co_await see_by_pop3();
  else
    out_.findings.warn(login_.address, "a message was sent, and there is no server to see it by",
                       "delete it; its Message-ID is " + letter_.id);
}

}  // namespace

Task<RoundTrip> make_round_trip(World& world, const std::vector<PortReport>& ports, Login login) {
  Trip trip(world, std::move(login));
  co_await trip.sign_in(ports);
  co_await trip.send();
  co_await trip.see();
  co_return trip.take();
}

}  // namespace posthorn::check
