#include "fetch/pop3_keys.h"

#include <algorithm>
#include <unordered_map>

#include "crypto/digest.h"
#include "fetch/pop3_fingerprint.h"
#include "fetch/pop3_trouble.h"

namespace posthorn::fetch {
namespace {

constexpr std::size_t kMaxHeader =
    256 * 1024;                      // of which the digest is made; no two messages differ behind it only
constexpr std::size_t kDigest = 32;  // hexadecimal digits, half of SHA-256

std::string header_key(std::string_view header, std::uint64_t size) {
  crypto::Sha256 digest;
  while (!header.empty()) {
    const auto lf = std::min(header.find('\n'), header.size() - 1);
    const auto line = header.substr(0, lf + 1);
    header.remove_prefix(lf + 1);
    if (!is_volatile(line)) digest.update(line);
  }
  digest.update(std::to_string(size));
  return "h" + crypto::to_hex(crypto::view(digest.finish())).substr(0, kDigest);
}

class Headers final : public client::Pop3Sink {
 public:
  // `to`: by their numbers.
  Headers(std::unordered_map<std::uint32_t, Known*> to, std::unordered_map<std::uint32_t, std::uint64_t> sizes)
      : to_(std::move(to)), sizes_(std::move(sizes)) {}
  Result<void> begin(std::uint32_t) override {
    text_.clear();
    return {};
  }
  Result<void> put(std::string_view piece) override {
    text_.append(piece.substr(0, kMaxHeader - std::min(kMaxHeader, text_.size())));
    return {};
  }
  Task<Result<void>> end(std::uint32_t number) override {
    to_.at(number)->key = header_key(text_, sizes_[number]);
    co_return Result<void>{};
  }
  Result<void> refused(std::uint32_t, const pop3::Reply&) override { return {}; }

 private:
  std::unordered_map<std::uint32_t, Known*> to_;
  std::unordered_map<std::uint32_t, std::uint64_t> sizes_;
  std::string text_;
};

// Those without a key get that of their header.
Task<Result<void>> ask_headers(client::Pop3Connection& server, std::vector<Known>& all, Trouble& trouble) {
  std::vector<const Known*> without;
  std::unordered_map<std::uint32_t, Known*> by_number;
  for (auto& one : all)
    if (one.key.empty()) {
      without.push_back(&one);
      by_number[one.number] = &one;
    }
  if (without.empty()) co_return Result<void>{};
  CO_TRY(const auto listing, co_await server.list());
  std::unordered_map<std::uint32_t, std::uint64_t> sizes;
  for (const auto& one : listing) sizes[one.number] = one.size;
  Headers sink(std::move(by_number), std::move(sizes));
  co_return co_await top(server, std::move(without), 0, sink, trouble);
}

void number_those_alike(std::vector<Known>& all) {
  std::unordered_map<std::string, int> seen;
  for (auto& one : all)
    if (!one.key.empty())
      if (const int n = ++seen[one.key]; n > 1) one.key += "#" + std::to_string(n);
}

}  // namespace

std::string content_key(std::string_view sha256) { return "c" + crypto::to_hex(sha256).substr(0, kDigest); }

Task<Result<std::vector<Known>>> identify(client::Pop3Connection& server, bool wants_keys, bool had_ids,
                                            Trouble& trouble) {
  CO_TRY(auto ids, co_await server.unique_ids());
  if (!ids && had_ids)
    co_return fail(Errc::busy,
                   "the server gives no unique-ids (UIDL), and has given some before: nothing is known again "
                   "without them");
  std::vector<Known> out;
  if (ids) {
    std::unordered_map<std::string_view, int> count;
    for (const auto& one : *ids) ++count[one.id];
    for (const auto& one : *ids)
      out.push_back({.number = one.number, .key = count[one.id] == 1 ? "u" + one.id : std::string()});
  } else {
    CO_TRY(const auto listing, co_await server.list());
    for (const auto& one : listing) out.push_back({.number = one.number, .key = {}});
  }
  const bool complete = std::ranges::none_of(out, [](const Known& one) { return one.key.empty(); });
  if (complete || (!wants_keys && !server.capabilities().top)) co_return out;
  if (auto asked = co_await ask_headers(server, out, trouble); !asked)
    co_return std::unexpected(std::move(asked).error());
  number_those_alike(out);
  co_return out;
}

}  // namespace posthorn::fetch
