// Our side of what foreign programs are to agree with.
//
//   mailauth_tool dkim-sign DOMAIN RSA.pem ED25519.pem HEADER/BODY SEED OUT_FOLDER FILE...
//     Signs messages.  Each FILE is one in network form; it is fed in pieces whose sizes come from SEED.  The signed message is written to OUT_FOLDER
//     under the name of FILE; one that cannot be signed gets a line "NAME: why" on standard output instead.  Selectors are "rsa" and "ed25519".
//     HEADER and BODY are simple or relaxed.
//
//   mailauth_tool srs SECRET FORWARDER
//     Reads lines "forward LOCAL_PART DOMAIN" and "reverse LOCAL_PART", answers each with the local part and the domain, or "error: why".
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "base/clock.h"
#include "mailauth/dkim/signer.h"
#include "mailauth/srs.h"

namespace {

using namespace posthorn;
using namespace posthorn::mailauth;

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

crypto::NamedKey read_key(const std::string& path, std::string selector) {
  auto key = crypto::SigningKey::from_pem(read_file(path));
  if (!key) {
    std::cerr << path << ": " << key.error().text << '\n';
    std::exit(2);
  }
  return {std::move(selector), std::make_shared<const crypto::SigningKey>(*std::move(key))};
}

dkim::Canonicalization form(std::string_view name) {
  return name == "simple" ? dkim::Canonicalization::simple : dkim::Canonicalization::relaxed;
}

int dkim_sign(const std::vector<std::string>& words) {
  dkim::Identity identity{.domain = words[0], .keys = {read_key(words[1], "rsa"), read_key(words[2], "ed25519")}};
  identity.time = now();
  identity.lifetime = std::chrono::hours(24);
  const auto slash = words[3].find('/');
  const auto header = form(words[3].substr(0, slash)), body = form(words[3].substr(slash + 1));
  std::mt19937 random(static_cast<std::mt19937::result_type>(std::stoul(words[4])));
  for (std::size_t i = 6; i < words.size(); ++i) {
    const std::filesystem::path path = words[i];
    const auto message = read_file(path);
    dkim::Signer signer(header, body);
    for (std::string_view rest = message; !rest.empty();) {
      const auto n = std::min<std::size_t>(rest.size(), 1 + random() % 3000);
      signer.feed(rest.substr(0, n));
      rest.remove_prefix(n);
    }
    signer.end();
    const auto fields = signer.finish(identity);
    if (!fields) {
      std::cout << path.filename().string() << ": " << fields.error().text << '\n';
      continue;
    }
    std::ofstream(std::filesystem::path(words[5]) / path.filename(), std::ios::binary) << *fields << message;
  }
  return std::cout.flush() ? 0 : 2;
}

int srs(const std::string& secret, const std::string& forwarder) {
  const Srs srs({.secrets = {secret}, .max_local_part = 200});
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream in(line);
    std::string what, local, domain;
    in >> what >> local >> domain;
    const auto out = what == "forward" ? srs.forward({local, domain}, forwarder, now()) : srs.reverse(local, now());
    if (out)
      std::cout << out->local_part << ' ' << out->domain << '\n';
    else
      std::cout << "error: " << out.error().text << '\n';
  }
  return std::cout.flush() ? 0 : 2;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  const auto command = words.empty() ? "" : words.front();
  if (!words.empty()) words.erase(words.begin());
  if (command == "dkim-sign" && words.size() >= 6) return dkim_sign(words);
  if (command == "srs" && words.size() == 2) return srs(words[0], words[1]);
  std::cerr << "see the top of tests/e2e/mailauth_tool.cc\n";
  return 2;
}
