// Messages at which a POP3 server fails: it hangs up, falls silent, or sends what cannot be whole.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "client/pop3_connection.h"
#include "fetch/pop3_keys.h"

namespace posthorn::fetch {

// What the connections of one run have failed at.  Behind a failure each message is asked for with no command behind
// it; one that has failed, behind all others.  One that has failed twice is given up in this run, and so are all when
// too many have failed though they were asked for alone.
class Trouble {
 public:
  // `on_note` is told of what is given up.
  explicit Trouble(std::function<void(const std::string&)> on_note) : on_note_(std::move(on_note)) {}

  int count() const { return count_; }
  bool has_failed(const Known& one) const { return failures_.contains(name_of(one)); }
  bool is_given_up(const Known&) const;
  enum class Asked : std::uint8_t { together, alone };
  Asked next_are_asked() const { return next_; }
  // Errors that are not of the server are none.
  void add(const Known& at, const Error& why, Asked how);
  // Is it why the last connection has ended?  Says so once.
  bool wants_another() { return std::exchange(wants_another_, false); }
  // Failures are so rare that messages may be asked for together again.
  void is_rare() { next_ = Asked::together; }

 private:
  // For as long as this run lasts.
  static std::string name_of(const Known& one) { return one.key.empty() ? "#" + std::to_string(one.number) : one.key; }

  std::function<void(const std::string&)> on_note_;
  std::unordered_map<std::string, int> failures_;
  int count_ = 0, alone_ = 0;
  Asked next_ = Asked::together;
  bool wants_another_ = false;
};

// RETR of those that are not given up, in an order of its own.
Task<Result<void>> retrieve(client::Pop3Connection&, std::vector<const Known*>, client::Pop3Sink&, Trouble&);
// TOP, likewise.
Task<Result<void>> top(client::Pop3Connection&, std::vector<const Known*>, std::uint32_t lines, client::Pop3Sink&,
                       Trouble&);

}  // namespace posthorn::fetch
