#include "client/imap_connection.h"

#include <charconv>

#include "client/imap_state.h"

namespace posthorn::client {

ImapConnection::ImapConnection(ImapOptions options) : state_(std::make_unique<ImapState>(std::move(options))) {
  CHECK(state_->options.tls == TlsMode::none || state_->options.tls_context);
}

ImapConnection::~ImapConnection() = default;

Task<Result<void>> ImapConnection::open(std::unique_ptr<net::Connection> connection) {
  auto& s = *state_;
  CHECK(!s.channel);
  s.channel = std::make_unique<ImapChannel>(std::move(connection), s.options);
  if (s.stopping) s.channel->connection().abort();
  auto opened = co_await open_session(s);
  if (opened) {
    s.opened = true;
    co_return opened;
  }
  s.channel->note(opened.error().text);
  if (s.channel->is_open()) co_await logout();
  co_return opened;
}

bool ImapConnection::is_usable() const { return state_->opened && state_->check_usable().has_value(); }

Task<> ImapConnection::logout() {
  auto& s = *state_;
  if (!s.channel) co_return;
  if (s.channel->is_open()) (void)co_await run_command(s, "LOGOUT", {}, s.options.timeouts.logout);
  s.channel->close();
}

void ImapConnection::shut_down() {
  state_->stopping = true;
  if (state_->channel) state_->channel->connection().abort();
}

bool ImapConnection::has(std::string_view capability) const { return state_->has(capability); }
std::optional<std::uint64_t> ImapConnection::append_limit() const {
  constexpr std::string_view kName = "APPENDLIMIT=";
  for (const auto& capability : state_->capabilities) {
    std::uint64_t limit = 0;
    const char* const end = capability.data() + capability.size();
    if (capability.starts_with(kName) && std::from_chars(capability.data() + kName.size(), end, limit).ptr == end) return limit;
  }
  return {};
}
const std::string& ImapConnection::greeting() const { return state_->greeting; }
const std::string& ImapConnection::signed_in_by() const { return state_->signed_in_by; }
bool ImapConnection::is_tls() const { return !state_->tls_version.empty(); }
std::string ImapConnection::tls_version() const { return state_->tls_version; }
std::optional<char> ImapConnection::delimiter() const { return state_->delimiter; }
const std::string& ImapConnection::personal_prefix() const { return state_->prefix; }
const std::string& ImapConnection::selected() const { return state_->selected; }
Unsolicited ImapConnection::take_unsolicited() { return std::exchange(state_->unsolicited, {}); }

Task<Result<void>> ImapConnection::noop() {
  CO_TRY_OK(co_await run_command(*state_, "NOOP"));
  co_return Result<void>{};
}

}  // namespace posthorn::client
