// ADD: what is to be done with a message, word by word. [SMAP1 10.1]
#include <algorithm>
#include <utility>

#include "intake/settings.h"
#include "intake/submission.h"
#include "proto/smap/flags.h"
#include "proto/smap/words.h"
#include "proto/smtp/parameters.h"
#include "server/smap/add_batch.h"
#include "server/smap/session.h"
#include "text/ascii.h"
#include "text/date.h"

namespace posthorn::smap {
namespace {

Error bad_address(const Error& why) { return {Errc::syntax, "That is no address: " + why.text}; }

// [SMAP1 10.2] As the argument of MAIL, with or without brackets; nothing is the null reverse-path.
Result<std::optional<smtp::Mailbox>> parse_sender(std::string_view word) {
  if (word.empty()) return std::nullopt;
  auto sender = smtp::take_reverse_path(word);
  if (!sender) return std::unexpected(bad_address(sender.error()));
  if (!word.empty()) return fail(Errc::syntax, "Something stands behind the address");
  return sender;
}

Result<smtp::Mailbox> parse_recipient(std::string_view word) {
  auto recipient = smtp::take_forward_path(word);
  if (!recipient) return std::unexpected(bad_address(recipient.error()));
  if (!word.empty()) return fail(Errc::syntax, "Something stands behind the address");
  return recipient;
}

Result<smtp::Notify> parse_notify(std::string_view list) {
  smtp::Rcpt rcpt;
  const bool bad = list.find(' ') != list.npos || smtp::take_rcpt_parameters("NOTIFY=" + text::to_upper(list), rcpt) || !rcpt.notify;
  if (bad) return fail(Errc::syntax, "NOTIFY is a list of SUCCESS, FAILURE and DELAY, or NEVER");
  return *rcpt.notify;
}

}  // namespace

Session::Outcome Session::cmd_add(Words& words) {
  if (!batch_) batch_ = std::make_shared<AddBatch>();
  const auto batch = batch_;
  std::string done = "Nothing was set";
  while (!words.at_end()) {
    const auto word = words.take();
    if (const auto form = parse_upload_form(word)) {
      auto reply = co_await upload(*batch, *form);
      if (reply && reply->is_ok) batch_.reset();  // [SMAP1 10.1] else it is kept
      co_return reply;
    }
    const auto setting = split_attribute(word);
    if (!setting.has_value && text::iequals(word, "FOLDER")) {
      CO_TRY_OK(co_await set_folder(*batch, words));
      done = "Will add to this folder";
      continue;
    }
    if (!setting.has_value) continue;  // unknown words are ignored
    const std::string name = text::to_upper(setting.name), value(setting.value);
    CO_TRY(const bool known, co_await set(*batch, name, value));
    if (known) done = name + " set";
  }
  co_return ok(done);
}

// The words up to an empty one.  What is there is not touched unless all is well.
Task<Result<void>> Session::set_folder(AddBatch& batch, Words& words) {
  CO_TRY(auto path, take_path(words));
  CO_TRY(batch.target, co_await locate(path, store::kInsert));
  batch.folder = std::move(path);
  co_return Result<void>{};
}

// False: no such setting.  `name` is in upper case.
Task<Result<bool>> Session::set(AddBatch& batch, std::string name, std::string value) {
  if (name == "MAILFROM") {
    CO_TRY_OK(co_await set_sender(batch, value));
  } else if (name == "RCPTTO") {
    CO_TRY_OK(co_await add_recipient(batch, value));
  } else if (name == "NOTIFY") {
    CO_TRY(batch.notify, parse_notify(value));
  } else if (name == "FLAGS") {
    batch.flags = parse_flag_list(value);
  } else if (name == "KEYWORDS") {
    CO_TRY(batch.keywords, parse_keyword_list(value));
  } else if (name == "INTERNALDATE") {
    const auto date = text::parse_rfc5322_date(value);
    if (!date) co_return fail(Errc::syntax, "That is no date");
    batch.date = {.seconds = date->time.time_since_epoch().count(), .zone_minutes = static_cast<std::int16_t>(date->offset_minutes)};
  } else {
    co_return false;
  }
  co_return true;
}

// [SMAP1 10.2] One that the user may send as.
Task<Result<void>> Session::set_sender(AddBatch& batch, std::string value) {
  CO_TRY(auto sender, parse_sender(value));
  CO_TRY(const auto objection, co_await intake::judge_sender(context_.services.directory, identity(), sender));
  if (objection) co_return fail(Errc::denied, objection->text);
  batch.needs_utf8 = batch.needs_utf8 || (sender && smtp::needs_smtp_utf8(*sender));
  batch.sender = std::move(sender);
  batch.has_sender = true;
  co_return Result<void>{};
}

// As RCPT of a user who has signed in.
Task<Result<void>> Session::add_recipient(AddBatch& batch, std::string value) {
  CO_TRY(const auto mailbox, parse_recipient(value));
  if (std::cmp_greater_equal(batch.recipients.size(), intake::kMaxRecipients.get())) co_return fail(Errc::denied, "Too many recipients");
  const auto& services = context_.services;
  auto path = co_await intake::resolve_here(services.directory, services.store, services.hostname, mailbox, 1);
  if (!path && path.error().code == Errc::invalid) path = intake::path_elsewhere(mailbox);
  if (!path && path.error().code == Errc::not_found) co_return fail(Errc::denied, "There is no such user here");
  if (!path && path.error().code == Errc::over_quota) co_return fail(Errc::denied, "The mailbox of that recipient is full");
  CO_TRY_OK(path);
  // Never accept what cannot be delivered.
  if (!path->remote.empty() && !services.queue) co_return fail(Errc::unsupported, "Mail for elsewhere is not sent here");
  if (batch.targets + intake::targets_of(*path) > intake::kMaxTargets) co_return fail(Errc::denied, "Too many recipients");
  batch.targets += intake::targets_of(*path);
  batch.needs_utf8 = batch.needs_utf8 || smtp::needs_smtp_utf8(mailbox);
  batch.recipients.push_back(*std::move(path));
  co_return Result<void>{};
}

}  // namespace posthorn::smap
