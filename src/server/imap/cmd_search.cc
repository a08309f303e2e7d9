// SEARCH and UID SEARCH [RFC3501 6.4.4] [RFC9051 6.4.4] [RFC7162 3.1.5], and what SORT and THREAD share with them.
#include <algorithm>
#include <utility>

#include "proto/imap/writer.h"
#include "search/run.h"
#include "server/imap/search_program.h"
#include "server/imap/search_result.h"
#include "server/imap/session.h"

namespace posthorn::imap {

using search::SearchPlace;
using search::StillWorking;

namespace {

constexpr std::size_t kMaxSavedRanges = 100'000;
constexpr std::chrono::seconds kSignOfLife{10};

bool has_options(const SearchReturn& r) { return r.min || r.max || r.all || r.count || r.save || r.partial; }

}  // namespace

Task<Result<Reply>> Session::cmd_search(Command& command) {
  auto& search = std::get<Search>(command.command);
  // [RFC6855 3] IMAP4rev2, which has UTF-8 too, permits it [RFC9051 6.4.4].
  if (utf8_listed_ && !rev2_ && !search.charset.empty()) co_return bad("Strings are UTF-8 now, there is no CHARSET");
  auto hits = co_await find_messages(search);
  if (!hits) co_return search_failed(search.result, std::move(hits).error());
  if (search.result.given || rev2_) co_return co_await answer_esearch(command, search.result, *hits, "SEARCH completed");

  output() += "* SEARCH";
  CO_TRY_OK(co_await put_numbers(*hits, command.uid));
  // [RFC7162 3.1.6]
  if (hits->wants_mod_seq && !hits->indexes.empty())
    Writer(output()).raw(" (MODSEQ ").number(highest_mod_seq(*hits, hits->indexes).value()).raw(")");
  output() += "\r\n";
  co_return ok("SEARCH completed");
}

// The messages of the told view that match, in its order.
Task<Result<Session::Hits>> Session::find_messages(const Search& search) {
  const auto state = selected_->account->mailbox(selected_->id);
  if (!state) co_return fail(Errc::not_found);
  CO_TRY(const auto program, compile_search(search, *selected_, *state, now()));
  if (program.wants_mod_seq) enable_condstore();
  const SearchPlace place{selected_->account, selected_->id, selected_->told};
  auto last_sign = steady_now();
  const StillWorking still_working = [this, &last_sign] { return show_life(last_sign); };
  CO_TRY(const auto found, co_await run_search(place, program, still_working));
  co_return Hits{.view = place.view, .indexes = found.indexes(), .wants_mod_seq = program.wants_mod_seq};
}

// In a long search: ends when nobody waits for the answer any more.
Task<Result<void>> Session::show_life(SteadyTime& last_sign) {
  if (connection().is_shut_down()) co_return fail(Errc::cancelled);
  if (steady_now() - last_sign < kSignOfLife) co_return Result<void>{};
  last_sign = steady_now();
  Writer(output()).untagged_status("OK", {}, "Still searching");
  co_return co_await flush();
}

// [RFC5182 2.1] A search that was to be saved, and gets NO, leaves nothing saved.
Result<Reply> Session::search_failed(const SearchReturn& options, Error error) {
  if (options.save && error.code != Errc::syntax && selected_) selected_->saved.clear();
  if (error.code == Errc::unsupported) return no("That charset is not known", "BADCHARSET (US-ASCII UTF-8)");  // [RFC3501 6.4.4]
  return std::unexpected(std::move(error));
}

// [RFC4731 3.1] [RFC9051 7.3.4] And keeps the result for "$".
Task<Result<Reply>> Session::answer_esearch(const Command& command, SearchReturn options, const Hits& hits, std::string_view done) {
  if (!has_options(options)) options.all = true;
  const auto meant = results_meant(options, hits.indexes);
  if (options.save) {
    selected_->saved = saved_set(meant, *hits.view);
    if (selected_->saved.size() > kMaxSavedRanges) {
      selected_->saved.clear();
      co_return no("The result is too long to be kept", "NOTSAVED");  // [RFC5182 2.5]
    }
  }
  const bool only_saved = options.save && !options.min && !options.max && !options.all && !options.count && !options.partial;
  if (!only_saved) CO_TRY_OK(co_await put_esearch(command, options, hits, meant));
  co_return ok(done);
}

Task<Result<void>> Session::put_esearch(const Command& command, const SearchReturn& options, const Hits& hits,
                                        const std::vector<std::uint32_t>& meant) {
  const auto& results = hits.indexes;
  const auto number = [&](std::uint32_t index) { return command.uid ? hits.view->at(index).uid.value() : index + 1; };
  Writer w(output());
  w.untagged().raw("ESEARCH (TAG ").quoted(command.tag).raw(command.uid ? ") UID" : ")");
  if (options.min && !results.empty()) w.raw(" MIN ").number(number(results.front()));
  if (options.max && !results.empty()) w.raw(" MAX ").number(number(results.back()));
  if (options.all && !results.empty()) {
    w.raw(" ALL ");
    CO_TRY_OK(co_await put_result_set(hits, 0, results.size(), command.uid));
  }
  if (options.partial) {
    const auto part = positions_of(*options.partial, results.size());
    const auto sign = options.partial->from_end ? "-" : "";
    w.raw(" PARTIAL (").raw(sign).number(options.partial->first).raw(":").raw(sign).number(options.partial->last).sp();
    if (part.begin == part.end) w.nil();
    CO_TRY_OK(co_await put_result_set(hits, part.begin, part.end, command.uid));
    w.close();
  }
  if (options.count) w.raw(" COUNT ").number(results.size());
  // [RFC4731 3.2] Of the messages that are returned.
  if (hits.wants_mod_seq && !meant.empty()) w.raw(" MODSEQ ").number(highest_mod_seq(hits, meant).value());
  w.crlf();
  co_return Result<void>{};
}

// Results [begin, end) as a sequence-set.
Task<Result<void>> Session::put_result_set(const Hits& hits, std::size_t begin, std::size_t end, bool uid) {
  RangeWriter ranges(output());
  for (auto i = begin; i < end; ++i) {
    const auto index = hits.indexes[i];
    ranges.add(uid ? hits.view->at(index).uid.value() : index + 1);
    if (i % 4096 == 4095) CO_TRY_OK(co_await flush_if_large());
  }
  ranges.finish();
  co_return Result<void>{};
}

// " 2 84 882"
Task<Result<void>> Session::put_numbers(const Hits& hits, bool uid) {
  for (std::size_t i = 0; i < hits.indexes.size(); ++i) {
    const auto index = hits.indexes[i];
    Writer(output()).sp().number(uid ? hits.view->at(index).uid.value() : index + 1);
    if (i % 4096 == 4095) CO_TRY_OK(co_await flush_if_large());
  }
  co_return Result<void>{};
}

ModSeq Session::highest_mod_seq(const Hits& hits, const std::vector<std::uint32_t>& indexes) {
  ModSeq highest;
  for (const auto index : indexes) highest = std::max(highest, hits.view->at(index).mod_seq);
  return highest;
}

}  // namespace posthorn::imap
