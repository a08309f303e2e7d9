#include "search/uids.h"

namespace posthorn::search {

void put_uids(std::string& out, const std::vector<Uid>& uids) {
  const auto runs = store::uid_set_of(uids);
  store::put_varint(out, runs.size());
  std::uint32_t before = 0;
  for (const auto& run : runs) {
    store::put_varint(out, run.first.value() - before);
    store::put_varint(out, run.last.value() - run.first.value());
    before = run.last.value();
  }
}

Result<std::vector<Uid>> take_uids(store::RowReader& in, std::uint32_t count) {
  std::vector<Uid> uids;
  uids.reserve(count);
  const auto runs = in.varint32();
  std::uint64_t before = 0;
  for (std::uint32_t r = 0; r < runs && in.ok(); ++r) {
    const std::uint64_t distance = in.varint32(), more = in.varint32();
    if (distance == 0 || before + distance + more > 0xFFFFFFFF || more >= count - uids.size())
      return fail(Errc::corrupt, "search index: UIDs");
    for (std::uint64_t i = 0; i <= more; ++i) uids.push_back(Uid(static_cast<std::uint32_t>(before + distance + i)));
    before += distance + more;
  }
  if (!in.ok() || uids.size() != count) return fail(Errc::corrupt, "search index: UIDs");
  return uids;
}

}  // namespace posthorn::search
