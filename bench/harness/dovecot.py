"""Dovecot as README.md says (section "How the peers are set up"): Debian's package, a folder and ports of its own."""
import os
import shutil

from . import machine
from .process import Failed, Server

# Users exist in the password file only; their mail belongs to a number that no user of the machine has.
MAIL_OWNER = 20079
DAEMON = "/usr/sbin/dovecot"

CONFIGURATION = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
info_log_path = {folder}/info.log
protocols = imap pop3 lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <{cert}
ssl_key = <{key}
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_username_format = %Ln
mail_fsync = optimized
mail_location = {format}:{folder}/mail/%n/{format}
mail_max_userip_connections = 20000
default_client_limit = 20000
default_process_limit = 4096
default_vsz_limit = 4G
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = static
  args = uid={owner} gid={owner} home={folder}/mail/%n
}}
namespace inbox {{
  inbox = yes
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
service imap-login {{
  process_limit = 4096
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  process_limit = 4096
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service imap {{
  process_limit = 4096
}}
service pop3 {{
  process_limit = 4096
}}
"""

# "High-performance mode" with processes that are used again.
TUNED = """\
service imap-login {
  service_count = 0
  process_min_avail = 2
}
service pop3-login {
  service_count = 0
  process_min_avail = 2
}
service imap {
  service_count = 200
  process_min_avail = 2
  client_limit = 1
}
"""

PACKAGES = ("dovecot-imapd", "dovecot-pop3d", "dovecot-lmtpd")


def why_not():
    """Why Dovecot cannot be measured here, or None."""
    missing = [p for p in PACKAGES if machine.package_version(p) is None]
    if missing:
        return "not installed: " + ", ".join(missing)
    return None if os.geteuid() == 0 else "Dovecot needs root"


class Dovecot(Server):
    def __init__(self, folder, certificate, users, mail_format, tuned=False):
        super().__init__(folder)
        self.certificate, self.users, self.format, self.tuned = certificate, users, mail_format, tuned
        self.version = (machine.package_version("dovecot-core") or "?").split("+")[0].split(":")[-1]
        self.title = f"Dovecot {'tuned ' if tuned else ''}{mail_format}"
        self.settings = (f"mail_location = {mail_format}, mail_fsync = optimized (default: every message is synced), passwords PLAIN"
                         + (", imap-login service_count = 0, imap service_count = 200" if tuned
                            else ", processes as by default (new ones for every session)"))

    def prepare(self):
        if not shutil.which(DAEMON):
            raise Failed(f"{DAEMON} is missing")
        for name in ("run", "state", "mail"):
            os.mkdir(os.path.join(self.folder, name), 0o755)
        os.chown(os.path.join(self.folder, "mail"), MAIL_OWNER, MAIL_OWNER)
        with open(os.path.join(self.folder, "users"), "w") as f:
            f.writelines(f"{name}:{{PLAIN}}{password}\n" for name, password in self.users)
        cert, key = self.certificate
        text = CONFIGURATION.format(folder=self.folder, cert=cert, key=key, format=self.format, owner=MAIL_OWNER, **self.ports)
        with open(os.path.join(self.folder, "dovecot.conf"), "w") as f:
            f.write(text + (TUNED if self.tuned else ""))

    def command(self):
        return [DAEMON, "-F", "-c", os.path.join(self.folder, "dovecot.conf")]

    def last_words(self):
        return super().last_words() + " / " + " / ".join(machine.read(os.path.join(self.folder, "log")).strip().splitlines()[-4:])
