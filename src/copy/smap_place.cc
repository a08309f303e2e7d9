#include "copy/smap_place.h"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "client/smap_connection.h"
#include "mailfile/line_ends.h"
#include "proto/smap/flags.h"
#include "text/ascii.h"

namespace posthorn::copy {
namespace {

using client::SmapConnection;
using client::SmapPath;

constexpr std::size_t kMostFolders = 100'000, kMostLevels = 64;  // a server may tell of more and more
constexpr const char* kIdentityHeaders = "HEADERS(MESSAGE-ID,DATE,FROM,SUBJECT)";

static_assert(static_cast<int>(imap::SystemFlag::seen) == smap::kSeen && static_cast<int>(imap::SystemFlag::answered) == smap::kReplied);
static_assert(static_cast<int>(imap::SystemFlag::flagged) == smap::kMarked && static_cast<int>(imap::SystemFlag::deleted) == smap::kDeleted);
static_assert(static_cast<int>(imap::SystemFlag::draft) == smap::kDraft);

MessageInfo info_of(const smap::FetchReply& told) {
  MessageInfo info{.uid = told.number, .flags = {.system = told.flags.value_or(0)}, .date = told.date, .size = told.size.value_or(0)};
  for (const auto& keyword : told.keywords.value_or(std::vector<std::string>()))
    if (auto stored = smap::stored_keyword(keyword); stored.size() <= smap::kMaxKeyword) info.flags.keywords.push_back(std::move(stored));
  return info;
}

class IntoLetters final : public client::SmapSink {
 public:
  IntoLetters(LetterSink& sink, const std::vector<MessageInfo>& infos) : sink_(sink), infos_(infos) {}
  Task<Result<void>> begin(std::uint32_t) override {
    letter_ = {};
    lines_ = {};
    co_return Result<void>{};
  }
  Task<Result<void>> write(std::string_view octets) override {
    text_.clear();
    lines_.put(text_, octets);
    co_return letter_.octets.write(text_);
  }
  Task<Result<void>> end(std::uint32_t number) override {
    letter_.info = *std::ranges::lower_bound(infos_, number, {}, &MessageInfo::uid);
    letter_.info.fields.clear();
    letter_.info.size = letter_.octets.size();
    co_return co_await sink_.take(std::move(letter_));
  }

 private:
  LetterSink& sink_;
  const std::vector<MessageInfo>& infos_;  // of all that may come
  Letter letter_;
  mailfile::ToCrlf lines_;
  std::string text_;
};

class IntoFields final : public client::SmapSink {
 public:
  explicit IntoFields(std::vector<MessageInfo>& infos) : infos_(infos) {}
  Task<Result<void>> begin(std::uint32_t) override {
    header_.clear();
    co_return Result<void>{};
  }
  Task<Result<void>> write(std::string_view octets) override {
    constexpr std::size_t kMostHeader = 256 << 10;
    if (header_.size() < kMostHeader) header_ += octets;
    co_return Result<void>{};
  }
  Task<Result<void>> end(std::uint32_t number) override {
    std::ranges::lower_bound(infos_, number, {}, &MessageInfo::uid)->fields = identity_of(header_);
    co_return Result<void>{};
  }

 private:
  std::vector<MessageInfo>& infos_;
  std::string header_;
};

// What is uploaded; tells whether the lines of it will come back otherwise: a CR or LF alone, a last line without its end.
class LinesSource final : public client::MessageSource {
 public:
  LinesSource(Spool& octets, bool& changes) : source_(octets), changes_(changes) { changes_ = octets.size() == 0; }
  Task<Result<std::string_view>> next() override {
    CO_TRY(const auto piece, co_await source_.next());
    for (const char c : piece) changes_ |= (std::exchange(last_, c) == '\r') != (c == '\n');
    if (piece.empty()) changes_ |= last_ != '\n';
    co_return piece;
  }

 private:
  SpoolSource source_;
  bool& changes_;
  char last_ = 0;
};

class SmapPlace final : public MailPlace {
 public:
  SmapPlace(std::string name, client::SmapOptions options, std::string only) : name_(std::move(name)), only_(std::move(only)), connection_(std::move(options)) {}

  Task<Result<void>> open(std::unique_ptr<net::Connection> stream) { co_return co_await connection_.open(std::move(stream)); }
  std::string name() const override { return name_; }
  bool keeps_octets() const override { return false; }

  Task<Result<std::vector<FolderInfo>>> folders() override {
    names_.clear();
    listed_ = true;
    std::deque<SmapPath> to_list{{}};
    for (std::size_t seen = 0; !to_list.empty(); to_list.pop_front()) {
      const auto above = to_list.front();
      CO_TRY(const auto listed, co_await connection_.list(above));
      seen += listed.size();
      if (seen > kMostFolders || above.size() > kMostLevels) co_return fail(Errc::limit, name_ + ": the server lists folders in folders without end");
      for (const auto& [child, kinds] : together(listed)) {
        auto path = above;
        path.push_back(child);
        if (path.front() == "public" && path.size() == 1) continue;  // what others share [SMAP1 4.2]
        if (kinds.has_folders) to_list.push_back(path);
        if (kinds.has_messages) CO_TRY_OK(note(std::move(path)));
      }
    }
    std::vector<FolderInfo> out;
    for (const auto& [path, name] : names_)
      if (is_wanted(to_string(path))) out.push_back({.path = path});
    co_return out;
  }

  Task<Result<FolderNumbers>> enter(FolderInfo folder, Entering how) override {
    if (!listed_) CO_TRY_OK(co_await folders());
    const auto known = names_.find(folder.path);
    if (known == names_.end() && how == Entering::to_read) co_return fail(Errc::not_found, name_ + ": there is no folder " + to_string(folder.path));
    entered_ = known != names_.end() ? known->second : name_of(folder.path);
    if (known == names_.end()) {
      CO_TRY_OK(co_await connection_.create(entered_));
      names_.emplace(folder.path, entered_);
    }
    infos_.clear();
    withheld_.clear();
    how_ = how;
    CO_TRY_OK(co_await connection_.open_folder(entered_));
    co_return FolderNumbers{};
  }

  Task<Result<std::vector<MessageInfo>>> list(bool with_fields) override {
    CO_TRY(const auto told, co_await connection_.fetch({.flags = true, .keywords = true, .size = true, .date = true}));
    if (told.size() < connection_.messages())
      co_return fail(how_ == Entering::to_read ? Errc::busy : Errc::corrupt, name_ + ": of " + std::to_string(connection_.messages()) + " messages the server listed " + std::to_string(told.size()));
    infos_.clear();
    for (const auto& one : told) {
      if (!one.flags) co_return fail(Errc::syntax, name_ + ": the server does not tell the flags of messages");
      infos_.push_back(info_of(one));
    }
    if (!with_fields) co_return infos_;
    auto out = infos_;
    IntoFields headers(out);
    withheld_.clear();
    CO_TRY_OK(co_await connection_.fetch_content(kIdentityHeaders, wanted(out), headers, withheld_));
    for (auto& info : out)
      if (take_stand_in(info)) withheld_.push_back(info.uid);
    std::ranges::sort(withheld_);
    // It is not known whether such a message is there already: it might be copied twice.
    if (!withheld_.empty() && how_ == Entering::to_write)
      co_return fail(Errc::corrupt, name_ + ": the server does not give the header of message " + std::to_string(withheld_.front()) +
                                        ": nothing is copied into this folder until it has gone");
    co_return out;
  }

  Task<Result<void>> read(std::vector<std::uint32_t> uids, LetterSink& sink) override {
    if (infos_.empty() && !uids.empty()) {
      CO_TRY_OK(co_await list(false));
    }
    std::vector<MessageInfo> asked;
    for (const auto uid : uids) {
      const auto at = std::ranges::lower_bound(infos_, uid, {}, &MessageInfo::uid);
      if (at != infos_.end() && at->uid == uid && !std::ranges::binary_search(withheld_, uid)) asked.push_back(*at);
    }
    IntoLetters letters(sink, asked);
    std::vector<std::uint32_t> refused;  // are left out
    co_return co_await connection_.fetch_content("ALL", wanted(asked), letters, refused);
  }

  Task<Result<bool>> keep_numbers(FolderNumbers) override { co_return false; }

  Task<Result<void>> add(std::vector<Letter>& letters, std::vector<Added>& outcomes) override {
    for (auto& letter : letters) {
      Added added;
      bool other_lines = false;
      client::SmapUpload upload{.folder = entered_, .flags = static_cast<std::uint8_t>(letter.info.flags.system & smap::kAllFlags)};
      upload.keywords = keepable(letter.info.flags.keywords, added.lost);
      upload.date = letter.info.date;
      upload.size = letter.octets.size();
      upload.content = [&] { return std::make_unique<LinesSource>(letter.octets, other_lines); };
      auto saved = co_await connection_.add(std::move(upload));
      // Of what was neither saved nor refused nothing is known.
      if (!saved && saved.error().code != Errc::invalid && !connection_.is_usable()) co_return std::unexpected(std::move(saved).error());
      if (!saved) added.outcome = std::unexpected(std::move(saved).error());
      if (other_lines) added.lost += (added.lost.empty() ? "" : ", ") + std::string("its line ends: all lines end with CRLF there");
      outcomes.push_back(std::move(added));
      if (!connection_.is_usable()) co_return fail(Errc::closed, name_ + ": the connection is closed");
    }
    co_return Result<void>{};
  }

  Task<Result<void>> set_flags(std::vector<std::pair<std::uint32_t, imap::FlagList>> changes) override {
    std::map<std::pair<std::uint8_t, std::vector<std::string>>, std::vector<std::uint32_t>> by_flags;
    for (auto& [number, flags] : changes) {
      std::string lost;
      by_flags[{static_cast<std::uint8_t>(flags.system & smap::kAllFlags), keepable(flags.keywords, lost)}].push_back(number);
    }
    for (auto& [flags, numbers] : by_flags) {
      std::ranges::sort(numbers);
      CO_TRY_OK(co_await connection_.store(client::smap_ranges(numbers), SmapConnection::Change::set, flags.first, flags.second));
    }
    co_return Result<void>{};
  }

  // NOOP would give messages other numbers [SMAP1 5.2].
  Task<> stay() override { (void)co_await connection_.list({}); }
  Task<> close() override { co_await connection_.logout(); }

 private:
  static std::map<std::string, smap::ListReply> together(const std::vector<smap::ListReply>& listed) {
    std::map<std::string, smap::ListReply> out;
    for (const auto& one : listed) {
      auto& all = out[one.name];
      all.has_messages |= one.has_messages;
      all.has_folders |= one.has_folders;
    }
    return out;
  }

  // One's own folders are below INBOX there: `"INBOX" "Sent"` is Sent [SMAP1 15].
  Result<void> note(SmapPath name) {
    FolderPath path(name.begin() + (name.front() == "INBOX" && name.size() > 1 ? 1 : 0), name.end());
    if (path.size() == 1 && name.size() > 1 && text::iequals(path.front(), "INBOX")) path = name;
    const auto shown = to_string(path);
    if (!names_.emplace(std::move(path), std::move(name)).second) return fail(Errc::corrupt, name_ + ": two of the server's folders would be " + shown);
    return {};
  }
  static SmapPath name_of(const FolderPath& path) {
    SmapPath name{"INBOX"};
    if (path.size() == 1 && text::iequals(path.front(), "INBOX")) return name;
    name.insert(name.end(), path.begin(), path.end());
    return name;
  }
  bool is_wanted(const std::string& folder) const { return only_.empty() || folder == only_ || folder.starts_with(only_ + "/"); }

  static std::vector<client::SmapWanted> wanted(const std::vector<MessageInfo>& infos) {
    std::vector<client::SmapWanted> out;
    for (const auto& info : infos) out.push_back({.number = info.uid, .size = info.size});
    return out;
  }

  std::vector<std::string> keepable(const std::vector<std::string>& stored, std::string& lost) const {
    std::vector<std::string> out;
    for (const auto& one : stored) {
      auto shown = smap::shown_keyword(one);
      if (connection_.has("KEYWORDS") && client::is_smap_keyword(shown)) out.push_back(std::move(shown));
      else lost += (lost.empty() ? "the keyword " : ", ") + one;
    }
    std::ranges::sort(out);
    return out;
  }

  const std::string name_, only_;
  SmapConnection connection_;
  std::map<FolderPath, SmapPath> names_;  // as folders() found them
  SmapPath entered_;
  std::vector<MessageInfo> infos_;  // of the folder that was entered, as list() found them: its numbers stay
  std::vector<std::uint32_t> withheld_;  // ascending; their headers were not given, and nobody knows whether the target has them: read() leaves them out
  Entering how_ = Entering::to_read;
  bool listed_ = false;
};

}  // namespace

Task<Result<std::unique_ptr<MailPlace>>> open_smap_place(std::string name, client::SmapOptions options, std::unique_ptr<net::Connection> stream,
                                                         std::string only) {
  auto place = std::make_unique<SmapPlace>(std::move(name), std::move(options), std::move(only));
  CO_TRY_OK(co_await place->open(std::move(stream)));
  co_return std::unique_ptr<MailPlace>(std::move(place));
}

}  // namespace posthorn::copy
