// Which of several certificates is for the host that a client asks for.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"

namespace posthorn::crypto {

// Threads: any, once it is filled.
class CertificateNames {
 public:
  // The names of hosts in the first certificate of PEM text lead to `index`, but for those that lead somewhere already.  The subject's
  // CN counts only if there are no others [RFC6125 6.4.4].  Errc::invalid: there is no certificate.
  Result<void> add(const std::string& pem, std::size_t index);
  // Exact names come before those with "*", which is the whole of the leftmost label [RFC6125 6.4.3].  Any case; a final dot is ignored.
  std::optional<std::size_t> find(std::string_view host) const;

 private:
  std::unordered_map<std::string, std::size_t> index_of_;  // lower case
};

}  // namespace posthorn::crypto
