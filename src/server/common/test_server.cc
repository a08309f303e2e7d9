#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "crypto/certificate.h"
#include "crypto/password.h"
#include "server/common/transcript_testing.h"

namespace posthorn::server {
namespace {

constexpr struct {
  std::string_view name;
  store::SystemFlag flag;
} kFlagNames[] = {{"\\Seen", store::kSeen},
                  {"\\Answered", store::kAnswered},
                  {"\\Flagged", store::kFlagged},
                  {"\\Deleted", store::kDeleted},
                  {"\\Draft", store::kDraft}};

std::shared_ptr<const net::TlsContext> make_tls() {
  const auto folder = std::filesystem::temp_directory_path() / ("posthorn-tls-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const auto certificate = folder / "cert.pem", key = folder / "key.pem";
  auto made = crypto::ensure_self_signed(certificate, key, "mail.example.test");
  CHECK(made.has_value());
  auto context = net::TlsContext::server(certificate, key);
  std::filesystem::remove_all(folder);
  CHECK(context.has_value());
  return *context;
}

std::string shown(const queue::Entry& entry) {
  const auto& o = entry.options;
  std::string out = '<' + entry.reverse_path + '>';
  if (o.require_tls) out += " requiretls";
  if (o.tls_optional) out += " tls-optional";
  if (o.ret) out += *o.ret == smtp::Return::full ? " ret=full" : " ret=hdrs";
  if (o.envelope_id) out += " envid=" + *o.envelope_id;
  if (o.deliver_by) out += std::string(" by=") + (o.deliver_by->return_if_late ? "R" : "N") + (o.deliver_by->trace ? "T" : "");
  if (o.hold_until) out += " hold";
  if (o.priority) out += " priority=" + std::to_string(*o.priority);
  return out;
}

std::string shown(const queue::Recipient& recipient) {
  const auto& o = recipient.options;
  std::string out = "- <" + recipient.forward_path + '>';
  if (!recipient.forwarded_for.empty()) out += " for " + recipient.forwarded_for;
  if (const auto& n = o.notify) {
    std::string words;
    const std::pair<bool, std::string_view> all[] = {{n->never, "never"}, {n->success, "success"}, {n->failure, "failure"}, {n->delay, "delay"}};
    for (const auto& [set, word] : all)
      if (set) words.append(words.empty() ? "" : ",").append(word);
    out += " notify=" + words;
  }
  if (o.original_recipient) out += " orcpt=" + o.original_recipient->address_type + ';' + o.original_recipient->address;
  return out;
}

}  // namespace

TestServer::TestServer()
    : kv_(std::make_unique<kv::MemoryStore>()),
      blobs_(*kv_),
      store_(*kv_, blobs_, workers_),
      directory_(*kv_),
      authenticator_(directory_, workers_),
      services_(std::make_unique<Services>(Services{.hostname = "mail.example.test",
                                                    .store = store_,
                                                    .directory = directory_,
                                                    .authenticator = authenticator_,
                                                    .tls = [this] { return tls(); }})) {
  CHECK(crypto::kPasswordScheme.set(std::string("sha256")));
}

TestServer::~TestServer() { crypto::kPasswordScheme.reset(); }

std::shared_ptr<const net::TlsContext> TestServer::tls() {
  // One certificate for the whole test program.
  if (!tls_) {
    static const auto context = make_tls();
    tls_ = context;
  }
  return tls_;
}

Task<Result<void>> TestServer::open() {
  CO_TRY_OK(co_await blobs_.open());
  CO_TRY_OK(co_await store_.open());
  CO_TRY_OK(co_await directory_.open());
  co_return Result<void>{};
}

Task<Result<void>> TestServer::open_queue() {
  queue_ = std::make_unique<queue::Queue>(*kv_, blobs_);
  CO_TRY_OK(co_await queue_->open());
  services_->queue = queue_.get();
  co_return Result<void>{};
}

Task<Result<std::vector<std::string>>> TestServer::read_queue() {
  std::vector<std::string> out;
  if (!queue_) co_return out;
  CO_TRY(const auto page, co_await queue_->list({}, {}, 1000));
  for (const auto& listed : page.entries) {
    out.push_back(shown(listed.entry));
    CO_TRY(const auto detail, co_await queue_->show(listed.id, {}));
    const auto first = out.size();
    for (const auto& group : detail.groups)
      for (const auto& recipient : group.group.recipients) out.push_back(shown(recipient));
    std::sort(out.begin() + static_cast<std::ptrdiff_t>(first), out.end());
  }
  co_return out;
}

Task<> TestServer::close() {
  store_.close();
  co_return;
}

Task<Result<void>> TestServer::add_domain(std::string domain) {
  co_return co_await directory_.add_domain(std::move(domain));
}

Task<Result<AccountId>> TestServer::add_account(std::string address, std::string password, std::uint64_t quota_bytes) {
  CO_TRY(auto secrets, auth::make_secrets(password));
  CO_TRY(auto id, co_await directory_.add_account(std::move(address), std::move(secrets)));
  CO_TRY_OK(co_await store_.create_account(id));
  if (quota_bytes != 0) {
    CO_TRY(auto account, co_await store_.account(id));
    CO_TRY_OK(co_await account->set_quota({.bytes = quota_bytes}));
  }
  co_return id;
}

Task<Result<TestServer::Place>> TestServer::find_place(std::string address, std::string mailbox) {
  CO_TRY(auto record, co_await directory_.find_account(std::move(address)));
  CO_TRY(auto account, co_await store_.account(record.id));
  auto state = account->find_mailbox(mailbox);
  if (!state) co_return fail(Errc::not_found, "no mailbox " + mailbox);
  co_return Place{account, state};
}

Task<Result<void>> TestServer::add_message(std::string address, std::string mailbox, std::string message,
                                           std::vector<std::string> flags) {
  CO_TRY(auto place, co_await find_place(std::move(address), std::move(mailbox)));
  store::Target target{.account = place.account, .mailbox = place.mailbox->id};
  target.internal_date.seconds = 1'700'000'000;
  for (auto& flag : flags) {
    const auto* system = std::ranges::find(kFlagNames, flag, [](const auto& f) { return f.name; });
    if (system != std::end(kFlagNames)) target.flags |= system->flag;
    else target.keywords.push_back(std::move(flag));
  }
  auto incoming = store_.begin_incoming();
  CO_TRY_OK(co_await incoming.write(message));
  std::vector<store::Target> targets;
  targets.push_back(std::move(target));
  CO_TRY(auto results, co_await store_.append(std::move(incoming), std::move(targets)));
  CO_TRY_OK(results.at(0));
  co_return Result<void>{};
}

Task<Result<std::uint32_t>> TestServer::count_messages(std::string address, std::string mailbox) {
  CO_TRY(auto place, co_await find_place(std::move(address), std::move(mailbox)));
  CO_TRY(auto view, co_await place.account->view(place.mailbox->id));
  if (view->size() != place.mailbox->messages) co_return fail(Errc::corrupt, "view and counter differ");
  co_return view->size();
}

Task<Result<std::string>> TestServer::read_message(std::string address, std::string mailbox, std::uint32_t number) {
  CO_TRY(auto place, co_await find_place(std::move(address), std::move(mailbox)));
  CO_TRY(auto view, co_await place.account->view(place.mailbox->id));
  if (number < 1 || number > view->size()) co_return fail(Errc::not_found, "no such message");
  const auto entry = view->at(number - 1);
  std::string all;
  while (all.size() < entry.size) {
    CO_TRY(auto piece, co_await place.account->read(entry.message, all.size(), entry.size - all.size()));
    if (piece.empty()) co_return fail(Errc::corrupt, "the message is shorter than its entry says");
    all += piece;
  }
  co_return all;
}

Task<Result<std::vector<std::string>>> TestServer::read_flags(std::string address, std::string mailbox,
                                                              std::uint32_t number) {
  CO_TRY(auto place, co_await find_place(std::move(address), std::move(mailbox)));
  CO_TRY(auto view, co_await place.account->view(place.mailbox->id));
  if (number < 1 || number > view->size()) co_return fail(Errc::not_found, "no such message");
  const auto& entry = view->at(number - 1);
  std::vector<std::string> flags;
  for (const auto& [name, flag] : kFlagNames)
    if (entry.flags & flag) flags.emplace_back(name);
  const auto& keywords = place.mailbox->keywords;
  for (std::size_t i = 0; i < keywords.size(); ++i)
    if (entry.keywords >> i & 1) flags.push_back(keywords[i]);
  std::ranges::sort(flags);
  co_return flags;
}

Task<std::vector<std::string>> TestServer::check() {
  std::vector<std::string> out;
  auto report = co_await store::check_store(*kv_, blobs_);
  if (!report) {
    out.push_back("store check failed: " + report.error().text);
    co_return out;
  }
  for (const auto& problem : report->problems)
    out.push_back("store check: account " + std::to_string(problem.account.value()) + ": " + problem.text);
  co_return out;
}

}  // namespace posthorn::server
