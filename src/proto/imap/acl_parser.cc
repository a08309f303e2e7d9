// Access control lists [RFC4314 7] and quotas [RFC9208 7].
#include <algorithm>
#include <utility>

#include "proto/imap/grammar.h"

namespace posthorn::imap {
namespace {

// mailbox SP identifier
template <class C>
Result<C> take_mailbox_and_identifier(Cursor& in, const ParserLimits& limits) {
  C out;
  TRY_OK(in.take_space());
  TRY(out.mailbox, take_mailbox(in, limits));
  TRY_OK(in.take_space());
  TRY(out.identifier, in.take_astring());
  return out;
}

}  // namespace

// "SETACL" SP mailbox SP identifier SP mod-rights
Outcome take_set_acl(Cursor& in, const ParserLimits& limits) {
  TRY(auto out, take_mailbox_and_identifier<SetAcl>(in, limits));
  TRY_OK(in.take_space());
  TRY(out.rights, in.take_astring());
  if (out.rights.starts_with('+')) out.action = SetAcl::Action::add;
  if (out.rights.starts_with('-')) out.action = SetAcl::Action::remove;
  if (out.action != SetAcl::Action::replace) out.rights.erase(0, 1);
  // [RFC4314 7] Which of them there are is the handler's to know.
  const bool well_formed =
      std::ranges::all_of(out.rights, [](char c) { return (c >= 'a' && c <= 'z') || text::is_digit(c); });
  if (!well_formed) return fail(Errc::syntax, "Rights are small letters and digits");
  return out;
}

Outcome take_delete_acl(Cursor& in, const ParserLimits& limits) {
  TRY(auto out, take_mailbox_and_identifier<DeleteAcl>(in, limits));
  return out;
}

Outcome take_list_rights(Cursor& in, const ParserLimits& limits) {
  TRY(auto out, take_mailbox_and_identifier<ListRights>(in, limits));
  return out;
}

// "GETQUOTA" SP quota-root-name
Outcome take_get_quota(Cursor& in, const ParserLimits&) {
  TRY_OK(in.take_space());
  TRY(auto root, in.take_astring());
  return GetQuota{std::move(root)};
}

// "SETQUOTA" SP quota-root-name SP "(" [resource-name SP resource-limit *(SP ...)] ")"
Outcome take_set_quota(Cursor& in, const ParserLimits& limits) {
  SetQuota out;
  TRY_OK(in.take_space());
  TRY(out.root, in.take_astring());
  TRY_OK(in.take_space());
  TRY_OK(in.expect('('));
  if (in.take(')')) return out;
  do {
    if (out.limits.size() >= limits.quota_resources) return fail(Errc::limit, "Too many resources");
    TRY(const auto resource, in.take_atom());
    TRY_OK(in.take_space());
    TRY(const auto limit, in.take_number63());
    out.limits.emplace_back(text::to_upper(resource), limit);
  } while (in.take(' '));
  TRY_OK(in.expect(')'));
  return out;
}

}  // namespace posthorn::imap
