// Are the messages of one place at another, octet by octet?  Line by line, where one of them does not keep octets.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "copy/copier.h"
#include "copy/mail_place.h"

namespace posthorn::copy {

struct VerifyReport {
  std::uint64_t folders = 0, messages = 0;
  std::uint64_t missing = 0;   // no message of the folder has these octets
  std::uint64_t flags = 0;     // it is there with other flags
  std::uint64_t numbers = 0;   // it is there with another UID, in a folder with the same UIDVALIDITY
  std::string folder;          // under way
  std::vector<std::string> problems;  // a line each; at most CopyReport::kMostProblems
};

// Reads everything at both.  Of k messages with the same octets in a folder there must be k.  Memory: some 100 bytes a message of one folder.
// `pairs`: folders of the source, and what they are at the target.
Task<Result<void>> verify(MailPlace& source, MailPlace& target, const std::vector<std::pair<FolderInfo, FolderInfo>>& pairs, VerifyReport&,
                          std::function<void(const VerifyReport&)> show = {});

}  // namespace posthorn::copy
