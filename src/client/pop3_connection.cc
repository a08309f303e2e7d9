#include "client/pop3_connection.h"

#include <algorithm>

#include "client/pop3_channel.h"
#include "proto/smtp/data_decoder.h"
#include "text/ascii.h"

namespace posthorn::client {
namespace {

constexpr std::size_t kBlock = 64 * 1024;
// After a lone dot that may be the end: what belongs to the message comes sooner, or is taken for garbage.
constexpr auto kQuiet = std::chrono::seconds(3);

// Sends commands ahead of their answers, as many as the window holds.
class Pipeline {
 public:
  Pipeline(Pop3State& s, std::span<const std::uint32_t> numbers, std::string verb, std::string rest)
      : s_(s), numbers_(numbers), verb_(std::move(verb)), rest_(std::move(rest)) {}

  // The next answer may be read.
  Task<Result<void>> advance() {
    const auto window = s_.window();
    const auto open = sent_ - read_++;
    // Half a window at a time, so that not each answer costs a record of its own.
    if (open > window / 2 || sent_ == numbers_.size()) co_return Result<void>{};
    for (const auto until = std::min(numbers_.size(), read_ - 1 + window); sent_ < until; ++sent_)
      s_.channel->put(verb_ + " " + std::to_string(numbers_[sent_]) + rest_);
    co_return co_await s_.channel->flush(s_.options.timeouts.block);
  }
  // Is there an answer to come behind the one that is being read?
  bool is_ahead() const { return sent_ > read_; }

 private:
  Pop3State& s_;
  std::span<const std::uint32_t> numbers_;
  std::string verb_, rest_;
  std::size_t sent_ = 0, read_ = 0;
};

constexpr std::string_view kLoneDot = ".\r\n";

// Up to a line that begins with a dot behind a bare LF, or that may.  `last`: the octet before.
std::size_t find_bare_line(std::string_view in, char last) {
  for (auto lf = in.find('\n'); lf != in.npos; lf = in.find('\n', lf + 1)) {
    const bool is_bare = (lf == 0 ? last : in[lf - 1]) != '\r';
    if (is_bare && (lf + 1 == in.size() || in[lf + 1] == '.')) return lf + 1;
  }
  return in.size();
}

// Servers that pass on what they have stored, and end it with ".<CRLF>", end a message so that ends in a bare LF.
// In the middle of one it is no end: the rest of it follows.  REQUIRES: a lone dot is the next input.
Task<Result<bool>> ends_here(Pop3State& s, bool is_answer_due, Deadline until) {
  auto& channel = *s.channel;
  if (!is_answer_due) {
    const auto quiet = std::min<Pop3Timeouts::Patience>(kQuiet, s.options.timeouts.block / 2);
    CO_TRY(const bool more, co_await channel.has_more_than(kLoneDot.size(), after(quiet)));
    co_return !more;
  }
  constexpr std::size_t kStatus = 4;  // "-ERR", or "+OK" and what follows it
  CO_TRY(const bool more, co_await channel.has_more_than(kLoneDot.size() + kStatus - 1, until));
  if (!more) co_return channel.broken(Errc::timed_out, "the server was silent for too long");
  const auto next = channel.connection().input().substr(kLoneDot.size());
  if (!text::istarts_with(next, "+OK") && !text::istarts_with(next, "-ERR")) co_return false;
  co_return channel.broken(Errc::syntax,
                           "a message may end at a dot behind a bare line feed, or go on with what looks like an "
                           "answer: it can be fetched alone only");
}

// One multi-line answer to its end.
Task<Result<void>> read_message(Pop3State& s, Pop3Sink& sink, bool is_answer_due) {
  auto& channel = *s.channel;
  smtp::DataDecoder decoder;  // dots and the end are as in SMTP's DATA [RFC1939 3]
  std::uint64_t next_block = 0;
  Deadline until{};
  char last = '\n';  // of what was consumed
  bool is_bare_line = false;
  while (!decoder.done()) {
    if (decoder.size() >= next_block) {
      until = after(s.options.timeouts.block);
      next_block = decoder.size() + kBlock;
    }
    CO_TRY(auto in, co_await channel.read_content(until));
    if (std::exchange(is_bare_line, false)) {
      while (in.size() < kLoneDot.size() && kLoneDot.starts_with(in)) {
        CO_TRY(const bool more, co_await channel.has_more_than(in.size(), until));
        if (!more) co_return channel.broken(Errc::timed_out, "the server was silent for too long");
        in = channel.connection().input();
      }
      if (in.starts_with(kLoneDot)) {
        CO_TRY(const bool ends, co_await ends_here(s, is_answer_due, until));
        if (ends) {
          channel.consume(kLoneDot.size());
          co_return Result<void>{};
        }
        in = channel.connection().input();
      }
    }
    in = in.substr(0, find_bare_line(in, last));
    const auto before = in.size();
    is_bare_line = in.back() == '\n' && (before > 1 ? in[before - 2] : last) != '\r';
    last = in.back();
    for (auto piece = decoder.next(in); !piece.empty(); piece = decoder.next(in))
      if (auto put = sink.put(piece); !put) {
        channel.close();
        co_return std::unexpected(std::move(put).error());
      }
    channel.consume(before - in.size());
    if (decoder.size() > s.options.limits.message)
      co_return channel.broken(Errc::limit, "the server sends a message without an end");
  }
  co_return Result<void>{};
}

// A server that does not double the dots at the beginnings of lines ends a message where it has a lone one:
// the rest of it stands where answers should.
std::unexpected<Error> not_whole(std::optional<std::uint32_t> number, Error why) {
  if (number)
    why.text += "; message " + std::to_string(*number) + ", which came before, cannot be trusted to be whole";
  return std::unexpected(std::move(why));
}

Task<Result<void>> read_messages(Pop3State& s, std::span<const std::uint32_t> numbers, Pipeline pipeline,
                                 Pop3Sink& sink, bool is_top) {
  auto& channel = *s.channel;
  if (channel.is_open() && !channel.is_silent())
    co_return channel.broken(Errc::syntax, "the server said something that nobody had asked for");
  std::optional<std::uint32_t> come;  // to its end; whether that was one, is told by what follows
  for (const auto number : numbers) {
    CO_TRY_OK(co_await pipeline.advance());
    auto reply = co_await channel.read_reply(s.options.timeouts.command);
    if (!reply && (reply.error().code == Errc::syntax || reply.error().code == Errc::limit))
      co_return not_whole(come, reply.error());
    Result<void> done;
    if (come) done = co_await sink.end(*std::exchange(come, std::nullopt));
    if (done && !reply) co_return std::unexpected(std::move(reply).error());
    if (done && !reply->ok()) {
      // A server that does not know TOP refuses all of them; the answers that are under way are no use.
      if (is_top && !s.capabilities.top && number == numbers.front())
        co_return channel.broken(Errc::unsupported, "the server refuses TOP");
      done = sink.refused(number, *reply);
    } else if (done) {
      done = sink.begin(number);
      if (done) CO_TRY_OK(co_await read_message(s, sink, pipeline.is_ahead()));
      if (done) come = number;
    }
    if (!done) {
      channel.close();
      co_return std::unexpected(std::move(done).error());
    }
  }
  if (!come) co_return Result<void>{};
  auto reply = co_await channel.ask("NOOP", s.options.timeouts.command);
  if (!reply && (reply.error().code == Errc::syntax || reply.error().code == Errc::limit))
    co_return not_whole(come, reply.error());
  auto done = co_await sink.end(*come);
  if (!done) channel.close();
  if (done && !reply) co_return std::unexpected(std::move(reply).error());
  co_return done;
}

// All lines of a listing.  nullopt: refused.
template <class T, class Parse>
Task<Result<std::optional<std::vector<T>>>> read_listing(Pop3State& s, std::string command, Parse parse) {
  auto& channel = *s.channel;
  const bool is_asked = command == "UIDL" && std::exchange(s.ids_asked, false);
  auto reply_task = is_asked ? channel.read_reply(s.options.timeouts.command)
                             : channel.ask(command, s.options.timeouts.command);
  CO_TRY(const auto reply, co_await std::move(reply_task));
  if (!reply.ok()) {
    if (command == "UIDL" && reply.code.empty() && !s.capabilities.uidl)
      co_return std::optional<std::vector<T>>();
    co_return channel.refusal(command, reply);
  }
  std::vector<T> out;
  std::size_t bytes = 0, all_bytes = 0;
  for (auto until = after(s.options.timeouts.block);;) {
    CO_TRY(const auto line, co_await channel.read_listed(until));
    if (!line) break;
    auto one = parse(*line);
    if (!one || one->number == 0)
      co_return channel.broken(Errc::syntax, "a line of " + command + " cannot be read");
    out.push_back(*std::move(one));
    all_bytes += line->size();
    if (out.size() > s.options.limits.listing || all_bytes > s.options.limits.listing_bytes)
      co_return channel.broken(Errc::limit, "an endless answer to " + command);
    if (bytes += line->size(); bytes < kBlock) continue;
    until = after(s.options.timeouts.block);
    bytes = 0;
  }
  std::vector<std::uint32_t> numbers;
  for (const auto& one : out) numbers.push_back(one.number);
  std::ranges::sort(numbers);
  if (std::ranges::adjacent_find(numbers) != numbers.end())
    co_return channel.broken(Errc::syntax, "the server lists a message twice in its answer to " + command);
  co_return std::optional(std::move(out));
}

}  // namespace

Pop3Connection::Pop3Connection(Pop3Options options)
    : state_(std::make_unique<Pop3State>(std::move(options))) {
  CHECK(state_->options.tls == TlsMode::none || state_->options.tls_context);
}
Pop3Connection::~Pop3Connection() = default;

Task<Result<void>> Pop3Connection::open(std::unique_ptr<net::Connection> connection) {
  auto& s = *state_;
  CHECK(!s.channel);
  s.channel = std::make_unique<Pop3Channel>(std::move(connection), s.options);
  if (s.stopping) s.channel->connection().abort();
  auto opened = co_await open_session(s);
  if (opened || !s.channel->is_open()) co_return opened;
  co_await leave();
  co_return opened;
}

Task<> Pop3Connection::leave() {
  auto& s = *state_;
  if (!is_usable()) co_return;
  s.channel->put("QUIT");
  (void)co_await s.channel->flush(std::chrono::seconds(1));
  s.channel->close();
}

bool Pop3Connection::is_usable() const { return state_->channel && state_->channel->is_open(); }
const pop3::Capabilities& Pop3Connection::capabilities() const { return state_->capabilities; }
const std::string& Pop3Connection::signed_in_by() const { return state_->signed_in_by; }
bool Pop3Connection::is_tls() const { return state_->channel && state_->channel->connection().is_tls(); }

Task<Result<Pop3Connection::Maildrop>> Pop3Connection::stat() {
  auto& s = *state_;
  CO_TRY(const auto reply, co_await s.channel->ask("STAT", s.options.timeouts.command));
  if (!reply.ok()) co_return s.channel->refusal("STAT", reply);
  const auto got = pop3::parse_listing(reply.text);
  if (!got) co_return s.channel->broken(Errc::syntax, "the answer to STAT cannot be read");
  co_return Maildrop{.messages = got->number, .octets = got->size};
}

Task<Result<std::vector<pop3::Listing>>> Pop3Connection::list() {
  CO_TRY(auto listing, co_await read_listing<pop3::Listing>(*state_, "LIST", pop3::parse_listing));
  co_return *std::move(listing);
}

Task<Result<std::optional<std::vector<pop3::UniqueId>>>> Pop3Connection::unique_ids() {
  const auto limits = state_->options.limits;
  co_return co_await read_listing<pop3::UniqueId>(
      *state_, "UIDL", [limits](std::string_view line) { return pop3::parse_unique_id(line, limits); });
}

Task<Result<void>> Pop3Connection::retrieve(std::span<const std::uint32_t> numbers, Pop3Sink& sink) {
  co_return co_await read_messages(*state_, numbers, Pipeline(*state_, numbers, "RETR", ""), sink, false);
}

Task<Result<void>> Pop3Connection::top(std::span<const std::uint32_t> numbers, std::uint32_t lines,
                                       Pop3Sink& sink) {
  co_return co_await read_messages(
      *state_, numbers, Pipeline(*state_, numbers, "TOP", " " + std::to_string(lines)), sink, true);
}

Task<Result<std::vector<std::uint32_t>>> Pop3Connection::remove(std::span<const std::uint32_t> numbers) {
  auto& s = *state_;
  std::vector<std::uint32_t> refused;
  Pipeline pipeline(s, numbers, "DELE", "");
  for (const auto number : numbers) {
    CO_TRY_OK(co_await pipeline.advance());
    CO_TRY(const auto reply, co_await s.channel->read_reply(s.options.timeouts.command));
    if (!reply.ok()) refused.push_back(number);
  }
  co_return refused;
}

Task<Result<void>> Pop3Connection::quit() {
  auto& s = *state_;
  if (!s.channel) co_return fail(Errc::closed, "the connection is closed");
  CO_TRY(const auto reply, co_await s.channel->ask("QUIT", s.options.timeouts.update));
  s.channel->close();
  // [RFC1939 6] "some deleted messages not removed"
  if (!reply.ok()) co_return s.channel->refusal("QUIT", reply);
  co_return Result<void>{};
}

void Pop3Connection::shut_down() {
  state_->stopping = true;
  if (state_->channel) state_->channel->connection().abort();
}

}  // namespace posthorn::client
