// Names of folders as names of directories.
#include <algorithm>

#include "mailfile/maildir_tree.h"
#include "text/ascii.h"
#include "text/utf7.h"
#include "text/utf8.h"

namespace posthorn::mailfile {
namespace {

constexpr std::size_t kMaxName = 255;  // of a file
constexpr std::size_t kMaxDepth = 32;

bool is_maildir_pp(MaildirLayout layout) { return layout != MaildirLayout::nested; }

bool is_hex(char c) { return text::is_digit(c) || (c >= 'A' && c <= 'F'); }

bool starts_escape(std::string_view s) {
  return s.size() >= 3 && s[0] == '%' && is_hex(s[1]) && is_hex(s[2]);
}

void put_escaped(std::string& out, char c) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out += '%';
  out += kDigits[byte >> 4];
  out += kDigits[byte & 15];
}

std::string escape(std::string_view name, MaildirLayout layout) {
  const bool pp = is_maildir_pp(layout);
  const bool taken = !pp && (name == "cur" || name == "new" || name == "tmp");
  const bool utf8 = text::is_valid_utf8(name);
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const auto byte = static_cast<unsigned char>(c);
    const bool dangerous = byte < 0x20 || byte == 0x7f || c == '/' || (!utf8 && byte >= 0x80);
    const bool dot = c == '.' && (pp || i == 0);
    if (dangerous || dot || (taken && i == 0) || starts_escape(name.substr(i)))
      put_escaped(out, c);
    else
      out += c;
  }
  return out;
}

std::string unescape(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const bool escaped = starts_escape(name);
    out +=
        escaped ? static_cast<char>(text::hex_value(name[1]) * 16 + text::hex_value(name[2])) : name.front();
    name.remove_prefix(escaped ? 3 : 1);
  }
  return out;
}

Result<std::string> encode(std::string_view name, MaildirLayout layout) {
  if (name.empty()) return fail(Errc::invalid, "a folder without a name");
  auto out = escape(name, layout);
  if (layout == MaildirLayout::maildir_pp) {
    TRY(out, text::utf8_to_imap_utf7(out));
  }
  if (out.size() > kMaxName) return fail(Errc::limit, "the name of a folder is too long");
  return out;
}

// What encode() would not write stands for itself: others have made it.
std::string decode(std::string_view name, MaildirLayout layout) {
  std::string plain(name);
  if (layout == MaildirLayout::maildir_pp)
    if (auto utf8 = text::imap_utf7_to_utf8(name)) plain = *std::move(utf8);
  auto out = unescape(plain);
  const auto back = encode(out, layout);
  return back && *back == name ? out : plain;
}

}  // namespace

Result<std::string> folder_to_path(const FolderPath& folder, MaildirLayout layout) {
  if (folder.empty()) return fail(Errc::invalid, "a folder without a name");
  if (folder.size() > kMaxDepth) return fail(Errc::limit, "a folder is too deep");
  const bool pp = is_maildir_pp(layout);
  if (pp && folder.size() == 1 && folder.front() == "INBOX") return std::string();
  std::string out;
  for (const auto& name : folder) {
    TRY(const auto encoded, encode(name, layout));
    if (pp)
      out += '.';
    else if (!out.empty())
      out += '/';
    out += encoded;
  }
  if (pp && out.size() > kMaxName) return fail(Errc::limit, "the name of a folder is too long");
  return out;
}

Result<FolderPath> path_to_folder(std::string_view relative, MaildirLayout layout) {
  const bool pp = is_maildir_pp(layout);
  if (pp && relative.empty()) return FolderPath{"INBOX"};
  if (pp && !relative.starts_with('.')) return fail(Errc::invalid, "this is no folder of Maildir++");
  if (pp) relative.remove_prefix(1);
  FolderPath out;
  for (bool last = false; !last;) {
    const auto end = relative.find(pp ? '.' : '/');
    last = end == relative.npos;
    const auto one = relative.substr(0, end);
    if (one.empty() || one == "." || one == ".." || out.size() == kMaxDepth)
      return fail(Errc::invalid, "this is no folder's path");
    out.push_back(decode(one, layout));
    if (!last) relative.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace posthorn::mailfile
