#include "net/proxy_protocol.h"

#include <charconv>
#include <string>

#include "base/ip_address.h"
#include "crypto/digest.h"

namespace posthorn::net {
namespace {

constexpr std::string_view kSignature2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kFixed2 = 16;
constexpr std::string_view kSignature1 = "PROXY ";
constexpr std::size_t kMaxLine1 = 107;  // with CRLF
constexpr std::string_view kShortest1 = "PROXY UNKNOWN\r\n", kShortestTcp4 = "PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n",
                           kShortestTcp6 = "PROXY TCP6 :: :: 0 0\r\n";

std::unexpected<Error> bad(const char* what) { return fail(Errc::syntax, std::string("PROXY header: ") + what); }

std::string_view take_field(std::string_view& in) {
  const auto space = in.find(' ');
  const auto field = in.substr(0, space);
  in.remove_prefix(space == in.npos ? in.size() : space + 1);
  return field;
}

std::optional<std::uint16_t> to_port(std::string_view s) {
  std::uint16_t port = 0;
  const auto [end, code] = std::from_chars(s.data(), s.data() + s.size(), port);
  if (code != std::errc() || end != s.data() + s.size() || (s.size() > 1 && s.front() == '0')) return {};
  return port;
}

// Section 2.1; `line` without its CRLF.
Result<ProxyHeader> parse_line(std::string_view line) {
  line.remove_prefix(kSignature1.size());
  const auto family = take_field(line);
  if (family == "UNKNOWN") return ProxyHeader{};  // whatever stands behind it
  if (family != "TCP4" && family != "TCP6") return bad("unknown family");
  const auto source = IpAddress::parse(take_field(line)), destination = IpAddress::parse(take_field(line));
  const auto source_port = to_port(take_field(line)), destination_port = to_port(line);
  if (!source || !destination || !source_port || !destination_port) return bad("bad address or port");
  const bool v4 = family == "TCP4";
  if (source->is_v4() != v4 || destination->is_v4() != v4) return bad("address of another family");
  return ProxyHeader{.missing = 0, .source = peer_at(*source, *source_port)};
}

Result<ProxyHeader> parse_version1(std::string_view bytes) {
  const auto lf = bytes.substr(0, kMaxLine1).find('\n');
  if (lf != bytes.npos) {
    if (bytes[lf - 1] != '\r' || lf + 1 != bytes.size()) return bad("bad end of line");
    return parse_line(bytes.substr(0, lf - 1));
  }
  if (bytes.size() >= kMaxLine1) return bad("line too long");
  const auto shortest = bytes.starts_with("PROXY TCP4") ? kShortestTcp4 : bytes.starts_with("PROXY TCP6") ? kShortestTcp6 : kShortest1;
  return ProxyHeader{.missing = bytes.size() < shortest.size() ? shortest.size() - bytes.size() : 1, .source = {}};
}

std::uint16_t number_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[at]) << 8 | static_cast<unsigned char>(bytes[at + 1]));
}

template <std::size_t N>
std::span<const std::uint8_t, N> octets(std::string_view bytes) {
  return std::span<const std::uint8_t, N>(reinterpret_cast<const std::uint8_t*>(bytes.data()), N);
}

// Sections 2.2.2 to 2.2.4: one kind of TLV says whether the header has arrived as it was sent, the others are skipped.
// REQUIRES: the TLVs begin at `at`.
Result<void> check_tlvs(std::string_view header, std::size_t at) {
  constexpr char kCrc32c = 0x03;
  while (at < header.size()) {
    if (header.size() - at < 3) return bad("bad TLV");
    const char type = header[at];
    const std::size_t size = number_at(header, at + 1);
    at += 3;
    if (header.size() - at < size) return bad("bad TLV");
    if (type == kCrc32c) {
      if (size != 4) return bad("bad checksum");
      // The checksum counts itself as zeros.
      auto sum = crypto::crc32c(header.substr(0, at));
      sum = crypto::crc32c(std::string_view("\0\0\0\0", 4), sum);
      sum = crypto::crc32c(header.substr(at + 4), sum);
      if (sum != (static_cast<std::uint32_t>(number_at(header, at)) << 16 | number_at(header, at + 2))) return bad("wrong checksum");
    }
    at += size;
  }
  return {};
}

// Section 2.2: two addresses, then two ports, then TLVs.
Result<ProxyHeader> parse_version2(std::string_view bytes) {
  if (bytes.size() < kFixed2) return ProxyHeader{.missing = kFixed2 - bytes.size(), .source = {}};
  const auto version_command = static_cast<unsigned char>(bytes[12]), family = static_cast<unsigned char>(bytes[13]);
  if (version_command >> 4 != 2) return bad("unknown version");
  if ((version_command & 15) > 1) return bad("unknown command");
  if (family >> 4 > 3 || (family & 15) > 2) return bad("unknown family");
  const std::size_t size = kFixed2 + number_at(bytes, 14);
  if (bytes.size() < size) return ProxyHeader{.missing = size - bytes.size(), .source = {}};
  if (bytes.size() > size) return bad("bytes behind it");
  if ((version_command & 15) == 0) return ProxyHeader{};  // LOCAL
  const auto rest = bytes.substr(kFixed2);
  constexpr std::size_t kSize4 = 2 * 4 + 2 * 2, kSize6 = 2 * 16 + 2 * 2;
  if (family == 0x11) {  // TCP over IPv4
    if (rest.size() < kSize4) return bad("too short");
    TRY_OK(check_tlvs(bytes, kFixed2 + kSize4));
    return ProxyHeader{.missing = 0, .source = peer_at(IpAddress::v4(octets<4>(rest)), number_at(rest, 8))};
  }
  if (family == 0x21) {  // TCP over IPv6
    if (rest.size() < kSize6) return bad("too short");
    TRY_OK(check_tlvs(bytes, kFixed2 + kSize6));
    return ProxyHeader{.missing = 0, .source = peer_at(IpAddress::v6(octets<16>(rest)), number_at(rest, 32))};
  }
  return ProxyHeader{};  // UNSPEC, datagrams, Unix sockets
}

}  // namespace

Result<ProxyHeader> parse_proxy_header(std::string_view bytes) {
  // Both versions have at least as many bytes, and differ before.
  const auto begins = [&](std::string_view signature) { return bytes.substr(0, signature.size()) == signature.substr(0, bytes.size()); };
  if (!begins(kSignature1) && !begins(kSignature2)) return bad("no such header");
  if (bytes.size() < kSignature2.size()) return ProxyHeader{.missing = kSignature2.size() - bytes.size(), .source = {}};
  return begins(kSignature2) ? parse_version2(bytes) : parse_version1(bytes);
}

Task<Result<void>> read_proxy_header(Connection& connection, Deadline deadline) {
  for (;;) {
    CO_TRY(auto header, parse_proxy_header(connection.input()));
    if (header.missing == 0) {
      connection.consume(connection.input().size());
      if (header.source) connection.set_peer(*std::move(header.source));
      co_return Result<void>{};
    }
    CO_TRY_OK(co_await connection.read_exactly(header.missing, deadline));
  }
}

}  // namespace posthorn::net
