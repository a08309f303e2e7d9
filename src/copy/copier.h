// Brings the mail of one place to another: all of it the first time, then the difference.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "copy/difference.h"
#include "copy/mail_place.h"
#include "copy/outstanding.h"

namespace posthorn::copy {

struct CopyOptions {
  std::vector<std::string> folders;                           // "Archive", with what is below; empty: all
  std::vector<std::string> without;                           // likewise
  std::vector<std::pair<std::string, std::string>> renamed;   // "Sent Items" is to be "Sent" there, with what is below
  bool new_uids = false;    // UIDs are not kept, also where they could be
  bool flags = true;        // those of messages that are there already are made the same
  // With kept UIDs: what the target lacks, though it has given higher UIDs, was deleted there and is left alone, if it is not outstanding; else
  // it is copied again.
  bool leave_deleted = false;
  bool dry_run = false;     // only says what would be done
  std::size_t batch_messages = 250;
  std::uint64_t batch_bytes = 8 << 20;  // one message may be larger
};

struct CopyReport {
  std::uint64_t folders = 0;
  std::uint64_t expected = 0;     // messages, as the source told beforehand; 0: it did not
  std::uint64_t messages = 0;     // at the source, of the folders that have been looked at
  std::uint64_t copied = 0, copied_bytes = 0;
  std::uint64_t there = 0;        // were at the target already
  std::uint64_t flags_changed = 0;
  std::uint64_t gone = 0;         // CopyOptions::leave_deleted
  std::uint64_t perhaps_gone = 0;  // of these: nobody knows whether they ever were there
  std::uint64_t refused = 0;      // by the target, or not given by the source; and folders that cannot be
  std::uint64_t with_new_uids = 0;  // folders that could not keep their UIDs
  bool in_doubt = false;          // the last messages that the target was given: it has not said what became of them
  std::string folder;             // under way
  std::vector<std::string> problems;  // a line each; at most kMostProblems
  static constexpr std::size_t kMostProblems = 1000;
  void complain(std::string line) {
    if (problems.size() < kMostProblems) problems.push_back(std::move(line));
  }
};

// Reads the next messages while the ones before are being stored; holds two batches at most.
//
// INVARIANT 1: nothing at the source is changed, nothing at the target is removed.
// INVARIANT 2: after an error, or the end of the process at any instant, the next run copies what is not there yet, and nothing twice: when it
// begins some seconds later, for a server may still be storing what it was given (CopyReport::in_doubt).
// INVARIANT 3: what cannot be stored at the target is named in the report, and the others are copied all the same.
// INVARIANT 4: what is left out as deleted there without having been there for certain is named in the report.
// Threads: one reactor's.
class Copier {
 public:
  using Show = std::function<void(const CopyReport&)>;
  // `outstanding`: of the source, at the target.
  Copier(MailPlace& source, MailPlace& target, Outstanding& outstanding, CopyOptions options, Show show = {})
      : source_(source), target_(target), outstanding_(outstanding), options_(std::move(options)), show_(std::move(show)) {}

  // The error is of one of the places; report() says how far it got.
  Task<Result<void>> run();
  const CopyReport& report() const { return report_; }
  // The folders that it is about, and what they are at the target.
  Task<Result<std::vector<std::pair<FolderInfo, FolderInfo>>>> pairs();

 private:
  bool is_wanted(const std::string& name) const;
  FolderInfo at_target(const FolderInfo&) const;
  Task<Result<void>> copy_folder(const FolderInfo& folder, const FolderInfo& there, bool alone);
  Task<Result<FolderNumbers>> enter_target(const FolderInfo& there, bool& exists);
  Task<Result<Difference>> compare(bool keep, bool exists);
  // What is to be copied, by its places in the list of the source.
  struct Chosen {
    std::vector<std::size_t> kept, anew;  // with their UIDs; with new ones, for the target has given UIDs above
    bool is_known = true;                 // whether all others are there, or were
  };
  Chosen choose(const Difference&, bool keep, std::uint32_t next, const imap::NumberSet* outstanding);
  Task<Result<void>> learn_fields(MailPlace&, std::vector<MessageInfo>&);
  Task<Result<void>> learn_octets(MailPlace&, std::vector<std::uint32_t> uids, std::vector<MessageInfo>&);
  Task<Result<void>> copy_messages(const std::vector<MessageInfo>& messages, const std::vector<std::size_t>& missing, bool new_uids);
  Task<Result<void>> copy_flags(const Difference&);
  void miss(const std::vector<std::uint32_t>& asked, const std::vector<Letter>& came);
  Task<Result<void>> store(std::vector<Letter>, bool new_uids);
  void show() const {
    if (show_) show_(report_);
  }

  MailPlace& source_;
  MailPlace& target_;
  Outstanding& outstanding_;
  CopyOptions options_;
  Show show_;
  CopyReport report_;
  std::vector<imap::NumberRange> failed_;  // UIDs at the source of what was refused or not given, of the folder under way
};

}  // namespace posthorn::copy
