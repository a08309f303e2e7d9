// Names of folders from a server, names of files from a directory: none leads out, each comes back.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mailfile/maildir_tree.h"

using namespace posthorn::mailfile;

namespace {

void check_folder(const FolderPath& folder, MaildirLayout layout) {
  const auto path = folder_to_path(folder, layout);
  if (!path) return;
  CHECK(!path->starts_with('/') && path->find('\0') == path->npos);
  const auto component = path->substr(path->find_last_of('/') + 1);
  CHECK(component != "." && component != "..");
  CHECK(std::ranges::none_of(*path, [](char c) { return static_cast<unsigned char>(c) < 0x20; }));
  const auto back = path_to_folder(*path, layout);
  CHECK(back && *back == folder);
}

void check_file_name(std::string_view text) {
  auto name = parse_maildir_name(text);
  if (!name) return;
  const auto again = parse_maildir_name(name->text());
  CHECK(again && *again == *name);
  name->set_field('U', 7);
  CHECK(name->uid() == 7);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto slash = text.find('/');
  FolderPath folder{std::string(text.substr(0, slash))};
  if (slash != text.npos) folder.emplace_back(text.substr(slash + 1));
  for (const auto layout :
       {MaildirLayout::maildir_pp, MaildirLayout::maildir_pp_utf8, MaildirLayout::nested}) {
    check_folder(folder, layout);
    (void)path_to_folder(text, layout);
  }
  check_file_name(text);
  return 0;
}
