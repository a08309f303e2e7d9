#include "search/column.h"

#include "search/stored.h"
#include "search/uids.h"
#include "store/codec.h"

namespace posthorn::search {
namespace {

std::unexpected<Error> corrupt(const char* what) { return fail(Errc::corrupt, std::string("column: ") + what); }

}  // namespace

Result<Block> Block::decode(std::string_view stored) {
  TRY(std::string plain, unpack(stored));
  store::RowReader in(plain);
  Block block;
  const auto count = in.varint32();
  if (count > kMaxRows) return corrupt("too many rows");
  TRY(block.uids_, take_uids(in, count));
  block.missing_.resize(count);
  block.offsets_.reserve(count + 1);
  std::uint64_t end = 0;
  for (std::uint32_t row = 0; row < count; ++row) {
    const auto length = in.varint32();  // 0: not held, else one more
    block.missing_[row] = length == 0;
    end += length == 0 ? 0 : length - 1;
    if (!in.ok() || end > plain.size()) return corrupt("a row is too long");
    block.offsets_.push_back(static_cast<std::uint32_t>(end));
  }
  if (!in.ok() || in.rest().size() != end) return corrupt("cut");
  block.pool_at_ = plain.size() - in.rest().size();
  block.bytes_ = std::move(plain);
  return block;
}

void BlockBuilder::add(Uid uid, std::string_view row) {
  block_.uids_.push_back(uid);
  block_.missing_.push_back(false);
  block_.bytes_ += row;
  block_.offsets_.push_back(static_cast<std::uint32_t>(block_.bytes_.size()));
}

void BlockBuilder::add_not_held(Uid uid) {
  add(uid, {});
  block_.missing_.back() = true;
}

std::string BlockBuilder::encode() const {
  std::string plain;
  plain.reserve(block_.bytes_.size() + std::size_t{4} * block_.size() + 16);
  store::put_varint(plain, block_.size());
  put_uids(plain, block_.uids_);
  for (std::uint32_t row = 0; row < block_.size(); ++row)
    store::put_varint(plain, block_.missing_[row] ? 0 : block_.at(row).size() + 1);
  plain += block_.pool();
  return pack(plain);
}

}  // namespace posthorn::search
