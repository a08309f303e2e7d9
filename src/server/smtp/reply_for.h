// From a class of error to SMTP's words for it.
#pragma once

#include <string_view>

#include "base/result.h"
#include "proto/smtp/reply.h"

namespace posthorn::server {

// What the error is about: the same error has another code for another subject.
enum class About { recipient, message, sign_in };

smtp::Reply reply_for(Errc, About);

}  // namespace posthorn::server
