#include "copy/maildir_place.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "copy/maildir_text.h"
#include "mailfile/flag_letters.h"
#include "mailfile/maildir_keywords.h"
#include "mailfile/maildir_uids.h"

namespace posthorn::copy {
namespace {

using namespace mailfile;

constexpr std::size_t kPiece = 64 << 10;
constexpr std::uint32_t kMostUid = 0xFFFFFF00;
constexpr std::size_t kMostHeader = 256 << 10;  // of which a message is known

std::optional<text::DateTime> date_of(SysTime time) { return text::DateTime{std::chrono::floor<std::chrono::seconds>(time), 0}; }

class MaildirPlace final : public MailPlace {
 public:
  MaildirPlace(MaildirTree tree, WorkerPool& workers) : tree_(std::move(tree)), workers_(workers) {}

  std::string name() const override { return "maildir:" + tree_.root(); }

  Task<Result<std::vector<FolderInfo>>> folders() override {
    co_return co_await workers_.run([this]() -> Result<std::vector<FolderInfo>> {
      TRY(auto paths, tree_.list());
      std::vector<FolderInfo> out;
      for (auto& path : paths) out.push_back({std::move(path)});
      return out;
    });
  }

  Task<Result<FolderNumbers>> enter(FolderInfo folder, Entering how) override {
    co_return co_await workers_.run([&]() -> Result<FolderNumbers> {
      TRY_OK(leave());
      TRY(auto opened, how == Entering::to_write ? tree_.create(folder.path) : tree_.open_folder(folder.path));
      TRY_OK(check_owner(opened));
      TRY(uids_, MaildirUids::read(opened));
      TRY(auto keywords, MaildirKeywords::read(opened));
      folder_ = std::move(opened);
      keywords_ = std::move(keywords);
      keeping_ = false;
      TRY_OK(find_entries());
      return FolderNumbers{uids_.uid_validity, uids_.uid_validity ? std::max(uids_.uid_next, next_uid_) : 0};
    });
  }

  Task<Result<std::vector<MessageInfo>>> list(bool with_fields) override {
    co_return co_await workers_.run([&]() -> Result<std::vector<MessageInfo>> {
      std::vector<MessageInfo> out;
      out.reserve(entries_.size());
      for (auto& [uid, entry] : entries_) {
        MessageInfo info{.uid = uid, .flags = flags_of(entry)};
        auto known = facts_of(entry, info, with_fields);
        if (!known && known.error().code == Errc::not_found) continue;  // somebody removed it
        if (!known && known.error().code != Errc::denied) return std::unexpected(known.error());  // else it will not be given
        out.push_back(std::move(info));
      }
      return out;
    });
  }

  Task<Result<void>> read(std::vector<std::uint32_t> uids, LetterSink& sink) override {
    for (const auto uid : uids) {
      auto* entry = find(uid);
      if (!entry) continue;
      Letter letter;
      const auto read = co_await workers_.run([&] { return read_letter(*entry, letter); });
      if (!read && (read.error().code == Errc::not_found || read.error().code == Errc::denied)) continue;
      CO_TRY_OK(read);
      letter.info.uid = uid;
      CO_TRY_OK(co_await sink.take(std::move(letter)));
    }
    co_return Result<void>{};
  }

  bool can_keep_numbers() const override { return true; }
  Task<Result<bool>> keep_numbers(FolderNumbers numbers) override {
    co_return co_await workers_.run([&]() -> Result<bool> {
      if (uids_.uid_validity != numbers.uid_validity && !entries_.empty()) return false;
      if (numbers.uid_next >= kMostUid) return false;
      uids_.uid_validity = numbers.uid_validity;
      // Names below UIDNEXT prove nothing (find_entries): what a run that was killed left to its name is written down now.
      for (const auto& [uid, entry] : entries_) uids_.uids.insert_or_assign(entry.name.unique, uid);
      uids_.uid_next = std::max({uids_.uid_next, numbers.uid_next, next_uid_});
      next_uid_ = uids_.uid_next;
      keeping_ = true;
      TRY_OK(uids_.write(*folder_));
      unwritten_ = 0;
      return true;
    });
  }

  Task<Result<void>> add(std::vector<Letter>& letters, std::vector<Added>& outcomes) override {
    co_return co_await workers_.run([&] { return store(letters, outcomes); });
  }

  Task<Result<void>> set_flags(std::vector<std::pair<std::uint32_t, imap::FlagList>> changes) override {
    co_return co_await workers_.run([&]() -> Result<void> {
      for (auto& [uid, flags] : changes) {
        auto* entry = find(uid);
        if (!entry) continue;
        std::string lost;
        TRY(const auto letters, letters_of(flags, lost));
        const auto done = folder_->set_flags(*entry, letters);
        if (!done && done.error().code != Errc::not_found) return done;
      }
      return folder_->sync();
    });
  }

  Task<> close() override {
    (void)co_await workers_.run([this] { return leave(); });
  }

 private:
  // root reads everybody's mail: nobody's folder leads it to another's.
  Result<void> check_owner(const MaildirFolder& folder) const {
    if (::geteuid() != 0) return {};
    struct stat root{};
    if (::stat(tree_.root().c_str(), &root) != 0) return errno_failure("look at", tree_.root());
    for (const char* part : {"", "/cur", "/new"}) {
      struct stat at{};
      if (::stat((folder.path() + part).c_str(), &at) == 0 && at.st_uid != root.st_uid)
        return fail(Errc::denied, folder.path() + part + " belongs to somebody else than " + tree_.root() + ": left out");
    }
    return {};
  }

  // The UIDs that were given since they were written last: the names of the files say them too.
  Result<void> leave() {
    if (!folder_ || !keeping_ || unwritten_ == 0) return {};
    unwritten_ = 0;
    return uids_.write(*folder_);
  }

  // Those without a UID get the next ones, as a server would give them.
  Result<void> find_entries() {
    TRY(auto all, folder_->list());
    entries_.clear();
    std::vector<MaildirEntry> others, rest;
    next_uid_ = std::max(uids_.uid_next, 1u);
    std::set<std::uint32_t> given;
    for (const bool by_list : {true, false})
      for (auto& entry : by_list ? all : std::exchange(others, {})) {
        const auto listed = uids_.uids.find(entry.name.unique);
        std::uint32_t uid = 0;
        if (by_list && listed != uids_.uids.end()) uid = listed->second;
        // What a run that was killed has not written into the list any more stands in the name.
        if (!by_list && uids_.uid_validity != 0) uid = entry.name.uid().value_or(0);
        if (!by_list && uid < uids_.uid_next) uid = 0;
        if (uid == 0 || uid >= kMostUid || !given.insert(uid).second) (by_list ? others : rest).push_back(std::move(entry));
        else entries_.emplace_back(uid, std::move(entry));
      }
    std::ranges::sort(entries_, {}, [](const auto& e) { return e.first; });
    if (!entries_.empty()) next_uid_ = std::max(next_uid_, entries_.back().first + 1);
    if (next_uid_ > kMostUid - std::min<std::size_t>(rest.size(), kMostUid)) return fail(Errc::limit, "the folder has used up its UIDs: " + folder_->path());
    for (auto& entry : rest) entries_.emplace_back(next_uid_++, std::move(entry));
    return {};
  }

  MaildirEntry* find(std::uint32_t uid) {
    const auto at = std::ranges::lower_bound(entries_, uid, {}, [](const auto& e) { return e.first; });
    return at != entries_.end() && at->first == uid ? &at->second : nullptr;
  }

  imap::FlagList flags_of(const MaildirEntry& entry) const {
    imap::FlagList flags;
    if (!entry.name.flags) return flags;
    for (const auto& [letter, flag] : kFlagLetters)
      if (entry.name.flags->has(letter)) flags.set(flag);
    if (entry.name.flags->has('P')) flags.keywords.emplace_back(kPassedOn);
    for (char letter = 'a'; letter <= 'z'; ++letter)
      if (entry.name.flags->has(letter) && !keywords_->name(letter).empty()) flags.keywords.push_back(keywords_->name(letter));
    return flags;
  }

  Result<MaildirFlags> letters_of(const imap::FlagList& flags, std::string& lost) {
    MaildirFlags letters;
    for (const auto& [letter, flag] : kFlagLetters)
      if (flags.has(flag)) letters.add(letter);
    for (const auto& keyword : flags.keywords) {
      if (keyword == kPassedOn) {
        letters.add('P');
        continue;
      }
      const auto letter = keywords_->letter_for(keyword);
      if (letter) letters.add(*letter);
      else if (letter.error().code == Errc::limit || letter.error().code == Errc::invalid) lost += (lost.empty() ? "the keyword " : ", ") + keyword;
      else return std::unexpected(letter.error());
    }
    return letters;
  }

  // All that a listing tells; the file is read as far as it must be.
  Result<void> facts_of(MaildirEntry& entry, MessageInfo& info, bool with_fields) {
    const auto size = entry.name.field('W');
    if (size && !with_fields) {
      TRY(const auto facts, folder_->facts(entry));
      info.size = *size;
      info.date = date_of(facts.internal_date);
      return {};
    }
    TRY(auto file, folder_->open_message(entry));
    TRY(const auto facts, folder_->facts(entry));
    info.date = date_of(facts.internal_date);
    MaildirText text;
    std::string header;
    for (bool more = true; more && (!size || header.size() < kMostHeader);) {
      char piece[kPiece];
      TRY(const auto n, read_some(file.fd(), piece, folder_->path_of(entry)));
      std::string octets;
      text.put(octets, {piece, n});
      more = n != 0;
      if (header.size() < kMostHeader) header += octets;
      info.size += octets.size();
      if (size && header.find("\r\n\r\n") != header.npos) break;
    }
    if (size) info.size = *size;
    if (with_fields) info.fields = identity_of(header);
    return {};
  }

  Result<void> read_letter(MaildirEntry& entry, Letter& letter) {
    letter.info.flags = flags_of(entry);
    TRY(auto file, folder_->open_message(entry));
    TRY(const auto facts, folder_->facts(entry));
    letter.info.date = date_of(facts.internal_date);
    MaildirText text;
    for (;;) {
      char piece[kPiece];
      TRY(const auto n, read_some(file.fd(), piece, folder_->path_of(entry)));
      std::string octets;
      text.put(octets, {piece, n});
      TRY_OK(letter.octets.write(octets));
      if (n == 0) break;
    }
    letter.info.size = letter.octets.size();
    return {};
  }

  // One wait for the disk for all of them.
  Result<void> store(std::vector<Letter>& letters, std::vector<Added>& outcomes) {
    std::vector<Added> added(letters.size());
    std::vector<std::uint32_t> uids;
    MaildirBatch batch(*folder_);
    for (std::size_t i = 0; i < letters.size(); ++i) {
      auto& letter = letters[i];
      auto name = make_maildir_name();
      TRY(const auto flags, letters_of(letter.info.flags, added[i].lost));
      name.flags = flags;
      TRY(auto draft, MaildirDraft::begin(*folder_, name));
      TRY_OK(give_as_file(letter.octets, [&draft](std::string_view piece) { return draft.put(piece); }));
      TRY_OK(draft.finish(letter.info.date ? std::optional<SysTime>(letter.info.date->time) : std::nullopt));
      const bool kept = keeping_ && letter.info.uid >= next_uid_ && letter.info.uid < kMostUid;
      if (!kept && next_uid_ >= kMostUid) return fail(Errc::limit, "the folder has used up its UIDs");
      uids.push_back(kept ? letter.info.uid : next_uid_);
      next_uid_ = uids.back() + 1;
      name.set_field('U', keeping_ ? std::optional<std::uint64_t>(uids.back()) : std::nullopt);
      name.set_field('S', draft.size());
      name.set_field('W', letter.octets.size());
      draft.set_name(name);
      batch.add(std::move(draft), flags.empty() ? MaildirBatch::Into::new_mail : MaildirBatch::Into::cur);
    }
    TRY(auto entries, batch.commit());
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (keeping_) {
        uids_.uids.insert_or_assign(entries[i].name.unique, uids[i]);
        uids_.uid_next = std::max(uids_.uid_next, uids[i] + 1);
        ++unwritten_;
      }
      entries_.emplace_back(uids[i], std::move(entries[i]));
    }
    for (auto& one : added) outcomes.push_back(std::move(one));
    return {};
  }

  MaildirTree tree_;
  WorkerPool& workers_;
  std::optional<MaildirFolder> folder_;
  std::optional<MaildirKeywords> keywords_;
  MaildirUids uids_;
  std::vector<std::pair<std::uint32_t, MaildirEntry>> entries_;  // ascending
  std::uint32_t next_uid_ = 1;
  std::size_t unwritten_ = 0;
  bool keeping_ = false;
};

}  // namespace

Task<Result<std::unique_ptr<MailPlace>>> open_maildir_place(std::string root, WorkerPool& workers) {
  auto tree = co_await workers.run([&] { return MaildirTree::open(root); });
  if (!tree) co_return std::unexpected(std::move(tree).error());
  co_return std::make_unique<MaildirPlace>(*std::move(tree), workers);
}

}  // namespace posthorn::copy
