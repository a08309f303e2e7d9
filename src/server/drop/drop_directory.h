// The directory where programs of this machine leave mail.  All of it blocks.
//
// It belongs to the server's user, with mode 03733: everybody may make files in it; nobody but the server may list it, or rename or remove
// what others made; and what is made belongs to the server's group, so that 0640 lets the server read it and nobody else.  Names are long
// and random.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file_descriptor.h"
#include "base/result.h"

namespace posthorn::drop {

// "0199a3b2c1d00-<32 hex digits>.mail": names sort by time.  While it is written it ends in ".part".
std::string new_file_name();
bool is_file_name(std::string_view);

struct DroppedFile {
  std::unique_ptr<FileDescriptor> file;
  std::uint64_t size = 0;
  uid_t owner = 0;
};

// Threads: one at a time.
class DropDirectory {
 public:
  // Makes it where it is missing.  Errors: io; denied: it belongs to somebody else.
  static Result<DropDirectory> open(const std::string& path);

  static constexpr std::size_t kMost = 1000;
  struct Found {
    std::vector<std::string> names;  // the oldest, at most kMost
    bool more = false;
  };
  // Whatever has such a name and is no directory.  Also removes what was begun a day ago and never finished.
  Result<Found> list();
  // Changes when a file is added or goes.
  std::int64_t changed() const;

  // A regular file with one name, opened without waiting and without following links.  Errors: not_found; invalid: it is none, or its owner
  // lets us not read it; io, ...: trouble of our own.
  Result<DroppedFile> take(const std::string& name) const;
  // Good if it is gone, whoever removed it.
  Result<void> remove(const std::string& name) const;
  Result<void> sync() const;  // what was removed stays so
  // Into bad/, where at most kMostBad files are kept, the newest.
  static constexpr std::size_t kMostBad = 100;
  Result<void> put_aside(const std::string& name) const;

 private:
  explicit DropDirectory(std::unique_ptr<FileDescriptor> fd) : fd_(std::move(fd)) {}
  std::unique_ptr<FileDescriptor> fd_;
};

// The other end: writes `head` and then what `more` gives, as often as it gives something, into a file of its own, and returns when it is
// on stable storage under its final name.  `directory` is open to every user.  Errors: denied, not_found, no_space, io; what `more` failed
// with.  Nothing is left then.
class DropWriter {
 public:
  static Result<DropWriter> create(const std::string& directory);
  DropWriter(DropWriter&&) = default;
  DropWriter& operator=(DropWriter&&) = delete;
  ~DropWriter();  // without commit(): removes it
  Result<void> write(std::string_view bytes);
  Result<void> commit();

 private:
  DropWriter(std::string directory, std::string name, std::unique_ptr<FileDescriptor> fd);
  std::string part_path() const;
  std::string directory_, name_;
  std::unique_ptr<FileDescriptor> fd_;
};

}  // namespace posthorn::drop
