// Running a search over a view: cheap keys first, then columns and the word index, then messages one by one.
#pragma once

#include <functional>

#include "async/task.h"
#include "base/result.h"
#include "search/match.h"
#include "search/program.h"
#include "store/account.h"

namespace posthorn::search {

// What is searched.
struct SearchPlace {
  store::AccountPtr account;
  MailboxId mailbox;
  store::ViewPtr view;
};

// Called between the slices of a long search; an error ends it.
using StillWorking = std::function<Task<Result<void>>()>;

enum class UseIndex : bool { no, yes };  // no: for tests

// The indexes of the view that match.  All heavy work is done on worker pools, a slice at a time; what is held of messages is bounded.
// Everything referred to outlives the task.
Task<Result<IndexBits>> run_search(const SearchPlace&, const SearchProgram&, const StillWorking&, UseIndex = UseIndex::yes);

}  // namespace posthorn::search
