#include "copy/imap_place.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "text/ascii.h"

namespace posthorn::copy {
namespace {

using client::ImapConnection;

constexpr std::size_t kMost = 20'000'000;  // messages of a mailbox: a server may tell of more and more

imap::FlagList without_recent(imap::FlagList flags) {
  flags.system &= static_cast<std::uint8_t>(~static_cast<std::uint8_t>(imap::SystemFlag::recent));
  return flags;
}

MessageInfo info_of(const imap::FetchResponse& told) {
  MessageInfo info;
  info.uid = told.uid.value_or(0);
  if (told.flags) info.flags = without_recent(*told.flags);
  info.date = told.internal_date;
  info.size = told.size.value_or(0);
  return info;
}

// One message after the other, from the connection to the sink.
class IntoLetters final : public client::MessageSink {
 public:
  explicit IntoLetters(LetterSink& sink) : sink_(sink) {}
  Task<Result<void>> begin(const imap::FetchResponse&, std::uint64_t) override {
    letter_ = {};
    co_return Result<void>{};
  }
  Task<Result<void>> write(std::string_view octets) override { co_return letter_.octets.write(octets); }
  Task<Result<void>> end(const imap::FetchResponse& all) override {
    letter_.info = info_of(all);
    letter_.info.size = letter_.octets.size();
    co_return co_await sink_.take(std::move(letter_));
  }

 private:
  LetterSink& sink_;
  Letter letter_;
};

class ImapPlace final : public MailPlace {
 public:
  ImapPlace(std::string name, client::ImapOptions options, std::string only)
      : name_(std::move(name)), only_(std::move(only)), connection_(std::move(options)) {}

  Task<Result<void>> open(std::unique_ptr<net::Connection> stream) {
    CO_TRY_OK(co_await connection_.open(std::move(stream)));
    delimiter_ = connection_.delimiter();
    if (!connection_.has("NAMESPACE")) co_return Result<void>{};
    const auto spaces = co_await connection_.namespaces();
    if (!spaces || spaces->personal.empty()) co_return Result<void>{};
    prefix_ = spaces->personal.front().prefix;
    delimiter_ = spaces->personal.front().delimiter;
    for (const auto* foreign : {&spaces->others, &spaces->shared})
      for (const auto& space : *foreign)
        if (!space.prefix.empty()) foreign_.push_back(space.prefix);
    co_return Result<void>{};
  }

  std::string name() const override { return name_; }

  Task<Result<std::vector<FolderInfo>>> folders() override {
    CO_TRY(const auto all, co_await connection_.list({.status = true}));
    std::vector<FolderInfo> out;
    names_.clear();
    listed_ = true;
    for (const auto& mailbox : all) {
      if (!mailbox.selectable || is_foreign(mailbox.name) || !is_wanted(mailbox.name)) continue;
      auto path = path_of(mailbox.name);
      if (names_.contains(path)) path = levels_of(mailbox.name);  // "INBOX.Sent" beside "Sent"
      if (!names_.emplace(path, mailbox.name).second)
        co_return fail(Errc::corrupt, name_ + ": the mailboxes " + names_.at(path) + " and " + mailbox.name + " would be one folder");
      out.push_back({std::move(path), mailbox.special_uses, mailbox.subscribed, mailbox.status ? mailbox.status->messages.value_or(0) : 0});
    }
    std::ranges::sort(out, {}, &FolderInfo::path);
    co_return out;
  }

  Task<Result<FolderNumbers>> enter(FolderInfo folder, Entering how) override {
    if (how == Entering::to_write && !listed_) {
      CO_TRY(const auto there, co_await folders());
    }
    CO_TRY(const auto mailbox, name_of(folder.path));
    if (how == Entering::to_write && !names_.contains(folder.path)) {
      CO_TRY_OK(co_await make(mailbox, folder));
      names_.emplace(folder.path, mailbox);
    }
    auto selected = co_await connection_.select(mailbox, {.read_only = how == Entering::to_read});
    if (!selected) co_return std::unexpected(std::move(selected).error());
    exists_ = selected->messages;
    permanent_ = selected->permanent;
    any_keyword_ = selected->any_keyword;
    keeping_ = false;
    how_ = how;
    withheld_.clear();
    (void)connection_.take_unsolicited();
    co_return FolderNumbers{selected->uid_validity, selected->uid_next};
  }

  Task<Result<std::vector<MessageInfo>>> list(bool with_fields) override {
    std::vector<MessageInfo> out;
    client::FetchWants wants{.flags = true, .date = true, .size = true};
    if (with_fields) wants.header_fields = kIdentityFields;
    bool silent = false;
    const auto note = [&](const imap::FetchResponse& told) {
      if (!told.uid || !told.size || out.size() == kMost) return;
      auto info = info_of(told);
      if (with_fields && (told.sections.empty() || !told.sections.back().text)) silent = true;
      else if (with_fields) info.fields = identity_of(*told.sections.back().text);
      out.push_back(std::move(info));
    };
    CO_TRY_OK(co_await connection_.fetch(client::every_uid(), wants, note));
    if (out.size() == kMost) co_return fail(Errc::limit, name_ + ": " + connection_.selected() + " has more messages than can be copied");
    if (silent) co_return fail(Errc::syntax, name_ + ": the server does not tell what is in the headers of messages");
    std::ranges::sort(out, {}, &MessageInfo::uid);
    const auto twice = std::ranges::unique(out, {}, &MessageInfo::uid);  // a server may tell one twice
    out.erase(twice.begin(), twice.end());
    exists_ -= told_gone();
    // What is not listed at the target would be copied twice; another connection may fare better, or not.
    if (out.size() < exists_)
      co_return fail(how_ == Entering::to_read ? Errc::busy : Errc::corrupt,
                     name_ + ": of " + std::to_string(exists_) + " messages of " + connection_.selected() + " the server listed " + std::to_string(out.size()));
    if (!with_fields) co_return out;
    withheld_.clear();
    for (auto& info : out)
      if (take_stand_in(info)) withheld_.push_back(info.uid);
    // It is not known whether such a message is there already: it might be copied twice.
    if (!withheld_.empty() && how_ == Entering::to_write)
      co_return fail(Errc::corrupt, name_ + ": the server says \"message unavailable\" of the message with the UID " + std::to_string(withheld_.front()) +
                                        ": nothing is copied into this folder until it has gone");
    co_return out;
  }

  Task<Result<void>> read(std::vector<std::uint32_t> uids, LetterSink& sink) override {
    if (uids.empty()) co_return Result<void>{};
    imap::NumberSet set;
    for (const auto uid : uids)
      if (!std::ranges::binary_search(withheld_, uid)) set.push_back(uid);
    IntoLetters letters(sink);
    co_return co_await connection_.fetch_messages(std::move(set), letters);
  }

  bool can_keep_numbers() const override { return connection_.has("XPOSTHORN-RESTORE"); }
  Task<Result<bool>> keep_numbers(FolderNumbers numbers) override {
    if (!can_keep_numbers()) co_return false;
    const auto done = co_await connection_.restore(connection_.selected(), numbers.uid_validity, std::max(numbers.uid_next, 1u));
    if (!done && done.error().code != Errc::invalid) co_return std::unexpected(done.error());
    keeping_ = done.has_value();
    kept_ = numbers;
    co_return keeping_;
  }

  Task<Result<void>> add(std::vector<Letter>& letters, std::vector<Added>& outcomes) override {
    std::vector<client::MessageToAppend> messages;
    std::vector<std::size_t> numbers;  // of the letters
    const auto limit = connection_.append_limit();
    for (std::size_t i = 0; i < letters.size(); ++i) {
      auto& letter = letters[i];
      auto& added = outcomes.emplace_back();
      if (limit && letter.octets.size() > *limit) {
        added.outcome = fail(Errc::too_large, "larger than the " + std::to_string(*limit) + " octets that the server takes");
        continue;
      }
      numbers.push_back(i);
      messages.push_back({.open = [&octets = letter.octets] { return std::make_unique<SpoolSource>(octets); },
                          .size = letter.octets.size(),
                          .flags = keepable(letter.info.flags, added.lost),
                          .internal_date = letter.info.date,
                          .uid_validity = kept_.uid_validity,
                          .uid = keeping_ ? letter.info.uid : 0});
    }
    std::vector<Result<void>> results;
    const auto done = co_await append(messages, results);
    for (std::size_t i = 0; i < results.size(); ++i) outcomes[numbers[i]].outcome = std::move(results[i]);
    // Behind those whose fate is known nothing is said.
    if (!done) outcomes.resize(results.size() < numbers.size() ? numbers[results.size()] : outcomes.size());
    co_return done;
  }

  Task<Result<void>> set_flags(std::vector<std::pair<std::uint32_t, imap::FlagList>> changes) override {
    std::map<std::pair<std::uint8_t, std::vector<std::string>>, std::vector<imap::NumberRange>> by_flags;
    for (auto& [uid, flags] : changes) {
      std::string lost;
      auto kept = keepable(flags, lost);
      by_flags[{kept.system, std::move(kept.keywords)}].push_back({uid, uid});
    }
    std::vector<client::StoreChange> stores;
    for (auto& [flags, uids] : by_flags)
      stores.push_back({.uids = imap::NumberSet(std::move(uids)), .mode = client::StoreChange::Mode::set, .flags = {flags.first, flags.second}});
    auto done = co_await connection_.store(stores);
    if (!done) co_return std::unexpected(std::move(done).error());
    co_return Result<void>{};
  }

  Task<> stay() override { (void)co_await connection_.noop(); }
  Task<> close() override { co_await connection_.logout(); }

 private:
  bool is_foreign(const std::string& mailbox) const {
    return std::ranges::any_of(foreign_, [&](const std::string& prefix) { return mailbox.starts_with(prefix) || mailbox + delimiter() == prefix; });
  }
  bool is_wanted(const std::string& mailbox) const {
    return only_.empty() || mailbox == only_ || mailbox.starts_with(only_ + delimiter());
  }
  std::string delimiter() const { return delimiter_ ? std::string(1, *delimiter_) : std::string(); }

  // So many of the messages have gone since it was asked last.
  std::uint32_t told_gone() {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(connection_.take_unsolicited().count_gone(), exists_));
  }

  // "INBOX.Sent" of a server that has all below INBOX is "Sent".
  FolderPath path_of(std::string_view mailbox) const {
    if (mailbox == "INBOX") return {"INBOX"};
    if (!prefix_.empty() && mailbox.starts_with(prefix_)) mailbox.remove_prefix(prefix_.size());
    if (mailbox == "INBOX") return {prefix_.substr(0, prefix_.size() - 1), "INBOX"};
    return levels_of(mailbox);
  }
  FolderPath levels_of(std::string_view mailbox) const {
    FolderPath path;
    while (delimiter_ && mailbox.find(*delimiter_) != mailbox.npos) {
      path.emplace_back(mailbox.substr(0, mailbox.find(*delimiter_)));
      mailbox.remove_prefix(path.back().size() + 1);
    }
    path.emplace_back(mailbox);
    return path;
  }

  Result<std::string> name_of(const FolderPath& path) const {
    if (const auto known = names_.find(path); known != names_.end()) return known->second;
    if (path.size() == 1 && text::iequals(path.front(), "INBOX")) return std::string("INBOX");
    std::string name = prefix_;
    for (const auto& level : path) {
      if (&level != &path.front()) {
        if (!delimiter_) return fail(Errc::invalid, "the server has no folders in folders: " + to_string(path));
        name += *delimiter_;
      }
      if (delimiter_ && level.find(*delimiter_) != level.npos)
        return fail(Errc::invalid, std::string("the server takes \"") + *delimiter_ + "\" for the end of a level: " + to_string(path) + " (see --rename)");
      name += level;
    }
    return name;
  }

  Task<Result<void>> make(const std::string& mailbox, const FolderInfo& folder) {
    if (mailbox == "INBOX") co_return Result<void>{};
    auto made = co_await connection_.create(mailbox, connection_.has("CREATE-SPECIAL-USE") ? folder.special_uses : 0);
    if (!made && made.error().code == Errc::invalid && folder.special_uses != 0) made = co_await connection_.create(mailbox);  // another one has that use
    if (!made) co_return std::unexpected(std::move(made).error());
    if (folder.subscribed) {
      const auto subscribed = co_await connection_.subscribe(mailbox);
      if (!subscribed && !connection_.is_usable()) co_return std::unexpected(subscribed.error());
    }
    co_return Result<void>{};
  }

  imap::FlagList keepable(imap::FlagList flags, std::string& lost) const {
    flags = without_recent(std::move(flags));
    if (any_keyword_) return flags;
    std::erase_if(flags.keywords, [&](const std::string& keyword) {
      const bool kept = std::ranges::any_of(permanent_.keywords, [&](const std::string& k) { return text::iequals(k, keyword); });
      if (!kept) lost += (lost.empty() ? "the keyword " : ", ") + keyword;
      return !kept;
    });
    return flags;
  }

  // All with one command where the server can; what it refuses is found one by one.
  Task<Result<void>> append(std::span<client::MessageToAppend> messages, std::vector<Result<void>>& results) {
    if (!keeping_ && !connection_.has("MULTIAPPEND")) {
      std::vector<Result<client::AppendedMessage>> each;
      const auto done = co_await connection_.append(connection_.selected(), messages, each);
      for (auto& one : each) results.push_back(one ? Result<void>{} : std::unexpected(std::move(one).error()));
      co_return done;
    }
    if (messages.size() > 1 && connection_.has("MULTIAPPEND")) {
      const auto all = co_await connection_.append_all(connection_.selected(), messages);
      if (all) results.resize(messages.size());
      if (all || !connection_.is_usable()) co_return all;
    }
    for (std::size_t i = 0; i < messages.size(); ++i) {
      auto one = co_await connection_.append_all(connection_.selected(), messages.subspan(i, 1));
      if (!one && connection_.is_usable() && messages[i].uid != 0 && one.error().code == Errc::invalid) {
        messages[i].uid = 0;  // somebody else has it: mail comes in here already
        one = co_await connection_.append_all(connection_.selected(), messages.subspan(i, 1));
      }
      if (!connection_.is_usable()) co_return one;
      results.push_back(std::move(one));
    }
    co_return Result<void>{};
  }

  const std::string name_, only_;
  ImapConnection connection_;
  std::string prefix_;                  // of one's own mailboxes
  std::vector<std::string> foreign_;    // prefixes of others' and shared ones
  std::optional<char> delimiter_;
  std::map<FolderPath, std::string> names_;  // as folders() found them
  std::uint32_t exists_ = 0;                 // messages of the mailbox that was entered, as it was then, without those that have gone since
  Entering how_ = Entering::to_read;
  std::vector<std::uint32_t> withheld_;  // ascending; stand-ins came for their headers, and nobody knows whether the target has them: read() leaves them out
  imap::FlagList permanent_;
  FolderNumbers kept_;
  bool listed_ = false, any_keyword_ = false, keeping_ = false;
};

}  // namespace

Task<Result<std::unique_ptr<MailPlace>>> open_imap_place(std::string name, client::ImapOptions options, std::unique_ptr<net::Connection> stream,
                                                         std::string only) {
  auto place = std::make_unique<ImapPlace>(std::move(name), std::move(options), std::move(only));
  CO_TRY_OK(co_await place->open(std::move(stream)));
  co_return std::unique_ptr<MailPlace>(std::move(place));
}

}  // namespace posthorn::copy
