#include "copy/mail_place.h"

#include "client/stand_in.h"
#include "message/header.h"
#include "text/ascii.h"

namespace posthorn::copy {

std::string to_string(const FolderPath& path) {
  std::string out;
  for (const auto& level : path) out += (out.empty() ? "" : "/") + level;
  return out;
}

std::string identity_of(std::string_view header) {
  const message::HeaderView fields(header);
  std::string text;
  bool any = false;
  for (const char* name : {"Message-ID", "Date", "From", "Subject"}) {
    if (const auto field = fields.find(name))
      for (const char c : field->value)
        if (!text::is_space(c) && c != '\r' && c != '\n') text += c, any = true;
    text += '\n';
  }
  if (!any) return {};
  return std::string(crypto::view(crypto::sha256(text)).substr(0, 16));
}

bool take_stand_in(MessageInfo& info) {
  static const auto stand_in = identity_of(client::kStandInHeader);
  if (info.fields != stand_in) return false;
  info.fields.clear();
  return true;
}

}  // namespace posthorn::copy
