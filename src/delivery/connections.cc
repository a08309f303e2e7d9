#include "delivery/connections.h"

#include <utility>

#include "base/result.h"
#include "delivery/settings.h"

namespace posthorn::delivery {

Connections::~Connections() { CHECK(idle_.empty() && live_.empty()); }

std::optional<OpenConnection> Connections::take(const std::string& destination) {
  for (;;) {
    const auto found = by_destination_.find(destination);
    if (found == by_destination_.end()) return std::nullopt;
    auto connection = std::move(found->second->connection);
    idle_.erase(found->second);
    by_destination_.erase(found);
    if (connection.smtp->is_alive()) return connection;
  }
}

void Connections::put(const std::string& destination, OpenConnection connection) {
  if (connection.listener) *connection.listener = nullptr;
  const auto patience = kIdle.get();
  if (stopping_ || patience.count() == 0 || !connection.smtp->is_usable() || is_old(connection)) return end(std::move(connection));
  idle_.push_back({destination, std::move(connection), after(patience)});
  by_destination_.emplace(destination, std::prev(idle_.end()));
  if (idle_.size() > kMaxIdle) on_alarm(this);
  arm();
}

void Connections::arm() {
  if (!alarm_.armed() && !idle_.empty()) reactor_.wheel().arm(alarm_, idle_.front().until, on_alarm, this);
}

// Ends those whose time is over, and the first one when there are too many.
void Connections::on_alarm(void* self) {
  auto& here = *static_cast<Connections*>(self);
  const auto now = std::chrono::steady_clock::now();
  while (!here.idle_.empty() && (here.idle_.front().until <= now || here.idle_.size() > kMaxIdle || here.stopping_)) {
    auto first = here.idle_.begin();
    auto [from, to] = here.by_destination_.equal_range(first->destination);
    for (; from != to; ++from) {
      if (from->second != first) continue;
      here.by_destination_.erase(from);
      break;
    }
    auto connection = std::move(first->connection);
    here.idle_.erase(first);
    here.end(std::move(connection));
  }
  here.alarm_.disarm();
  here.arm();
}

void Connections::end(OpenConnection connection) {
  if (connection.listener) *connection.listener = nullptr;
  if (!connection.smtp->is_usable()) return;
  farewells_.spawn(reactor_, say_goodbye(*this, std::move(connection)));
}

Task<> Connections::say_goodbye(Connections& here, OpenConnection connection) {
  here.enter(*connection.smtp, Phase::sending);
  co_await connection.smtp->quit();
  here.leave(*connection.smtp);
}

void Connections::enter(client::SmtpConnection& c, Phase phase) {
  live_[&c] = phase;
  if (sending_ends_ || (stopping_ && phase == Phase::opening)) c.shut_down();
}

void Connections::stop_opening() {
  stopping_ = true;
  on_alarm(this);
  for (auto& [connection, phase] : live_)
    if (phase == Phase::opening) connection->shut_down();
}

void Connections::shut_down() {
  stop_opening();
  sending_ends_ = true;
  for (auto& [connection, phase] : live_) connection->shut_down();
}

void Connections::abandon() {
  for (auto& [connection, phase] : live_) connection->abandon();
}

Task<> Connections::close() {
  stop_opening();
  co_await farewells_.join();
}

}  // namespace posthorn::delivery
