// CAPA, LANG, NOOP and QUIT.
#include <algorithm>
#include <chrono>

#include "base/log.h"
#include "server/common/sasl_loop.h"
#include "server/pop3/reply_for.h"
#include "server/pop3/session.h"
#include "server/pop3/settings.h"

namespace posthorn::pop3 {

// [RFC2449 5] What is offered depends on what may be used now.
Session::Outcome Session::cmd_capa(Capa&) {
  ok(Text::capabilities);
  connection_.put("TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\n");
  put_expire();
  if (const auto delay = kLoginDelay.get(); delay.count() > 0) connection_.put("LOGIN-DELAY " + std::to_string(delay.count()) + "\r\n");
  connection_.put("UTF8 USER\r\nLANG\r\n");
  if (context_.takes_passwords()) connection_.put("USER\r\n");
  if (const auto mechanisms = server::offered_mechanisms(context_); !mechanisms.empty()) {
    connection_.put("SASL");
    for (const auto name : mechanisms) connection_.output().append(" ").append(name);
    connection_.put("\r\n");
  }
  const bool can_start_tls = context_.rules.tls == config::TlsMode::starttls && !connection_.is_tls();
  if (can_start_tls && state_ == State::authorization) connection_.put("STLS\r\n");
  connection_.put("IMPLEMENTATION Posthorn\r\n.\r\n");
  co_return Result<void>{};
}

// [RFC2449 6.7] Before the sign-in: the least that any account may have.
void Session::put_expire() {
  using std::chrono::days;
  auto kept = rules_.delete_after;
  if (state_ == State::authorization) kept = kept.count() == 0 ? kLeastRetention.get() : std::min(kept, kLeastRetention.get());
  connection_.put("EXPIRE " + (kept.count() == 0 ? "NEVER" : std::to_string(std::chrono::floor<days>(kept).count())) +
                  (state_ == State::authorization ? " USER\r\n" : "\r\n"));
}

Session::Outcome Session::cmd_noop(Noop&) {
  ok(Text::nothing_done);
  co_return Result<void>{};
}

// [RFC6856 3]
Session::Outcome Session::cmd_lang(Lang& lang) {
  if (lang.range.empty()) {
    ok(Text::languages);
    for (const auto language : kLanguages) {
      const auto name = name_of(language);
      connection_.output().append(name.tag).append(" ").append(name.name).append("\r\n");
    }
    connection_.put(".\r\n");
    co_return Result<void>{};
  }
  // The same for every user: it tells nobody who exists [RFC6856 7].
  const auto language = lang.range == "*" ? kLanguage.get() : find_language(lang.range);
  if (!language) co_return co_await refuse(Text::unknown_language);
  language_ = *language;
  connection_.output().append("+OK ").append(name_of(*language).tag).append(" ").append(text_in(*language, Text::language_chosen)).append("\r\n");
  co_return Result<void>{};
}

// [RFC1939 6] The UPDATE state.  The marked messages are gone for good when the client reads +OK.
Session::Outcome Session::cmd_quit(Quit&) {
  state_ = State::ended;
  if (!maildrop_) {
    ok(Text::goodbye);
    co_return Result<void>{};
  }
  // What was asked for in the same packet is on its way first: a client that has gone has not got it, and nothing of it is deleted.
  CO_TRY_OK(co_await connection_.flush(send_deadline()));
  const auto updated = co_await maildrop_->update();
  lock_.reset();  // whoever reads our answer may sign in again
  if (!updated) {
    log::error("pop3.update_failed",
               {{"session", context_.session_id}, {"user", address_}, {"error", updated.error()}});
    err(Reply{reply_for(updated.error().code).code, Text::not_updated});
    co_return Result<void>{};
  }
  if (updated->removed + updated->hidden > 0) {
    deleted.add(updated->removed);
    log::info("pop3.deleted", {{"session", context_.session_id},
                               {"user", address_},
                               {"messages", updated->removed},
                               {"expired", updated->expired},
                               {"hidden", updated->hidden}});
  }
  ok(Text::goodbye);
  co_return Result<void>{};
}

}  // namespace posthorn::pop3
