// Messages whose keys alone are not believed.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "async/worker_pool.h"
#include "client/pop3_connection.h"
#include "fetch/journal.h"
#include "fetch/pop3_fingerprint.h"
#include "fetch/pop3_keys.h"
#include "fetch/pop3_trouble.h"

namespace posthorn::fetch {

// What is stored under keys that the server does not list, by HEAD.
using Absent = std::unordered_multimap<std::string, const std::pair<const std::string, Kept>*>;
Absent find_absent(const std::vector<Known>& all, const Journal&);
// One that looks like this, by all that is known of both; null: none does.  Each stands for one.
const Kept* take_alike(Absent&, const Fingerprint::Digests&);

// Those in doubt that look as they did when they were stored are believed, in the journal too; the others are
// new messages under old keys.  Those that were stored under keys of another kind, before they shared a unique-id
// with others or when they did, are recognised likewise.  What is given up stays in doubt.
Task<Result<void>> settle_doubts(client::Pop3Connection&, const std::vector<Known>& all, Journal&, WorkerPool&, Trouble&);

// Before DELE: what becomes of them is not known until QUIT was answered, and when it never is, the server may
// have given their unique-ids to others [RFC1939 7].  Returns those that may go: not what neither TOP nor RETR gives.  REQUIRES: they are stored.
Task<Result<std::vector<const Known*>>> doubt_those_that_go(client::Pop3Connection&, std::vector<const Known*> going, Journal&,
                                                            WorkerPool&, Trouble&);

}  // namespace posthorn::fetch
