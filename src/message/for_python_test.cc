// Writes what tests/e2e/test_conversion.py reads with Python's `email`: every message of the folder that POSTHORN_MESSAGES
// names, converted, and a notification about it.  Without that folder there is nothing to do.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "message/downgrade_checks.h"
#include "message/dsn.h"

namespace posthorn::message {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(fs::path path, const char* extension, const std::string& bytes) {
  std::ofstream(path.replace_extension(extension), std::ios::binary) << bytes;
}

void convert(const fs::path& path, const std::string& message, Content content, const char* extension) {
  const Summary summary = parse_message(message);
  const auto plan = plan_downgrade(summary, scan_in_pieces(summary, message, 4096), {.content = content});
  if (plan.fit == Fit::impossible) return write_file(path, extension, plan.status + " " + plan.reason);
  write_file(path, extension, downgrade_in_pieces(summary, plan, message, 4096));
}

void notify(const fs::path& path, const std::string& message) {
  const Summary summary = parse_message(message);
  ContentMeter whole, header;
  whole.feed(message);
  header.feed(std::string_view(message).substr(0, summary.header_size));
  const text::DateTime now{std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000)), 0};
  DsnContext context;
  context.reporting_mta = "mx.example.org";
  context.from = "postmaster@example.org";
  context.unique = "abcdefghijklmnop";
  context.now = now;
  DsnMessage about;
  about.reverse_path = "sender@example.org";
  about.envelope_id = "id";
  about.smtp_utf8 = header.result().has_8bit;
  about.arrival = now;
  about.size = summary.size;
  about.header_size = summary.header_size;
  about.content = whole.result();
  about.header_content = header.result();
  about.message_id = summary.envelope().message_id;
  about.subject = summary.envelope().subject;
  DsnRecipient recipient;
  recipient.final_recipient = "r\xC3\xA4t@example.com";
  recipient.status = "5.1.1";
  recipient.remote_mta = "mail.example.com";
  recipient.is_smtp_reply = true;
  recipient.diagnostic = message.substr(0, 3000);  // ugly enough
  const auto dsn = compose_dsn(context, about, std::vector{recipient, recipient});
  std::string middle = message.substr(0, dsn.returned_bytes);
  if (dsn.encode) {
    TransferEncoder encoder(TransferEncoder::Encoding::quoted_printable);
    std::string encoded;
    encoder.feed(middle, encoded);
    encoder.finish(encoded);
    middle = encoded;
  }
  write_file(path, ".dsn", dsn.head + middle + dsn.tail);
}

TEST(ForPython, WritesConvertedMessagesAndNotifications) {
  const char* const folder = std::getenv("POSTHORN_MESSAGES");
  if (folder == nullptr) return;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".eml") continue;
    const std::string message = read_file(entry.path());
    convert(entry.path(), message, Content::seven_bit, ".7bit");
    convert(entry.path(), message, Content::eight_bit, ".8bit");
    notify(entry.path(), message);
  }
}

}  // namespace
}  // namespace posthorn::message
