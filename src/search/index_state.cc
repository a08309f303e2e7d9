#include "search/index_state.h"

#include "store/codec.h"

namespace posthorn::search {
namespace {

constexpr std::uint64_t kVersion = 1;
enum Flag : std::uint64_t { kRebuilding = 1, kWords = 2 };

}  // namespace

std::string IndexState::encode() const {
  std::string out;
  store::put_varint(out, kVersion);
  store::put_varint(out, until.value());
  store::put_varint(out, rows);
  store::put_varint(out, (rebuilding ? kRebuilding : 0) | (words ? kWords : 0));
  store::put_varint(out, small.size());
  for (const auto& s : small) {
    store::put_varint(out, s.first.value());
    store::put_varint(out, s.bytes);
  }
  return out;
}

Result<IndexState> IndexState::decode(std::string_view bytes) {
  store::RowReader in(bytes);
  IndexState out;
  const auto version = in.varint();
  out.until = Uid(in.varint32());
  out.rows = in.varint();
  const auto flags = in.varint();
  out.rebuilding = flags & kRebuilding;
  out.words = flags & kWords;
  const auto count = in.varint();
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    const Uid first(in.varint32());
    out.small.push_back({first, in.varint()});
  }
  if (version != kVersion || !in.at_end()) return fail(Errc::corrupt, "search index: state");
  return out;
}

}  // namespace posthorn::search
