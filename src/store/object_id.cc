#include "store/object_id.h"

#include <charconv>

namespace posthorn::store {
namespace {

std::string tagged(char kind, std::uint64_t id) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, id, 16).ptr;
  return kind + std::string(digits, end);
}

}  // namespace

std::string mailbox_object_id(AccountId account, MailboxId mailbox) {
  return tagged('M', account.value()) + tagged('-', mailbox.value());
}
std::string email_object_id(MessageId id) { return tagged('E', id.value()); }
std::string thread_object_id(ThreadId id) { return tagged('T', id.value()); }

}  // namespace posthorn::store
