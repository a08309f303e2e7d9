// A message for local accounts, into their mailboxes.
#pragma once

#include <functional>
#include <vector>

#include "async/task.h"
#include "base/ids.h"
#include "base/result.h"
#include "store/mail_store.h"

namespace posthorn::delivery {

// Recipients who get the message all or none, because their sender gets one answer for all of them: the accounts behind one
// LMTP recipient, or behind all recipients of an SMTP message.
struct Group {
  std::vector<AccountId> accounts;  // any order; an account may be in several groups; none: there is only `also`
};

// Puts the message into the INBOX of every account of the groups: once each, all in one durable commit.
//
// `also` gives rows for the same commit (those who are not here), for the groups that will have no trouble: asked at most once, right before it.
//
// 1. The inner results answer the groups in their order.  An error (over_quota, not_found, ...) means that the sender may try that
//    group again without doubling anything: see docs/decisions/0003-partial-delivery.md.
// 2. The outer error means that nothing was stored for anybody, and of `also` nothing either.
// 3. `beside` is stored with whatever is stored, or its failure is the outer error (store::MailStore::append).
// Threads: any reactor's.
using Also = std::function<Result<kv::Batch>(const std::vector<Result<void>>& groups)>;
Task<Result<std::vector<Result<void>>>> deliver_local(store::MailStore& store, store::Incoming incoming,
                                                      std::vector<Group> groups, store::InternalDate date, Also also = {},
                                                      store::Beside* beside = nullptr);

}  // namespace posthorn::delivery
