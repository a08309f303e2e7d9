// Connections to other servers: those in use, and those that wait a few seconds for another message.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "async/reactor.h"
#include "async/task.h"
#include "async/task_group.h"
#include "async/timer.h"
#include "client/smtp_connection.h"
#include "delivery/dialogue.h"
#include "delivery/targets.h"

namespace posthorn::delivery {

class Connections;

// An open connection, and where it leads.
struct OpenConnection {
  std::unique_ptr<client::SmtpConnection> smtp;
  Target target;
  std::shared_ptr<Dialogue*> listener;  // who wants to know what is said; may point to null
  SysTime opened;
};

// Of one reactor, and on its thread only.
//
// 1. A connection that waits is given to who asks for the same destination; after delivery.idle_connection, or when there are more than
//    kMaxIdle, the longest waiting is told QUIT.
// 2. Nobody gets one that the server has closed meanwhile.
class Connections {
 public:
  static constexpr std::size_t kMaxIdle = 200;
  // Then it is opened anew, by what is known of the destination by then: its policies, its hosts.
  static constexpr std::chrono::seconds kMaxAge{60};

  explicit Connections(Reactor& reactor) : reactor_(reactor) {}
  ~Connections();  // REQUIRES: close() has been awaited, or nothing was ever opened

  // nullopt: there is none.
  std::optional<OpenConnection> take(const std::string& destination);
  static bool is_old(const OpenConnection& c) { return now() - c.opened > kMaxAge || c.opened > now(); }
  // Its next user will be of the same destination.  Not usable: it is closed.
  void put(const std::string& destination, OpenConnection);
  // QUIT, in the background.
  void end(OpenConnection);

  // What is being opened or used, so that the process can end; entered and left by who uses it.
  enum class Phase : std::uint8_t { opening, sending };
  void enter(client::SmtpConnection&, Phase);
  void leave(client::SmtpConnection& c) { live_.erase(&c); }

  // The process ends, step by step: nothing waits here, and nothing more is opened; what is being sent ends, but for the wait for its last answer;
  // and that, too.
  void stop_opening();
  void shut_down();
  void abandon();
  bool is_ending() const { return stopping_; }
  // Waits for the farewells.
  Task<> close();

  std::size_t idle() const { return idle_.size(); }

 private:
  struct Idle {
    std::string destination;
    OpenConnection connection;
    Deadline until;
  };
  static Task<> say_goodbye(Connections& here, OpenConnection);
  static void on_alarm(void*);
  void arm();

  Reactor& reactor_;
  std::list<Idle> idle_;  // the longest waiting first
  std::unordered_multimap<std::string, std::list<Idle>::iterator> by_destination_;
  std::unordered_map<client::SmtpConnection*, Phase> live_;
  Alarm alarm_;
  TaskGroup farewells_;
  bool stopping_ = false, sending_ends_ = false;
};

}  // namespace posthorn::delivery
