#include "store/page_codec.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/little_endian.h"
#include "crypto/digest.h"

namespace posthorn::store {
namespace {

constexpr char kVersion = 2;           // columns
constexpr char kVersionOfRecords = 1;  // one record of 52 bytes an entry
constexpr std::size_t kHeader = 8;     // version, three zero bytes, CRC-32C of what follows (4)
constexpr std::size_t kCount = 2;      // bytes of the number of entries
constexpr std::size_t kPad = 8;        // zero bytes at the end: every number can be read as eight bytes
constexpr std::size_t kMostEntries = 65'535;
constexpr unsigned char kDeltas = 0x80;  // in a column's first byte; the rest is the width of its numbers, bytes

static_assert(std::endian::native == std::endian::little);

Error damaged() { return {Errc::corrupt, "page row is damaged"}; }

using Column = std::vector<std::uint64_t>;

unsigned width_of(std::uint64_t most) { return (static_cast<unsigned>(std::bit_width(most)) + 7) / 8; }

void put_u64(std::string& out, std::uint64_t v) { out.append(reinterpret_cast<const char*>(&v), 8); }

// Each number less `base`, in `width` bytes.
void put_numbers(std::string& out, const std::uint64_t* from, const std::uint64_t* to, std::uint64_t base, unsigned width) {
  if (width == 0) return;
  const std::size_t at = out.size();
  const auto n = static_cast<std::size_t>(to - from);
  out.resize(at + n * width + kPad);
  char* p = out.data() + at;
  for (; from != to; ++from, p += width) {
    const std::uint64_t v = *from - base;
    std::memcpy(p, &v, 8);
  }
  out.resize(at + n * width);
}

// As distances from the least, or as distances of the steps from the least step, whatever is narrower.
void put_column(std::string& out, const Column& column) {
  const auto [least, most] = std::ranges::minmax(column);
  const unsigned width = width_of(most - least);
  if (width != 0 && column.size() > 2) {
    Column steps(column.size() - 1);
    for (std::size_t i = 0; i < steps.size(); ++i) steps[i] = column[i + 1] - column[i];
    const auto [shortest, longest] = std::ranges::minmax(steps, {}, [](std::uint64_t v) { return static_cast<std::int64_t>(v); });
    if (const unsigned narrow = width_of(longest - shortest); narrow < width) {
      out.push_back(static_cast<char>(kDeltas | narrow));
      put_u64(out, column.front());
      put_u64(out, shortest);
      put_numbers(out, steps.data(), steps.data() + steps.size(), shortest, narrow);
      return;
    }
  }
  out.push_back(static_cast<char>(width));
  put_u64(out, least);
  put_numbers(out, column.data(), column.data() + column.size(), least, width);
}

std::uint64_t load(const char* p, unsigned width) {
  std::uint64_t v;
  std::memcpy(&v, p, 8);
  return width == 8 ? v : v & ((std::uint64_t{1} << (8 * width)) - 1);
}

// REQUIRES: kPad bytes behind `in` may be read.
bool take_column(std::string_view& in, Column& column) {
  if (in.size() < 9) return false;
  const auto kind = static_cast<unsigned char>(in[0]);
  const bool deltas = (kind & kDeltas) != 0;
  const unsigned width = kind & ~kDeltas;
  const std::size_t head = deltas ? 17 : 9;
  const std::size_t numbers = column.size() - (deltas ? 1 : 0);
  if (width > 8 || in.size() < head || (in.size() - head) < numbers * width) return false;
  std::uint64_t value = load(in.data() + 1, 8);
  const char* p = in.data() + head;
  if (deltas) {
    const std::uint64_t step = load(in.data() + 9, 8);
    column[0] = value;
    for (std::size_t i = 1; i < column.size(); ++i, p += width) column[i] = value += step + (width ? load(p, width) : 0);
  } else if (width == 0) {
    std::ranges::fill(column, value);
  } else {
    for (auto& v : column) {
      v = value + load(p, width);
      p += width;
    }
  }
  in.remove_prefix(head + numbers * width);
  return true;
}

// The columns in their order: f(get, set), for all that an entry has.
template <class F>
bool for_each_column(F f) {
  return f([](const Entry& e) { return std::uint64_t{e.uid.value()}; }, [](Entry& e, std::uint64_t v) { e.uid = Uid(static_cast<std::uint32_t>(v)); }) &&
         f([](const Entry& e) { return std::uint64_t{e.flags}; }, [](Entry& e, std::uint64_t v) { e.flags = static_cast<std::uint8_t>(v); }) &&
         f([](const Entry& e) { return e.keywords; }, [](Entry& e, std::uint64_t v) { e.keywords = v; }) &&
         f([](const Entry& e) { return e.mod_seq.value(); }, [](Entry& e, std::uint64_t v) { e.mod_seq = ModSeq(v); }) &&
         f([](const Entry& e) { return e.message.value(); }, [](Entry& e, std::uint64_t v) { e.message = MessageId(v); }) &&
         f([](const Entry& e) { return std::uint64_t{e.size}; }, [](Entry& e, std::uint64_t v) { e.size = static_cast<std::uint32_t>(v); }) &&
         f([](const Entry& e) { return static_cast<std::uint64_t>(std::int64_t{e.internal_date.seconds}); },
           [](Entry& e, std::uint64_t v) { e.internal_date.seconds = static_cast<std::int64_t>(v); }) &&
         f([](const Entry& e) { return static_cast<std::uint64_t>(std::int64_t{e.internal_date.zone_minutes}); },
           [](Entry& e, std::uint64_t v) { e.internal_date.zone_minutes = static_cast<std::int16_t>(v); }) &&
         f([](const Entry& e) { return static_cast<std::uint64_t>(std::int64_t{e.save_date}); },
           [](Entry& e, std::uint64_t v) { e.save_date = static_cast<std::int64_t>(v); });
}

// Little endian: UID (4), flags, 0, zone (2), size (4), message (8), keywords (8), mod-sequence (8), internal date (8), save date (8).
Result<std::vector<Entry>> decode_records(std::string_view records) {
  constexpr std::size_t kRecord = 52;
  if (records.size() % kRecord) return std::unexpected(damaged());
  std::vector<Entry> entries(records.size() / kRecord);
  for (const char* in = records.data(); Entry& e : entries) {
    e.uid = Uid(static_cast<std::uint32_t>(load(in, 4)));
    e.flags = static_cast<std::uint8_t>(in[4]);
    e.internal_date.zone_minutes = static_cast<std::int16_t>(load(in + 6, 2));
    e.size = static_cast<std::uint32_t>(load(in + 8, 4));
    e.message = MessageId(load(in + 12, 8));
    e.keywords = load(in + 20, 8);
    e.mod_seq = ModSeq(load(in + 28, 8));
    e.internal_date.seconds = static_cast<std::int64_t>(load(in + 36, 8));
    e.save_date = static_cast<std::int64_t>(load(in + 44, 8));
    in += kRecord;
  }
  return entries;
}

}  // namespace

std::string encode_page(const std::vector<Entry>& entries) {
  CHECK(entries.size() <= kMostEntries);
  std::string row;
  row.reserve(kHeader + kCount + 9 * 17 + entries.size() * 12 + kPad);
  row.push_back(kVersion);
  row.append(kHeader - 1, '\0');
  row.push_back(static_cast<char>(entries.size() & 0xFF));
  row.push_back(static_cast<char>(entries.size() >> 8));
  Column column(entries.size());
  if (!entries.empty())
    for_each_column([&](auto get, auto) {
      std::ranges::transform(entries, column.begin(), get);
      put_column(row, column);
      return true;
    });
  row.append(kPad, '\0');
  const std::uint32_t checksum = crypto::crc32c(std::string_view(row).substr(kHeader));
  std::memcpy(row.data() + 4, &checksum, 4);
  return row;
}

Result<std::vector<Entry>> decode_page(std::string_view row) {
  if (row.size() < kHeader || get_le32(row, 4) != crypto::crc32c(row.substr(kHeader))) return std::unexpected(damaged());
  if (row[0] == kVersionOfRecords) return decode_records(row.substr(kHeader));
  if (row[0] != kVersion || row.size() < kHeader + kCount + kPad) return std::unexpected(damaged());
  const std::size_t count = static_cast<unsigned char>(row[kHeader]) | std::size_t{static_cast<unsigned char>(row[kHeader + 1])} << 8;
  std::vector<Entry> entries(count);
  Column column(count);
  std::string_view in = row.substr(kHeader + kCount, row.size() - kHeader - kCount - kPad);
  if (count != 0 && !for_each_column([&](auto, auto set) {
        if (!take_column(in, column)) return false;
        for (std::size_t i = 0; i < count; ++i) set(entries[i], column[i]);
        return true;
      }))
    return std::unexpected(damaged());
  if (!in.empty()) return std::unexpected(damaged());
  return entries;
}

}  // namespace posthorn::store
