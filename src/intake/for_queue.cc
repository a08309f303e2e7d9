#include "intake/for_queue.h"

#include <algorithm>
#include <string>
#include <unordered_set>

#include "text/ascii.h"

namespace posthorn::intake {
namespace {

using queue::Recipient;
using queue::State;

bool wants_success(const smtp::ForwardPath& path) { return path.options.notify && path.options.notify->success; }

// A recipient who has the message already, and whose sender wants to hear of it.
Recipient report_of(const smtp::ForwardPath& path, State state) {
  Recipient r{.forward_path = path.address, .options = path.options, .state = state, .owed = true};
  if (state == State::delivered) r.last = {.code = 250, .enhanced = {2, 1, 5}, .text = "Delivered", .server = {}, .at = now()};
  return r;
}

// Equal for those of whom one is enough.
std::string key_of(const Recipient& r) {
  const auto at = r.forward_path.rfind('@');
  std::string key = r.forward_path;
  if (at != key.npos) key.replace(at, key.npos, text::to_lower(std::string_view(r.forward_path).substr(at)));
  key += '\n';
  if (const auto& n = r.options.notify)
    for (const bool asked : {n->never, n->success, n->failure, n->delay}) key += asked ? '1' : '0';
  if (const auto& original = r.options.original_recipient) key += '\n' + original->address_type + ';' + original->address;
  return key;
}

}  // namespace

void put_for_queue(std::vector<Recipient>& out, const smtp::Envelope& envelope, const smtp::ForwardPath& path, Here here) {
  if (here == Here::nobody && !path.accounts.empty()) {
    out.push_back({.forward_path = path.address, .options = path.options});
    return;  // where an alias leads to is looked up when it is delivered
  }
  const bool reports = wants_success(path) && !envelope.reverse_path.empty();
  if (path.remote.empty()) {
    if (reports) out.push_back(report_of(path, State::delivered));
    return;
  }
  queue::RecipientOptions handed_on = path.options;
  if (path.remote.size() + path.accounts.size() > 1 && wants_success(path)) {
    if (reports) out.push_back(report_of(path, State::expanded));
    auto& notify = *handed_on.notify;
    notify.success = false;
    notify.never = !notify.failure && !notify.delay;
  }
  for (const auto& address : path.remote)
    out.push_back({.forward_path = address, .forwarded_for = address == path.address ? std::string() : path.address, .options = handed_on});
}

void drop_repeated(std::vector<Recipient>& recipients) {
  if (recipients.size() < 2) return;
  std::unordered_set<std::string> seen;
  std::erase_if(recipients, [&](const Recipient& r) { return r.state == State::waiting && !seen.insert(key_of(r)).second; });
}

bool needs_queue(const smtp::Envelope& envelope, Here here) {
  std::vector<Recipient> any;
  for (const auto& path : envelope.forward_paths) {
    put_for_queue(any, envelope, path, here);
    if (!any.empty()) return true;
  }
  return false;
}

}  // namespace posthorn::intake
