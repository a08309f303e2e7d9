// The tree of the file becomes a Config and a list of everything that is wrong.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <tuple>

#include "config/address.h"
#include "config/config.h"
#include "config/document.h"
#include "config/files.h"
#include "config/listeners.h"
#include "config/relays.h"
#include "config/report.h"

namespace posthorn::config {
namespace {

constexpr std::size_t kMaxFile = 1 << 20;
constexpr std::size_t kMaxPem = 1 << 20;
constexpr std::size_t kMaxCertificates = 1000;  // about 20 KiB of memory each
constexpr char kDefaultDataDir[] = "/var/lib/posthorn";

bool is_setting_table(const std::string& path) { return !setting_keys_below(path + ".").empty(); }

class Checker {
 public:
  explicit Checker(Loaded& out) : out_(out), report_(out.problems) {}

  void check_file(const Node& root) {
    for (const Entry& e : root.entries) {
      if (e.key == "hostname")
        check_hostname(e);
      else if (e.key == "data_dir")
        check_data_dir(e);
      else if (e.key == "tls")
        check_tls(e);
      else if (e.key == "listen")
        check_listen(e);
      else if (e.key == "relay")
        config_.relays = check_relays(e, report_);
      else
        check_setting(e, "", kTopKeys);
    }
    fill_in_defaults();
    std::ranges::sort(out_.problems, {}, [](const Problem& p) { return std::tie(p.line, p.column, p.text); });
    if (std::ranges::none_of(out_.problems, [](const Problem& p) { return p.severity == Severity::error; }))
      out_.config = std::move(config_);
  }

 private:
  // Anything that is not a key of ours: a setting, or a table of settings.
  void check_setting(const Entry& e, const std::string& prefix, const std::vector<std::string>& known) {
    const std::string path = prefix + e.key;
    if (const SettingBase* const setting = find_setting(path)) {
      if (e.node.kind == Node::Kind::table || e.node.kind == Node::Kind::array ||
          e.node.kind == Node::Kind::date) {
        report_.error(e.node.at, shown(path) + " must be " + setting->allowed_text() + ", not " +
                                     std::string(to_string(e.node.kind)));
      } else if (const auto fits = setting->check(e.node.value); !fits) {
        report_.error(e.node.at, shown(path) + " " + fits.error().text);
      } else {
        config_.settings.emplace_back(path, e.node.value);
      }
      return;
    }
    if (!is_setting_table(path)) return report_.unknown_key(e, prefix, known);
    if (!e.node.is_table())
      return report_.error(e.node.at, shown(path) + " must be a table: [" + path + "], not " +
                                          std::string(to_string(e.node.kind)));
    for (const Entry& inner : e.node.entries) check_setting(inner, path + ".", {});
  }

  void check_hostname(const Entry& e) {
    hostname_seen_ = true;
    const std::string* const text = report_.need_text(e);
    if (!text) return;
    auto name = parse_hostname(*text);
    if (!name) return report_.error(e.node.at, "'hostname' " + shown(*text) + " " + name.error().text);
    if (name->find('.') == std::string::npos && *name != "localhost")
      report_.warn(e.node.at,
                   "'hostname' " + shown(*text) +
                       " is not a full name such as mail.example.org: other servers may refuse mail from it");
    config_.hostname = *std::move(name);
  }

  void check_data_dir(const Entry& e) {
    const std::string* const path = report_.need_path(e);
    config_.data_dir = kDefaultDataDir;
    if (!path) return;
    config_.data_dir = *path;
    while (config_.data_dir.size() > 1 && config_.data_dir.ends_with('/')) config_.data_dir.pop_back();
    if (config_.data_dir == "/") return report_.error(e.node.at, "'data_dir' must not be the root folder");
    struct stat info{};
    if (::stat(path->c_str(), &info) == 0 && !S_ISDIR(info.st_mode))
      report_.error(e.node.at, "'data_dir' " + shown(*path) + " is there but is not a folder");
  }

  // [tls], or one [[tls]] for each certificate, the usual one first.
  void check_tls(const Entry& tls) {
    const auto bad = [&](Position at) {
      report_.error(at,
                    "'tls' must be a table: [tls] with 'certificate' and 'key' (the tls of a listener belongs in its "
                    "[[listen]])");
    };
    if (tls.node.is_table()) {
      config_.tls = check_certificate_table(tls.node, "[tls] needs both or none");
      return;
    }
    if (tls.node.kind != Node::Kind::array) return bad(tls.node.at);
    if (tls.node.items.size() > kMaxCertificates)
      return report_.error(tls.node.at, "more than " + std::to_string(kMaxCertificates) + " certificates");
    for (const Node& item : tls.node.items) {
      if (!item.is_table()) return bad(item.at);
      const auto before = report_.count();
      auto files = check_certificate_table(item, "each [[tls]] needs both");
      if (files.self_signed() && report_.count() == before) report_.error(item.at, "this [[tls]] has neither 'certificate' nor 'key'");
      if (&item == &tls.node.items.front()) config_.tls = std::move(files);
      else config_.more_tls.push_back(std::move(files));
    }
  }

  TlsFiles check_certificate_table(const Node& table, const std::string& rule) {
    TlsFiles files;
    const Entry* certificate = nullptr;
    const Entry* key = nullptr;
    for (const Entry& e : table.entries) {
      if (e.key == "certificate")
        certificate = &e;
      else if (e.key == "key")
        key = &e;
      else
        check_setting(e, "tls.", kTlsKeys);
    }
    if (certificate) files.certificate = check_certificate(*certificate);
    if (key) files.key = check_key(*key);
    if (certificate && !key) report_.error(certificate->at, "'certificate' is given but 'key' is not: " + rule);
    if (key && !certificate) report_.error(key->at, "'key' is given but 'certificate' is not: " + rule);
    return files;
  }

  // The path; empty, and a problem, when there is something wrong with it.
  std::string check_certificate(const Entry& e) {
    const std::string* const path = report_.need_path(e);
    if (!path) return {};
    const auto file = read_file(*path, kMaxPem);
    const auto pem = file ? check_certificate_pem(file->text) : std::unexpected(file.error());
    if (pem) return *path;
    report_.error(e.node.at, "the certificate " + shown(*path) + " " + pem.error().text);
    return {};
  }

  std::string check_key(const Entry& e) {
    const std::string* const path = report_.need_path(e);
    if (!path) return {};
    const auto file = read_file(*path, kMaxPem);
    const auto pem = file ? check_key_pem(file->text) : std::unexpected(file.error());
    if (!pem) {
      report_.error(e.node.at, "the key " + shown(*path) + " " + pem.error().text);
      return {};
    }
    if (file->world_readable)
      report_.warn(e.node.at,
                   "the key " + shown(*path) + " can be read by every user of this machine: chmod 640 it");
    return *path;
  }

  void check_listen(const Entry& e) {
    listen_seen_ = true;
    config_.listeners = check_listeners(e, report_);
  }

  void fill_in_defaults() {
    if (config_.data_dir.empty()) config_.data_dir = kDefaultDataDir;
    // Without [[listen]] too; and who only adds web pages does not want to lose mail.
    const auto is_web = [](const Listener& l) { return l.protocol == Protocol::metrics || l.protocol == Protocol::https; };
    if (std::ranges::all_of(config_.listeners, is_web))
      for (auto& l : default_listeners()) config_.listeners.push_back(std::move(l));
    if (hostname_seen_) return;
    char buffer[256] = "";
    if (::gethostname(buffer, sizeof buffer - 1) == 0)
      if (auto name = parse_hostname(buffer)) config_.hostname = *std::move(name);
    if (config_.hostname.empty())
      report_.error({}, "'hostname' is missing, and this machine has no name that could serve");
    else
      report_.warn(
          {}, "'hostname' is missing: " + shown(config_.hostname) + ", the name of this machine, is used");
  }

  Loaded& out_;
  Report report_;
  Config config_;
  bool hostname_seen_ = false, listen_seen_ = false;
};

}  // namespace

Loaded load_text(std::string_view text, std::string name) {
  Loaded out;
  out.name = std::move(name);
  if (text.size() > kMaxFile) {
    out.problems.push_back({0, 0, Severity::error, "the file is larger than 1 MiB"});
    return out;
  }
  Parsed parsed = parse_toml(text);
  if (parsed.error) {
    out.problems.push_back({parsed.error->at.line, parsed.error->at.column, Severity::error,
                            "this is not TOML: " + parsed.error->text + " (what follows was not checked)"});
    return out;
  }
  Checker(out).check_file(parsed.root);
  return out;
}

Loaded load_file(const std::string& path) {
  const auto file = read_file(path, kMaxFile);
  if (file) return load_text(file->text, path);
  Loaded out;
  out.name = path;
  out.problems.push_back({0, 0, Severity::error, "the file " + file.error().text});
  return out;
}

}  // namespace posthorn::config
