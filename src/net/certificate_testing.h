// Certificates that tests make for themselves: an authority, and servers with whatever is wrong with them.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "net/tls.h"
#include "net/tls_policy.h"

namespace posthorn::net {

struct TestSubject {
  std::vector<std::string> names;  // of hosts, or addresses; into subjectAltName
  std::string common_name = "test";
  std::chrono::seconds valid_from{-3600}, valid_to{3600};  // from now
  bool for_servers = true;         // extendedKeyUsage; else for clients only
};

// A key and its certificate, in PEM.
struct TestIdentity {
  std::string key, certificate;
  std::string chain;               // what a server shows: the certificate and that of its issuer
  TlsaRecord tlsa(std::uint8_t usage, std::uint8_t selector, std::uint8_t matching_type) const;  // of `certificate`
};

class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name = "Test Authority");
  TestIdentity issue(const TestSubject&) const;
  const TestIdentity& identity() const { return own_; }

 private:
  TestIdentity own_;
};
TestIdentity make_self_signed_identity(const TestSubject&);

// Files that live as long as this.
class TestFolder {
 public:
  TestFolder();
  ~TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  std::string write(const std::string& name, const std::string& content) const;  // returns the path
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::shared_ptr<const TlsContext> test_server_context(const TestIdentity&);
std::shared_ptr<const TlsContext> test_client_context(const TestAuthority& trusted);

}  // namespace posthorn::net
