#include "server/drop/drop_box.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "client/line_ends.h"
#include "config/core_settings.h"
#include "delivery/postmaster.h"
#include "intake/transaction.h"
#include "proto/smtp/address.h"
#include "server/drop/drop_report.h"
#include "server/drop/local_user.h"
#include "server/drop/settings.h"
#include "text/ascii.h"

namespace posthorn::drop {
namespace {

using namespace std::chrono_literals;
using kv::Space;

inline Counter files_taken{"drop.messages", "Messages of programs on this machine (sendmail) taken in since the start."};
inline Counter files_bad{"drop.refused", "Dropped files that were no messages or could not be sent, since the start."};

constexpr std::size_t kPiece = 32 << 10;
constexpr std::uint32_t kMaxReceived = 50;
constexpr std::string_view kRow = "drop/";
// A change may come right behind a look, within the clock of the file system: until then a look is repeated.
constexpr auto kPoll = 500ms;
constexpr std::int64_t kRecent = 3'000'000'000;  // nanoseconds
constexpr int kLooksAnyway = 120;
constexpr int kPatience = 20;  // polls after trouble of our own

std::string row_key(const std::string& name) { return std::string(kRow) + name; }

bool is_bad(Errc code) { return code == Errc::invalid || code == Errc::syntax || code == Errc::limit || code == Errc::too_large; }

intake::Origin origin_of(const LocalUser& user) {
  intake::Origin origin;
  origin.helo = "localhost";
  origin.with = "local";
  origin.account = "user " + user.name + " of this machine";
  return origin;
}

Task<> write_all(intake::Transaction& message, std::string_view text) {
  for (; !text.empty(); text.remove_prefix(std::min(kPiece, text.size()))) co_await message.write(text.substr(0, kPiece));
}

}  // namespace

void DropBox::start(Reactor& reactor) {
  started_ = true;
  tasks_.spawn(reactor, run(*this));
}

void DropBox::stop() {
  stopping_ = true;
  if (started_) run_task(tasks_.join());
  started_ = false;
}

Task<> DropBox::run(DropBox& self) {
  if (auto done = co_await self.recover(); !done) log::error("drop.not_recovered", {{"error", done.error()}});
  while (!self.stopping_) {
    const auto seen = self.directory_.changed();
    const auto looked = co_await self.look();
    if (!looked) log::warning("drop.look_failed", {{"error", looked.error()}});
    if (self.more_ && !self.trouble_) continue;
    self.trouble_ = self.trouble_ || !looked;
    while (!self.stopping_) {
      const bool changed = co_await self.wait_for_change(seen);
      if (changed) break;
    }
  }
}

// True: it is time to look.
Task<bool> DropBox::wait_for_change(std::int64_t seen) {
  for (int i = 0; i < kLooksAnyway && !stopping_; ++i) {
    co_await sleep_for(kPoll);
    if (trouble_) {
      if (i >= kPatience) co_return true;
      continue;
    }
    const auto changed = directory_.changed();
    const auto clock = std::chrono::duration_cast<std::chrono::nanoseconds>(now().time_since_epoch()).count();
    if (changed != seen || clock - changed < kRecent) co_return true;
  }
  co_return true;
}

Task<Result<void>> DropBox::recover() {
  for (std::string from(kRow);;) {
    CO_TRY(const auto rows, co_await parts_.kv.scan({Space::meta, 0, from, std::string("drop0")}));  // '0' follows '/'
    for (const auto& row : rows.rows) {
      const auto name = row.key.substr(kRow.size());
      const auto gone = co_await disk_.run([&] { return directory_.remove(name); });
      if (gone) removed_.push_back(name);
      else log::error("drop.not_removed", {{"file", name}, {"error", gone.error()}});
      from = row.key + '\0';
    }
    CO_TRY_OK(co_await forget_removed());
    if (!rows.more) co_return Result<void>{};
  }
}

Task<Result<std::size_t>> DropBox::look() {
  trouble_ = more_ = false;
  CO_TRY(const auto found, co_await disk_.run([&] { return directory_.list(); }));
  std::size_t taken = 0;
  for (const auto& name : found.names) {
    if (stopping_) break;
    const auto fate = co_await take(name);
    taken += fate == Fate::taken;
    trouble_ = trouble_ || fate == Fate::later;
    more_ = more_ || (found.more && fate != Fate::later && fate != Fate::stuck);
  }
  CO_TRY_OK(co_await forget_removed());
  co_return taken;
}

// The rows of files whose removal is on stable storage.
Task<Result<void>> DropBox::forget_removed() {
  if (removed_.empty()) co_return Result<void>{};
  CO_TRY_OK(co_await disk_.run([&] { return directory_.sync(); }));
  kv::Batch batch;
  for (const auto& name : removed_) batch.erase(Space::meta, 0, row_key(name));
  CO_TRY_OK(co_await parts_.kv.write_ahead(std::move(batch)));
  removed_.clear();
  co_return Result<void>{};
}

Task<DropBox::Fate> DropBox::take(std::string name) {
  const auto row = co_await parts_.kv.get(Space::meta, 0, row_key(name));
  if (!row) co_return Fate::later;
  const bool known = row->has_value();
  if (!known) {
    Incoming in{.name = name};
    auto done = co_await open(name, in);
    if (!done && done.error().code == Errc::not_found) co_return Fate::gone;
    if (done) done = co_await submit(in);
    if (!done && is_bad(done.error().code)) co_return co_await put_aside(in, done.error());
    if (!done) {
      log::warning("drop.later", {{"file", name}, {"error", done.error()}});
      co_return Fate::later;
    }
    files_taken.add();
  }
  const auto gone = co_await disk_.run([&] { return directory_.remove(name); });
  if (gone) removed_.push_back(name);
  else log::error("drop.not_removed", {{"file", name}, {"error", gone.error()}});
  if (!gone) co_return Fate::stuck;
  co_return known ? Fate::gone : Fate::taken;
}

// The file's head and who has left it.
Task<Result<void>> DropBox::open(const std::string& name, Incoming& in) {
  CO_TRY(in.file, co_await disk_.run([&] { return directory_.take(name); }));
  CO_TRY(in.top, co_await read(in.file, 0, kMaxHead));
  in.message = in.top;
  CO_TRY(auto envelope, take_head(in.message));
  CO_TRY(in.user, co_await disk_.run([&] { return local_user(in.file.owner); }));
  const auto sender = choose_sender(in.user, envelope.sender, rules());
  if (sender.replaced)
    log::warning("drop.sender_replaced", {{"user", in.user.name}, {"asked_for", *envelope.sender}, {"from", sender.reverse_path}});
  in.reverse_path = sender.reverse_path;
  in.envelope = std::move(envelope);
  co_return Result<void>{};
}

// bad/ is out of reach for who left it, so he is told first; the row that goes with the report keeps it the only one.
Task<DropBox::Fate> DropBox::put_aside(const Incoming& in, Error why) {
  const bool has_head = !in.envelope.recipients.empty();
  if (has_head) {
    auto told = co_await report(in, why);
    if (!told && is_bad(told.error().code)) told = false;  // it never will be
    if (!told) {
      log::warning("drop.later", {{"file", in.name}, {"error", told.error()}});
      co_return Fate::later;
    }
    log::error("drop.not_sent", {{"file", in.name}, {"user", in.user.name}, {"from", in.reverse_path}, {"reported", *told}, {"error", why}});
  } else log::warning("drop.refused", {{"file", in.name}, {"error", why}});
  files_bad.add();
  auto aside = co_await disk_.run([&] { return directory_.put_aside(in.name); });
  if (!aside) {
    log::error("drop.not_put_aside", {{"file", in.name}, {"error", aside.error()}});
    aside = co_await disk_.run([&] { return directory_.remove(in.name); });
  }
  if (!aside) co_return Fate::stuck;
  if (has_head) removed_.push_back(in.name);
  co_return Fate::bad;
}

// False: nobody wants one.
Task<Result<bool>> DropBox::report(const Incoming& in, Error why) {
  Unsent unsent{.envelope = &in.envelope,
                .reverse_path = in.reverse_path,
                .recipients = {},
                .message = in.message,
                .whole = in.top.size() == in.file.size,
                .size = in.file.size,
                .why = std::move(why)};
  const auto rules = this->rules();
  for (const auto& to : in.envelope.recipients) unsent.recipients.push_back(qualified(to, rules));
  const auto postmaster = delivery::postmaster_of(parts_.directory, parts_.hostname);
  const auto report = report_unsent(unsent, parts_.hostname, postmaster);
  if (!report) co_return false;

  smtp::Envelope out{.reverse_path = {}, .forward_paths = {}, .options = {}, .submitter = {}};
  out.ours = true;
  out.options.body = smtp::Body::eight_bit_mime;
  out.options.smtp_utf8 = report->smtp_utf8;
  smtp::ForwardPath path{.address = report->recipient, .accounts = {}, .remote = {report->recipient}, .options = {}};
  path.options.notify = smtp::Notify{.never = true};  // [RFC3461 6.1]
  out.forward_paths.push_back(std::move(path));
  intake::Options options{.hostname = parts_.hostname, .max_size = report->text.size(), .max_received = kMaxReceived};
  options.queue = &parts_.queue;
  options.trace = parts_.trace;
  options.rows.put(Space::meta, 0, row_key(in.name), std::to_string(now().time_since_epoch().count()));
  intake::Transaction message(parts_.store, std::move(out), origin_of(in.user), std::move(options));
  co_await write_all(message, report->text);
  CO_TRY_OK(co_await message.commit());
  co_return true;
}

Task<Result<std::string>> DropBox::read(const DroppedFile& file, std::uint64_t at, std::size_t most) {
  co_return co_await disk_.run([&]() -> Result<std::string> {
    std::string out(most, '\0');
    std::size_t have = 0;
    while (have < most) {
      const auto n = ::pread(file.file->fd(), out.data() + have, most - have, static_cast<off_t>(at + have));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail(Errc::io, std::string("it cannot be read: ") + std::strerror(errno));
      if (n == 0) break;
      have += static_cast<std::size_t>(n);
    }
    out.resize(have);
    return out;
  });
}

SenderRules DropBox::rules() const {
  const auto& directory = parts_.directory;
  SenderRules out{.origin = kOrigin.get(), .is_ours = [this](std::string_view domain) {
                    return text::iequals(domain, parts_.hostname) || parts_.directory.is_local_domain(domain);
                  }};
  if (!out.origin.empty()) return out;
  const auto domains = directory.domains();
  const bool own = domains.empty() || directory.is_local_domain(parts_.hostname);
  out.origin = own ? parts_.hostname : *std::ranges::min_element(domains);
  return out;
}

Task<Result<void>> DropBox::submit(const Incoming& in) {
  const auto max_size = static_cast<std::uint64_t>(config::kMaxMessageSize.get());
  if (in.file.size > max_size + kMaxHead) co_return fail(Errc::too_large, "it is larger than max_message_size");
  const auto rules = this->rules();
  smtp::Envelope out{.reverse_path = in.reverse_path, .forward_paths = {}, .options = {}, .submitter = {}};
  out.ours = true;
  out.options.body = smtp::Body::eight_bit_mime;
  out.options.ret = in.envelope.ret;
  out.options.envelope_id = in.envelope.envelope_id;
  for (const auto& to : in.envelope.recipients) {
    const auto mailbox = smtp::parse_mailbox(qualified(to, rules));
    if (!mailbox) co_return fail(Errc::syntax, "'" + to.substr(0, 100) + "' is no address");
    const auto address = smtp::to_string(*mailbox);
    out.options.smtp_utf8 = out.options.smtp_utf8 || smtp::needs_smtp_utf8(*mailbox);
    smtp::ForwardPath path{.address = address, .accounts = {}, .remote = {address}, .options = {}};
    path.options.notify = in.envelope.notify;
    out.forward_paths.push_back(std::move(path));
  }
  intake::Options options{
      .hostname = parts_.hostname, .max_size = max_size, .max_received = kMaxReceived, .fix_ups = intake::FixUps::submission};
  options.queue = &parts_.queue;
  options.trace = parts_.trace;
  const auto own = smtp::to_string({in.user.name, rules.origin});
  options.from = from_field(in.envelope.full_name, in.reverse_path.empty() ? own : in.reverse_path);
  options.rows.put(Space::meta, 0, row_key(in.name), std::to_string(now().time_since_epoch().count()));
  intake::Transaction message(parts_.store, std::move(out), origin_of(in.user), std::move(options));

  client::LineEnds line_ends;
  std::string piece(in.message), lines;
  // The head may have filled what was read so far: only the file's end ends the message.
  for (std::uint64_t at = in.top.size();; at += piece.size()) {
    for (std::string_view left = piece; !left.empty(); left.remove_prefix(std::min(kPiece, left.size()))) {
      lines.clear();
      line_ends.put(lines, left.substr(0, kPiece));
      co_await message.write(lines);
    }
    if (message.failed()) break;
    CO_TRY(piece, co_await read(in.file, at, kPiece));
    if (piece.empty()) break;
  }
  lines.clear();
  line_ends.finish(lines);
  if (!lines.empty()) co_await message.write(lines);
  CO_TRY(const auto receipt, co_await message.commit());
  log::info("drop.accepted", {{"message", receipt.id},
                              {"user", in.user.name},
                              {"from", in.reverse_path},
                              {"to", in.envelope.recipients.front()},
                              {"recipients", in.envelope.recipients.size()},
                              {"size", receipt.size}});
  co_return Result<void>{};
}

}  // namespace posthorn::drop
