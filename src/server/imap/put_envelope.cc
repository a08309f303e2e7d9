#include "server/imap/put_envelope.h"

#include "proto/imap/writer.h"

namespace posthorn::imap {
namespace {

void put_nstring(Writer& w, const std::string& text) {
  if (text.empty()) w.nil();
  else w.string(text);
}

// [RFC3501 7.4.2] A group begins with its name as mailbox and ends with no mailbox, both without a host.  So a host that is missing in
// a broken address is shown as "", never as NIL.
void put_address(Writer& w, const message::Address& address) {
  using Kind = message::Address::Kind;
  w.open();
  switch (address.kind) {
    case Kind::mailbox:
      put_nstring(w, address.name);
      w.sp();
      put_nstring(w, address.adl);
      w.sp().string(address.mailbox).sp().string(address.host);
      break;
    case Kind::group_begin: w.raw("NIL NIL ").string(address.mailbox).raw(" NIL"); break;
    case Kind::group_end: w.raw("NIL NIL NIL NIL"); break;
  }
  w.close();
}

void put_address_list(Writer& w, const std::vector<message::Address>& list) {
  w.sp();
  if (list.empty()) {
    w.nil();
    return;
  }
  w.open();
  for (const auto& address : list) put_address(w, address);
  w.close();
}

}  // namespace

void put_envelope(std::string& out, const message::Envelope& envelope) {
  Writer w(out);
  w.open().nstring(envelope.date).sp().nstring(envelope.subject);
  put_address_list(w, envelope.from);
  put_address_list(w, envelope.sender_or_from());
  put_address_list(w, envelope.reply_to_or_from());
  put_address_list(w, envelope.to);
  put_address_list(w, envelope.cc);
  put_address_list(w, envelope.bcc);
  w.sp().nstring(envelope.in_reply_to).sp().nstring(envelope.message_id).close();
}

}  // namespace posthorn::imap
