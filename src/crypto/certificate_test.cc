#include "crypto/certificate.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

namespace posthorn::crypto {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "posthorn-crypto-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~Folder() { fs::remove_all(path_); }
  std::string file(const std::string& name) const { return (path_ / name).string(); }
  std::size_t count() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path_), fs::directory_iterator()));
  }

 private:
  fs::path path_;
};

std::string content(const std::string& path) {
  std::stringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

unsigned mode_of(const std::string& path) {
  struct stat info{};
  EXPECT_EQ(::stat(path.c_str(), &info), 0);
  return info.st_mode & 0777;
}

TEST(Certificate, IsForTheHostAndItsKey) {
  const std::string long_name = std::string(60, 'a') + "." + std::string(60, 'b') + ".example";
  for (const std::string& host : {std::string("mail.example.org"), std::string("localhost"), long_name}) {
    const auto pem = make_self_signed(host).value();
    const std::unique_ptr<BIO, decltype(&BIO_free)> c(BIO_new_mem_buf(pem.certificate.data(), -1), BIO_free);
    const std::unique_ptr<BIO, decltype(&BIO_free)> k(BIO_new_mem_buf(pem.key.data(), -1), BIO_free);
    const std::unique_ptr<X509, decltype(&X509_free)> cert(
        PEM_read_bio_X509(c.get(), nullptr, nullptr, nullptr), X509_free);
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
        PEM_read_bio_PrivateKey(k.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
    ASSERT_TRUE(cert && key);
    EXPECT_EQ(X509_check_private_key(cert.get(), key.get()), 1);
    EXPECT_EQ(X509_verify(cert.get(), key.get()), 1);
    EXPECT_EQ(X509_check_host(cert.get(), host.c_str(), 0, 0, nullptr), 1);
    EXPECT_EQ(X509_check_host(cert.get(), "localhost", 0, 0, nullptr), 1);
    EXPECT_EQ(X509_check_host(cert.get(), "other.example", 0, 0, nullptr), 0);
    EXPECT_EQ(X509_check_ip_asc(cert.get(), "127.0.0.1", 0), 1);
    EXPECT_EQ(X509_check_ip_asc(cert.get(), "::1", 0), 1);
    std::time_t in_nine_years = std::time(nullptr) + 9L * 365 * 86400;
    EXPECT_LT(X509_cmp_current_time(X509_get0_notBefore(cert.get())), 0);
    EXPECT_GT(X509_cmp_time(X509_get0_notAfter(cert.get()), &in_nine_years), 0);
  }
}

TEST(Certificate, RefusesWhatIsNoHostName) {
  for (const std::string bad : {"", "a b", "a,DNS:evil", "-a", "a:b", "a_b", "\xc3\xbc"})
    EXPECT_EQ(make_self_signed(bad).error().code, Errc::invalid) << bad;
  EXPECT_EQ(make_self_signed(std::string(254, 'a')).error().code, Errc::invalid);
}

TEST(Certificate, FilesAreMadeOnceAndTheKeyIsSecret) {
  const Folder folder;
  const auto cert = folder.file("cert.pem"), key = folder.file("key.pem");
  ASSERT_TRUE(ensure_self_signed(cert, key, "a.example"));
  EXPECT_EQ(mode_of(key), 0600u);
  const std::string before = content(cert) + content(key);
  ASSERT_TRUE(ensure_self_signed(cert, key, "b.example"));
  EXPECT_EQ(content(cert) + content(key), before);
  EXPECT_EQ(folder.count(), 2u) << "no temporary files left";
}

TEST(File, IsReplacedWholeOrNotAtAll) {
  const Folder folder;
  ASSERT_TRUE(write_file_atomically(folder.file("f"), "one", FileMode::open));
  ASSERT_TRUE(write_file_atomically(folder.file("f"), "two", FileMode::secret));
  EXPECT_EQ(content(folder.file("f")), "two");
  EXPECT_EQ(mode_of(folder.file("f")), 0600u);
  EXPECT_EQ(write_file_atomically(folder.file("no/such"), "x", FileMode::open).error().code, Errc::io);
  fs::create_directory(folder.file("d"));
  EXPECT_EQ(write_file_atomically(folder.file("d"), "x", FileMode::open).error().code, Errc::io);
  EXPECT_EQ(folder.count(), 2u);
}

TEST(Certificate, DigestOfThePublicKey) {
  const auto one = make_self_signed("mail.example.test").value(), other = make_self_signed("mail.example.test").value();
  const auto digest = public_key_digest(one.certificate);
  ASSERT_TRUE(digest) << digest.error().text;
  EXPECT_EQ(digest->size(), 32u);
  EXPECT_EQ(public_key_digest(one.certificate + other.certificate).value(), *digest);
  EXPECT_NE(public_key_digest(other.certificate).value(), *digest);
  EXPECT_EQ(public_key_digest("no certificate").error().code, Errc::invalid);
}

}  // namespace
}  // namespace posthorn::crypto
