#include "delivery/signatures.h"

#include <gtest/gtest.h>

#include "async/reactor.h"
#include "kv/memory/memory_store.h"

namespace posthorn::delivery {
namespace {

const std::string kMail = "Return-Path: <a@home.test>\r\nFrom: A <a@home.test>\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                          "Content-Transfer-Encoding: 8bit\r\n\r\nGr\xc3\xbc\xc3\x9f" "e\r\n";

crypto::NamedKey new_key(std::string name, crypto::KeyAlgorithm algorithm) {
  return {std::move(name), std::make_shared<const crypto::SigningKey>(*crypto::SigningKey::generate(algorithm))};
}

struct SignaturesTest : testing::Test {
  SignaturesTest() { EXPECT_TRUE(run_task(open()).has_value()); }
  Task<Result<void>> open() {
    CO_TRY_OK(co_await blobs.open());
    CO_TRY_OK(co_await directory.open());
    co_return co_await directory.add_domain("home.test", {new_key("r1", crypto::KeyAlgorithm::rsa), new_key("e1", crypto::KeyAlgorithm::ed25519)});
  }

  // A message in the store, with its entry.
  struct Mail {
    queue::Entry entry;
    std::optional<Outgoing> outgoing;
  };
  std::unique_ptr<Mail> mail(std::string text) { return run_task(write(std::move(text))); }
  Task<std::unique_ptr<Mail>> write(std::string text) {
    auto out = std::make_unique<Mail>();
    auto draft = blobs.begin();
    const auto id = draft.id();
    EXPECT_TRUE((co_await draft.write(text)).has_value());
    auto sealed = std::move(draft).seal();
    EXPECT_TRUE((co_await kv.commit(std::move(sealed.batch))).has_value());
    out->entry.size = text.size();
    if (text.starts_with("Return-Path")) out->entry.prefix = static_cast<std::uint32_t>(text.find("\r\n") + 2);
    out->entry.options.body = smtp::Body::eight_bit_mime;
    out->outgoing.emplace(blobs, id, out->entry);
    co_return out;
  }

  Result<SignaturePtr> sign(Mail& mail, bool host_takes_8bit = true) { return run_task(ask(mail, host_takes_8bit)); }
  Task<Result<SignaturePtr>> ask(Mail& mail, bool host_takes_8bit) {
    smtp::Extensions host;
    host.eight_bit_mime = host_takes_8bit;
    std::vector<std::string> to{"b@far.test"};
    auto form = co_await mail.outgoing->form_for(host, "a@home.test", std::move(to));
    EXPECT_TRUE(form.has_value() && !form->impossible);
    EXPECT_EQ(form->plan.has_value(), !host_takes_8bit);
    co_return co_await signatures.of(*mail.outgoing, *form);
  }

  kv::MemoryStore kv;
  WorkerPool workers{1};
  blob::Blobs blobs{kv};
  auth::Directory directory{kv};
  Signatures signatures{directory, workers};
};

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++n;
  return n;
}

TEST_F(SignaturesTest, OneForEachKeyOnceForEachForm) {
  const auto m = mail(kMail);
  const auto first = sign(*m), again = sign(*m), converted = sign(*m, false), converted_again = sign(*m, false);
  ASSERT_TRUE(first && again && converted && converted_again);
  EXPECT_EQ(count((*first)->fields, "DKIM-Signature: "), 2u);
  EXPECT_NE((*first)->fields.find("d=home.test; s=r1;"), std::string::npos);
  EXPECT_EQ((*first)->note, "signed for home.test with r1, e1");
  EXPECT_EQ(*first, *again) << "the same object";
  EXPECT_NE((*first)->fields, (*converted)->fields);
  EXPECT_EQ(*converted, *converted_again);
}

TEST_F(SignaturesTest, WithTheKeysOfNow) {
  const auto m = mail(kMail);
  const auto before = sign(*m);
  const auto change = [](auth::Directory& d, crypto::NamedKey key) -> Task<bool> {
    std::vector<crypto::NamedKey> keys{std::move(key)};
    const auto added = co_await d.add_dkim_keys("home.test", std::move(keys));
    const auto activated = co_await d.activate_dkim_keys("home.test");
    co_return added && activated;
  };
  ASSERT_TRUE(run_task(change(directory, new_key("e2", crypto::KeyAlgorithm::ed25519))));
  const auto after = sign(*m);
  ASSERT_TRUE(before && after);
  EXPECT_EQ((*after)->note, "signed for home.test with e2");
  EXPECT_EQ(count((*after)->fields, "s=e2;"), 1u);
  EXPECT_EQ(count((*after)->fields, "s=r1;"), 0u);
}

TEST_F(SignaturesTest, OnlyForWhatIsOurs) {
  for (const std::string from : {"From: a@elsewhere.test\r\n", "From: a@home.test, b@elsewhere.test\r\n", "Subject: nobody\r\n", "From: nobody\r\n"}) {
    const auto m = mail(from + "\r\nx\r\n");
    const auto made = sign(*m);
    ASSERT_TRUE(made) << from;
    EXPECT_EQ((*made)->fields, "") << from;
  }
}

TEST_F(SignaturesTest, LongMessagesAreReadInPieces) {
  const auto m = mail("From: a@home.test\r\n\r\n" + std::string(3'000'000, 'x') + "\r\n");
  const auto made = sign(*m);
  ASSERT_TRUE(made);
  EXPECT_EQ(count((*made)->fields, "DKIM-Signature: "), 2u);
}

TEST_F(SignaturesTest, ABodyWithoutItsLastLineEndIsSignedAsItIsSent) {
  const auto whole = mail("From: a@home.test\r\n\r\nx\r\n"), cut = mail("From: a@home.test\r\n\r\nx"), bare = mail("From: a@home.test\n\nx\n");
  const auto hash_of = [this](Mail& m) {
    const auto fields = (*sign(m))->fields;
    return fields.substr(fields.find("bh="), 40);
  };
  EXPECT_EQ(hash_of(*whole), hash_of(*cut));
  EXPECT_EQ(hash_of(*whole), hash_of(*bare));
}

TEST_F(SignaturesTest, KeysThatCannotBeReadAreAnError) {
  const auto m = mail(kMail);
  const auto break_it = [](kv::Store& kv) -> Task<bool> {
    auto rows = co_await kv.scan(kv::Range{kv::Space::directory, 0, "", "\xff", 100});
    kv::Batch batch;
    for (const auto& row : rows->rows)
      if (row.key.find("home.test") != row.key.npos && row.value.size() > 60) batch.put(kv::Space::directory, 0, std::string(row.key), "garbage");
    co_return (co_await kv.commit(std::move(batch))).has_value();
  };
  ASSERT_TRUE(run_task(break_it(kv)));
  EXPECT_FALSE(sign(*m).has_value());
}

TEST(MaySign, WhoMaySpeakForUs) {
  const struct {
    bool ours;
    std::uint64_t account;
    std::string ip, forwarded_for;
    bool may;
  } kCases[] = {
      {true, 7, "192.0.2.1", "", true},           // a user
      {true, 7, "192.0.2.1", "us@home.test", true},
      {true, 0, "192.0.2.1", "", true},           // a trusted network
      {true, 0, "192.0.2.1", "us@home.test", false},
      {true, 0, "", "us@home.test", true},        // a report of ours
      {false, 0, "192.0.2.1", "", false},
      {false, 0, "192.0.2.1", "us@home.test", false},
      {false, 0, "", "", false},                  // over a Unix socket, from outside
  };
  for (const auto& c : kCases) {
    queue::Entry entry;
    entry.origin = {.account = AccountId(c.account), .ip = c.ip, .helo = {}, .with = {}, .ours = c.ours};
    queue::Recipient to;
    to.forwarded_for = c.forwarded_for;
    EXPECT_EQ(may_sign(entry, to), c.may);
  }
}

}  // namespace
}  // namespace posthorn::delivery
