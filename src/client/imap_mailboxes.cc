// LIST, STATUS, CREATE ... [RFC3501 6.3] [RFC5258] [RFC5819] [RFC6154]
#include <algorithm>
#include <map>

#include "client/imap_connection.h"
#include "client/imap_state.h"

namespace posthorn::client {
namespace {

constexpr std::size_t kPipelined = 50;
constexpr std::size_t kMostMailboxes = 200'000;

// What the server told of all mailboxes, by name.
struct Listing {
  std::map<std::string, MailboxInfo> mailboxes;
  std::map<std::string, imap::StatusItems> statuses;
  std::map<std::string, bool> subscribed;
  bool too_many = false;
};

std::string status_items(const ImapState& s, bool mailbox_ids) {
  std::string out = "(MESSAGES UIDNEXT UIDVALIDITY";
  if (s.condstore || s.has("CONDSTORE") || s.has("QRESYNC")) out += " HIGHESTMODSEQ";
  if (mailbox_ids && s.has("OBJECTID")) out += " MAILBOXID";
  return out + ")";
}

void take_list(ImapState& s, Listing& out, imap::ListResponse& list) {
  if (list.subscribed_only) {
    out.subscribed[list.mailbox] = true;
    return;
  }
  if (list.non_existent) return;
  std::string ours, theirs;
  imap::Writer(ours).mailbox(list.mailbox, s.utf8 ? imap::Names::utf8 : imap::Names::utf7);
  imap::Writer(theirs).quoted(list.as_sent);
  if (ours != theirs) s.as_sent[list.mailbox] = list.as_sent;
  auto& info = out.mailboxes[list.mailbox];
  info.name = list.mailbox;
  info.delimiter = list.delimiter;
  info.selectable = !list.no_select;
  info.subscribed = list.subscribed;
  info.special_uses = list.special_uses;
}

Taker taker_for(ImapState& s, Listing& listing) {
  return [&s, &listing](imap::Response& response) {
    if (auto* list = std::get_if<imap::ListResponse>(&response)) {
      listing.too_many |= listing.mailboxes.size() >= kMostMailboxes || listing.subscribed.size() >= kMostMailboxes;
      if (!listing.too_many) take_list(s, listing, *list);
      return true;
    }
    if (const auto* status = std::get_if<imap::MailboxStatusResponse>(&response)) {
      if (listing.statuses.size() < kMostMailboxes) listing.statuses[status->mailbox] = status->items;
      return true;
    }
    return false;
  };
}

// STATUS of each, pipelined; a mailbox of which the server says NO has none.
Task<Result<void>> ask_statuses(ImapState& s, Listing& listing, bool mailbox_ids, const Taker& take, Deadline until) {
  std::vector<std::string> names;
  for (const auto& [name, info] : listing.mailboxes)
    if (info.selectable) names.push_back(name);
  for (std::size_t at = 0; at < names.size(); at += kPipelined) {
    std::vector<std::string> tags;
    for (std::size_t i = at; i < std::min(names.size(), at + kPipelined); ++i) {
      CO_TRY(const auto name, s.wire_name(names[i]));
      tags.push_back(begin_command(s, "STATUS " + name + " " + status_items(s, mailbox_ids)));
    }
    CO_TRY_OK(co_await s.channel->flush(until));
    for (auto& tag : tags) CO_TRY_OK(co_await finish_command(s, tag, until, take));
  }
  co_return Result<void>{};
}

}  // namespace

Task<Result<std::vector<MailboxInfo>>> ImapConnection::list(ListWants want) {
  auto& s = *state_;
  CO_TRY_OK(s.check_usable());
  const Deadline until = after(s.options.timeouts.command);
  std::string pattern;
  imap::Writer(pattern).mailbox(want.pattern, s.utf8 ? imap::Names::utf8 : imap::Names::utf7);
  const bool extended = s.has("LIST-EXTENDED") || s.has("IMAP4REV2");
  const bool with_status = want.status && extended && (s.has("LIST-STATUS") || s.has("IMAP4REV2"));
  std::string line = "LIST \"\" " + pattern;
  if (extended) {
    line += " RETURN (SUBSCRIBED";
    if (s.has("SPECIAL-USE")) line += " SPECIAL-USE";
    if (with_status) line += " STATUS " + status_items(s, want.mailbox_ids);
    line += ")";
  }
  Listing listing;
  const auto take = taker_for(s, listing);
  std::vector<std::string> tags{begin_command(s, line)};
  if (!extended) tags.push_back(begin_command(s, "LSUB \"\" " + pattern));
  CO_TRY_OK(co_await s.channel->flush(until));
  for (auto& tag : tags) {
    CO_TRY(const auto status, co_await finish_command(s, tag, until, take));
    CO_TRY_OK(judge(s, status, "LIST"));
  }
  if (listing.too_many) co_return s.failure(Errc::limit, "the server has more than " + std::to_string(kMostMailboxes) + " mailboxes");
  if (want.status && !with_status) CO_TRY_OK(co_await ask_statuses(s, listing, want.mailbox_ids, take, until));
  std::vector<MailboxInfo> out;
  for (auto& [name, info] : listing.mailboxes) {
    if (listing.subscribed.contains(name)) info.subscribed = true;
    if (const auto status = listing.statuses.find(name); status != listing.statuses.end()) info.status = status->second;
    out.push_back(std::move(info));
  }
  co_return out;
}

Task<Result<imap::StatusItems>> ImapConnection::status(std::string mailbox) {
  auto& s = *state_;
  CO_TRY(const auto name, s.wire_name(mailbox));
  std::optional<imap::StatusItems> items;
  const Taker take = [&](imap::Response& response) {
    auto* status = std::get_if<imap::MailboxStatusResponse>(&response);
    if (!status || status->mailbox != mailbox) return false;
    items = std::move(status->items);
    return true;
  };
  CO_TRY_OK(co_await run_command(s, "STATUS " + name + " " + status_items(s, true), take));
  if (!items) co_return s.failure(Errc::syntax, "the server says nothing of " + mailbox);
  co_return *std::move(items);
}

Task<Result<imap::NamespaceResponse>> ImapConnection::namespaces() {
  auto& s = *state_;
  imap::NamespaceResponse out;
  if (!s.has("NAMESPACE")) {
    out.personal.push_back({"", s.delimiter});
    co_return out;
  }
  const Taker take = [&out](imap::Response& response) {
    auto* spaces = std::get_if<imap::NamespaceResponse>(&response);
    if (spaces) out = std::move(*spaces);
    return spaces != nullptr;
  };
  CO_TRY_OK(co_await run_command(s, "NAMESPACE", take));
  co_return out;
}

Task<Result<void>> ImapConnection::create(std::string mailbox, std::uint8_t special_uses) {
  auto& s = *state_;
  CO_TRY(const auto name, s.wire_name(mailbox));
  std::string line = "CREATE " + name;
  if (special_uses != 0 && s.has("CREATE-SPECIAL-USE")) {
    imap::Writer(line).raw(" (USE (").special_uses(special_uses).raw("))");
    auto used = co_await run_command(s, line);
    if (used) co_return Result<void>{};
    if (!is_usable()) co_return std::unexpected(used.error());
    line = "CREATE " + name;  // another mailbox has that use already
  }
  auto done = co_await run_command(s, line);
  if (done) co_return Result<void>{};
  if (!is_usable()) co_return std::unexpected(done.error());
  if (done.error().code == Errc::exists) co_return Result<void>{};
  // Not every server says why: it may be there already.
  ListWants want;
  want.pattern = mailbox;
  CO_TRY(const auto there, co_await list(want));
  for (const auto& one : there)
    if (one.name == mailbox && one.selectable) co_return Result<void>{};
  co_return std::unexpected(done.error());
}

Task<Result<void>> ImapConnection::rename(std::string from, std::string to) {
  auto& s = *state_;
  CO_TRY(const auto old_name, s.wire_name(from));
  CO_TRY(const auto new_name, s.wire_name(to));
  CO_TRY_OK(co_await run_command(s, "RENAME " + old_name + " " + new_name));
  co_return Result<void>{};
}

Task<Result<void>> ImapConnection::remove(std::string mailbox) {
  auto& s = *state_;
  CO_TRY(const auto name, s.wire_name(mailbox));
  auto done = co_await run_command(s, "DELETE " + name);
  if (done) co_return Result<void>{};
  if (!is_usable()) co_return std::unexpected(done.error());
  ListWants want;
  want.pattern = mailbox;
  CO_TRY(const auto there, co_await list(want));
  for (const auto& one : there)
    if (one.name == mailbox && one.selectable) co_return std::unexpected(done.error());
  co_return Result<void>{};
}

Task<Result<void>> ImapConnection::subscribe(std::string mailbox, bool wanted) {
  auto& s = *state_;
  CO_TRY(const auto name, s.wire_name(mailbox));
  CO_TRY_OK(co_await run_command(s, (wanted ? "SUBSCRIBE " : "UNSUBSCRIBE ") + name));
  co_return Result<void>{};
}

Task<Result<void>> ImapConnection::restore(std::string mailbox, std::uint32_t uid_validity, std::uint32_t uid_next) {
  auto& s = *state_;
  CO_TRY(const auto name, s.wire_name(mailbox));
  CO_TRY_OK(co_await run_command(s, "XRESTORE " + name + " " + std::to_string(uid_validity) + " " + std::to_string(uid_next)));
  if (mailbox == s.selected) s.uid_validity = uid_validity;  // we have asked for it
  co_return Result<void>{};
}

}  // namespace posthorn::client
