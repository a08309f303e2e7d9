// What a connection says about the TLS of its host, for the report to its domain. [RFC8460 4.3]  Pure.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "client/smtp_types.h"
#include "delivery/targets.h"
#include "delivery/tls_report.h"

namespace posthorn::delivery {

// Which policy hosts are judged by; null: nobody is told, because the operator or the message has said how to connect.
std::shared_ptr<const ReportedPolicy> reported_policy(const TlsQuestion&);

// Why no host may be connected to, when that is a matter of TLS.
std::optional<TlsFailure> failure_of(const TlsQuestion&, const TlsDecision&);

// nullopt: it did not come to TLS, or nobody is told.  `failure`: null when the connection was made.
std::optional<TlsResult> outcome_of(const Target&, const std::string& domain, const client::TlsState&, const client::Failure* failure);

}  // namespace posthorn::delivery
