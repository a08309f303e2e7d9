// What is known of all folders of a tree: `.posthorn-sync-tree` and its lock. docs/formats/sync.md
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "mailfile/file.h"
#include "mailfile/maildir.h"
#include "mailfile/maildir_tree.h"
#include "sync/folder_sync.h"

namespace posthorn::sync {

struct KnownFolder {
  Agreed agreed;
  std::string mailbox_id;
  mailfile::MaildirFolder::Changed changed;  // 0: may have changed since
};
using KnownFolders = std::map<std::string, KnownFolder>;  // by the name of the mailbox

// denied: the tree belongs to another account.  A damaged file is read as far as it is whole.
Result<KnownFolders> read_tree_file(const std::string& root, const std::string& account);
Result<void> write_tree_file(const mailfile::MaildirTree&, const std::string& account, const KnownFolders&);
// How the folders lay then; nullopt: an earlier version wrote the file, or there is none.
std::optional<mailfile::MaildirLayout> read_layout(const std::string& root);
std::string_view to_string(mailfile::MaildirLayout);

// Held as long as the file is open.  busy: another run has it.
Result<mailfile::File> lock_tree(const std::string& root);

}  // namespace posthorn::sync
