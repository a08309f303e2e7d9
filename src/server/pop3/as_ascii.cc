#include "server/pop3/as_ascii.h"

#include <utility>

#include "blob/blob.h"
#include "message/summary.h"
#include "server/pop3/settings.h"
#include "text/ascii.h"
#include "text/utf8.h"

namespace posthorn::pop3 {
namespace {

Task<Result<message::ContentFacts>> scan(store::AccountPtr account, MessageId id, std::uint64_t size, const message::Summary& summary) {
  message::ContentScan scan(summary);
  for (std::uint64_t offset = 0; offset < size;) {
    CO_TRY(const auto piece, co_await account->read(id, offset, blob::kChunkSize));
    if (piece.empty()) co_return fail(Errc::corrupt, "the message is shorter than its entry says");
    scan.feed(piece);
    offset += piece.size();
  }
  co_return scan.finish();
}

// Bytes of another charset without a label are a habit of some programs: no client ever got that in ASCII, and none has asked for UTF-8.
bool header_is_utf8(const message::Summary& summary, std::string_view first) {
  return text::is_valid_utf8(first.substr(0, summary.header_size));
}

}  // namespace

bool AsAscii::may_be_needed(std::string_view first, std::uint64_t size) { return first.size() < size || !text::is_ascii(first); }

Task<Result<std::unique_ptr<AsAscii>>> AsAscii::make(store::AccountPtr account, MessageId id, std::uint64_t size, std::string first) {
  std::unique_ptr<AsAscii> none;
  std::vector<MessageId> one{id};
  CO_TRY(const auto summaries, co_await account->summaries(std::move(one)));
  if (summaries.empty() || summaries.front().empty()) co_return fail(Errc::not_found, "the message has gone");
  CO_TRY(const auto view, message::SummaryView::open(summaries.front()));
  if (!(view.flags() & message::Summary::kHas8Bit)) co_return none;
  CO_TRY(auto summary, view.decode());
  CO_TRY(const auto facts, co_await scan(std::move(account), id, size, summary));
  const message::HostTakes ascii{.content = message::Content::seven_bit, .line = 0};
  auto plan = message::plan_downgrade(summary, facts, ascii);
  if (plan.fit == message::Fit::impossible && kRefuseUtf8.get() && header_is_utf8(summary, first)) co_return fail(Errc::unsupported, plan.reason);
  if (plan.fit != message::Fit::convert) co_return none;
  co_return std::unique_ptr<AsAscii>(new AsAscii(std::move(summary), std::move(plan)));
}

}  // namespace posthorn::pop3
