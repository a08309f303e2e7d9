#include "dns/resolver.h"

#include <utility>

namespace posthorn::dns {
namespace {

template <class Record>
Answer<Record> read(Reply reply, Result<Record> (*parse)(std::string_view)) {
  Answer<Record> out{reply.status, reply.dnssec, std::move(reply.canonical_name), reply.ttl, {}, std::move(reply.why)};
  out.records.reserve(reply.rdata.size());
  for (const auto& rdata : reply.rdata) {
    auto record = parse(rdata);
    if (!record) return {Status::servfail, Dnssec::indeterminate, std::move(out.canonical_name), {}, {}, std::move(record).error().text};
    out.records.push_back(*std::move(record));
  }
  return out;
}

template <class Record>
Task<Answer<Record>> ask(Resolver& resolver, Name name, Type type, Deadline deadline, Result<Record> (*parse)(std::string_view)) {
  Reply reply = co_await resolver.query(std::move(name), type, deadline);
  co_return read(std::move(reply), parse);
}

}  // namespace

std::string_view to_string(Status status) {
  switch (status) {
    case Status::ok: return "ok";
    case Status::nodata: return "nodata";
    case Status::nxdomain: return "nxdomain";
    case Status::servfail: return "servfail";
    case Status::bogus: return "bogus";
    case Status::refused: return "refused";
    case Status::timeout: return "timeout";
    case Status::cancelled: return "cancelled";
  }
  return "servfail";
}

std::string_view to_string(Dnssec dnssec) {
  switch (dnssec) {
    case Dnssec::secure: return "secure";
    case Dnssec::insecure: return "insecure";
    case Dnssec::bogus: return "bogus";
    case Dnssec::indeterminate: return "indeterminate";
  }
  return "indeterminate";
}

Task<Answer<IpAddress>> Resolver::a(Name n, Deadline d) { return ask(*this, std::move(n), Type::a, d, parse_a); }
Task<Answer<IpAddress>> Resolver::aaaa(Name n, Deadline d) { return ask(*this, std::move(n), Type::aaaa, d, parse_aaaa); }
Task<Answer<Mx>> Resolver::mx(Name n, Deadline d) { return ask(*this, std::move(n), Type::mx, d, parse_mx); }
Task<Answer<Txt>> Resolver::txt(Name n, Deadline d) { return ask(*this, std::move(n), Type::txt, d, parse_txt); }
Task<Answer<Tlsa>> Resolver::tlsa(Name n, Deadline d) { return ask(*this, std::move(n), Type::tlsa, d, parse_tlsa); }
Task<Answer<Srv>> Resolver::srv(Name n, Deadline d) { return ask(*this, std::move(n), Type::srv, d, parse_srv); }
Task<Answer<Name>> Resolver::ptr(Name n, Deadline d) { return ask(*this, std::move(n), Type::ptr, d, parse_name); }
Task<Answer<Name>> Resolver::cname(Name n, Deadline d) { return ask(*this, std::move(n), Type::cname, d, parse_name); }

}  // namespace posthorn::dns
