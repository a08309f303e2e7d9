// STAT, LIST, UIDL, DELE, RSET: no message is opened.
#include <charconv>

#include "server/pop3/session.h"

namespace posthorn::pop3 {
namespace {

constexpr std::string_view kNoSuchMessage = "There is no such message";

void put_number(std::string& out, std::uint64_t n) {
  char digits[20];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, n).ptr);
}

void put_size(std::string& out, const store::Entry& e) { put_number(out, e.size); }

}  // namespace

Session::Outcome Session::cmd_stat(Stat&) {
  const auto totals = maildrop_->totals();
  ok(std::to_string(totals.messages) + ' ' + std::to_string(totals.bytes));
  co_return Result<void>{};
}

template <class Put>
Session::Outcome Session::list_one(std::uint32_t number, Put put) {
  const auto* entry = maildrop_->find(number);
  if (!entry) {
    err(kNoSuchMessage);
    co_return Result<void>{};
  }
  auto& out = connection_.output();
  out += "+OK ";
  put_number(out, number);
  out += ' ';
  put(out, *entry);
  out += "\r\n";
  co_return Result<void>{};
}

template <class Put>
Session::Outcome Session::list_all(std::string_view title, Put put) {
  ok(title);
  for (std::uint32_t number = 1; number <= maildrop_->count(); ++number) {
    const auto* entry = maildrop_->find(number);
    if (!entry) continue;
    auto& out = connection_.output();
    put_number(out, number);
    out += ' ';
    put(out, *entry);
    out += "\r\n";
    if (number % 1024 == 0) {
      CO_TRY_OK(co_await connection_.flush_if_large(deadline()));
    }
  }
  connection_.put(".\r\n");
  co_return Result<void>{};
}

Session::Outcome Session::cmd_list(List& list) {
  if (list.number) co_return co_await list_one(*list.number, put_size);
  const auto totals = maildrop_->totals();
  const std::string title = std::to_string(totals.messages) + " messages (" + std::to_string(totals.bytes) + " octets)";
  co_return co_await list_all(title, put_size);
}

Session::Outcome Session::cmd_uidl(Uidl& uidl) {
  const auto put = [this](std::string& out, const store::Entry& e) { maildrop_->put_unique_id(out, e); };
  if (uidl.number) co_return co_await list_one(*uidl.number, put);
  co_return co_await list_all("Unique ids:", put);
}

Session::Outcome Session::cmd_dele(Dele& dele) {
  if (!maildrop_->find(dele.number)) {
    err(kNoSuchMessage);
  } else {
    maildrop_->mark_deleted(dele.number);
    ok("Marked as deleted");
  }
  co_return Result<void>{};
}

Session::Outcome Session::cmd_rset(Rset&) {
  maildrop_->unmark_all();
  const auto totals = maildrop_->totals();
  ok(std::to_string(totals.messages) + " messages (" + std::to_string(totals.bytes) + " octets)");
  co_return Result<void>{};
}

}  // namespace posthorn::pop3
