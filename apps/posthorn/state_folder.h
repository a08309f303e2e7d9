// What commands remember about other places, and who of them is at work there.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "client/url.h"
#include "mailfile/file.h"

namespace posthorn {

// ~/.local/state/posthorn, or as XDG_STATE_HOME says.  invalid: there is no home.
Result<std::string> state_folder();

// The same for all paths that lead there; of servers, as the URL has it.
std::string name_of_place(const client::MailUrl&);

// For as long as the file is open, no other command of this user has it for the same place; one without a home has no lock to take, and gets
// a file that is not open.  busy: somebody has it.  Blocking.
Result<mailfile::File> lock_target(const client::MailUrl&);
// The name of a file about that place that those who have its lock may write; empty: there is no home.
std::string file_about_target(const client::MailUrl&, std::string_view kind);
// Of the target of that lock: who had it last gave it something, and has not learnt what became of it, which may still show there.
bool is_in_doubt(const mailfile::File& lock);
Result<void> set_in_doubt(const mailfile::File& lock, bool);

}  // namespace posthorn
