#include "dns/fake_zone.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "dns/pending.h"
#include "text/ascii.h"

namespace posthorn::dns {
namespace {

using Key = std::pair<Name, Type>;
constexpr int kMaxAliases = 8;
constexpr std::chrono::seconds kTtl{3600};

Error wrong(std::size_t line, const std::string& what) { return {Errc::syntax, "line " + std::to_string(line) + ": " + what}; }

std::string_view take_word(std::string_view& line) {
  line = text::trim(line);
  const auto word = line.substr(0, line.find_first_of(" \t"));
  line = text::trim(line.substr(word.size()));
  return word;
}

std::optional<Status> status_named(std::string_view text) {
  for (const auto s : {Status::nodata, Status::nxdomain, Status::servfail, Status::bogus, Status::refused, Status::timeout, Status::cancelled})
    if (to_string(s) == text) return s;
  return {};
}

std::optional<Dnssec> dnssec_named(std::string_view text) {
  for (const auto d : {Dnssec::secure, Dnssec::insecure, Dnssec::bogus})
    if (to_string(d) == text) return d;
  return {};
}

Dnssec worse(Dnssec a, Dnssec b) {
  for (const auto d : {Dnssec::bogus, Dnssec::insecure})
    if (a == d || b == d) return d;
  return a;
}

Name name_of(std::string_view text) {
  auto name = Name::parse(text);
  CHECK(name.has_value());
  return *std::move(name);
}

}  // namespace

struct FakeZone::Impl {
  struct Records {
    std::chrono::seconds ttl = std::chrono::seconds::max();
    std::vector<std::string> rdata;
  };
  struct Held {
    Key key;
    std::shared_ptr<Pending> pending;
  };

  Result<void> load_line(std::string_view line, std::size_t number);
  Result<void> load_record(const Name& owner, std::string_view line, std::size_t number);
  Reply answer(const Name&, Type) const;
  bool exists(const Name&) const;
  Dnssec state_of(const Name&) const;
  const Status* failure_of(const Name&, Type) const;

  mutable std::mutex mutex;
  std::map<Key, Records> records;
  std::map<Key, Status> failures;
  std::map<Name, Status> failures_of_all;  // "*"
  std::map<Name, Dnssec> zones;
  std::set<Key> holds;
  std::list<Held> waiting;
  std::map<Key, std::size_t> asked;
  bool is_shut_down = false;
};

FakeZone::FakeZone() : impl_(std::make_unique<Impl>()) {}
FakeZone::FakeZone(std::string_view text) : FakeZone() { CHECK(load(text).has_value()); }
FakeZone::~FakeZone() { shut_down(); }

Result<void> FakeZone::load(std::string_view text) {
  std::lock_guard hold(impl_->mutex);
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    TRY_OK(impl_->load_line(text::trim(line), number));
  }
  return {};
}

Result<void> FakeZone::Impl::load_line(std::string_view line, std::size_t number) {
  if (line.empty() || line.starts_with('#')) return {};
  const auto first = take_word(line);
  const bool is_zone = first == "zone", is_failure = first == "fail";
  const auto owner = Name::parse(is_zone || is_failure ? take_word(line) : first);
  if (!owner) return std::unexpected(wrong(number, owner.error().text));
  if (is_zone) {
    const auto state = dnssec_named(line);
    if (!state) return std::unexpected(wrong(number, "no state of DNSSEC"));
    zones[*owner] = *state;
    return {};
  }
  if (!is_failure) return load_record(*owner, line, number);
  const auto type = take_word(line);
  const auto status = status_named(line);
  if (!status || (type != "*" && !type_named(type))) return std::unexpected(wrong(number, "no type, or no status"));
  if (type == "*") failures_of_all[*owner] = *status;
  else failures[{*owner, *type_named(type)}] = *status;
  return {};
}

Result<void> FakeZone::Impl::load_record(const Name& owner, std::string_view line, std::size_t number) {
  auto ttl = kTtl;
  auto word = take_word(line);
  if (!word.empty() && text::is_digit(word[0])) {
    unsigned seconds = 0;
    std::from_chars(word.data(), word.data() + word.size(), seconds);
    ttl = std::chrono::seconds(seconds);
    word = take_word(line);
  }
  const auto type = type_named(word);
  if (!type) return std::unexpected(wrong(number, "no known type"));
  auto rdata = rdata_from_text(*type, line);
  if (!rdata) return std::unexpected(wrong(number, rdata.error().text));
  auto& set = records[{owner, *type}];
  set.ttl = std::min(set.ttl, ttl);  // [RFC2181 5.2] one for the whole set
  set.rdata.push_back(*std::move(rdata));
  return {};
}

void FakeZone::clear() {
  std::lock_guard hold(impl_->mutex);
  impl_->records.clear();
  impl_->failures.clear();
  impl_->failures_of_all.clear();
  impl_->zones.clear();
}

bool FakeZone::Impl::exists(const Name& name) const {
  return std::ranges::any_of(records, [&](const auto& r) { return r.first.first.is_at_or_below(name); });
}

Dnssec FakeZone::Impl::state_of(const Name& name) const {
  for (Name zone = name;; zone = zone.parent()) {
    if (const auto found = zones.find(zone); found != zones.end()) return found->second;
    if (zone.is_root()) return Dnssec::insecure;
  }
}

const Status* FakeZone::Impl::failure_of(const Name& name, Type type) const {
  if (const auto one = failures.find({name, type}); one != failures.end()) return &one->second;
  const auto all = failures_of_all.find(name);
  return all == failures_of_all.end() ? nullptr : &all->second;
}

Reply FakeZone::Impl::answer(const Name& asked_for, Type type) const {
  Reply out;
  out.canonical_name = asked_for;
  out.dnssec = Dnssec::secure;
  out.ttl = kTtl;
  for (int links = 0; links <= kMaxAliases; ++links) {
    const Name name = out.canonical_name;
    if (const auto* failure = failure_of(name, type)) {
      out.status = *failure;
      if (!is_definite(*failure)) {
        out = no_reply(*failure, "as the zone says");
        out.dnssec = *failure == Status::bogus ? Dnssec::bogus : Dnssec::indeterminate;
        return out;
      }
    }
    out.dnssec = worse(out.dnssec, state_of(name));
    if (out.dnssec == Dnssec::bogus) {
      out = no_reply(Status::bogus, "as the zone says");
      out.dnssec = Dnssec::bogus;
      return out;
    }
    if (failure_of(name, type)) return out;
    if (const auto found = records.find({name, type}); found != records.end()) {
      out.status = Status::ok;
      out.ttl = links == 0 ? found->second.ttl : std::min(out.ttl, found->second.ttl);
      out.rdata = found->second.rdata;
      return out;
    }
    const auto alias = records.find({name, Type::cname});
    if (alias == records.end()) {
      out.status = exists(name) ? Status::nodata : Status::nxdomain;
      return out;
    }
    out.ttl = links == 0 ? alias->second.ttl : std::min(out.ttl, alias->second.ttl);
    out.canonical_name = *parse_name(alias->second.rdata[0]);
  }
  return no_reply(Status::servfail, "too many aliases");
}

void FakeZone::hold(std::string_view name, Type type) {
  std::lock_guard hold(impl_->mutex);
  impl_->holds.insert({name_of(name), type});
}

void FakeZone::release(std::string_view name, Type type) {
  std::lock_guard hold(impl_->mutex);
  const Key key{name_of(name), type};
  impl_->holds.erase(key);
  std::erase_if(impl_->waiting, [&](const Impl::Held& held) {
    if (held.key != key) return false;
    held.pending->finish(impl_->answer(key.first, key.second));
    return true;
  });
}

std::size_t FakeZone::asked(std::string_view name, Type type) const {
  std::lock_guard hold(impl_->mutex);
  const auto found = impl_->asked.find({name_of(name), type});
  return found == impl_->asked.end() ? 0 : found->second;
}

std::size_t FakeZone::waiting() const {
  std::lock_guard hold(impl_->mutex);
  return static_cast<std::size_t>(std::ranges::count_if(impl_->waiting, [](const auto& held) { return !held.pending->is_finished(); }));
}

Task<Reply> FakeZone::query(Name name, Type type, Deadline deadline) {
  std::shared_ptr<Pending> pending;
  {
    std::lock_guard hold(impl_->mutex);
    ++impl_->asked[{name, type}];
    if (impl_->is_shut_down) co_return no_reply(Status::cancelled, "shutting down");
    if (!impl_->holds.contains({name, type})) co_return impl_->answer(name, type);
    pending = std::make_shared<Pending>();
    impl_->waiting.push_back({{name, type}, pending});
  }
  co_return co_await Pending::wait(pending, deadline);
}

void FakeZone::shut_down() {
  std::lock_guard hold(impl_->mutex);
  impl_->is_shut_down = true;
  for (const auto& held : impl_->waiting) held.pending->finish(no_reply(Status::cancelled, "shutting down"));
  impl_->waiting.clear();
}

}  // namespace posthorn::dns
