// The data directory: made when missing, and used by one process at a time.
#pragma once

#include <chrono>
#include <string>

#include "base/result.h"

namespace posthorn::app {

// The right to open what is in a data directory; given back when destroyed or when the process dies.
class DataDirLock {
 public:
  // Makes the directory (0700) with its parents.  busy: another process has it and did not let go within `patience`
  // (blocking).  The lock is flock() on data_dir/lock, which holds the process id of its owner.
  static Result<DataDirLock> take(const std::string& data_dir, std::chrono::milliseconds patience);
  DataDirLock(DataDirLock&& other) noexcept;
  DataDirLock& operator=(DataDirLock&&) = delete;
  ~DataDirLock();

 private:
  explicit DataDirLock(int fd) : fd_(fd) {}
  int fd_;
};

// What lies in it.
inline std::string store_path(const std::string& data_dir) { return data_dir + "/store"; }
inline std::string control_path(const std::string& data_dir) { return data_dir + "/control.sock"; }
inline std::string drop_path(const std::string& data_dir) { return data_dir + "/drop"; }
inline std::string srs_secret_path(const std::string& data_dir) { return data_dir + "/srs-secret"; }
inline std::string certificate_path(const std::string& data_dir) { return data_dir + "/self-signed.crt"; }
inline std::string key_path(const std::string& data_dir) { return data_dir + "/self-signed.key"; }

}  // namespace posthorn::app
