// FETCH. [SMAP1 6]
#include <algorithm>
#include <utility>
#include <vector>

#include "base/log.h"
#include "proto/smap/fetch_item.h"
#include "proto/smap/flags.h"
#include "proto/smap/message_set.h"
#include "server/smap/content_writer.h"
#include "server/smap/session.h"
#include "text/date.h"

namespace posthorn::smap {
namespace {

using Kind = FetchItem::Kind;

constexpr std::size_t kBatch = 64;                       // messages whose summaries are held at once
constexpr std::uint64_t kHeldSummaries = 4 << 20;        // bytes of them, or one

// Which attributes are asked for, each once however often it is named.
struct Attributes {
  bool flags = false, keywords = false, uid = false, size = false, internal_date = false;
  bool any() const { return flags || keywords || uid || size || internal_date; }
  void add(Kind kind) {
    flags |= kind == Kind::flags;
    keywords |= kind == Kind::keywords;
    uid |= kind == Kind::uid;
    size |= kind == Kind::size;
    internal_date |= kind == Kind::internal_date;
  }
};

void put_attributes(std::string& out, const Attributes& wanted, std::uint32_t number, const store::Entry& entry,
                    const store::MailboxState& state) {
  out.append("* FETCH ").append(std::to_string(number));
  if (wanted.flags) put_flags(out += ' ', entry);
  if (wanted.keywords) put_keywords(out += ' ', entry, state);
  if (wanted.uid) put_attribute(out += ' ', "UID", uid_word(state.uid_validity, entry.uid));
  if (wanted.size) out.append(" SIZE=").append(std::to_string(entry.size));
  if (wanted.internal_date) {
    const std::chrono::sys_seconds time{std::chrono::seconds(entry.internal_date.seconds)};
    put_attribute(out += ' ', "INTERNALDATE", text::format_rfc5322_date({time, 0}));
  }
  out += '\n';
}

// The next messages of the set whose summaries may be held together; takes them from `at`.
std::vector<std::uint32_t> next_batch(const std::vector<std::uint32_t>& indexes, std::size_t& at, const store::View& told) {
  std::vector<std::uint32_t> out;
  std::uint64_t bytes = 0;
  while (at < indexes.size() && out.size() < kBatch) {
    bytes += message::longest_summary(told.at(indexes[at]).size);
    if (bytes > kHeldSummaries && !out.empty()) break;
    out.push_back(indexes[at++]);
  }
  return out;
}

}  // namespace

struct Session::FetchJob {
  std::vector<std::uint32_t> indexes;  // ascending
  Attributes attributes;
  std::vector<FetchItem> contents;
  bool some_gone = false;
  bool refused = false;  // the client has been told
};

Session::Outcome Session::cmd_fetch(Words& words) {
  CO_TRY(const auto set, take_message_set(words));
  FetchJob job;
  while (!words.at_end()) {
    CO_TRY(auto item, parse_fetch_item(words.take()));
    job.attributes.add(item.kind);
    if (item.kind == Kind::contents) job.contents.push_back(std::move(item));
  }
  for (const auto& range : indexes_of(set, *folder_->told))
    for (auto i = range.from; i < range.to; ++i) job.indexes.push_back(i);
  for (const auto& item : job.contents) {
    const auto done = co_await fetch_contents(job, item);
    if (job.refused) co_return Reply{.is_ok = false, .text = {}, .sent = true};
    CO_TRY_OK(done);
  }
  if (job.attributes.any()) CO_TRY_OK(co_await fetch_attributes(job));
  // [SMAP1 5.2] Their attributes were answered.
  if (job.some_gone) co_return err("Some of the messages are no longer there");
  co_return ok("Message retrieved.");
}

Task<Result<void>> Session::fetch_attributes(const FetchJob& job) {
  const auto state = folder_->state();
  if (!state) co_return fail(Errc::not_found);
  for (const auto index : job.indexes) {
    put_attributes(output(), job.attributes, index + 1, folder_->told->at(index), *state);
    CO_TRY_OK(co_await flush_if_large());  // keywords may be long
  }
  co_return Result<void>{};
}

// One item of all the messages.
Task<Result<void>> Session::fetch_contents(FetchJob& job, const FetchItem& item) {
  ContentWriter writer(*folder_->account, output(), [this] { return flush_if_large(); });
  for (std::size_t at = 0; at < job.indexes.size();) {
    // It may take hours: rights may have gone meanwhile.
    if (is_nobody() || !refresh_rights()) co_return std::unexpected(needs_right('r'));
    const auto batch = next_batch(job.indexes, at, *folder_->told);
    std::vector<MessageId> ids;
    for (const auto index : batch) ids.push_back(folder_->told->at(index).message);
    CO_TRY(const auto summaries, co_await folder_->account->summaries(std::move(ids)));
    std::vector<Uid> shown;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const auto& entry = folder_->told->at(batch[i]);
      const ContentWriter::Target target{.number = batch[i] + 1, .entry = entry, .summary = summaries.at(i)};
      auto done = co_await writer.put(target, item);
      if (done) {
        shown.push_back(entry.uid);
        continue;
      }
      if (writer.is_cut()) break_off(done.error());
      if (lost_) co_return done;
      job.refused = writer.has_refused();
      if (job.refused) log_failure("FETCH", done.error());
      if (!job.refused && done.error().code == Errc::not_found) {
        job.some_gone = true;
        continue;
      }
      // Nothing may stand behind the status: those before it are not marked.
      if (!item.peek && !job.refused) (void)co_await set_seen(std::move(shown));
      co_return done;
    }
    if (!item.peek) CO_TRY_OK(co_await set_seen(std::move(shown)));
  }
  co_return Result<void>{};
}

// [SMAP1 6.2] Of what has been shown; told where it is a change.  Who may not, does not.
Task<Result<void>> Session::set_seen(std::vector<Uid> shown) {
  if (!folder_->rights.contains(store::kKeepSeen)) co_return Result<void>{};
  const auto before = folder_->told;
  std::erase_if(shown, [&](Uid uid) { return (before->at(*before->find(uid)).flags & kSeen) != 0; });
  if (shown.empty()) co_return Result<void>{};
  store::FlagsChange change{.op = store::FlagsOp::add, .system = store::kSeen, .keywords = {}};
  auto uids = store::uid_set_of(shown);
  auto result = co_await folder_->account->change_flags(folder_->id, std::move(uids), std::move(change), {});
  if (!result) {
    // A full disk is no reason to keep mail from its reader.
    log::warning("smap.seen_failed", {{"session", context_.session_id}, {"error", result.error()}});
    co_return Result<void>{};
  }
  adopt_flags(*result->view, store::uid_set_of(result->touched));
  for (const auto uid : result->touched) {
    const auto index = folder_->told->find(uid);
    if (!index || folder_->told->at(*index).flags == before->at(*before->find(uid)).flags) continue;
    output().append("* FETCH ").append(std::to_string(*index + 1)).append(" ");
    put_flags(output(), folder_->told->at(*index));
    end_line();
  }
  co_return co_await flush_if_large();
}

}  // namespace posthorn::smap
