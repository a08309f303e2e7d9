#include "proto/imap/command_shown_testing.h"

#include <variant>

#include "proto/imap/writer.h"

namespace posthorn::imap {
namespace {

std::string show(const FlagList& f) {
  std::string out;
  Writer(out).flags(f);
  return out;
}

std::string show(const SequenceSet& s) {
  std::string out;
  put_sequence_set(out, s);
  return out;
}

std::string show(const SearchKey& key);

std::string show_all(std::string_view name, const std::vector<SearchKey>& keys) {
  std::string out(name);
  out += '(';
  for (const auto& k : keys) out += (out.back() == '(' ? "" : ", ") + show(k);
  return out + ")";
}

struct ShowKey {
  std::string operator()(const SearchAll&) const { return "all"; }
  std::string operator()(const SearchAnd& k) const { return show_all("and", k.keys); }
  std::string operator()(const SearchOr& k) const { return show_all("or", k.keys); }
  std::string operator()(const SearchNot& k) const { return show_all("not", k.keys); }
  std::string operator()(const SearchSequence& k) const { return (k.uid ? "uid " : "seq ") + show(k.set); }
  std::string operator()(const SearchFlag& k) const {
    return (k.set ? "" : "un") + std::string(to_string(k.flag));
  }
  std::string operator()(const SearchKeyword& k) const {
    return (k.set ? "keyword " : "unkeyword ") + k.keyword;
  }
  std::string operator()(const SearchDate& k) const {
    static constexpr std::string_view kOps[] = {"<", "=", ">="};
    static constexpr std::string_view kFields[] = {"date", "sent", "saved"};
    return std::string(kFields[static_cast<int>(k.field)]) + std::string(kOps[static_cast<int>(k.op)]) +
           text::format_imap_date(k.date);
  }
  std::string operator()(const SearchWithin& k) const {
    return (k.younger ? "younger " : "older ") + std::to_string(k.seconds);
  }
  std::string operator()(const SearchObjectId& k) const { return (k.thread ? "thread " : "email ") + k.id; }
  std::string operator()(const SearchSize& k) const {
    return (k.op == SearchSize::Op::larger ? "size>" : "size<") + std::to_string(k.size);
  }
  std::string operator()(const SearchHeader& k) const { return k.name + ":" + k.value; }
  std::string operator()(const SearchText& k) const {
    return (k.scope == SearchText::Scope::body ? "body:" : "text:") + k.value;
  }
  std::string operator()(const SearchModSeq& k) const {
    return "modseq>=" + std::to_string(k.mod_seq) + (k.entry_flag ? " of " + *k.entry_flag : "");
  }
};

std::string show(const SearchKey& key) { return std::visit(ShowKey{}, key.key); }

struct Show {
  std::string operator()(const Capability&) const { return "capability"; }
  std::string operator()(const Noop&) const { return "noop"; }
  std::string operator()(const Logout&) const { return "logout"; }
  std::string operator()(const Id& c) const {
    std::string out = "id";
    for (const auto& [k, v] : c.parameters) out += " " + k + "=" + v.value_or("NIL");
    return out;
  }
  std::string operator()(const StartTls&) const { return "starttls"; }
  std::string operator()(const Authenticate& c) const {
    return "authenticate " + c.mechanism + (c.initial_response ? " [" + *c.initial_response + "]" : "");
  }
  std::string operator()(const Login& c) const { return "login [" + c.user + "] [" + c.password + "]"; }
  std::string operator()(const Enable& c) const {
    std::string out = "enable";
    for (const auto& k : c.capabilities) out += " " + k;
    return out;
  }
  std::string operator()(const Select& c) const {
    std::string out =
        (c.read_only ? "examine [" : "select [") + c.mailbox + "]" + (c.condstore ? " condstore" : "");
    if (!c.qresync) return out;
    const auto& q = *c.qresync;
    out += " qresync " + std::to_string(q.uid_validity) + " " + std::to_string(q.mod_seq);
    if (q.known_uids) out += " uids " + show(*q.known_uids);
    if (q.match_numbers) out += " match " + show(*q.match_numbers) + "=" + show(*q.match_uids);
    return out;
  }
  std::string operator()(const Create& c) const {
    std::string out = "create [" + c.mailbox + "]";
    if (c.special_use) Writer(out).sp().special_uses(c.special_use);
    return out + (c.unknown_special_use ? " unknown use" : "");
  }
  std::string operator()(const Delete& c) const { return "delete [" + c.mailbox + "]"; }
  std::string operator()(const Rename& c) const { return "rename [" + c.from + "] [" + c.to + "]"; }
  std::string operator()(const Subscribe& c) const { return "subscribe [" + c.mailbox + "]"; }
  std::string operator()(const Unsubscribe& c) const { return "unsubscribe [" + c.mailbox + "]"; }
  std::string operator()(const List& c) const {
    std::string out = c.extended ? "list+ [" : "list [";
    out += c.reference + "]";
    for (const auto& p : c.patterns) out += " [" + p + "]";
    if (c.select) out += " select " + std::to_string(c.select);
    if (c.returns) out += " return " + std::to_string(c.returns);
    if (c.status_items) out += " status " + std::to_string(c.status_items);
    return out;
  }
  std::string operator()(const Lsub& c) const { return "lsub [" + c.reference + "] [" + c.pattern + "]"; }
  std::string operator()(const Status& c) const {
    return "status [" + c.mailbox + "] " + std::to_string(c.items);
  }
  std::string operator()(const Namespace&) const { return "namespace"; }
  std::string operator()(const Idle&) const { return "idle"; }
  std::string operator()(const SetAcl& c) const {
    static constexpr std::string_view kActions[] = {" = ", " + ", " - "};
    return "setacl [" + c.mailbox + "] [" + c.identifier + "]" +
           std::string(kActions[static_cast<int>(c.action)]) + c.rights;
  }
  std::string operator()(const DeleteAcl& c) const {
    return "deleteacl [" + c.mailbox + "] [" + c.identifier + "]";
  }
  std::string operator()(const GetAcl& c) const { return "getacl [" + c.mailbox + "]"; }
  std::string operator()(const ListRights& c) const {
    return "listrights [" + c.mailbox + "] [" + c.identifier + "]";
  }
  std::string operator()(const MyRights& c) const { return "myrights [" + c.mailbox + "]"; }
  std::string operator()(const GetQuota& c) const { return "getquota [" + c.root + "]"; }
  std::string operator()(const GetQuotaRoot& c) const { return "getquotaroot [" + c.mailbox + "]"; }
  std::string operator()(const SetQuota& c) const {
    std::string out = "setquota [" + c.root + "]";
    for (const auto& [resource, limit] : c.limits) out += " " + resource + "=" + std::to_string(limit);
    return out;
  }
  std::string operator()(const Compress& c) const { return "compress " + c.mechanism; }
  std::string operator()(const Restore& c) const {
    return "restore " + c.mailbox + " " + std::to_string(c.uid_validity) + " " + std::to_string(c.uid_next);
  }
  std::string operator()(const Sort& c) const {
    static constexpr std::string_view kKeys[] = {"arrival", "cc", "date",         "from",      "size",
                                                 "subject", "to", "display-from", "display-to"};
    std::string out = "sort";
    for (const auto& k : c.criteria)
      out += (k.reverse ? " -" : " ") + std::string(kKeys[static_cast<int>(k.key)]);
    return out + ": " + (*this)(c.search);
  }
  std::string operator()(const Thread& c) const {
    static constexpr std::string_view kAlgorithms[] = {"orderedsubject", "references", "refs"};
    return "thread " + std::string(kAlgorithms[static_cast<int>(c.algorithm)]) + ": " + (*this)(c.search);
  }
  std::string operator()(const Check&) const { return "check"; }
  std::string operator()(const Close&) const { return "close"; }
  std::string operator()(const Unselect&) const { return "unselect"; }
  std::string operator()(const Expunge& c) const { return "expunge" + (c.uids ? " " + show(*c.uids) : ""); }
  std::string operator()(const Search& c) const {
    std::string out = "search ";
    if (c.result.given) {
      const auto& r = c.result;
      out += std::string("return(") + (r.min ? "min " : "") + (r.max ? "max " : "") + (r.all ? "all " : "") +
             (r.count ? "count " : "") + (r.save ? "save " : "");
      if (r.partial) Writer(out).raw("partial ").result_range(*r.partial).sp();
      out.back() = ')';
      out += ' ';
    }
    return out + (c.charset.empty() ? "" : "[" + c.charset + "] ") + show(c.key);
  }
  std::string operator()(const Fetch& c) const {
    std::string out = "fetch " + show(c.set);
    for (const auto& a : c.attributes) {
      out += a.peek ? " peek " : " ";
      put_fetch_name(out, a);
      if (a.lazy) out += " lazy";
      if (a.partial) out += "+" + std::to_string(a.partial->count);
    }
    if (c.changed_since) out += " since " + std::to_string(*c.changed_since);
    if (c.vanished) out += " vanished";
    if (c.partial) Writer(out).raw(" partial ").result_range(*c.partial);
    return out;
  }
  std::string operator()(const Store& c) const {
    static constexpr std::string_view kActions[] = {" = ", " + ", " - "};
    return "store " + show(c.set) + std::string(kActions[static_cast<int>(c.action)]) + show(c.flags) +
           (c.silent ? " silent" : "") +
           (c.unchanged_since ? " unless " + std::to_string(*c.unchanged_since) : "");
  }
  std::string operator()(const Copy& c) const { return "copy " + show(c.set) + " [" + c.mailbox + "]"; }
  std::string operator()(const Move& c) const { return "move " + show(c.set) + " [" + c.mailbox + "]"; }
};

}  // namespace

std::string shown(const FlagList& f) { return show(f); }
std::string shown(const SequenceSet& s) { return show(s); }
std::string shown(const Command& c) { return (c.uid ? "uid " : "") + std::visit(Show{}, c.command); }

}  // namespace posthorn::imap
