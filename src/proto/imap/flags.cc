#include "proto/imap/flags.h"

#include "proto/imap/cursor.h"
#include "text/ascii.h"

namespace posthorn::imap {
namespace {

template <class T>
struct Name {
  T value;
  std::string_view name;
};

constexpr Name<SystemFlag> kSystemFlags[] = {
    {SystemFlag::answered, "\\Answered"}, {SystemFlag::flagged, "\\Flagged"},
    {SystemFlag::deleted, "\\Deleted"},   {SystemFlag::seen, "\\Seen"},
    {SystemFlag::draft, "\\Draft"},       {SystemFlag::recent, "\\Recent"},
};

constexpr Name<SpecialUse> kSpecialUses[] = {
    {SpecialUse::all, "\\All"},       {SpecialUse::archive, "\\Archive"},
    {SpecialUse::drafts, "\\Drafts"}, {SpecialUse::flagged, "\\Flagged"},
    {SpecialUse::junk, "\\Junk"},     {SpecialUse::sent, "\\Sent"},
    {SpecialUse::trash, "\\Trash"},   {SpecialUse::important, "\\Important"},
};

template <class T, std::size_t N>
std::string_view name_of(const Name<T> (&table)[N], T value) {
  for (const auto& entry : table)
    if (entry.value == value) return entry.name;
  return {};
}

template <class T, std::size_t N>
std::optional<T> find(const Name<T> (&table)[N], std::string_view name) {
  for (const auto& entry : table)
    if (text::iequals(entry.name, name)) return entry.value;
  return {};
}

}  // namespace

std::string_view to_string(SystemFlag f) { return name_of(kSystemFlags, f); }
std::optional<SystemFlag> find_system_flag(std::string_view name) { return find(kSystemFlags, name); }
bool is_keyword(std::string_view s) { return all_chars(s, kAtomChar); }
std::string_view to_string(SpecialUse u) { return name_of(kSpecialUses, u); }
std::optional<SpecialUse> find_special_use(std::string_view name) { return find(kSpecialUses, name); }

}  // namespace posthorn::imap
