#include "base/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <climits>
#include <condition_variable>
#include <cstdio>
#include <ctime>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log_json.h"
#include "base/log_text.h"
#include "base/metrics.h"

namespace posthorn::log {

std::size_t utf8_length(std::string_view s) {
  const auto at = [&](std::size_t i) { return i < s.size() ? static_cast<unsigned char>(s[i]) : 0u; };
  const auto tail = [&](std::size_t i) { return (at(i) & 0xc0) == 0x80; };
  const unsigned first = at(0), second = at(1);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (first == 0xe0 && second < 0xa0) return 0;
    if (first == 0xed && second > 0x9f) return 0;  // surrogates
    return tail(1) && tail(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (first == 0xf0 && second < 0x90) return 0;
    if (first == 0xf4 && second > 0x8f) return 0;
    return tail(1) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

bool terminal_obeys(std::string_view sequence) {
  if (sequence.size() == 2) return sequence[0] == '\xc2' && static_cast<unsigned char>(sequence[1]) < 0xa0;
  if (sequence.size() != 3 || sequence[0] != '\xe2') return false;
  const auto second = static_cast<unsigned char>(sequence[1]),
             third = static_cast<unsigned char>(sequence[2]);
  if (second == 0x80) return (third >= 0x8e && third <= 0x8f) || (third >= 0xa8 && third <= 0xae);
  return second == 0x81 && third >= 0xa6 && third <= 0xa9;
}

void put_key(std::string& out, std::string_view key) {
  for (const char c : key.substr(0, 64)) {
    const bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                    c == '.' || c == '-';
    out += ok ? c : '_';
  }
}

namespace {

enum class Format { text, json };
constexpr std::string_view kFormatNames[] = {"text", "json"};
const Setting<Format> kFormat{"log.format", Format::text, kFormatNames,
                              "How a line of the log is written: text is key=value, for people; json is one object for each line, for programs."};

Counter g_failed{"log.failed", "Log lines that could not be written."};

void put_hex(std::string& out, char c) {
  static constexpr char kDigits[] = "0123456789abcdef";
  out += "\\x";
  out += kDigits[static_cast<unsigned char>(c) >> 4];
  out += kDigits[static_cast<unsigned char>(c) & 15];
}

// Invariant 1 and 2 of the header.
void put_text(std::string& out, std::string_view text) {
  const bool cut = text.size() > kMaxValue;
  if (cut) text = text.substr(0, kMaxValue);
  const bool plain = !text.empty() && !cut && std::ranges::all_of(text, [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '=';
  });
  if (plain) {
    out += text;
    return;
  }
  out += '"';
  while (!text.empty()) {
    const char c = text.front();
    std::size_t n = utf8_length(text);
    if (n > 1 && !terminal_obeys(text.substr(0, n))) {
      out += text.substr(0, n);
    } else if (n != 1) {
      n = std::max<std::size_t>(n, 1);
      for (const char b : text.substr(0, n)) put_hex(out, b);
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c < ' ' || c == 0x7f) {
      put_hex(out, c);
    } else {
      out += c;
    }
    text.remove_prefix(n);
  }
  if (cut) out += "...";
  out += '"';
}

void put_value(std::string& out, const Value& v) {
  switch (v.kind) {
    case Value::Kind::text:
      put_text(out, v.text);
      break;
    case Value::Kind::integer:
      put_number(out, v.integer);
      break;
    case Value::Kind::natural:
      put_number(out, v.natural);
      break;
    case Value::Kind::boolean:
      out += v.natural ? "true" : "false";
      break;
    case Value::Kind::real:
      put_number(out, v.real);
      break;
  }
}

// 2026-11-22T07:43:36.123Z [RFC3339 5.6]
std::string timestamp() {
  const auto ms = now().time_since_epoch().count();
  const std::time_t seconds = static_cast<std::time_t>(ms / 1000);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char buffer[40];
  const std::size_t n = std::strftime(buffer, sizeof buffer, "%Y-%m-%dT%H:%M:%S", &utc);
  std::string out(buffer, n);
  const auto part = std::to_string(ms % 1000);
  return out + "." + std::string(3 - std::min<std::size_t>(3, part.size()), '0') + part + "Z";
}

// Gathers lines, and writes them by a thread of its own, many at once: a wake-up and a system call for each line would cost more than
// the line.
class LineSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  static Result<std::shared_ptr<LineSink>> open(const std::string& path) {
    auto sink = std::make_shared<LineSink>();
    sink->path_ = path;
    TRY_OK(sink->reopen());
    sink->thread_ = std::thread([s = sink.get()] { s->run(); });
    return sink;
  }
  ~LineSink() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
    if (!path_.empty() && fd_ >= 0) ::close(fd_);
  }
  Result<void> reopen() {
    int fd = STDERR_FILENO;
    if (!path_.empty()) fd = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
      return fail(Errc::io,
                  "cannot open the log file " + path_ + ": " + std::generic_category().message(errno));
    struct stat status {};
    const bool is_pipe = ::fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
    const std::lock_guard hold(writing_);
    if (fd_ != STDERR_FILENO) ::close(fd_);
    fd_ = fd;
    piece_ = is_pipe ? PIPE_BUF : std::size_t{64} << 10;
    return {};
  }
  std::int64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 protected:
  void sink_it_(const spdlog::details::log_msg& msg) override {
    if (gathered_.size() + msg.payload.size() > kMostGathered) drop_oldest();
    gathered_.append(msg.payload.data(), msg.payload.size());
    if (!std::exchange(awake_, true)) wake_.notify_one();
  }
  void flush_() override {}

 private:
  static constexpr std::size_t kMostGathered = 2 << 20;  // bytes
  static constexpr auto kGatherTime = std::chrono::milliseconds(5);

  void drop_oldest() {
    auto end = gathered_.find('\n', kMostGathered / 4);
    end = end == gathered_.npos ? gathered_.size() : end + 1;
    dropped_ += std::count(gathered_.begin(), gathered_.begin() + static_cast<std::ptrdiff_t>(end), '\n');
    gathered_.erase(0, end);
  }

  void run() {
    std::string lines;
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return stopping_ || !gathered_.empty(); });
      if (gathered_.empty()) return;
      if (!stopping_) wake_.wait_for(lock, kGatherTime, [this] { return stopping_; });
      lines.swap(gathered_);
      lock.unlock();
      write_lines(lines);
      lines.clear();
      if (lines.capacity() > kMostGathered / 8) lines.shrink_to_fit();
      lock.lock();
      if (gathered_.empty()) awake_ = false;
    }
  }

  // Whole lines in each call, and no more than a pipe takes in one piece: lines of two processes do not mix.
  void write_lines(std::string_view lines) {
    const std::lock_guard hold(writing_);
    while (!lines.empty()) {
      auto end = lines.size() <= piece_ ? lines.size() : lines.rfind('\n', piece_ - 1) + 1;
      if (end == 0) end = lines.find('\n') + 1;  // one line that is longer
      std::string_view piece = lines.substr(0, end);
      lines.remove_prefix(end);
      while (!piece.empty()) {
        const ssize_t n = ::write(fd_, piece.data(), piece.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
          g_failed.add(std::ranges::count(piece, '\n'));
          break;
        }
        piece.remove_prefix(static_cast<std::size_t>(n));
      }
    }
  }

  std::string path_;
  std::mutex writing_;  // guards fd_ and piece_
  int fd_ = STDERR_FILENO;
  std::size_t piece_ = PIPE_BUF;
  // mutex_ of base_sink guards what follows
  std::string gathered_;
  bool awake_ = false;  // the thread will look without being woken
  bool stopping_ = false;
  std::condition_variable wake_;
  std::atomic<std::int64_t> dropped_{0};
  std::thread thread_;
};

struct Writer {
  explicit Writer(std::shared_ptr<LineSink> s)
      : sink(std::move(s)),
        logger(std::make_shared<spdlog::logger>("posthorn", sink)),
        dropped("log.dropped", "Log lines that were dropped because the disk or the pipe was too slow.", [held = sink] { return held->dropped(); },
                MetricKind::counter) {
    logger->set_level(spdlog::level::trace);
    logger->set_error_handler([](const std::string&) { g_failed.add(); });
  }
  std::shared_ptr<LineSink> sink;
  std::shared_ptr<spdlog::logger> logger;
  MetricSource dropped;
};

struct State {
  std::mutex mutex;  // guards the pointers only; nobody writes under it
  std::shared_ptr<Writer> writer;
  Capture* capture = nullptr;
};
State& state() {
  static auto* const instance = new State;  // never destroyed: the last lines are written during exit
  return *instance;
}

void write_now(std::string_view line) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  if (std::fwrite(line.data(), 1, line.size(), stderr) != line.size()) g_failed.add();
}

}  // namespace

std::string format_line(std::string_view time, Level level, std::string_view event, Fields fields) {
  std::string line;
  line.reserve(160);
  if (!time.empty()) {
    line += time;
    line += ' ';
  }
  line += kLevelNames[static_cast<std::size_t>(level)];
  line += ' ';
  put_key(line, event);
  for (const Field& field : fields) {
    const std::size_t before = line.size();
    line += ' ';
    put_key(line, field.key);
    line += '=';
    put_value(line, field.value);
    // Whole fields are left out, so that what is there stays well-formed.
    if (line.size() > kMaxLine - 4) {
      line.resize(before);
      line += " ...";
      break;
    }
  }
  return line;
}

void write(Level level, std::string_view event, Fields fields) noexcept {
  try {
    std::shared_ptr<Writer> writer;
    {
      State& s = state();
      const std::lock_guard lock(s.mutex);
      if (s.capture) {
        const std::lock_guard capture_lock(s.capture->mutex_);
        s.capture->lines_.push_back(format_line({}, level, event, fields));
        return;
      }
      writer = s.writer;
    }
    std::string line = kFormat.get() == Format::json ? format_json_line(timestamp(), level, event, fields) : format_line(timestamp(), level, event, fields);
    line += '\n';
    if (writer)
      writer->logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
    else
      write_now(line);
  } catch (...) {  // out of memory: the log is the last thing to stop a server for
    g_failed.add();
  }
}

void set_level(Level level) {
  const auto done = kLevel.set(SettingValue(std::string(kLevelNames[static_cast<std::size_t>(level)])));
  CHECK(done.has_value());
}

Result<void> start(const std::string& path) {
  TRY(auto sink, LineSink::open(path));
  auto writer = std::make_shared<Writer>(std::move(sink));
  State& s = state();
  const std::lock_guard lock(s.mutex);
  s.writer.swap(writer);
  return {};
}

Result<void> reopen() {
  std::shared_ptr<Writer> writer;
  {
    State& s = state();
    const std::lock_guard lock(s.mutex);
    writer = s.writer;
  }
  if (!writer) return {};
  return writer->sink->reopen();
}

void stop() {
  std::shared_ptr<Writer> writer;
  State& s = state();
  {
    const std::lock_guard lock(s.mutex);
    writer.swap(s.writer);
  }
  writer.reset();  // the sink's destructor writes what has gathered and joins its thread
}

Capture::Capture(Level level) : before_(kLevel.get()) {
  set_level(level);
  State& s = state();
  const std::lock_guard lock(s.mutex);
  CHECK(s.capture == nullptr);
  s.capture = this;
}

Capture::~Capture() {
  {
    State& s = state();
    const std::lock_guard lock(s.mutex);
    s.capture = nullptr;
  }
  set_level(before_);
}

std::vector<std::string> Capture::lines() const {
  const std::lock_guard lock(mutex_);
  return lines_;
}

bool Capture::has(std::string_view part) const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(lines_, [&](const std::string& l) { return l.find(part) != std::string::npos; });
}

}  // namespace posthorn::log

namespace posthorn {

// Four characters name the run (time of start and process id, mixed), the rest counts.
std::string new_session_id() {
  static constexpr char kDigits[] = "0123456789abcdefghjkmnpqrstvwxyz";  // without i, l, o, u
  static const std::uint64_t run =
      (static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count()) ^
       (static_cast<std::uint64_t>(::getpid()) << 32)) *
      0x9e3779b97f4a7c15u;
  static std::atomic<std::uint64_t> counter{0};
  const std::uint64_t n = counter.fetch_add(1, std::memory_order_relaxed) + 1;
  char buffer[15];
  for (int i = 0; i < 4; ++i) buffer[i] = kDigits[(run >> (44 + 5 * i)) & 31];
  int digits = 4;
  while (digits < 11 && (n >> (5 * digits)) != 0) ++digits;
  for (int i = 0; i < digits; ++i) buffer[4 + i] = kDigits[(n >> (5 * (digits - 1 - i))) & 31];
  return std::string(buffer, static_cast<std::size_t>(4 + digits));
}

}  // namespace posthorn
