// What a scenario says before its first step.
#include <charconv>

#include "server/common/transcript_runner_testing.h"
#include "text/ascii.h"

namespace posthorn::server::transcript {
namespace {

SettingValue setting_value(const std::string& text) {
  if (text == "true") return true;
  if (text == "false") return false;
  std::int64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error == std::errc() && end == text.data() + text.size()) return n;
  return text;
}

}  // namespace

Result<void> Runner::change_setting(const std::string& name, std::string_view value) {
  const auto* setting = find_setting(name);
  if (!setting) return fail(Errc::not_found, "no setting " + name);
  changed_settings_.push_back(setting);
  return setting->set(setting_value(std::string(text::trim(value))));
}

Task<Result<void>> Runner::apply(const Step& directive) {
  const auto words = words_of(directive.text);
  if (words.empty()) co_return fail(Errc::syntax, "empty directive");
  const auto& name = words[0];
  const auto argument = [&](std::size_t i) { return i < words.size() ? words[i] : std::string(); };
  if (name == "protocol") {
    for (auto p : {config::Protocol::smtp, config::Protocol::submission, config::Protocol::lmtp, config::Protocol::imap,
                   config::Protocol::pop3})
      if (config::to_string(p) == argument(1)) {
        rules_.protocol = p;
        co_return Result<void>{};
      }
    co_return fail(Errc::syntax, "unknown protocol");
  }
  if (name == "tls") {
    for (auto t : {config::TlsMode::none, config::TlsMode::starttls, config::TlsMode::implicit})
      if (config::to_string(t) == argument(1)) {
        rules_.tls = t;
        co_return Result<void>{};
      }
    co_return fail(Errc::syntax, "unknown TLS mode");
  }
  if (name == "lf") {
    line_end_ = net::LineEnd::any_lf;
    co_return Result<void>{};
  }
  if (name == "allow_plaintext_auth") {
    rules_.allow_plaintext_auth = true;
    co_return Result<void>{};
  }
  if (name == "queue") co_return co_await server_.open_queue();
  if (name == "peer") {
    CO_TRY(const auto ip, IpAddress::parse(argument(1)));
    peer_ = net::peer_at(ip, 4711);
    co_return Result<void>{};
  }
  if (name == "setting") co_return change_setting(argument(1), directive.text.substr(directive.text.find(words[1]) + words[1].size()));
  if (name == "domain") {
    has_domain_ = true;
    auto domain = argument(1);
    co_return co_await server_.add_domain(std::move(domain));
  }
  if (!has_domain_) {
    has_domain_ = true;
    CO_TRY_OK(co_await server_.add_domain("example.test"));
  }
  if (name == "account") {
    const auto quota = static_cast<std::uint64_t>(to_int(argument(3)).value_or(0));
    CO_TRY_OK(co_await server_.add_account(argument(1), argument(2), quota));
    co_return Result<void>{};
  }
  if (name == "account_setting") {
    std::map<std::string, std::string, std::less<>> changes{{argument(2), argument(3)}};
    co_return co_await server_.services().directory.change_settings(argument(1), std::move(changes));
  }
  if (name == "apop") co_return co_await server_.services().directory.set_apop_secret(argument(1), argument(2));
  if (name == "alias") {
    std::vector<std::string> targets(words.begin() + 2, words.end());
    co_return co_await server_.services().directory.add_alias(argument(1), std::move(targets));
  }
  if (name == "mailbox") {
    CO_TRY(auto record, co_await server_.services().directory.find_account(argument(1)));
    CO_TRY(auto account, co_await server_.services().store.account(record.id));
    CO_TRY_OK(co_await account->create_mailbox(argument(2)));
    co_return Result<void>{};
  }
  if (name == "message") {
    std::string message;
    for (const auto& line : directive.block) {
      bool no_line_end = false;
      message += unescape(line, &no_line_end);
      if (!no_line_end) message += "\r\n";
    }
    std::vector<std::string> flags(words.begin() + 3, words.end());
    for (auto& flag : flags)
      if (flag.front() == '[' || flag.back() == ']') std::erase_if(flag, [](char c) { return c == '[' || c == ']'; });
    co_return co_await server_.add_message(argument(1), argument(2), std::move(message), std::move(flags));
  }
  co_return fail(Errc::syntax, "unknown directive @" + name);
}

}  // namespace posthorn::server::transcript
