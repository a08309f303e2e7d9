// Rdata, names and the text of zones from anywhere: no crash, and what is read can be written and read again.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "dns/options.h"
#include "dns/records.h"
#include "text/idna.h"

using namespace posthorn;
using namespace posthorn::dns;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  (void)parse_a(in);
  (void)parse_aaaa(in);
  (void)parse_mx(in);
  (void)parse_srv(in);
  (void)parse_tlsa(in);
  (void)parse_txt(in);
  if (const auto name = parse_name(in)) {
    std::string wire;
    name->put_wire(wire);
    CHECK(wire.size() == in.size() && wire.size() <= kMaxWireName && wire.size() == name->wire_size());
    CHECK(Name::parse(name->text()) == *name);
  }
  for (const auto& name : {Name::parse(in), Name::from_domain(in)}) {
    if (!name) continue;
    std::string wire;
    name->put_wire(wire);
    CHECK(wire.size() <= kMaxWireName && parse_name(wire) == *name && Name::parse(name->text()) == *name);
    CHECK(name->is_at_or_below(name->parent()));
    (void)name->is_host_name();
  }
  for (const auto type : {Type::a, Type::aaaa, Type::mx, Type::txt, Type::srv, Type::tlsa, Type::ptr}) (void)rdata_from_text(type, in);
  (void)text::domain_to_unicode(in);
  (void)parse_zones(in);
  (void)servers_of_resolv_conf(in);
  (void)names_of_anchors(in);
  return 0;
}
