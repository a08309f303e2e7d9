#include "sync/tree_file.h"

#include <fcntl.h>
#include <sys/file.h>

#include "sync/lines.h"

namespace posthorn::sync {
namespace {

constexpr std::string_view kFormat = "posthorn-sync-tree";
constexpr std::size_t kLongest = 256 << 20;

struct LayoutName {
  mailfile::MaildirLayout layout;
  std::string_view name;
};
constexpr LayoutName kLayouts[] = {{mailfile::MaildirLayout::maildir_pp, "maildir++"},
                                   {mailfile::MaildirLayout::maildir_pp_utf8, "maildir++utf8"},
                                   {mailfile::MaildirLayout::nested, "nested"}};

std::optional<mailfile::MaildirLayout> layout_of(std::string_view name) {
  for (const auto& one : kLayouts)
    if (one.name == name) return one.layout;
  return std::nullopt;
}

std::string path_in(const std::string& root) { return root + "/.posthorn-sync-tree"; }

std::optional<KnownFolder> folder_of(const Fields& f) {
  KnownFolder out;
  const auto take = [](auto& into, std::string_view digits) {
    const auto n = number<std::remove_reference_t<decltype(into)>>(digits);
    into = n.value_or(0);
    return n.has_value();
  };
  const bool good = take(out.agreed.uid_validity, f[2]) && take(out.agreed.uid_next, f[3]) && take(out.agreed.messages, f[4]) &&
                    take(out.agreed.mod_seq, f[5]) && take(out.changed.cur_ns, f[7]) && take(out.changed.new_ns, f[8]);
  if (f[6] != "-") out.mailbox_id = unescaped(f[6]);
  return good ? std::optional(out) : std::nullopt;
}

}  // namespace

Result<KnownFolders> read_tree_file(const std::string& root, const std::string& account) {
  KnownFolders out;
  auto content = mailfile::read_whole(path_in(root), kLongest);
  if (!content && content.error().code == Errc::not_found) return out;
  if (!content) return std::unexpected(content.error());
  std::string_view rest = *content;
  const auto first = take_line(rest);
  if (!first || first->size() != 3 || first->front() != kFormat) return out;
  if ((*first)[1] != "1") return fail(Errc::unsupported, path_in(root) + " was written by a later version");
  if (unescaped((*first)[2]) != account) return fail(Errc::denied, root + " is kept in step with " + unescaped((*first)[2]) + ": a tree is for one account");
  while (const auto fields = take_line(rest)) {
    if (fields->size() != 9 || fields->front() != "f") break;
    if (const auto folder = folder_of(*fields)) out.emplace(unescaped((*fields)[1]), *folder);
  }
  return out;
}

Result<void> write_tree_file(const mailfile::MaildirTree& tree, const std::string& account, const KnownFolders& folders) {
  std::string out;
  put_line(out, {std::string(kFormat), "1", escaped(account)});
  for (const auto& [name, f] : folders)
    put_line(out, {"f", escaped(name), std::to_string(f.agreed.uid_validity), std::to_string(f.agreed.uid_next), std::to_string(f.agreed.messages),
                   std::to_string(f.agreed.mod_seq), f.mailbox_id.empty() ? "-" : escaped(f.mailbox_id), std::to_string(f.changed.cur_ns),
                   std::to_string(f.changed.new_ns)});
  put_line(out, {"layout", std::string(to_string(tree.layout()))});  // at the end: what does not know it reads all before it
  const auto path = path_in(tree.root());
  // A run with nothing to do waits for no disk.
  const auto before = mailfile::read_whole(path, kLongest);
  if (before && *before == out) return {};
  return mailfile::replace_file(path, out);
}

std::optional<mailfile::MaildirLayout> read_layout(const std::string& root) {
  const auto content = mailfile::read_whole(path_in(root), kLongest);
  std::string_view rest = content ? std::string_view(*content) : std::string_view();
  while (const auto fields = take_line(rest))
    if (fields->size() == 2 && fields->front() == "layout") return layout_of((*fields)[1]);
  return std::nullopt;
}

std::string_view to_string(mailfile::MaildirLayout layout) {
  for (const auto& one : kLayouts)
    if (one.layout == layout) return one.name;
  return {};
}

Result<mailfile::File> lock_tree(const std::string& root) {
  const auto path = root + "/.posthorn-sync-lock";
  TRY(auto file, mailfile::open_file(path, O_RDWR | O_CREAT));
  if (::flock(file.fd(), LOCK_EX | LOCK_NB) != 0) return fail(Errc::busy, "another run is at work on " + root);
  return file;
}

}  // namespace posthorn::sync
