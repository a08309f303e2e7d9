// The rows of the columns that SORT and THREAD compare: made from a summary, read without copying.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "message/summary.h"
#include "text/date.h"

namespace posthorn::search {

// Views point into the row.  A row of a damaged summary, or a damaged row, reads as one without anything.

// Column::sent [RFC5256 2.2].  Without a readable Date the internal date counts: the reader's business.
std::optional<text::DateTime> sent_of_row(std::string_view row);

// Column::base_subject [RFC5256 2.1].
struct SubjectRow {
  std::string_view base;            // casemapped
  bool is_reply_or_forward = false;
};
SubjectRow subject_of_row(std::string_view row);

// Column::addresses.  Casemapped; empty: none.
struct AddressRow {
  std::string_view from, to, cc;                // addr-mailbox of the first address [RFC5256 3]
  std::string_view display_from, display_to;    // [RFC5957 3]
};
AddressRow addresses_of_row(std::string_view row);

// Column::references: message-ids as hashes (the first 8 bytes of SHA-256 of the id, normalised [RFC5256 3]); 0 is none.
struct ReferencesRow {
  std::uint64_t message_id = 0;
  std::vector<std::uint64_t> references;  // References, or else the first of In-Reply-To; oldest first
};
ReferencesRow references_of_row(std::string_view row);

// The rows for a message.
std::string sent_row(const message::SummaryView&);
std::string subject_row(const message::Envelope&);
std::string address_row(const message::Envelope&);
std::string references_row(const message::SummaryView&, const message::Envelope&);

}  // namespace posthorn::search
