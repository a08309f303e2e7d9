#include "app/app.h"

#include <unistd.h>

#include <utility>

#include "app/settings.h"
#include "auth/mechanisms.h"
#include "base/log.h"
#include "config/core_settings.h"
#include "crypto/certificate.h"
#include "server/drop/settings.h"
#include "server/smap/smap_session.h"

namespace posthorn::app {
namespace {

using namespace std::chrono_literals;

std::string describe(const Server::Port& port) {
  std::string text(config::to_string(port.rules.protocol));
  text += '=' + port.rules.address.text();
  if (port.rules.tls != config::TlsMode::none) text += '/' + std::string(config::to_string(port.rules.tls));
  return text;
}

// A typing error must not look like a mechanism that is on.
void warn_of_unknown_mechanisms() {
  for (const auto& name : auth::unknown_mechanisms()) log::warning("app.unknown_mechanism", {{"auth.mechanisms", name}});
}

}  // namespace

App::App(config::Config config, std::string version, std::unique_ptr<Storage> storage)
    : config_(std::move(config)),
      version_(std::move(version)),
      storage_(std::move(storage)),
      services_{.hostname = config_.hostname,
                .store = storage_->store(),
                .directory = storage_->directory(),
                .authenticator = storage_->authenticator(),
                .tls =
                    [this] {
                      std::lock_guard hold(tls_mutex_);
                      return tls_;
                    }},
      web_(*storage_, version_),
      sts_pages_(storage_->directory(), config_.hostname),
      sampler_(storage_->kv()),
      admin_(*storage_, [this] { return live_status(); }),
      reactors_(reactor_count()) {}

Result<std::unique_ptr<App>> App::start(config::Config config, std::string version) {
  TRY(auto storage, Storage::open(config, 5s));
  std::unique_ptr<App> app(new App(std::move(config), std::move(version), std::move(storage)));
  warn_of_unknown_mechanisms();
  TRY_OK(app->load_tls(app->config_));
  app->start_indexer();
  TRY(app->outbound_, Outbound::open(app->config_, *app->storage_, app->reactors_));
  app->outbound_->offer(app->services_);
  app->services_.run_smap_session = smap::run_smap_session;
  app->server_ = std::make_unique<Server>(app->reactors_, app->services_, Server::Web{app->web_.service(), app->sts_pages_.service()});
  TRY_OK(app->server_->open(app->config_.listeners));
  app->reactors_.start();
  TRY(app->control_, ControlServer::open(app->reactors_.at(0), control_path(app->config_.data_dir), app->admin_, app->services_));
  app->outbound_->start();
  app->server_->start();
  app->start_drop_box();

  std::string listeners;
  for (const auto& port : app->server_->ports()) listeners += (listeners.empty() ? "" : " ") + describe(*port);
  log::info("app.ready", {{"version", app->version_},
                          {"hostname", app->config_.hostname},
                          {"data_dir", app->config_.data_dir},
                          {"process", ::getpid()},
                          {"reactors", app->reactors_.size()},
                          {"listeners", listeners}});
  return app;
}

App::~App() {
  if (!stopped_) stop();
}

bool App::stop() {
  stopped_ = true;
  const auto begin = std::chrono::steady_clock::now();
  if (drop_box_) drop_box_->stop();
  const bool drained = !server_ || server_->drain();
  if (control_) control_->close();
  if (drained && outbound_ && control_) outbound_->stop(kDrainTimeout.get());
  if (!drained) {
    log::error("app.sessions_stuck");
    return false;
  }
  reactors_.stop();
  control_.reset();
  server_.reset();
  drop_box_.reset();
  outbound_.reset();
  indexer_.reset();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  log::info("app.stopped", {{"seconds", took.count()}});
  return true;
}

void App::start_indexer() {
  using search::Indexer;
  indexer_ = std::make_unique<Indexer>(storage_->store());
  Indexer& indexer = *indexer_;
  storage_->store().on_mailbox_changed(
      [&indexer](AccountId account, MailboxId mailbox, std::uint32_t) { indexer.hint(account, mailbox, Indexer::Why::grown); });
  services_.mailbox_opened = [&indexer](AccountId account, MailboxId mailbox) { indexer.hint(account, mailbox, Indexer::Why::opened); };
}

void App::start_drop_box() {
  auto path = drop::kDropDirectory.get();
  if (path.empty()) path = drop_path(config_.data_dir);
  auto directory = drop::DropDirectory::open(path);
  if (!directory) return log::error("app.no_drop_directory", {{"directory", path}, {"error", directory.error()}});
  drop_box_ = std::make_unique<drop::DropBox>(drop::DropParts{.kv = storage_->kv(),
                                                              .store = storage_->store(),
                                                              .queue = storage_->queue(),
                                                              .directory = storage_->directory(),
                                                              .trace = &storage_->trace(),
                                                              .hostname = config_.hostname},
                                              *std::move(directory));
  drop_box_->start(reactors_.at(0));
}

Result<void> App::load_tls(const config::Config& config) {
  std::string certificate = config.tls.certificate, key = config.tls.key;
  if (config.tls.self_signed()) {
    certificate = certificate_path(config_.data_dir);
    key = key_path(config_.data_dir);
    TRY_OK(crypto::ensure_self_signed(certificate, key, config.hostname));
  }
  std::vector<net::CertificateFiles> all{{certificate, key}};
  for (const auto& more : config.more_tls) all.push_back({more.certificate, more.key});
  TRY(auto context, net::TlsContext::server(all));
  for (const auto& files : all) log::info("app.certificate", {{"file", files.certificate}});
  std::lock_guard hold(tls_mutex_);
  tls_ = std::move(context);
  return {};
}

Result<void> App::reload(const config::Config& config) {
  config::apply(config);
  warn_of_unknown_mechanisms();
  bool listeners_differ = config.listeners.size() != config_.listeners.size();
  for (std::size_t i = 0; !listeners_differ && i < config.listeners.size(); ++i) {
    const auto &a = config.listeners[i], &b = config_.listeners[i];
    listeners_differ = a.protocol != b.protocol || !(a.address == b.address) || a.tls != b.tls ||
                       a.allow_plaintext_auth != b.allow_plaintext_auth;
  }
  for (const auto& [differs, what] : {std::pair(listeners_differ, "listen"),
                                      std::pair(config.hostname != config_.hostname, "hostname"),
                                      std::pair(config.data_dir != config_.data_dir, "data_dir")})
    if (differs) log::warning("app.needs_restart", {{"changed", what}});
  storage_->router().set_relays(config.relays);
  storage_->queue().look_again();
  if (auto reopened = log::reopen(); !reopened) log::error("app.log_reopen_failed", {{"error", reopened.error()}});
  TRY_OK(load_tls(config));
  log::info("app.reloaded");
  return {};
}

LiveStatus App::live_status() const {
  LiveStatus live;
  live.process = ::getpid();
  live.uptime_seconds =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - started_).count();
  live.version = version_;
  live.hostname = config_.hostname;
  for (const auto& port : server_->ports()) live.listeners.push_back(describe(*port));
  const auto second = sampler_.over_last(1), ten = sampler_.over_last(10);
  live.commits_per_second = second.commits;
  live.syncs_per_second = second.syncs;
  live.commits_per_second_10 = ten.commits;
  live.syncs_per_second_10 = ten.syncs;
  return live;
}

}  // namespace posthorn::app
