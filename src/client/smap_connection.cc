#include "client/smap_connection.h"

#include <utility>

#include "client/smap_channel.h"
#include "proto/smap/flags.h"
#include "proto/smap/words.h"

namespace posthorn::client {
namespace {

class IntoFolders final : public SmapTaker {
 public:
  explicit IntoFolders(std::size_t limit) : limit_(limit) {}
  std::vector<smap::ListReply> folders;
  Result<void> data(std::vector<std::string> words) override {
    if (!words.empty() && words.front() == "EXPUNGE") return fail(Errc::syntax, "the server gives messages other numbers in the middle of a command");
    if (words.empty() || words.front() != "LIST") return {};
    if (folders.size() == limit_) return fail(Errc::limit, "the server lists folders without end");
    TRY(auto folder, smap::parse_list_reply(words));
    folders.push_back(std::move(folder));
    return {};
  }

 private:
  const std::size_t limit_;
};

// What is told of the folder that is open; keeps the count of its messages.
class IntoNews final : public SmapTaker {
 public:
  IntoNews(SmapState& s, SmapNews& news) : SmapTaker(s.messages), s_(s), news_(news) {}
  Result<void> data(std::vector<std::string> words) override {
    if (words.empty()) return {};
    if (words.front() == "EXISTS") return take_exists(words);
    if (words.front() == "EXPUNGE") return take_expunge(words);
    if (words.front() == "FETCH") return take_fetch(words);
    if (words.front() == "SNAPSHOT" && words.size() > 1) news_.snapshot = std::move(words[1]);
    if (words.front() == "SNAPSHOTEXISTS") news_.from_snapshot = true;
    return {};
  }

 private:
  Result<void> take_exists(const std::vector<std::string>& words) {
    TRY(const auto count, smap::parse_exists_reply(words));
    if (count > s_.options.messages) return fail(Errc::limit, "the folder has more messages than can be dealt with: " + std::to_string(count));
    if (count < s_.messages) return fail(Errc::syntax, "the server lets messages vanish without a word");
    s_.messages = count;
    news_.messages = count;
    return {};
  }
  Result<void> take_expunge(const std::vector<std::string>& words) {
    TRY(auto ranges, smap::parse_expunge_reply(words));
    if (ranges.back().last > s_.messages) return fail(Errc::syntax, "the server removes messages that are not there");
    for (const auto& [first, last] : ranges) s_.messages -= static_cast<std::uint32_t>(last - first + 1);
    news_.expunged.push_back(std::move(ranges));
    return {};
  }
  Result<void> take_fetch(const std::vector<std::string>& words) {
    TRY(auto changed, smap::parse_fetch_reply(words));
    if (changed.number > s_.messages) return fail(Errc::syntax, "the server tells of a message that is not there");
    if (news_.changed.size() > 2ull * s_.options.messages) return fail(Errc::limit, "the server tells of changes without end");
    news_.changed.push_back(std::move(changed));
    return {};
  }

  SmapState& s_;
  SmapNews& news_;
};

Task<Result<SmapNews>> run_for_news(SmapState& s, std::string line) {
  SmapNews news;
  IntoNews taker(s, news);
  CO_TRY_OK(co_await s.channel->run(std::move(line), taker, s.command_end()));
  co_return news;
}

// Closed is what was open, whatever comes of it [SMAP1 5.1].
Task<Result<SmapNews>> open_by(SmapState& s, std::string line, std::uint32_t messages) {
  s.folder_is_open = false;
  s.messages = messages;
  CO_TRY(auto news, co_await run_for_news(s, std::move(line)));
  s.folder_is_open = true;
  co_return news;
}

Task<Result<void>> run_on_path(SmapState& s, std::string verb, SmapPath path) {
  CO_TRY_OK(s.check_usable());
  CO_TRY(const auto name, smap_path_text(s, path));
  co_return co_await s.channel->run(verb + " " + name, s.command_end());
}

}  // namespace

smap::NumberRanges smap_ranges(const std::vector<std::uint32_t>& numbers) {
  smap::NumberRanges out;
  for (const auto number : numbers) {
    if (!out.empty() && out.back().last + 1 == number) ++out.back().last;
    else out.push_back({number, number});
  }
  return out;
}

bool is_smap_keyword(std::string_view keyword) { return !keyword.empty() && !keyword.contains(',') && smap::is_text(keyword); }

SmapConnection::SmapConnection(SmapOptions options) : state_(std::make_unique<SmapState>(std::move(options))) {
  CHECK(state_->options.tls == TlsMode::none || state_->options.tls_context);
}
SmapConnection::~SmapConnection() = default;

Task<Result<void>> SmapConnection::open(std::unique_ptr<net::Connection> connection) {
  auto& s = *state_;
  CHECK(!s.channel);
  s.channel = std::make_unique<SmapChannel>(std::move(connection), s.options);
  if (s.stopping) s.channel->connection().abort();
  auto opened = co_await open_session(s);
  if (!opened) s.channel->close();
  co_return opened;
}

bool SmapConnection::is_usable() const { return state_->channel && state_->channel->is_open(); }
bool SmapConnection::has(std::string_view capability) const { return state_->has(capability); }
const std::string& SmapConnection::signed_in_by() const { return state_->signed_in_by; }
bool SmapConnection::is_tls() const { return state_->channel && state_->channel->connection().is_tls(); }
std::string SmapConnection::tls_version() const { return state_->channel ? state_->channel->connection().tls_version() : std::string(); }
bool SmapConnection::in_doubt() const { return state_->in_doubt; }
std::uint32_t SmapConnection::messages() const { return state_->messages; }

Task<Result<std::vector<smap::ListReply>>> SmapConnection::list(SmapPath path) {
  auto& s = *state_;
  CO_TRY_OK(s.check_usable());
  std::string line = "LIST";
  if (!path.empty()) {
    CO_TRY(const auto name, smap_path_text(s, path));
    line += " " + name;
  }
  IntoFolders taker(s.options.folders);
  CO_TRY_OK(co_await s.channel->run(std::move(line), taker, s.command_end()));
  co_return std::move(taker.folders);
}

Task<Result<void>> SmapConnection::create(SmapPath path) { co_return co_await run_on_path(*state_, "CREATE", std::move(path)); }
Task<Result<void>> SmapConnection::remove(SmapPath path) { co_return co_await run_on_path(*state_, "DELETE", std::move(path)); }

Task<Result<void>> SmapConnection::rename(SmapPath from, SmapPath to) {
  auto& s = *state_;
  CO_TRY_OK(s.check_usable());
  CO_TRY(const auto old_name, smap_path_text(s, from));
  CO_TRY(const auto new_name, smap_path_text(s, to));
  co_return co_await s.channel->run("RENAME " + old_name + " \"\" " + new_name, s.command_end());
}

Task<Result<std::uint32_t>> SmapConnection::open_folder(SmapPath path) {
  auto& s = *state_;
  CO_TRY_OK(s.check_usable());
  CO_TRY(const auto name, smap_path_text(s, path));
  CO_TRY(const auto news, co_await open_by(s, "OPEN " + name, 0));
  if (!news.messages) co_return s.channel->broken(Errc::syntax, "the server does not tell how many messages there are");
  co_return s.messages;
}

Task<Result<SmapNews>> SmapConnection::open_folder_since(SmapPath path, SmapSnapshot snapshot) {
  auto& s = *state_;
  CO_TRY_OK(s.check_usable());
  CO_TRY(const auto name, smap_path_text(s, path));
  std::string line = "SOPEN ";
  smap::put_word(line, snapshot.name);
  CO_TRY(auto news, co_await open_by(s, line + " " + name, snapshot.name.empty() ? 0 : snapshot.messages));
  if (news.from_snapshot || news.messages) co_return news;
  co_return s.channel->broken(Errc::syntax, "the server tells neither how many messages there are, nor that it knows the snapshot");
}

Task<Result<SmapNews>> SmapConnection::noop() {
  CO_TRY_OK(state_->check_usable());
  co_return co_await run_for_news(*state_, "NOOP");
}

Task<Result<SmapNews>> SmapConnection::expunge(smap::NumberRanges ranges) {
  auto& s = *state_;
  CO_TRY_OK(s.check_open_folder());
  CHECK(ranges.size() <= kMostRanges);
  if (ranges.empty()) co_return SmapNews{};  // without a set all would go that have DELETED [SMAP1 8.1]
  std::string line = "EXPUNGE";
  for (const auto& [first, last] : ranges) smap::put_range(line += ' ', first, last);
  co_return co_await run_for_news(s, std::move(line));
}

Task<> SmapConnection::logout() {
  auto& s = *state_;
  if (!s.channel || !s.channel->is_open()) co_return;
  (void)co_await s.channel->run(s.signed_in_by.empty() ? "\\SMAP1 LOGOUT" : "LOGOUT", after(s.options.timeouts.logout));
  s.channel->close();
}

void SmapConnection::shut_down() {
  state_->stopping = true;
  if (state_->channel) state_->channel->connection().abort();
}

}  // namespace posthorn::client
