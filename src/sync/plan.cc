#include "sync/plan.h"

#include <algorithm>

namespace posthorn::sync {
namespace {

constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

template <class Keep>
MaildirFlags select(Keep keep) {
  MaildirFlags out;
  for (const char c : kLetters)
    if (keep(c)) out.add(c);
  return out;
}

// One message that was on both sides.
struct Sides {
  std::uint32_t uid;
  const KnownMessage& known;
  const MaildirFlags* here;   // null: gone
  const MaildirFlags* there;  // null: as it was
  bool gone_there;
};

void plan_one(Plan& plan, const Sides& s, MaildirFlags kept) {
  const auto was = s.known.flags & kept;
  const auto here = s.here ? *s.here & kept : MaildirFlags();
  const auto there = s.there ? *s.there & kept : was;
  if (!s.here && s.gone_there) return plan.forget.push_back(s.uid);
  if (s.gone_there) {
    if (here == was) return plan.delete_here.push_back(s.uid);
    plan.forget.push_back(s.uid);
    return plan.uploads.push_back(s.known.unique);
  }
  if (!s.here) {
    // Who has marked it as deleted there wants the same; it may have been a run of ours.
    if (there == was || there == (was | MaildirFlags("T"))) return plan.delete_there.push_back(s.uid);
    plan.forget.push_back(s.uid);
    return plan.downloads.push_back(s.uid);
  }
  if (here == was && there == was) return;
  // A flag has two values: who differs from what was has changed it.
  const auto added = (here - was) | (there - was);
  const auto removed = (was - here) | (was - there);
  const auto merged = (was | added) - removed;
  if (here != merged) plan.flags_here.push_back({s.uid, merged | (*s.here - kept)});
  if (there != merged) plan.flags_there.push_back({s.uid, merged - there, there - merged});
  plan.settled.push_back({s.uid, merged});
}

}  // namespace

MaildirFlags operator&(MaildirFlags a, MaildirFlags b) {
  return select([&](char c) { return a.has(c) && b.has(c); });
}
MaildirFlags operator|(MaildirFlags a, MaildirFlags b) {
  return select([&](char c) { return a.has(c) || b.has(c); });
}
MaildirFlags operator-(MaildirFlags a, MaildirFlags b) {
  return select([&](char c) { return a.has(c) && !b.has(c); });
}

Plan make_plan(const FolderState& state, const LocalView& local, const RemoteView& remote, MaildirFlags kept) {
  Plan plan;
  for (const auto& [uid, known] : state.messages) {
    const auto here = local.find(known.unique);
    const auto there = remote.flags.find(uid);
    const bool told = there != remote.flags.end();
    const bool gone = remote.complete ? !told : !told && remote.vanished.contains(uid);
    // The usual case, for all of a hundred thousand.
    if (here != local.end() && !gone && here->second == known.flags && (!told || there->second == known.flags)) continue;
    plan_one(plan, {uid, known, here == local.end() ? nullptr : &here->second, told ? &there->second : nullptr, gone}, kept);
  }
  for (const auto& [uid, flags] : remote.flags)
    if (!state.messages.contains(uid)) plan.downloads.push_back(uid);
  for (const auto& [unique, flags] : local)
    if (!state.by_unique.contains(unique)) plan.uploads.push_back(unique);
  std::ranges::sort(plan.downloads);
  std::ranges::sort(plan.uploads);
  std::ranges::sort(plan.delete_there);
  std::ranges::sort(plan.delete_here);
  return plan;
}

}  // namespace posthorn::sync
