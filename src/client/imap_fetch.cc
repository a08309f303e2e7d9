// UID FETCH: of flags and dates, and of whole messages. [RFC3501 6.4.5] [RFC7162 3.1.4]
#include <algorithm>

#include "client/imap_connection.h"
#include "client/imap_state.h"

namespace posthorn::client {
namespace {

constexpr std::size_t kPipelined = 4;  // commands whose answers are under way

std::string items_text(const ImapState& s, const FetchWants& wants) {
  std::string out = "(UID";
  if (wants.flags) out += " FLAGS";
  if (wants.flags && s.condstore) out += " MODSEQ";
  if (wants.date) out += " INTERNALDATE";
  if (wants.size) out += " RFC822.SIZE";
  if (wants.email_id && s.has("OBJECTID")) out += " EMAILID";
  if (!wants.header_fields.empty()) out += " BODY.PEEK[HEADER.FIELDS (" + wants.header_fields + ")]";
  return out + ")";
}

// The same command for each set, a few of them under way at a time.
Task<Result<void>> run_for_sets(ImapState& s, std::vector<std::string> sets, std::string front, std::string back, const Taker& take,
                                MessageTaker* messages, Deadline until) {
  std::vector<std::string> tags;
  std::size_t done = 0;
  for (std::size_t at = 0; done < sets.size();) {
    bool more = false;
    for (; at < sets.size() && at - done < kPipelined; ++at, more = true) tags.push_back(begin_command(s, front + sets[at] + back));
    if (more) CO_TRY_OK(co_await s.channel->flush(until));
    CO_TRY(const auto status, co_await finish_command(s, tags[done++], until, take, messages));
    // [RFC2180 4.1] NO may mean that some of them are gone: what came has come, and who asked sees what is missing.
    if (status.kind == imap::StatusResponse::Kind::bad) CO_TRY_OK(judge(s, status, front + "..."));
    if (status.kind == imap::StatusResponse::Kind::no && !messages) CO_TRY_OK(judge(s, status, front + "..."));
  }
  co_return s.check_selected();
}

}  // namespace

bool MessageTaker::take_uid(std::uint32_t uid) {
  if (!wanted.contains(uid)) return false;
  const auto at = std::ranges::lower_bound(seen, uid);
  if (at != seen.end() && *at == uid) return false;
  seen.insert(at, uid);  // they come in ascending order
  return true;
}

Task<Result<void>> MessageTaker::begin(const imap::FetchResponse& front, std::uint64_t size) {
  // The whole message and nothing else: the name says so, whatever else the server may send.
  const bool whole = front.sections.back().name == "BODY[]" && !gave_message;
  const bool known_twice = front.uid && (!wanted.contains(*front.uid) || std::ranges::binary_search(seen, *front.uid));
  skipping = !whole || known_twice;
  if (skipping) co_return Result<void>{};
  gave_message = true;
  watch = {};
  co_return co_await sink.begin(front, size);
}

Task<Result<void>> MessageTaker::write(std::string_view octets) {
  if (skipping) co_return Result<void>{};
  watch.put(octets);
  co_return co_await sink.write(octets);
}

Task<Result<bool>> MessageTaker::end(const imap::FetchResponse& all) {
  if (!gave_message) {
    // A short one may come as a quoted string.
    const auto section = std::ranges::find_if(all.sections, [](const auto& one) { return one.name == "BODY[]" && one.text; });
    if (section == all.sections.end() || !all.uid || skipping) {
      skipping = false;
      co_return false;
    }
    CO_TRY_OK(co_await sink.begin(all, section->text->size()));
    watch = {};
    CO_TRY_OK(co_await write(*section->text));
  }
  gave_message = skipping = false;
  if (!all.uid || !take_uid(*all.uid))
    co_return fail(Errc::syntax, "the server gave a message " + (all.uid ? "with the UID " + std::to_string(*all.uid) + " that was not asked for, or twice"
                                                                         : std::string("without its UID")));
  if (watch.is_stand_in()) sink.drop();
  else CO_TRY_OK(co_await sink.end(all));
  co_return true;
}

Task<Result<void>> ImapConnection::fetch(imap::NumberSet uids, FetchWants wants, std::function<void(const imap::FetchResponse&)> each,
                                         imap::NumberSet* vanished) {
  auto& s = *state_;
  CO_TRY_OK(s.check_selected());
  if (uids.empty()) co_return Result<void>{};
  const Deadline until = after(s.options.timeouts.transfer);
  std::string back = " " + items_text(s, wants);
  if (wants.changed_since) {
    back += " (CHANGEDSINCE " + std::to_string(*wants.changed_since);
    if (s.qresync && vanished) back += " VANISHED";
    back += ")";
  }
  std::vector<imap::NumberRange> gone;
  const Taker take = [&](imap::Response& response) {
    if (const auto* fetch = std::get_if<imap::FetchResponse>(&response)) {
      // What comes without flags where flags were asked for is something that nobody has asked for.
      if (!fetch->uid || (wants.flags && !fetch->flags) || !uids.contains(*fetch->uid)) return false;
      each(*fetch);
      return true;
    }
    if (const auto* earlier = std::get_if<imap::VanishedResponse>(&response); earlier && earlier->earlier && vanished) {
      gone.insert(gone.end(), earlier->uids.ranges().begin(), earlier->uids.ranges().end());
      return true;
    }
    return false;
  };
  auto done = co_await run_for_sets(s, split_set(uids), "UID FETCH ", back, take, nullptr, until);
  if (vanished) *vanished = imap::NumberSet(std::move(gone));
  co_return done;
}

Task<Result<void>> ImapConnection::fetch_messages(imap::NumberSet uids, MessageSink& sink) {
  auto& s = *state_;
  CO_TRY_OK(s.check_selected());
  if (uids.empty()) co_return Result<void>{};
  MessageTaker messages{.sink = sink, .wanted = uids, .seen = {}};
  FetchWants wants;
  wants.date = true;
  std::string items = items_text(s, wants);
  items.pop_back();
  co_return co_await run_for_sets(s, split_set(uids), "UID FETCH ", " " + items + " BODY.PEEK[])", {}, &messages, after(s.options.timeouts.transfer));
}

}  // namespace posthorn::client
