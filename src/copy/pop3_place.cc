#include "copy/pop3_place.h"

#include <algorithm>
#include <map>
#include <utility>

namespace posthorn::copy {
namespace {

class IntoLetters final : public client::Pop3Sink {
 public:
  explicit IntoLetters(LetterSink& sink) : sink_(sink) {}
  Result<void> begin(std::uint32_t) override {
    letter_ = {};
    return {};
  }
  Result<void> put(std::string_view piece) override { return letter_.octets.write(piece); }
  Task<Result<void>> end(std::uint32_t number) override {
    letter_.info.uid = number;
    letter_.info.size = letter_.octets.size();
    co_return co_await sink_.take(std::move(letter_));
  }
  Result<void> refused(std::uint32_t, const pop3::Reply&) override { return {}; }  // it is not there any more

 private:
  LetterSink& sink_;
  Letter letter_;
};

class IntoFields final : public client::Pop3Sink {
 public:
  std::map<std::uint32_t, std::string> fields;
  Result<void> begin(std::uint32_t) override {
    header_.clear();
    return {};
  }
  Result<void> put(std::string_view piece) override {
    constexpr std::size_t kMostHeader = 256 << 10;
    if (header_.size() < kMostHeader) header_ += piece;
    return {};
  }
  Task<Result<void>> end(std::uint32_t number) override {
    fields[number] = identity_of(header_);
    co_return Result<void>{};
  }
  Result<void> refused(std::uint32_t, const pop3::Reply&) override { return {}; }

 private:
  std::string header_;
};

class Pop3Place final : public MailPlace {
 public:
  Pop3Place(std::string name, client::Pop3Options options) : name_(std::move(name)), connection_(std::move(options)) {}

  Task<Result<void>> open(std::unique_ptr<net::Connection> stream) { co_return co_await connection_.open(std::move(stream)); }
  std::string name() const override { return name_; }
  bool changes_flags() const override { return false; }
  bool has_flags() const override { return false; }

  Task<Result<std::vector<FolderInfo>>> folders() override {
    CO_TRY(const auto drop, co_await connection_.stat());
    std::vector<FolderInfo> out;
    out.push_back({.path = {"INBOX"}, .messages = static_cast<std::uint32_t>(std::min<std::uint64_t>(drop.messages, 0xFFFFFFFF))});
    co_return out;
  }

  Task<Result<FolderNumbers>> enter(FolderInfo, Entering how) override {
    if (how == Entering::to_write) co_return fail(Errc::unsupported, "no mail can be stored by POP3");
    co_return FolderNumbers{};
  }

  Task<Result<std::vector<MessageInfo>>> list(bool with_fields) override {
    CO_TRY(const auto listed, co_await connection_.list());
    std::vector<MessageInfo> out;
    std::vector<std::uint32_t> numbers;
    for (const auto& one : listed) {
      out.push_back({.uid = one.number, .size = one.size});
      numbers.push_back(one.number);
    }
    std::ranges::sort(out, {}, &MessageInfo::uid);
    if (!with_fields) co_return out;
    IntoFields headers;
    CO_TRY_OK(co_await connection_.top(numbers, 0, headers));
    for (auto& info : out) info.fields = headers.fields[info.uid];
    co_return out;
  }

  Task<Result<void>> read(std::vector<std::uint32_t> uids, LetterSink& sink) override {
    IntoLetters letters(sink);
    co_return co_await connection_.retrieve(uids, letters);
  }

  Task<Result<bool>> keep_numbers(FolderNumbers) override { co_return false; }
  Task<Result<void>> add(std::vector<Letter>&, std::vector<Added>&) override { co_return fail(Errc::unsupported, "no mail can be stored by POP3"); }
  Task<Result<void>> set_flags(std::vector<std::pair<std::uint32_t, imap::FlagList>>) override { co_return fail(Errc::unsupported, "POP3 has no flags"); }
  Task<> stay() override { (void)co_await connection_.stat(); }
  Task<> close() override { (void)co_await connection_.quit(); }

 private:
  const std::string name_;
  client::Pop3Connection connection_;
};

}  // namespace

Task<Result<std::unique_ptr<MailPlace>>> open_pop3_place(std::string name, client::Pop3Options options, std::unique_ptr<net::Connection> stream) {
  auto place = std::make_unique<Pop3Place>(std::move(name), std::move(options));
  CO_TRY_OK(co_await place->open(std::move(stream)));
  co_return std::unique_ptr<MailPlace>(std::move(place));
}

}  // namespace posthorn::copy
