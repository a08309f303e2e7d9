// libunbound, set up as ResolverOptions say.
#pragma once

#include <memory>

#include "dns/options.h"
#include "dns/resolver.h"

struct ub_ctx;
struct ub_result;

namespace posthorn::dns {

struct UnboundDeleter {
  void operator()(ub_ctx*) const;     // ends libunbound's thread
  void operator()(ub_result*) const;
};
using UnboundContext = std::unique_ptr<ub_ctx, UnboundDeleter>;
using UnboundResult = std::unique_ptr<ub_result, UnboundDeleter>;

Result<UnboundContext> make_unbound_context(const ResolverOptions&);

// What libunbound says, in our words.
Reply reply_from(const Name& asked_for, const ub_result&);

}  // namespace posthorn::dns
