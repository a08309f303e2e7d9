#include "auth/mechanisms.h"

#include <algorithm>

#include "text/ascii.h"

namespace posthorn::auth {
namespace {

using crypto::ScramHash;
using Kind = Mechanism::Kind;

// Some clients take the first one they know.
constexpr Mechanism kAll[] = {
    {"SCRAM-SHA-256-PLUS", Kind::scram, ScramHash::sha256, true},
    {"SCRAM-SHA-1-PLUS", Kind::scram, ScramHash::sha1, true},
    {"SCRAM-SHA-256", Kind::scram, ScramHash::sha256, false},
    {"SCRAM-SHA-1", Kind::scram, ScramHash::sha1, false},
    {"PLAIN", Kind::plain, {}, false},
    {"LOGIN", Kind::login, {}, false},
};

// The words of the setting: spaces or commas between them.
template <class Visit>
void each_word(Visit visit) {
  for (std::string_view rest = kMechanisms.get(); !rest.empty();) {
    const auto end = rest.find_first_of(" ,\t");
    if (end != 0) visit(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
}

bool is_switched_on(std::string_view name) {
  bool on = false;
  each_word([&](std::string_view word) { on |= text::iequals(word, name); });
  return on;
}

}  // namespace

const Mechanism* find_mechanism(std::string_view name) {
  const auto* found = std::ranges::find_if(kAll, [&](const Mechanism& m) { return text::iequals(m.name, name); });
  return found != std::end(kAll) && is_switched_on(name) ? found : nullptr;
}

std::vector<std::string_view> mechanisms(CanBind can_bind) {
  std::vector<std::string_view> out;
  for (const auto& m : kAll)
    if ((!m.binds || can_bind == CanBind::yes) && is_switched_on(m.name)) out.push_back(m.name);
  return out;
}

bool is_switched_on(ScramHash hash) {
  return std::ranges::any_of(
      kAll, [&](const Mechanism& m) { return m.kind == Kind::scram && m.hash == hash && is_switched_on(m.name); });
}

bool passwords_are_taken() { return find_mechanism("PLAIN") || find_mechanism("LOGIN"); }

std::vector<std::string> unknown_mechanisms() {
  std::vector<std::string> out;
  each_word([&](std::string_view word) {
    if (std::ranges::none_of(kAll, [&](const Mechanism& m) { return text::iequals(m.name, word); })) out.emplace_back(word);
  });
  return out;
}

}  // namespace posthorn::auth
