#include "blob/blob.h"

#include <gtest/gtest.h>

#include "async/reactor.h"
#include "blob/chunk.h"
#include "kv/memory/memory_store.h"

namespace posthorn::blob {
namespace {

std::string pattern(std::size_t n) {
  std::string s(n, ' ');
  std::uint32_t x = 1;
  for (auto& c : s) c = static_cast<char>((x = x * 1664525 + 1013904223) >> 24);
  return s;
}

Task<Id> write_blob(Blobs& blobs, kv::Store& store, std::string bytes, std::size_t piece, bool commit = true) {
  Draft draft = blobs.begin();
  for (std::size_t i = 0; i < bytes.size(); i += piece) {
    auto ok = co_await draft.write(std::string_view(bytes).substr(i, piece));
    EXPECT_TRUE(ok);
  }
  Sealed sealed = std::move(draft).seal();
  EXPECT_EQ(sealed.size, bytes.size());
  if (commit) {
    Blobs::put_link(sealed.batch, sealed.id, AccountId(1));
    auto ok = co_await store.commit(std::move(sealed.batch));
    EXPECT_TRUE(ok);
  }
  co_return sealed.id;
}

Task<std::string> read_all(Blobs& blobs, Id id, std::uint64_t offset = 0, std::uint64_t length = ~0ull) {
  std::string out;
  for (;;) {
    auto piece = co_await blobs.read(id, offset + out.size(), length - out.size());
    EXPECT_TRUE(piece);
    if (!piece || piece->empty()) co_return out;
    out += *piece;
    if (out.size() >= length) co_return out;
  }
}

TEST(Blobs, WhatIsWrittenInAnyPiecesIsReadInAnyPieces) {
  kv::MemoryStore store;
  Blobs blobs(store);
  ASSERT_TRUE(run_task(blobs.open()));
  for (std::size_t size : {std::size_t{0}, std::size_t{1}, kChunkSize - 1, kChunkSize, kChunkSize + 1, 3 * kChunkSize + 5}) {
    const std::string bytes = pattern(size);
    for (std::size_t piece : {std::size_t{1000}, std::size_t{65536}, std::size_t{1} << 24}) {
      Id id = run_task(write_blob(blobs, store, bytes, piece));
      EXPECT_EQ(run_task(read_all(blobs, id)), bytes) << size << " in pieces of " << piece;
      if (size > kChunkSize) EXPECT_EQ(run_task(read_all(blobs, id, kChunkSize - 3, 6)), bytes.substr(kChunkSize - 3, 6));
    }
  }
  EXPECT_TRUE(run_task(blobs.check({})).value().problems.empty());
}

TEST(Blobs, ADraftIsReadOnceAllOfItIsWrittenAhead) {
  kv::MemoryStore store;
  Blobs blobs(store);
  ASSERT_TRUE(run_task(blobs.open()));
  for (std::size_t size : {std::size_t{0}, std::size_t{5}, kChunkSize, 2 * kChunkSize + 5}) {
    const std::string bytes = pattern(size);
    for (const bool commit : {true, false}) {
      std::optional<Draft> draft(blobs.begin());
      const Id id = draft->id();
      ASSERT_TRUE(run_task(draft->write(bytes)));
      ASSERT_TRUE(run_task(draft->write_ahead()));
      EXPECT_EQ(run_task(read_all(blobs, id)), bytes);
      if (!commit) {
        bool abandoned = false;
        blobs.on_abandoned([&](Blobs::Unlinked b) { abandoned = b.id == id && b.size == size; });
        draft.reset();
        EXPECT_TRUE(abandoned);
        ASSERT_TRUE(run_task(blobs.remove_unlinked({{id, size}})));
        continue;
      }
      Sealed sealed = std::move(*draft).seal();
      EXPECT_TRUE(sealed.written_ahead);
      Blobs::put_link(sealed.batch, id, AccountId(1));
      ASSERT_TRUE(run_task(store.commit(std::move(sealed.batch))));
      EXPECT_EQ(run_task(read_all(blobs, id)), bytes);
    }
  }
  EXPECT_TRUE(run_task(blobs.check({})).value().problems.empty());
}

TEST(Blobs, SmallOnesAreReadWholeManyAtOnce) {
  kv::MemoryStore store;
  Blobs blobs(store);
  ASSERT_TRUE(run_task(blobs.open()));
  std::vector<Id> ids;
  for (std::size_t size : {std::size_t{5}, kChunkSize, std::size_t{0}, kChunkSize + 1})
    ids.push_back(run_task(write_blob(blobs, store, pattern(size), 65536)));
  std::swap(ids[0], ids[2]);
  ids.push_back(Id(7));
  ids.push_back(ids[0]);
  const auto got = run_task(blobs.read_whole(ids)).value();
  ASSERT_EQ(got.size(), ids.size());
  EXPECT_EQ(got[0], "");
  EXPECT_EQ(got[1], pattern(kChunkSize));
  EXPECT_EQ(got[2], pattern(5));
  EXPECT_EQ(got[3], std::nullopt);  // two chunks
  EXPECT_EQ(got[4], std::nullopt);  // there is none
  EXPECT_EQ(got[5], "");
}

TEST(Blobs, ADraftThatIsNeverCommittedIsSweptAtTheNextStart) {
  kv::MemoryStore store;
  Blobs blobs(store);
  ASSERT_TRUE(run_task(blobs.open()));
  Id id = run_task(write_blob(blobs, store, pattern(2 * kChunkSize + 1), 65536, false));
  EXPECT_EQ(run_task(read_all(blobs, id, 0, 10)), pattern(10));
  Blobs again(store);
  ASSERT_TRUE(run_task(again.open()));
  EXPECT_EQ(run_task(again.read(id, 0, 10)).error().code, Errc::not_found);
  EXPECT_EQ(run_task(again.check({})).value().blobs, 0u);
}

TEST(Blobs, BytesGoWithTheLastLink) {
  kv::MemoryStore store;
  Blobs blobs(store);
  ASSERT_TRUE(run_task(blobs.open()));
  Id id = run_task(write_blob(blobs, store, "hello", 10));
  kv::Batch second, first_gone, second_gone;
  Blobs::put_link(second, id, AccountId(2));
  ASSERT_TRUE(run_task(store.commit(std::move(second))));
  Blobs::erase_link(first_gone, id, AccountId(1));
  ASSERT_TRUE(run_task(store.commit(std::move(first_gone))));
  ASSERT_TRUE(run_task(blobs.remove_unlinked({{id, 5}})));
  EXPECT_EQ(run_task(blobs.read(id, 0, 10)).value(), "hello");
  Blobs::erase_link(second_gone, id, AccountId(2));
  ASSERT_TRUE(run_task(store.commit(std::move(second_gone))));
  ASSERT_TRUE(run_task(blobs.remove_unlinked({{id, 5}})));
  EXPECT_FALSE(run_task(blobs.read(id, 0, 10)));
}

TEST(Blobs, BytesThatAnotherAccountGaveUpMeanwhileAreNotForgotten) {
  kv::MemoryStore store;
  Blobs blobs(store);
  ASSERT_TRUE(run_task(blobs.open()));
  Id id = run_task(write_blob(blobs, store, "hello", 10));
  kv::Batch second, first_gone, second_gone;
  Blobs::put_link(second, id, AccountId(2));
  ASSERT_TRUE(run_task(store.commit(std::move(second))));
  Blobs::erase_link(first_gone, id, AccountId(1));
  Blobs::put_doomed(first_gone, id);
  ASSERT_TRUE(run_task(store.commit(std::move(first_gone))));
  ASSERT_TRUE(run_task(blobs.remove_unlinked({{id, 5}})));  // there is a second account: nothing goes, not even the mark
  Blobs::erase_link(second_gone, id, AccountId(2));
  Blobs::put_doomed(second_gone, id);
  ASSERT_TRUE(run_task(store.commit(std::move(second_gone))));
  // The process ends here.
  Blobs again(store);
  ASSERT_TRUE(run_task(again.open()));
  EXPECT_FALSE(run_task(again.read(id, 0, 10)));
  EXPECT_TRUE(run_task(again.check({})).value().problems.empty());
}

TEST(Blobs, IdsAscendAcrossRestartsAndClocks) {
  kv::MemoryStore store;
  Blobs blobs(store);
  ASSERT_TRUE(run_task(blobs.open()));
  Id a = blobs.begin().id(), b = blobs.begin().id();
  EXPECT_LT(a, b);
  Blobs again(store);
  ASSERT_TRUE(run_task(again.open()));
  EXPECT_LT(b, again.begin().id());
}

TEST(Chunk, DamageIsFound) {
  for (const auto& bytes : {std::string(5000, 'a'), std::string(25, 'a'), pattern(5000), std::string()}) {
    const std::string stored = encode_chunk("key", bytes, true);
    ASSERT_TRUE(decode_chunk("key", stored));
    EXPECT_EQ(decode_chunk("key", stored)->bytes, bytes);
    EXPECT_TRUE(decode_chunk("key", stored)->last);
    EXPECT_FALSE(decode_chunk("other", stored));
    for (std::size_t i = 0; i < stored.size(); i += 7) {
      std::string damaged = stored;
      damaged[i] = static_cast<char>(damaged[i] ^ 0x55);
      auto got = decode_chunk("key", damaged);
      EXPECT_TRUE(!got || got->bytes == bytes) << i;
    }
    EXPECT_FALSE(decode_chunk("key", std::string_view(stored).substr(0, 9)));
  }
}

TEST(Chunk, TheOldFormIsRead) {
  const std::string stored("\x01\x01\x05\0\0\0\x4c\xbb\x71\x9ahello", 15);
  const auto chunk = decode_chunk("key", stored);
  ASSERT_TRUE(chunk);
  EXPECT_EQ(chunk->bytes, "hello");
  EXPECT_FALSE(chunk->knows_key);
}

}  // namespace
}  // namespace posthorn::blob
