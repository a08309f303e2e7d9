#include "server/drop/drop_box.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "client/line_ends.h"
#include "config/core_settings.h"
#include "intake/transaction.h"
#include "proto/smtp/address.h"
#include "server/drop/settings.h"
#include "text/ascii.h"

namespace posthorn::drop {
namespace {

using namespace std::chrono_literals;
using kv::Space;

inline Counter files_taken{"drop.messages", "Messages of programs on this machine (sendmail) taken in since the start."};
inline Counter files_bad{"drop.refused", "Dropped files that were no messages, since the start."};

constexpr std::size_t kPiece = 32 << 10;
constexpr std::uint32_t kMaxReceived = 50;
constexpr std::string_view kRow = "drop/";
// A change may come right behind a look, within the clock of the file system: until then a look is repeated.
constexpr auto kPoll = 500ms;
constexpr std::int64_t kRecent = 3'000'000'000;  // nanoseconds
constexpr int kLooksAnyway = 120;
constexpr int kPatience = 20;  // polls after trouble of our own

std::string row_key(const std::string& name) { return std::string(kRow) + name; }

LocalUser user_of(uid_t uid) {
  LocalUser out{.name = "user" + std::to_string(uid), .trusted = uid == 0 || uid == ::geteuid()};
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found) out.name = found->pw_name;
  out.trusted = out.trusted || is_among(out.name, kTrustedUsers.get());
  return out;
}

std::string from_field(const DropEnvelope& envelope, const std::string& sender) {
  if (envelope.full_name.empty()) return '<' + sender + '>';
  std::string quoted;
  for (const char c : envelope.full_name) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return '"' + quoted.substr(0, 200) + "\" <" + sender + '>';
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
  trouble_ = false;
  CO_TRY(const auto found, co_await disk_.run([&] { return directory_.list(); }));
  more_ = found.more;
  std::size_t taken = 0;
  for (const auto& name : found.names) {
    if (stopping_) break;
    const auto fate = co_await take(name);
    taken += fate == Fate::taken;
    trouble_ = trouble_ || fate == Fate::later;
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
  bool known = row->has_value();
  if (!known) {
    auto file = co_await disk_.run([&] { return directory_.take(name); });
    if (!file && file.error().code == Errc::not_found) co_return Fate::gone;
    Result<void> done = file ? Result<void>{} : std::unexpected(file.error());
    if (file) done = co_await submit(name, *file);
    if (!done) {
      const auto code = done.error().code;
      const bool bad = code == Errc::invalid || code == Errc::syntax || code == Errc::limit || code == Errc::too_large;
      log::warning(bad ? "drop.refused" : "drop.later", {{"file", name}, {"error", done.error()}});
      if (!bad) co_return Fate::later;
      files_bad.add();
      const auto aside = co_await disk_.run([&] { return directory_.put_aside(name); });
      if (!aside) log::error("drop.not_put_aside", {{"file", name}, {"error", aside.error()}});
      co_return aside ? Fate::bad : Fate::later;
    }
    files_taken.add();
  }
  const auto gone = co_await disk_.run([&] { return directory_.remove(name); });
  if (gone) removed_.push_back(name);
  else log::error("drop.not_removed", {{"file", name}, {"error", gone.error()}});
  if (!gone) co_return Fate::later;
  co_return known ? Fate::gone : Fate::taken;
}

Task<Result<std::string>> DropBox::read(DroppedFile& file, std::uint64_t at, std::size_t most) {
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

Task<Result<void>> DropBox::submit(const std::string& name, DroppedFile& file) {
  const auto max_size = static_cast<std::uint64_t>(config::kMaxMessageSize.get());
  if (file.size > max_size + kMaxHead) co_return fail(Errc::too_large, "it is larger than max_message_size");
  CO_TRY(const auto top, co_await read(file, 0, kMaxHead));
  std::string_view rest = top;
  CO_TRY(const auto envelope, take_head(rest));
  const auto user = co_await disk_.run([&] { return user_of(file.owner); });
  const auto rules = this->rules();
  const auto sender = choose_sender(user, envelope.sender, rules);
  if (sender.replaced)
    log::warning("drop.sender_replaced", {{"user", user.name}, {"asked_for", *envelope.sender}, {"from", sender.reverse_path}});

  smtp::Envelope out{.reverse_path = sender.reverse_path, .forward_paths = {}, .options = {}, .submitter = {}};
  out.ours = true;
  out.options.body = smtp::Body::eight_bit_mime;
  out.options.ret = envelope.ret;
  out.options.envelope_id = envelope.envelope_id;
  for (const auto& to : envelope.recipients) {
    const auto mailbox = smtp::parse_mailbox(qualified(to, rules));
    if (!mailbox) co_return fail(Errc::syntax, "'" + to.substr(0, 100) + "' is no address");
    const auto address = smtp::to_string(*mailbox);
    out.options.smtp_utf8 = out.options.smtp_utf8 || smtp::needs_smtp_utf8(*mailbox);
    smtp::ForwardPath path{.address = address, .accounts = {}, .remote = {address}, .options = {}};
    path.options.notify = envelope.notify;
    out.forward_paths.push_back(std::move(path));
  }
  intake::Origin origin;
  origin.helo = "localhost";
  origin.with = "local";
  origin.account = "user " + user.name + " of this machine";
  intake::Options options{
      .hostname = parts_.hostname, .max_size = max_size, .max_received = kMaxReceived, .fix_ups = intake::FixUps::submission};
  options.queue = &parts_.queue;
  options.trace = parts_.trace;
  options.from = from_field(envelope, sender.reverse_path.empty() ? smtp::to_string({user.name, rules.origin}) : sender.reverse_path);
  options.rows.put(Space::meta, 0, row_key(name), std::to_string(now().time_since_epoch().count()));
  intake::Transaction message(parts_.store, std::move(out), std::move(origin), std::move(options));

  client::LineEnds line_ends;
  std::string piece(rest), lines;
  for (std::uint64_t at = top.size(); !piece.empty(); at += piece.size()) {
    for (std::string_view left = piece; !left.empty(); left.remove_prefix(std::min(kPiece, left.size()))) {
      lines.clear();
      line_ends.put(lines, left.substr(0, kPiece));
      co_await message.write(lines);
    }
    if (message.failed()) break;
    CO_TRY(piece, co_await read(file, at, kPiece));
  }
  lines.clear();
  line_ends.finish(lines);
  if (!lines.empty()) co_await message.write(lines);
  const auto from = message.envelope().reverse_path;
  CO_TRY(const auto receipt, co_await message.commit());
  log::info("drop.accepted", {{"message", receipt.id},
                              {"user", user.name},
                              {"from", from},
                              {"to", envelope.recipients.front()},
                              {"recipients", envelope.recipients.size()},
                              {"size", receipt.size}});
  co_return Result<void>{};
}

}  // namespace posthorn::drop
