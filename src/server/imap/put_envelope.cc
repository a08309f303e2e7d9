#include "server/imap/put_envelope.h"

#include "proto/imap/writer.h"

namespace posthorn::imap {
namespace {

using message::AddressView;
using message::EnvelopeView;

void put_nstring(Writer& w, std::string_view text) {
  if (text.empty()) w.nil();
  else w.string(text);
}

// [RFC3501 7.4.2] A group begins with its name as mailbox and ends with no mailbox, both without a host.  So a host that is missing in
// a broken address is shown as "", never as NIL.
void put_address(Writer& w, const AddressView& address) {
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

void put_address_list(Writer& w, std::span<const AddressView> list) {
  if (list.empty()) {
    w.raw(" NIL");
    return;
  }
  w.raw(" (");
  for (const auto& address : list) put_address(w, address);
  w.close();
}

}  // namespace

void put_envelope(std::string& out, const EnvelopeView& envelope) {
  Writer w(out);
  w.open().nstring(envelope.date).sp().nstring(envelope.subject);
  const auto from = out.size();
  put_address_list(w, envelope.list(EnvelopeView::from));
  const auto size = out.size() - from;
  // [RFC3501 7.4.2] Sender and Reply-To default to From.
  for (const auto which : {EnvelopeView::sender, EnvelopeView::reply_to}) {
    if (const auto list = envelope.list(which); !list.empty()) put_address_list(w, list);
    else out.append(out, from, size);
  }
  for (const auto which : {EnvelopeView::to, EnvelopeView::cc, EnvelopeView::bcc}) put_address_list(w, envelope.list(which));
  w.sp().nstring(envelope.in_reply_to).sp().nstring(envelope.message_id).close();
}

}  // namespace posthorn::imap
