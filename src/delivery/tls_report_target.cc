#include "delivery/tls_report_target.h"

#include <zlib.h>

#include <algorithm>
#include <optional>

#include "message/compose.h"
#include "proto/smtp/address.h"
#include "text/ascii.h"
#include "text/base64.h"
#include "text/date.h"

namespace posthorn::delivery {
namespace {

constexpr std::string_view kVersion = "v=TLSRPTv1";

std::string_view trim_wsp(std::string_view s) {
  while (!s.empty() && text::is_wsp(s.front())) s.remove_prefix(1);
  while (!s.empty() && text::is_wsp(s.back())) s.remove_suffix(1);
  return s;
}

std::optional<std::string> percent_decoded(std::string_view s) {
  std::string out;
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] != '%') {
      out += s[i];
      continue;
    }
    if (i + 2 >= s.size() || text::hex_value(s[i + 1]) < 0 || text::hex_value(s[i + 2]) < 0) return {};
    out += static_cast<char>(text::hex_value(s[i + 1]) * 16 + text::hex_value(s[i + 2]));
    i += 2;
  }
  return out;
}

// One that we understand.
std::optional<TlsReportTarget> target_of(std::string_view uri) {
  TlsReportTarget out{.uri = std::string(uri), .mailbox = {}, .url = {}};
  if (uri.size() > http::kMaxUrl) return {};
  if (text::istarts_with(uri, "mailto:")) {
    const auto decoded = percent_decoded(uri.substr(7, uri.find('?') - 7));
    if (!decoded || !text::is_ascii(*decoded)) return {};
    const auto mailbox = smtp::parse_mailbox(*decoded);
    if (!mailbox || decoded->find('@') == decoded->npos) return {};
    out.mailbox = *decoded;
    return out;
  }
  auto url = http::parse_url(uri);
  if (!url || !url->tls) return {};
  out.url = *std::move(url);
  return out;
}

std::string base64_lines(std::string_view bytes) {
  constexpr std::size_t kLine = 57;  // bytes: 76 characters [RFC2045 6.8]
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += kLine) out += text::base64_encode(bytes.substr(at, kLine)) + "\r\n";
  return out;
}

}  // namespace

Result<std::vector<TlsReportTarget>> tls_report_targets(std::span<const std::string> records) {
  std::optional<std::string_view> ours;
  for (const std::string_view record : records) {
    // [RFC8460 3] Others do not count.
    if (!record.starts_with(kVersion) || !trim_wsp(record.substr(kVersion.size())).starts_with(';')) continue;
    if (ours) return fail(Errc::syntax, "there are several TLSRPT records");
    ours = record;
  }
  if (!ours) return fail(Errc::not_found, "there is no TLSRPT record");
  std::vector<TlsReportTarget> out;
  auto rest = ours->substr(ours->find(';') + 1);
  while (!rest.empty()) {
    const auto n = std::min(rest.find(';'), rest.size());
    auto field = trim_wsp(rest.substr(0, n));
    rest.remove_prefix(std::min(n + 1, rest.size()));
    if (!field.starts_with("rua=") || !out.empty()) continue;
    field.remove_prefix(4);
    while (!field.empty()) {
      const auto comma = std::min(field.find(','), field.size());
      auto target = target_of(trim_wsp(field.substr(0, comma)));
      if (target && out.size() < kMaxReportTargets) out.push_back(*std::move(target));
      field.remove_prefix(std::min(comma + 1, field.size()));
    }
  }
  if (out.empty()) return fail(Errc::syntax, "the TLSRPT record has no URI of https or mailto");
  return out;
}

std::string gzip(std::string_view plain) {
  z_stream stream{};
  CHECK(::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(::deflateBound(&stream, plain.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(::deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}

std::string compose_tls_report(const TlsReportMail& mail, const TlsReportHead& head, std::string_view report) {
  using message::put_header_field;
  const auto second = [](std::chrono::sys_seconds t) { return std::to_string(t.time_since_epoch().count()); };
  const std::string boundary = "tlsrpt-" + mail.unique;
  // [RFC8460 5.1]
  const auto file = mail.submitter + '!' + head.domain + '!' + second(head.start) + '!' + second(head.end - std::chrono::seconds(1)) + "!001.json.gz";
  std::string to;
  for (const auto& mailbox : mail.to) to += (to.empty() ? "<" : ", <") + mailbox + '>';
  std::string out;
  put_header_field(out, "From", "Posthorn TLS reports <" + mail.from + ">");
  put_header_field(out, "To", to);
  put_header_field(out, "Date", text::format_rfc5322_date({.time = std::chrono::floor<std::chrono::seconds>(mail.date), .offset_minutes = 0}));
  put_header_field(out, "Message-ID", "<" + mail.unique + '@' + mail.submitter + ">");
  put_header_field(out, "Subject", "Report Domain: " + head.domain + " Submitter: " + mail.submitter + " Report-ID: <" + head.id + ">");  // [RFC8460 5.3]
  put_header_field(out, "TLS-Report-Domain", head.domain);
  put_header_field(out, "TLS-Report-Submitter", mail.submitter);
  put_header_field(out, "TLS-Required", "No");  // [RFC8460 3] [RFC8689 5] it tells of the very trouble that could stop it
  put_header_field(out, "Auto-Submitted", "auto-generated");
  put_header_field(out, "MIME-Version", "1.0");
  put_header_field(out, "Content-Type", "multipart/report; report-type=\"tlsrpt\"; boundary=\"" + boundary + "\"");
  out += "\r\n--" + boundary + "\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n";
  out += "This is a report of " + mail.submitter + " about the TLS of its mail to\r\n" + head.domain + ", as RFC 8460 describes it. It was made by a program.\r\n";
  out += "\r\n--" + boundary + "\r\nContent-Type: application/tlsrpt+gzip\r\nContent-Transfer-Encoding: base64\r\n";
  put_header_field(out, "Content-Disposition", "attachment; filename=\"" + file + "\"");
  out += "\r\n" + base64_lines(report) + "\r\n--" + boundary + "--\r\n";
  return out;
}

}  // namespace posthorn::delivery
