// One IMAP connection: its state, the loop over its commands, and what it has told its client.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "auth/sasl.h"
#include "base/clock.h"
#include "proto/imap/command.h"
#include "proto/imap/command_reader.h"
#include "server/common/session_context.h"
#include "server/common/mailbox_access.h"
#include "server/imap/message_set.h"
#include "server/imap/reply.h"
#include "server/imap/selected.h"
#include "store/account.h"

namespace posthorn::imap {

using server::kOtherUsers;
using server::kShared;
using server::MailboxRef;
using server::MailboxTree;
using server::Place;
using server::SharedPart;
using server::SharedParts;

struct FetchBatch;
struct Rule;

// [RFC3501 3]
//   not_authenticated -> authenticated   sign_in()
//   authenticated     -> selected        cmd_select
//   selected          -> authenticated   unselect(), by CLOSE, UNSELECT, a failed SELECT, DELETE of the mailbox
//   any               -> logout          cmd_logout, end()
enum class State : std::uint8_t { not_authenticated = 1, authenticated = 2, selected = 4, logout = 8 };

// Taking over mail with its UIDs: APPEND ... XUID, XRESTORE.  For the control socket's sessions only.
inline constexpr std::string_view kRestoring = "XPOSTHORN-RESTORE";

// How far a client may be brought up to date.
enum class Expunges : bool { keep, tell };

// A change this session has made itself, so that its client need not be told what it knows.
struct OwnChange {
  std::span<const Uid> touched;  // ascending
  const store::FlagsChange* change = nullptr;
  bool silent = false;           // what the client computes itself is not told
  bool conditional = false;      // MODSEQ is told for every touched message [RFC7162 3.1.3]
};

// Small on purpose: an idle connection is this object and a few coroutine frames.
class Session {
 public:
  explicit Session(server::SessionContext& context);
  Session(const Session&) = delete;

  Task<> run();
  std::string_view end_reason() const { return end_reason_; }
  std::uint32_t commands() const { return commands_; }
  const std::string& user() const { return user_; }  // empty before signing in
  // run() has ended since the client wants another protocol: the connection is as it was, with that line in its input.
  bool wants_smap() const { return wants_smap_; }

  // --- one file each: cmd_*.cc.  They write untagged responses; the tagged one is returned.
  Task<Result<Reply>> cmd_capability(Command&);
  Task<Result<Reply>> cmd_noop(Command&);  // CHECK too
  Task<Result<Reply>> cmd_logout(Command&);
  Task<Result<Reply>> cmd_id(Command&);
  Task<Result<Reply>> cmd_starttls(Command&);
  Task<Result<Reply>> cmd_authenticate(Command&);
  Task<Result<Reply>> cmd_login(Command&);
  Task<Result<Reply>> cmd_enable(Command&);
  Task<Result<Reply>> cmd_select(Command&);
  Task<Result<Reply>> cmd_create(Command&);
  Task<Result<Reply>> cmd_delete(Command&);
  Task<Result<Reply>> cmd_rename(Command&);
  Task<Result<Reply>> cmd_subscribe(Command&);
  Task<Result<Reply>> cmd_unsubscribe(Command&);
  Task<Result<Reply>> cmd_list(Command&);
  Task<Result<Reply>> cmd_lsub(Command&);
  Task<Result<Reply>> cmd_status(Command&);
  Task<Result<Reply>> cmd_namespace(Command&);
  Task<Result<Reply>> cmd_idle(Command&);
  Task<Result<Reply>> cmd_setacl(Command&);
  Task<Result<Reply>> cmd_deleteacl(Command&);
  Task<Result<Reply>> cmd_getacl(Command&);
  Task<Result<Reply>> cmd_listrights(Command&);
  Task<Result<Reply>> cmd_myrights(Command&);
  Task<Result<Reply>> cmd_getquota(Command&);
  Task<Result<Reply>> cmd_getquotaroot(Command&);
  Task<Result<Reply>> cmd_setquota(Command&);
  Task<Result<Reply>> cmd_compress(Command&);
  Task<Result<Reply>> cmd_restore(Command&);
  Task<Result<Reply>> cmd_close(Command&);
  Task<Result<Reply>> cmd_unselect(Command&);
  Task<Result<Reply>> cmd_expunge(Command&);
  Task<Result<Reply>> cmd_search(Command&);
  Task<Result<Reply>> cmd_sort(Command&);
  Task<Result<Reply>> cmd_thread(Command&);
  Task<Result<Reply>> cmd_fetch(Command&);
  Task<Result<Reply>> cmd_store(Command&);
  Task<Result<Reply>> cmd_copy(Command&);
  Task<Result<Reply>> cmd_move(Command&);

 private:
  net::Connection& connection() const { return context_.connection; }
  std::string& output() const { return context_.connection.output(); }

  Names names() const { return utf8_ ? Names::utf8 : Names::utf7; }

  // --- session.cc: the loop
  Task<bool> begin();  // TLS and greeting; false: it is over
  Task<> step();
  Task<> execute(std::expected<Command, ParseError> parsed);
  Task<Result<Reply>> call(const Rule& rule, Command& command);
  Task<> wait_for_input();
  bool is_nobody();
  Reply refuse_read_only() const;
  void put_rejection();
  void count_bad();
  void finish(std::string_view tag, const Reply&);
  void conclude(std::string_view tag, Reply);  // the same behind sync(), and counts what was wrong
  void log_failure(const Rule&, const Error&) const;
  void say_bye(std::string_view code, std::string_view text, std::string_view reason);
  // Input and output.  A failure has ended the session: the caller only passes it up.
  Task<Result<void>> read_more(Deadline);
  Task<Result<void>> flush();
  Task<Result<void>> flush_if_large();
  void end(const Error&);  // of the connection
  Deadline command_deadline() const;
  ReaderLimits reader_limits() const;

  // --- cmd_append.cc, cmd_replace.cc: they need the stream, so they are not in the table
  struct AppendJob;
  Task<> append();
  Task<CommandReader::Event> take_message(AppendJob&);
  Task<std::optional<Reply>> refuse_message(AppendJob&, const CommandReader::AppendInfo&);
  Task<std::optional<Reply>> refuse_replace(AppendJob&, const Append&);
  Task<Result<void>> receive_message(AppendJob&, const CommandReader::AppendInfo&);
  Task<Result<void>> keep_message(AppendJob&, store::Incoming, const Append&);
  Task<CommandReader::Event> append_end();
  Task<Reply> store_messages(AppendJob&);
  bool may_replace();

  // --- sign_in.cc
  Task<Result<std::string>> ask(std::string challenge);  // of AUTHENTICATE
  Task<Result<Reply>> sign_in(auth::Identity, std::string_view how);
  Result<Reply> refuse_sign_in(std::string_view user, std::string_view how, Error);
  std::string capabilities() const;  // capabilities.cc

  // --- tell.cc: telling the client what has changed
  // Takes note of a change of the user's rights in the selected mailbox and says so; false: he may not read it any more, it is closed.
  bool refresh_rights(const store::MailboxState&);
  Task<Result<void>> sync(Expunges, WithUid);
  Task<Result<void>> tell(store::ViewPtr now, Expunges, WithUid, const OwnChange* own = nullptr);
  Task<Result<void>> tell_expunged(const std::vector<std::uint32_t>& indexes);
  Task<Result<void>> tell_vanished(const std::vector<std::uint32_t>& indexes);
  Task<Result<void>> tell_flags(const store::View& shown, const std::vector<std::uint32_t>& changed, WithUid,
                                const OwnChange* own);
  void put_flags_fetch(const store::View& shown, std::uint32_t index, bool with_flags, WithUid, const store::MailboxState&);
  Task<Result<void>> tell_arrivals();
  void put_recent();
  // LIST with OLDNAME, to clients of rev2: the name that they supplied is this one [RFC9051 6.3.9.7].
  void put_old_name(std::string_view attributes, std::string_view name, std::string_view supplied);
  Task<> take_recent();
  void tell_new_keywords(const store::MailboxState&);
  void enable_condstore();
  void unselect();

  // --- resync.cc: what has changed while the client was away [RFC7162 3.2.5, 3.2.6]
  Task<Result<void>> resynchronise(const QresyncParameter&);
  // Which of `known` have been expunged since.  The UIDs up to `settled` are known to be in step.
  Task<Result<void>> tell_vanished_earlier(const NumberSet& known, ModSeq since, Uid settled = Uid(0));
  NumberSet known_uids(const SequenceSet&) const;  // "*" is the highest UID that the mailbox ever had
  Task<Result<void>> tell_changed_since(const NumberSet& known, ModSeq since);

  // --- capabilities.cc
  // Whether this client may have it: it is not switched off for all, nor for clients with its ID.
  bool offers(std::string_view capability) const;
  void judge_client(const Id&);

  // --- cmd_fetch.cc
  struct FetchJob;
  Task<Result<void>> fetch_all(FetchJob&);
  Task<Result<void>> fetch_batch(FetchJob&, const FetchBatch&);
  Task<std::vector<Uid>> set_seen(const FetchBatch&);

  // --- cmd_search.cc: SORT and THREAD too
  struct Hits {
    store::ViewPtr view;
    std::vector<std::uint32_t> indexes;  // in the order of the answer
    bool wants_mod_seq = false;          // MODSEQ was among the keys
  };
  Task<Result<Hits>> find_messages(const Search&);
  Task<Result<void>> show_life(SteadyTime& last_sign);
  Result<Reply> search_failed(const SearchReturn&, Error);
  Task<Result<Reply>> answer_esearch(const Command&, SearchReturn, const Hits&, std::string_view done);
  Task<Result<void>> put_esearch(const Command&, const SearchReturn&, const Hits&, const std::vector<std::uint32_t>& meant);
  Task<Result<void>> put_result_set(const Hits&, std::size_t begin, std::size_t end, bool uid);
  Task<Result<void>> put_numbers(const Hits&, bool uid);
  static ModSeq highest_mod_seq(const Hits&, const std::vector<std::uint32_t>& indexes);

  // --- cmd_list.cc
  struct ListJob;
  struct Listed;
  Task<Result<void>> list_existing(ListJob&);
  static bool leads_into(const ListJob&, std::string_view prefix);
  Task<Result<void>> list_tree(ListJob&, const MailboxTree&);
  Task<Result<void>> list_selected(ListJob&);
  Task<Result<void>> list_recursively(ListJob&);
  std::optional<std::vector<std::string>> next_selected(const List&, std::string& from) const;
  Task<Result<void>> find_parts(ListJob&);
  Task<Result<Listed>> look_up(ListJob&, std::string name);
  Task<Result<bool>> has_shared_below(ListJob&, const std::string& name);
  Task<Result<void>> put_listed(ListJob&, Listed);
  void put_lsub(std::string_view attributes, std::string_view name);
  Task<Result<void>> put_status(const MailboxRef&, std::uint16_t items);  // cmd_status.cc

  // --- cmd_acl.cc
  Task<Result<std::optional<std::string>>> identifier_of(store::AclEntry);
  Task<Result<Reply>> change_acl(std::string mailbox, std::string identifier, SetAcl::Action, store::Rights);

  // --- cmd_quota.cc
  bool is_quota_admin() const;
  Task<Result<store::AccountPtr>> find_quota_root(std::string root);

  // --- cmd_copy.cc
  Task<Result<store::CopyResult>> copy_or_move(const SequenceSet&, bool uid, const std::string& mailbox, bool move);

  server::SessionContext& context_;
  CommandReader reader_;
  store::AccountPtr account_;
  const server::MailboxAccess access_{context_.services, account_};
  std::optional<Selected> selected_;
  std::string user_;
  std::string switched_off_;  // capabilities this client does not get because of its ID, in upper case, a space between
  std::string_view end_reason_ = "closed";  // literals
  std::uint32_t commands_ = 0;
  std::uint32_t bad_in_a_row_ = 0;
  Deadline deadline_{};       // of the command being read
  State state_ = State::not_authenticated;
  bool condstore_ = false;    // [RFC7162 3.1] a CONDSTORE enabling command was given
  bool condstore_listed_ = false;  // an ENABLED response has named it [RFC5161 3.2]
  bool qresync_ = false;      // [RFC7162 3.2.3] enabled: VANISHED takes the place of EXPUNGE
  bool rev2_ = false;         // [RFC9051 6.3.1] IMAP4rev2 has been enabled
  bool utf8_ = false;         // [RFC6855 3] mailbox names and quoted strings are UTF-8 (rev2_ too)
  bool utf8_listed_ = false;  // an ENABLED response has named UTF8=ACCEPT
  bool idling_ = false;
  bool wants_smap_ = false;   // [SMAP1 3.2]
  bool lost_ = false;         // the connection has failed: nothing more is written
};

}  // namespace posthorn::imap
