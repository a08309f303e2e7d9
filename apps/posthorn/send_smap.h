// posthorn send through a server of SMAP, to which a message is handed as it is saved. [SMAP1 10]
#pragma once

#include <functional>

#include "async/task.h"
#include "async/worker_pool.h"
#include "client/smap_types.h"
#include "client_options.h"
#include "send_message.h"
#include "send_report.h"

namespace posthorn {

// All recipients are accepted or none.  The error: nothing was handed over, for there was no signing in; invalid: the message wants what SMAP
// has not.  `show`: so many octets of it have gone.
Task<Result<SendReport>> send_by_smap(const Place&, client::SmapOptions, const Outgoing&, WorkerPool&, std::function<void(std::uint64_t)> show);

}  // namespace posthorn
