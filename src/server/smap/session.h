// One SMAP connection: its state, the loop over its commands, and the folder it has open.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "async/timer.h"
#include "auth/authenticator.h"
#include "base/result.h"
#include "intake/transaction.h"
#include "proto/smap/fetch_item.h"
#include "proto/smap/upload.h"
#include "proto/smap/words.h"
#include "server/common/mailbox_access.h"
#include "server/common/session_context.h"
#include "server/smap/open_folder.h"
#include "server/smap/reply.h"
#include "store/account.h"

namespace posthorn::smap {

struct AddBatch;  // add_batch.h
struct Rule;
using Path = std::vector<std::string>;

// not_authenticated --sign_in()--> authenticated;  either --LOGOUT, say_bye(), end()--> ended
enum class State : std::uint8_t { not_authenticated = 1, authenticated = 2, ended = 4 };

class Session {
 public:
  explicit Session(server::SessionContext& context) : context_(context) {}
  Session(const Session&) = delete;

  Task<> run();
  std::string_view end_reason() const { return end_reason_; }
  std::uint32_t commands() const { return commands_; }
  const std::string& user() const { return user_; }

  // --- one file each: cmd_*.cc.  They write data replies; the status reply is returned.  The words behind the verb are theirs.
  using Outcome = Task<Result<Reply>>;
  // sign_in.cc
  Outcome cmd_capability(Words&);
  Outcome cmd_starttls(Words&);
  Outcome cmd_login(Words&);
  Outcome cmd_authenticate(Words&);
  // session.cc
  Outcome cmd_logout(Words&);
  Outcome cmd_rset(Words&);
  Outcome cmd_noop(Words&);  // cmd_open.cc
  // cmd_list.cc, cmd_folders.cc
  Outcome cmd_list(Words&);
  Outcome cmd_create(Words&);
  Outcome cmd_mkdir(Words&);
  Outcome cmd_delete(Words&);
  Outcome cmd_rmdir(Words&);
  Outcome cmd_rename(Words&);
  Outcome cmd_status(Words&);
  // cmd_open.cc, cmd_idle.cc
  Outcome cmd_open(Words&);
  Outcome cmd_sopen(Words&);
  Outcome cmd_close(Words&);
  Outcome cmd_idle(Words&);
  // REQUIRES of these: a folder is open (the dispatcher sees to that, and that it may be read).
  Outcome cmd_fetch(Words&);
  Outcome cmd_store(Words&);
  Outcome cmd_search(Words&);
  Outcome cmd_expunge(Words&);
  Outcome cmd_copy(Words&);
  Outcome cmd_move(Words&);
  Outcome cmd_add(Words&);  // but not of this one
  // cmd_acl.cc
  Outcome cmd_acl(Words&);
  Outcome cmd_getacl(Words&);
  Outcome cmd_setacl(Words&);
  Outcome cmd_deleteacl(Words&);

 private:
  net::Connection& connection() const { return context_.connection; }

  // --- output.  A failure to send has ended the session: the caller only passes it up.
  // Bytes that wait to be sent.  What a command appends between two calls of flush_if_large() must have a bound.
  std::string& output() const { return context_.connection.output(); }
  // LF; CRLF as long as nobody has signed in, as the greeting has [SMAP1 1.2].
  void end_line() { output() += state_ == State::not_authenticated ? "\r\n" : "\n"; }
  void put_line(std::string_view line) {
    output() += line;
    end_line();
  }
  Task<Result<void>> flush();
  Task<Result<void>> flush_if_large();

  // --- input of ADD.  After "> ..." has been put: appends the next bytes of content to `content` (at most 128 KiB); false: that was all.
  // Errors: those of the connection, and syntax: the client's framing is lost.  Both have ended the session.
  Task<Result<bool>> read_upload(UploadDecoder&, std::string& content);

  // --- session.cc: the loop
  Task<> step();
  Task<> execute(std::string_view line);
  Outcome call(const Rule&, Words&);
  void finish(const Reply&);
  void count_bad();
  bool is_nobody();
  void log_failure(std::string_view verb, const Error&) const;
  void say_bye(std::string_view text, std::string_view reason);
  void end(const Error&);        // of the connection
  void break_off(const Error&);  // in the middle of a reply of FETCH
  Deadline command_deadline() const;

  // --- sign_in.cc
  Task<Result<std::string>> ask(std::string challenge);  // of AUTHENTICATE
  Outcome sign_in(auth::Identity, std::string_view how);
  Result<Reply> refuse_sign_in(std::string_view user, std::string_view how, Error);

  // --- paths.cc: from words to mailboxes [SMAP1 15]
  //   INBOX           the user's INBOX
  //   INBOX a b       a/b of his own
  //   public owner a  a of the account with that address
  // syntax: no such top level, or a name that cannot be one.  not_found.
  Task<Result<server::Place>> find_place(Path) const;
  // The folder of that path, when the user has this right there; else denied, unless he may not even know of it.
  Task<Result<server::MailboxRef>> locate(Path, store::Rights right) const;

  // --- view.cc: bringing the client up to date [SMAP1 5.3]
  // False: the folder has gone, or may not be read any more.
  bool refresh_rights();
  // Tells all changes and makes them the client's view; false: there were none.
  Task<Result<bool>> tell_changes();
  Task<Result<bool>> tell(store::ViewPtr now);
  Task<Result<void>> put_expunged(const std::vector<NumberRange>& gone);
  void put_change(const store::View&, std::uint32_t index, const store::MailboxState&);
  // The session's own change, which its client is told with the command: from here on it is shown.
  void adopt(const store::View& now, const store::UidSet& touched, store::EntryPart);
  void adopt_flags(const store::View& now, const store::UidSet& touched) { adopt(now, touched, store::EntryPart::flags); }

  // --- cmd_open.cc, snapshots.cc
  Outcome open(Path, bool with_snapshots, std::string snapshot);
  void put_snapshot();
  // False: nothing is known of it, and nothing has been told.
  Task<Result<bool>> tell_since_snapshot(std::string_view id);

  // --- cmd_fetch.cc
  struct FetchJob;
  Task<Result<void>> fetch_contents(FetchJob&, const FetchItem&);
  Task<Result<void>> fetch_attributes(const FetchJob&);
  Task<Result<void>> set_seen(std::vector<Uid> shown);

  // --- cmd_search.cc
  Task<Result<void>> still_wanted();
  Outcome put_found(std::vector<std::uint32_t> indexes);

  // --- cmd_add.cc, add_upload.cc
  auth::Identity identity() const { return {.account = account_->id(), .address = user_}; }
  Task<Result<void>> set_folder(AddBatch&, Words&);
  Task<Result<bool>> set(AddBatch&, std::string name, std::string value);
  Task<Result<void>> set_sender(AddBatch&, std::string value);
  Task<Result<void>> add_recipient(AddBatch&, std::string value);
  struct Arriving;
  Outcome upload(AddBatch&, UploadForm);
  std::optional<Reply> refuse_upload(const AddBatch&, const UploadForm&) const;
  intake::Transaction begin_message(const AddBatch&) const;
  Task<Result<void>> receive(UploadDecoder&, Arriving&);
  Outcome conclude(AddBatch&, Arriving&);
  Outcome send(AddBatch&, Arriving&, store::Beside*);
  Task<Result<store::Beside>> prepare_copy(AddBatch&, Arriving&);
  Task<Result<void>> save(store::Beside&);

  // --- cmd_list.cc
  Task<Result<void>> list_level(const server::MailboxTree&, std::string prefix);
  Task<Result<void>> list_top();
  Task<Result<void>> list_public(Path);
  Task<bool> shares_something(const server::SharedPart&, const store::AnyoneIn&);
  void put_listed(std::string_view name, std::string_view description, bool folder, bool directory);

  // --- cmd_store.cc
  Task<Result<void>> store_one(const store::IndexRanges&, StoreSetting);

  // --- cmd_copy.cc
  Outcome copy_or_move(Words&, bool move);
  Task<Result<void>> put_copies(const store::CopyResult&);

  // --- cmd_folders.cc
  Task<Result<server::Place>> find_place_for_new(Path) const;
  bool is_open(const server::MailboxRef&) const;

  // --- cmd_acl.cc
  struct AclEdit;
  Task<Result<server::MailboxRef>> find_to_administer(Path) const;
  Task<Result<void>> put_acl(const server::MailboxRef&);
  Task<Result<server::MailboxAccess::Grantee>> find_identifier(std::string identifier, AccountId owner);
  Outcome change_acl(Path, Words&, bool remove);
  static void apply(store::Acl&, const AclEdit&);

  server::SessionContext& context_;
  store::AccountPtr account_;
  const server::MailboxAccess access_{context_.services, account_};
  std::optional<OpenFolder> folder_;
  std::shared_ptr<AddBatch> batch_;  // of ADD; every other command drops it
  std::string user_;
  std::string_view end_reason_ = "closed";  // literals
  std::uint32_t commands_ = 0;
  std::uint32_t bad_in_a_row_ = 0;
  std::uint32_t sent_ = 0;  // messages, by ADD
  Deadline deadline_{};  // of the command being read
  State state_ = State::not_authenticated;
  bool lost_ = false;    // the connection has failed: nothing more is written
};

}  // namespace posthorn::smap
