#include "delivery/outgoing.h"

#include <algorithm>

#include "message/parser.h"
#include "text/ascii.h"

namespace posthorn::delivery {
namespace {

// The message from `offset` on, piece by piece.
class BlobSource final : public client::MessageSource {
 public:
  BlobSource(blob::Blobs& blobs, blob::Id id, std::uint64_t offset, std::uint64_t size, std::string first)
      : blobs_(blobs), id_(id), offset_(offset), size_(size), first_(std::move(first)) {}

  Task<Result<std::string_view>> next() override {
    if (!first_.empty()) {
      piece_ = std::exchange(first_, {});
      offset_ += piece_.size();
      co_return std::string_view(piece_);
    }
    piece_.clear();
    if (offset_ >= size_) co_return std::string_view();
    CO_TRY(piece_, co_await blobs_.read(id_, offset_, blob::kChunkSize));
    if (piece_.empty()) co_return fail(Errc::corrupt, "a message is shorter than it was");
    offset_ += piece_.size();
    co_return std::string_view(piece_);
  }

 private:
  blob::Blobs& blobs_;
  blob::Id id_;
  std::uint64_t offset_, size_;
  std::string first_, piece_;
};

class ConvertedSource final : public client::MessageSource {
 public:
  ConvertedSource(std::unique_ptr<MessageSource> inner, const message::Summary& summary, const message::DowngradePlan& plan)
      : inner_(std::move(inner)), converter_(summary, plan) {}

  Task<Result<std::string_view>> next() override {
    out_.clear();
    while (out_.empty() && !ended_) {
      CO_TRY(const auto piece, co_await inner_->next());
      ended_ = piece.empty();
      if (ended_) converter_.finish(out_);
      else converter_.feed(piece, out_);
    }
    co_return std::string_view(out_);
  }

 private:
  std::unique_ptr<MessageSource> inner_;
  message::Downgrader converter_;
  std::string out_;
  bool ended_ = false;
};

class FrontedSource final : public client::MessageSource {
 public:
  FrontedSource(std::string front, std::unique_ptr<MessageSource> rest) : front_(std::move(front)), rest_(std::move(rest)) {}

  Task<Result<std::string_view>> next() override {
    if (!std::exchange(given_, true)) co_return std::string_view(front_);
    co_return co_await rest_->next();
  }

 private:
  const std::string front_;
  std::unique_ptr<MessageSource> rest_;
  bool given_ = false;
};

smtp::Body body_of(message::Content content) {
  switch (content) {
    case message::Content::seven_bit: return smtp::Body::seven_bit;
    case message::Content::eight_bit: return smtp::Body::eight_bit_mime;
    case message::Content::binary: return smtp::Body::binary_mime;
  }
  return smtp::Body::seven_bit;
}

// "5.6.3"
smtp::EnhancedCode code_of(std::string_view status) {
  smtp::EnhancedCode code{5, 6, 0};
  if (status.size() == 5 && text::is_digit(status[2]) && text::is_digit(status[4])) {
    code.subject = static_cast<std::uint16_t>(status[2] - '0');
    code.detail = static_cast<std::uint16_t>(status[4] - '0');
  }
  return code;
}

}  // namespace

Outgoing::Outgoing(blob::Blobs& blobs, blob::Id id, const queue::Entry& entry) : blobs_(blobs), id_(id), entry_(entry) {}

Task<Result<void>> Outgoing::begin() {
  if (begun_) co_return Result<void>{};
  CO_TRY(first_, co_await blobs_.read(id_, entry_.prefix, blob::kChunkSize));
  begun_ = true;
  co_return Result<void>{};
}

Task<Result<void>> Outgoing::scan() {
  if (facts_) co_return Result<void>{};
  message::Parser parser;
  const Form as_is;
  {
    const auto bytes = source(as_is);
    for (;;) {
      CO_TRY(const auto piece, co_await bytes->next());
      if (piece.empty()) break;
      parser.feed(piece);
    }
  }
  summary_ = parser.finish();
  message::ContentScan scan(*summary_);
  const auto bytes = source(as_is);
  for (;;) {
    CO_TRY(const auto piece, co_await bytes->next());
    if (piece.empty()) break;
    scan.feed(piece);
  }
  facts_ = scan.finish();
  co_return Result<void>{};
}

Task<Result<Outgoing::Form>> Outgoing::form_for(const smtp::Extensions& host, std::string reverse_path, std::vector<std::string> recipients) {
  CO_TRY_OK(co_await begin());
  const auto& options = entry_.options;
  Form form{.body = options.body, .smtp_utf8 = options.smtp_utf8, .plan = {}, .impossible = {}};
  // [RFC6531 3.5] [RFC6531 3.6]
  if (options.smtp_utf8 && !host.smtp_utf8) {
    CO_TRY_OK(co_await scan());
    form.smtp_utf8 = false;
    switch (message::utf8_need(true, facts_->header_has_utf8, reverse_path, recipients)) {
      case message::Utf8Need::none: break;
      case message::Utf8Need::address:
        form.impossible = Trouble{true, {5, 6, 7}, "the host does not take internationalised addresses (SMTPUTF8)"};
        co_return form;
      case message::Utf8Need::header:
        form.impossible = Trouble{true, {5, 6, 9}, "the host does not take internationalised headers (SMTPUTF8)"};
        co_return form;
    }
  }
  const bool takes_binary = host.binary_mime && host.chunking;
  const bool fits = form.body == smtp::Body::seven_bit || (form.body == smtp::Body::eight_bit_mime && host.eight_bit_mime) ||
                    (form.body == smtp::Body::binary_mime && takes_binary);
  if (fits) co_return form;
  CO_TRY_OK(co_await scan());
  const message::HostTakes takes{.content = takes_binary ? message::Content::binary : host.eight_bit_mime ? message::Content::eight_bit : message::Content::seven_bit,
                                 .line = message::kLineLimit};
  auto plan = message::plan_downgrade(*summary_, *facts_, takes);
  form.body = body_of(plan.content);
  if (plan.fit == message::Fit::impossible) form.impossible = Trouble{true, code_of(plan.status), plan.reason};
  else if (plan.fit == message::Fit::convert) form.plan = std::move(plan);
  co_return form;
}

std::unique_ptr<client::MessageSource> Outgoing::source(const Form& form, std::string front) {
  std::unique_ptr<client::MessageSource> bytes = std::make_unique<BlobSource>(blobs_, id_, entry_.prefix, entry_.size, first_);
  if (form.plan) bytes = std::make_unique<ConvertedSource>(std::move(bytes), *summary_, *form.plan);
  if (front.empty()) return bytes;
  return std::make_unique<FrontedSource>(std::move(front), std::move(bytes));
}

}  // namespace posthorn::delivery
