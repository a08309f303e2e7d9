#include "config/config.h"

#include <algorithm>
#include <map>

#include "config/core_settings.h"

namespace posthorn::config {

std::string_view to_string(Protocol p) {
  switch (p) {
    case Protocol::smtp:
      return "smtp";
    case Protocol::submission:
      return "submission";
    case Protocol::lmtp:
      return "lmtp";
    case Protocol::imap:
      return "imap";
    case Protocol::pop3:
      return "pop3";
    case Protocol::metrics:
      return "metrics";
    case Protocol::https:
      return "https";
  }
  return "?";
}

std::string_view to_string(TlsMode t) {
  switch (t) {
    case TlsMode::none:
      return "none";
    case TlsMode::starttls:
      return "starttls";
    case TlsMode::implicit:
      return "implicit";
  }
  return "?";
}

std::vector<Listener> default_listeners() {
  struct Standard {
    std::uint16_t port;
    Protocol protocol;
    TlsMode tls;
  };
  std::vector<Listener> out;
  for (const Standard& s :
       {Standard{25, Protocol::smtp, TlsMode::starttls},
        Standard{2525, Protocol::smtp, TlsMode::starttls},  // for who is kept from 25, and from 587
        Standard{587, Protocol::submission, TlsMode::starttls},
        Standard{465, Protocol::submission, TlsMode::implicit},
        Standard{143, Protocol::imap, TlsMode::starttls}, Standard{993, Protocol::imap, TlsMode::implicit},
        Standard{110, Protocol::pop3, TlsMode::starttls}, Standard{995, Protocol::pop3, TlsMode::implicit}})
    for (const char* host : {"0.0.0.0", "::"}) {
      Listener l{.protocol = s.protocol, .tls = s.tls};
      l.address.host = host;
      l.address.port = s.port;
      l.optional = l.address.is_v6();
      out.push_back(std::move(l));
    }
  return out;
}

std::string to_text(const Loaded& loaded) {
  std::string out;
  for (const Problem& p : loaded.problems) {
    out += loaded.name;
    if (p.line > 0) out += ":" + std::to_string(p.line) + ":" + std::to_string(p.column);
    out += p.severity == Severity::error ? ": error: " : ": warning: ";
    out += p.text + "\n";
  }
  return out;
}

void apply(const Config& config) {
  for (const SettingBase* setting : all_settings()) {
    const auto given =
        std::ranges::find(config.settings, setting->name(), [](const auto& s) { return s.first; });
    // Loading has checked it; a Config made by hand with a value out of range keeps what is in force.
    if (given == config.settings.end())
      setting->reset();
    else
      (void)setting->set(given->second);
  }
}

std::string settings_text() {
  std::map<std::string, std::vector<const SettingBase*>, std::less<>> tables;  // "" first
  for (const SettingBase* s : all_settings()) {
    const std::size_t dot = s->name().rfind('.');
    tables[std::string(dot == std::string_view::npos ? "" : s->name().substr(0, dot))].push_back(s);
  }
  std::string out;
  for (const auto& [table, settings] : tables) {
    if (!table.empty()) out += "[" + table + "]\n";
    for (const SettingBase* s : settings) {
      const std::string_view key = table.empty() ? s->name() : s->name().substr(table.size() + 1);
      out += "# " + std::string(s->help()) + "\n# Allowed: " + s->allowed_text() + ".\n# " +
             std::string(key) + " = " + s->default_text() + "\n";
    }
    out += "\n";
  }
  return out;
}

std::string settings_markdown() {
  std::string out = "| setting | default | allowed | what it is |\n| --- | --- | --- | --- |\n";
  for (const SettingBase* s : all_settings())
    out += "| `" + std::string(s->name()) + "` | `" + s->default_text() + "` | " + s->allowed_text() + " | " +
           std::string(s->help()) + " |\n";
  return out;
}

}  // namespace posthorn::config
