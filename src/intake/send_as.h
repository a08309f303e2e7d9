// Who may send as somebody else: the setting smtp.may_send_as.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/settings.h"

namespace posthorn::intake {

// "newsletter@example.org: @example.org info@example.net; relay@example.org: *": accounts, each with the addresses that it may use beside
// those that lead to it; "@domain" is every address of a domain, "*" any at all.
class SendAs {
 public:
  // Errc::invalid, with a text fit for the operator.
  static Result<SendAs> parse(std::string_view text);
  // Addresses without quotes; case does not matter.
  bool allows(std::string_view account, std::string_view local_part, std::string_view domain) const;

 private:
  struct Rule {
    std::string account;
    std::vector<std::string> as;
  };
  std::vector<Rule> rules_;
};

inline constexpr TextForm kSendAsForm{[](std::string_view text) -> Result<void> {
                                        TRY_OK(SendAs::parse(text));
                                        return {};
                                      },
                                      "accounts with addresses, as \"ann@example.org: @example.org; relay@example.org: *\""};

}  // namespace posthorn::intake
