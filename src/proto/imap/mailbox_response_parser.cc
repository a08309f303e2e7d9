// LIST, LSUB, STATUS and NAMESPACE as a server sends them. [RFC3501 7.2] [RFC5258 6] [RFC2342 5]
#include "proto/imap/response_grammar.h"
#include "text/ascii.h"

namespace posthorn::imap {
namespace {

void set_attribute(ListResponse& out, std::string_view word) {
  const auto is = [word](std::string_view name) { return text::iequals(word, name); };
  if (is("\\Noselect")) out.no_select = true;
  else if (is("\\NonExistent")) out.no_select = out.non_existent = true;
  else if (is("\\NoInferiors")) out.no_inferiors = true;
  else if (is("\\Subscribed")) out.subscribed = true;
  else if (const auto use = find_special_use(word)) out.special_uses |= static_cast<std::uint8_t>(*use);
}

// "(" [tag SP value] ")": only OLDNAME is of interest.
Result<void> take_extended_data(Cursor& in, ListResponse& out, const ResponseLimits& limits) {
  TRY_OK(in.expect('('));
  for (std::size_t count = 0; !in.take(')'); ++count) {
    if (count == limits.words) return fail(Errc::limit, "too many words about a mailbox");
    if (in.take(' ')) continue;
    TRY(const auto tag, in.take_astring());
    TRY_OK(in.take_space());
    if (text::iequals(tag, "OLDNAME")) {
      TRY_OK(in.expect('('));
      TRY(auto name, take_mailbox_name(in, limits));
      TRY_OK(in.expect(')'));
      out.old_name = std::move(name.utf8);
    } else {
      TRY_OK(skip_value(in, limits));
    }
  }
  return {};
}

Result<void> take_status_item(Cursor& in, StatusItems& out, const ResponseLimits& limits) {
  TRY(const auto word, in.take_atom());
  const std::string name = upper(word);
  TRY_OK(in.take_space());
  if (name == "MESSAGES") {
    TRY(out.messages, in.take_number());
  } else if (name == "UNSEEN") {
    TRY(out.unseen, in.take_number());
  } else if (name == "UIDNEXT") {
    TRY(out.uid_next, in.take_number());
  } else if (name == "UIDVALIDITY") {
    TRY(out.uid_validity, in.take_number());
  } else if (name == "DELETED") {
    TRY(out.deleted, in.take_number());
  } else if (name == "HIGHESTMODSEQ") {
    TRY(out.high_mod_seq, in.take_number63());
  } else if (name == "SIZE") {
    TRY(out.size, in.take_number63());
  } else if (name == "MAILBOXID") {
    TRY_OK(in.expect('('));
    TRY(const auto id, take_word_of_server(in));
    TRY_OK(in.expect(')'));
    out.mailbox_id = id;
  } else {
    TRY_OK(skip_value(in, limits));
  }
  return {};
}

Result<std::vector<NamespacePrefix>> take_namespaces(Cursor& in, const ResponseLimits& limits) {
  std::vector<NamespacePrefix> out;
  if (in.take_word("NIL")) return out;
  TRY_OK(in.expect('('));
  while (!in.take(')')) {
    if (in.take(' ')) continue;
    if (out.size() == limits.words) return fail(Errc::limit, "too many namespaces");
    TRY_OK(in.expect('('));
    NamespacePrefix one;
    TRY(auto prefix, in.take_string());
    one.prefix = decode_mailbox_name(std::move(prefix), limits).utf8;
    TRY_OK(in.take_space());
    TRY(one.delimiter, take_delimiter(in));
    while (in.take(' ')) TRY_OK(skip_value(in, limits));
    TRY_OK(in.expect(')'));
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace

Parsed take_list_response(Cursor& in, bool lsub, const ResponseLimits& limits) {
  ListResponse out;
  out.subscribed_only = lsub;
  TRY_OK(in.expect('('));
  for (std::size_t count = 0; !in.take(')'); ++count) {
    if (count == limits.words) return fail(Errc::limit, "too many attributes of a mailbox");
    if (in.take(' ')) continue;
    TRY(const auto word, take_word_of_server(in));
    set_attribute(out, word);
  }
  TRY_OK(in.take_space());
  TRY(out.delimiter, take_delimiter(in));
  TRY_OK(in.take_space());
  TRY(auto name, take_mailbox_name(in, limits));
  out.mailbox = std::move(name.utf8);
  out.as_sent = std::move(name.as_sent);
  if (in.take(' ') && in.peek() == '(') TRY_OK(take_extended_data(in, out, limits));
  return Response(std::move(out));
}

Parsed take_status_items_response(Cursor& in, const ResponseLimits& limits) {
  MailboxStatusResponse out;
  TRY(auto name, take_mailbox_name(in, limits));
  out.mailbox = std::move(name.utf8);
  out.as_sent = std::move(name.as_sent);
  TRY_OK(in.take_space());
  TRY_OK(in.expect('('));
  for (std::size_t count = 0; !in.take(')'); ++count) {
    if (count == limits.words) return fail(Errc::limit, "too many words about a mailbox");
    if (in.take(' ')) continue;
    TRY_OK(take_status_item(in, out.items, limits));
  }
  return Response(std::move(out));
}

Parsed take_namespace_response(Cursor& in, const ResponseLimits& limits) {
  NamespaceResponse out;
  TRY(out.personal, take_namespaces(in, limits));
  TRY_OK(in.take_space());
  TRY(out.others, take_namespaces(in, limits));
  TRY_OK(in.take_space());
  TRY(out.shared, take_namespaces(in, limits));
  return Response(std::move(out));
}

}  // namespace posthorn::imap
