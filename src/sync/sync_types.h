// What a caller tells sync, and what it hears.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace posthorn::sync {

struct SyncOptions {
  std::string account;        // whose mail this is, "joe@mail.example.org": a tree is for one account
  bool force_delete = false;  // deletions go ahead though one side looks empty
  // Names of mailboxes there, with "*" for anything; a folder is taken when one of `only` fits (or there is none) and none of `except`.
  std::vector<std::string> only, except;
  // A step has been made: in this folder, so many of so many messages; with `done` 0 it begins.
  std::function<void(const std::string& folder, std::uint64_t done, std::uint64_t all)> progress;
};

struct SyncReport {
  std::uint64_t folders = 0, skipped = 0;  // all of them; those where nothing had changed
  std::uint64_t downloaded = 0, uploaded = 0, moved = 0, matched = 0;
  std::uint64_t deleted_here = 0, deleted_there = 0, flags_here = 0, flags_there = 0;
  std::uint64_t folders_made_here = 0, folders_made_there = 0, folders_removed_here = 0, folders_removed_there = 0, folders_renamed = 0;
  std::vector<std::string> notes;     // what is worth knowing, and nothing to worry about
  std::vector<std::string> problems;  // what was left as it was, and why; the next run tries again
};

}  // namespace posthorn::sync
