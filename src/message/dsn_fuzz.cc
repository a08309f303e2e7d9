// Texts of strangers, whatever they are: the notification has its three parts, its fields and no others.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "message/dsn.h"
#include "message/header.h"
#include "message/parser.h"
#include "text/ascii.h"
#include "text/utf8.h"

namespace {

using namespace posthorn;
using namespace posthorn::message;

void check_names(std::string_view block, const std::vector<std::string_view>& allowed) {
  std::size_t end = 0;
  for (const auto& field : HeaderView(block)) {
    end += field.whole.size();
    CHECK(std::ranges::any_of(allowed, [&](auto name) { return name == field.name; }));
  }
  CHECK(block.substr(end).size() <= 2);
}

void check(const DsnContext& context, const DsnMessage& message, const DsnRecipient& recipient) {
  const auto dsn = compose_dsn(context, message, std::array{recipient, recipient});
  const std::string whole = dsn.head + dsn.tail;
  ContentMeter meter;
  meter.feed(dsn.head);
  CHECK(meter.result().content <= dsn.content && meter.result().longest_line <= kLineLimit);
  CHECK(text::is_valid_utf8(dsn.head) && (dsn.smtp_utf8 || text::is_ascii(dsn.head)));

  const Summary summary = parse_message(whole);
  check_names(std::string_view(whole).substr(0, summary.header_size),
              {"From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted", "MIME-Version", "Content-Type",
               "Content-Transfer-Encoding"});
  std::vector<const Part*> children;
  for (const auto& part : summary.parts)
    if (part.parent == 0) children.push_back(&part);
  CHECK(children.size() == 3 && children[1]->subtype.ends_with("delivery-status"));
  std::string_view fields = std::string_view(whole).substr(children[1]->body.offset, children[1]->body.size);
  for (int group = 0; group < 3; ++group) {
    const std::size_t end = std::min(fields.find("\r\n\r\n"), fields.size() - 2) + 2;
    if (group == 0) {
      check_names(fields.substr(0, end),
                  {"Original-Envelope-Id", "Reporting-MTA", "Received-From-MTA", "Arrival-Date", "X-Posthorn-Queue-Id"});
    } else {
      check_names(fields.substr(0, end), {"Original-Recipient", "Final-Recipient", "Action", "Status", "Remote-MTA", "Diagnostic-Code",
                                          "Last-Attempt-Date", "Final-Log-ID", "Will-Retry-Until"});
    }
    fields.remove_prefix(std::min(end + 2, fields.size()));
  }
  CHECK(fields.empty());
}

}  // namespace

// The first byte chooses, the rest is cut at 0xFE into the texts.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view input(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto next = [&] {
    const std::size_t end = std::min(input.find('\xFE'), input.size());
    const std::string out(input.substr(0, end));
    input.remove_prefix(std::min(end + 1, input.size()));
    return out;
  };
  DsnContext context;
  context.reporting_mta = "mx.example.org";
  context.from = "postmaster@example.org";
  context.unique = "abcdefghijklmnop";
  context.language = (data[0] & 8) != 0 ? Language::german : Language::english;
  DsnMessage message;
  message.reverse_path = (data[0] & 16) != 0 ? "\xC3\xA4@example.org" : "a@example.org";
  message.smtp_utf8 = (data[0] & 32) != 0;
  DsnRecipient recipient;
  recipient.action = static_cast<DsnAction>(data[0] % 5);
  recipient.is_smtp_reply = (data[0] & 64) != 0;
  recipient.diagnostic = next();
  recipient.final_recipient = next();
  recipient.original_recipient = next();
  recipient.original_type = next();
  recipient.remote_mta = next();
  recipient.remote_address = next();
  recipient.status = next();
  recipient.final_log_id = next();
  message.subject = next();
  message.message_id = next();
  message.envelope_id = next();
  message.received_from = next();
  message.received_from_address = next();
  message.queue_id = next();
  check(context, message, recipient);
  return 0;
}
