#include "net/deflate.h"

#include <zlib.h>

#include <algorithm>
#include <utility>

namespace posthorn::net {
namespace {

constexpr int kLevel = 3;
constexpr int kSentWindow = -13;      // 8 KiB: how far we refer back; negative is raw deflate
constexpr int kReceivedWindow = -15;  // the peer may refer back to 32 KiB
constexpr int kMemLevel = 6;
constexpr std::size_t kMaxDictionary = 32 << 10;

Bytef* bytes_of(std::string_view s) { return reinterpret_cast<Bytef*>(const_cast<char*>(s.data())); }

}  // namespace

struct Deflate::Streams {
  z_stream sent{}, received{};
  bool sending = false, receiving = false;  // initialised

  void end_sending() {
    if (std::exchange(sending, false)) deflateEnd(&sent);
  }
  void end_receiving() {
    if (std::exchange(receiving, false)) inflateEnd(&received);
  }
  ~Streams() {
    end_sending();
    end_receiving();
  }
};

Deflate::Deflate() : streams_(std::make_unique<Streams>()) {}
Deflate::~Deflate() = default;

void Deflate::compress(std::string_view plain, std::string& out) {
  auto& z = streams_->sent;
  if (!streams_->sending) {
    // After a flush new blocks may follow that refer to nothing before: the peer does not see that we have begun anew.
    z = {};
    CHECK(deflateInit2(&z, kLevel, Z_DEFLATED, kSentWindow, kMemLevel, Z_DEFAULT_STRATEGY) == Z_OK);
    streams_->sending = true;
  }
  z.next_in = bytes_of(plain);
  z.avail_in = static_cast<uInt>(plain.size());
  do {
    char piece[4096];
    z.next_out = reinterpret_cast<Bytef*>(piece);
    z.avail_out = sizeof piece;
    const int done = deflate(&z, Z_SYNC_FLUSH);
    CHECK(done == Z_OK || done == Z_BUF_ERROR);
    out.append(piece, sizeof piece - z.avail_out);
  } while (z.avail_out == 0);
}

Result<void> Deflate::wake_input() {
  auto& z = streams_->received;
  if (streams_->receiving) return {};
  z = {};
  if (inflateInit2(&z, kReceivedWindow) != Z_OK) return fail(Errc::limit, "no memory for a compressed connection");
  streams_->receiving = true;
  if (!dictionary_.empty()) inflateSetDictionary(&z, bytes_of(dictionary_), static_cast<uInt>(dictionary_.size()));
  std::string().swap(dictionary_);
  return {};
}

Result<void> Deflate::decompress(std::string_view& in, std::size_t limit, std::string& out) {
  TRY_OK(wake_input());
  auto& z = streams_->received;
  while (limit > 0 && (!in.empty() || more_output_)) {
    char piece[16384];
    const std::size_t room = std::min(limit, sizeof piece);
    z.next_in = bytes_of(in);
    z.avail_in = static_cast<uInt>(in.size());
    z.next_out = reinterpret_cast<Bytef*>(piece);
    z.avail_out = static_cast<uInt>(room);
    const int done = inflate(&z, Z_SYNC_FLUSH);
    in.remove_prefix(in.size() - z.avail_in);
    const std::size_t got = room - z.avail_out;
    out.append(piece, got);
    limit -= got;
    more_output_ = z.avail_out == 0;
    if (done == Z_STREAM_END) return fail(Errc::closed, "the peer has ended its compressed stream");
    if (done == Z_BUF_ERROR) break;  // it wants more input
    if (done != Z_OK) return fail(Errc::syntax, "damaged compressed data");
  }
  return {};
}

void Deflate::rest() {
  streams_->end_sending();
  auto& z = streams_->received;
  // Only between two blocks, where no bits are left over: a peer that flushes is there.
  constexpr int kBetweenBlocks = 128;
  if (!streams_->receiving || more_output_ || z.data_type != kBetweenBlocks) return;
  char window[kMaxDictionary];
  uInt size = 0;
  if (inflateGetDictionary(&z, reinterpret_cast<Bytef*>(window), &size) != Z_OK) return;
  dictionary_.assign(window, size);
  streams_->end_receiving();
}

}  // namespace posthorn::net
