// STAT, LIST, UIDL, DELE, RSET: no message is opened.
#include <algorithm>
#include <charconv>

#include "server/pop3/session.h"

namespace posthorn::pop3 {
namespace {

void put_number(std::string& out, std::uint64_t n) {
  char digits[20];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, n).ptr);
}

void put_size(std::string& out, const store::Entry& e) { put_number(out, e.size); }

}  // namespace

Session::Outcome Session::cmd_stat(Stat&) {
  const auto totals = maildrop_->totals();
  auto& out = connection_.output();
  out += "+OK ";
  put_number(out, totals.messages);
  out += ' ';
  put_number(out, totals.bytes);
  out += "\r\n";
  co_return Result<void>{};
}

template <class Put>
Session::Outcome Session::list_one(std::uint32_t number, Put put) {
  const auto* entry = maildrop_->find(number);
  if (!entry) {
    err(Text::no_such_message);
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
Session::Outcome Session::list_all(Put put) {
  constexpr std::uint32_t kAtOnce = 2048;  // some 60 KiB
  const auto count = maildrop_->count();
  for (std::uint32_t first = 1; first <= count; first += kAtOnce) {
    auto& out = connection_.output();
    maildrop_->for_each(first, std::min(count, first + kAtOnce - 1), [&](std::uint32_t number, const store::Entry& e) {
      put_number(out, number);
      out += ' ';
      put(out, e);
      out += "\r\n";
    });
    CO_TRY_OK(co_await connection_.flush_if_large(send_deadline()));
  }
  connection_.put(".\r\n");
  co_return Result<void>{};
}

Session::Outcome Session::cmd_list(List& list) {
  if (list.number) co_return co_await list_one(*list.number, put_size);
  const auto totals = maildrop_->totals();
  ok(Text::messages_octets, std::to_string(totals.messages), std::to_string(totals.bytes));
  co_return co_await list_all(put_size);
}

Session::Outcome Session::cmd_uidl(Uidl& uidl) {
  co_await maildrop_->prepare_unique_ids();
  const auto put = [this](std::string& out, const store::Entry& e) { maildrop_->put_unique_id(out, e); };
  if (uidl.number) co_return co_await list_one(*uidl.number, put);
  ok(Text::unique_ids);
  co_return co_await list_all(put);
}

Session::Outcome Session::cmd_dele(Dele& dele) {
  if (!maildrop_->find(dele.number)) {
    err(Text::no_such_message);
  } else {
    maildrop_->mark_deleted(dele.number);
    ok(Text::marked);
  }
  co_return Result<void>{};
}

Session::Outcome Session::cmd_rset(Rset&) {
  maildrop_->unmark_all();
  const auto totals = maildrop_->totals();
  ok(Text::messages_octets, std::to_string(totals.messages), std::to_string(totals.bytes));
  co_return Result<void>{};
}

}  // namespace posthorn::pop3
