#include "app/outbound.h"

#include "app/own_addresses.h"
#include "base/log.h"
#include "delivery/postmaster.h"
#include "delivery/settings.h"
#include "dns/options.h"

namespace posthorn::app {

Outbound::Outbound(Storage& storage, ReactorPool& reactors, std::string srs_secret)
    : storage_(storage), reactors_(reactors), forwarder_(storage.router(), std::move(srs_secret)), trace_(storage.trace()), signatures_(storage.directory(), storage.hashers()) {}

Outbound::~Outbound() = default;

Result<std::unique_ptr<Outbound>> Outbound::open(const config::Config& config, Storage& storage, ReactorPool& reactors) {
  TRY(auto secret, delivery::ensure_secret(srs_secret_path(config.data_dir)));
  std::unique_ptr<Outbound> out(new Outbound(storage, reactors, std::move(secret)));
  TRY(out->tls_, net::TlsContext::client({.ca_file = delivery::kCaFile.get(), .certificate_file = {}, .key_file = {}}));
  const auto options = dns::options_from_settings();
  TRY(out->resolver_, dns::UnboundResolver::open(options));
  out->sts_ = std::make_unique<delivery::StsCache>(delivery::StsCache::Parts{storage.kv(), *out->resolver_, [tls = out->tls_] { return tls; }});
  out->reports_ = std::make_unique<delivery::TlsReports>(
      delivery::TlsReports::Parts{.store = storage.kv(),
                                  .resolver = *out->resolver_,
                                  .queue = storage.queue(),
                                  .blobs = storage.blobs(),
                                  .tls = [tls = out->tls_] { return tls; },
                                  .hostname = config.hostname,
                                  .postmaster = [&storage, name = config.hostname] { return delivery::postmaster_of(storage.directory(), name); }});
  delivery::EngineParts parts{.queue = storage.queue(),
                              .store = storage.store(),
                              .directory = storage.directory(),
                              .resolver = *out->resolver_,
                              .router = storage.router(),
                              .paces = storage.paces(),
                              .forwarder = out->forwarder_,
                              .trace = out->trace_,
                              .sts = out->sts_.get(),
                              .results = out->reports_.get(),
                              .hostname = config.hostname,
                              .our_addresses = own_mail_addresses(config.listeners, static_cast<std::uint16_t>(delivery::kPort.get())),
                              .tls = [tls = out->tls_] { return tls; },
                              .signatures = &out->signatures_};
  out->engine_ = std::make_unique<delivery::Engine>(reactors, std::move(parts));
  return out;
}

void Outbound::offer(server::Services& services) {
  services.queue = &storage_.queue();
  services.trace = &trace_;
  services.forwarded_sender = [this](std::string_view local_part, std::string_view domain) { return forwarder_.original(local_part, domain); };
}

void Outbound::start() {
  storage_.queue().start();
  engine_->start();
  sts_->start(reactors_.at(0));
  reports_->start(reactors_.at(0));
  auto& reactor = reactors_.at(0);
  reactor.post([this, &reactor] { at_start_.spawn(reactor, tell_of_dnssec(*resolver_)); });
}

// DANE rests on it, and an operator does not see that it does not work.
Task<> Outbound::tell_of_dnssec(dns::Resolver& resolver) {
  switch (co_await dns::probe_dnssec(resolver, after(std::chrono::seconds(30)))) {
    case dns::DnssecProbe::works: log::info("dns.dnssec", {{"state", "validated"}}); break;
    case dns::DnssecProbe::off: log::info("dns.dnssec", {{"state", "off"}, {"means", "no DANE"}}); break;
    case dns::DnssecProbe::stripped:
      log::warning("dns.dnssec", {{"state", "stripped"}, {"means", "the resolvers pass no signatures on, and no name can be resolved: see dns.servers and dns.dnssec"}});
      break;
    case dns::DnssecProbe::unreachable: log::warning("dns.dnssec", {{"state", "unknown"}, {"means", "no resolver answers: see dns.servers"}}); break;
  }
}

void Outbound::stop(std::chrono::steady_clock::duration patience) {
  reports_->stop_sending();
  engine_->stop(patience);  // and the resolver
  run_task(sts_->stop());
  run_task(reports_->stop());
  run_task(at_start_.join());
}

}  // namespace posthorn::app
