// Looks names up with the server's resolver and prints what comes; for the end-to-end tests.
//
//   dns_lookup [SETTING=VALUE ...]      settings as dns.servers=127.0.0.1@5353
//
// Each line of standard input, "ID TYPE NAME [SECONDS]", is one look-up; they run at the same time.  Each answer is a line with tabs
// between:  ID STATUS DNSSEC TTL CANONICAL-NAME WHY RECORD...  (backslash, tab and what is not printable as \xHH).
#include <cstdio>
#include <iostream>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>

#include "async/reactor.h"
#include "async/task_group.h"
#include "base/settings.h"
#include "dns/settings.h"
#include "dns/unbound_resolver.h"

namespace {

using namespace posthorn;
using namespace posthorn::dns;

std::string show(const IpAddress& a) { return a.text(); }
std::string show(const Name& n) { return n.text(); }
std::string show(const Mx& m) { return std::to_string(m.preference) + " " + m.host.text(); }
std::string show(const Txt& t) { return t.text; }
std::string show(const Srv& s) {
  return std::to_string(s.priority) + " " + std::to_string(s.weight) + " " + std::to_string(s.port) + " " + s.target.text();
}
std::string show(const Tlsa& t) {
  std::string out = std::to_string(t.usage) + " " + std::to_string(t.selector) + " " + std::to_string(t.matching_type) + " ";
  char hex[3];
  for (const unsigned char c : t.data) out += (std::snprintf(hex, sizeof hex, "%02x", c), hex);
  return out;
}

std::string escaped(std::string_view text) {
  std::string out;
  char hex[5];
  for (const unsigned char c : text) {
    if (c >= ' ' && c < 0x7f && c != '\\') {
      out += static_cast<char>(c);
    } else {
      std::snprintf(hex, sizeof hex, "\\x%02X", c);
      out += hex;
    }
  }
  return out;
}

template <class Record>
void print(const std::string& id, const Answer<Record>& answer) {
  static std::mutex one_at_a_time;
  std::string line = id;
  for (const auto& field : {std::string(to_string(answer.status)), std::string(to_string(answer.dnssec)), std::to_string(answer.ttl.count()),
                            answer.canonical_name.text(), answer.why})
    line += "\t" + escaped(field);
  for (const auto& record : answer.records) line += "\t" + escaped(show(record));
  std::lock_guard hold(one_at_a_time);
  std::cout << line << std::endl;
}

Task<> look_up(Resolver& resolver, std::string id, Type type, Name name, Deadline deadline) {
  switch (type) {
    case Type::a: print(id, co_await resolver.a(name, deadline)); break;
    case Type::aaaa: print(id, co_await resolver.aaaa(name, deadline)); break;
    case Type::mx: print(id, co_await resolver.mx(name, deadline)); break;
    case Type::txt: print(id, co_await resolver.txt(name, deadline)); break;
    case Type::tlsa: print(id, co_await resolver.tlsa(name, deadline)); break;
    case Type::srv: print(id, co_await resolver.srv(name, deadline)); break;
    case Type::ptr: print(id, co_await resolver.ptr(name, deadline)); break;
    case Type::cname: print(id, co_await resolver.cname(name, deadline)); break;
  }
}

int usage(const std::string& what) {
  std::cerr << "dns_lookup: " << what << "\n";
  return 2;
}

SettingValue value_of(const SettingBase& setting, const std::string& text) {
  if (setting.kind() == SettingBase::Kind::boolean) return text == "true";
  if (setting.kind() == SettingBase::Kind::integer) return static_cast<std::int64_t>(std::stoll(text));
  return text;
}

Result<void> apply(const std::string& assignment) {
  const auto equals = assignment.find('=');
  for (const auto* setting : all_settings())
    if (setting->name() == assignment.substr(0, equals)) return setting->set(value_of(*setting, assignment.substr(equals + 1)));
  return fail(Errc::not_found, "no setting: " + assignment);
}

}  // namespace

int main(int count, char** words) {
  for (int i = 1; i < count; ++i)
    if (auto done = apply(words[i]); !done) return usage(done.error().text);
  auto resolver = UnboundResolver::open(options_from_settings());
  if (!resolver) return usage(resolver.error().text);

  ReactorPool reactors(1);
  TaskGroup group;
  reactors.start();
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream in(line);
    std::string id, type_text, name_text;
    double seconds = 60;
    in >> id >> type_text >> name_text >> seconds;
    const auto type = type_named(type_text);
    const auto name = Name::parse(name_text);
    if (!type || !name) return usage("'" + line + "' is no question");
    group.spawn(reactors.at(0), look_up(**resolver, id, *type, *name,
                                        after(std::chrono::milliseconds(static_cast<std::int64_t>((in ? seconds : 60) * 1000)))));
  }
  run_task(group.join());
  reactors.stop();
  return 0;
}
