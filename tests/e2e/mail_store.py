"""Debian's Dovecot as a mail store that others reach by IMAP and POP3: an instance of its own on loopback, stopped by its pid.

    store = DovecotStore(["joe"]); store.start(); store.ports["imaps"]; store.imap("joe"); store.stop()
"""

import imaplib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from harness import free_ports

PASSWORD = "right-horse"
OWNER = 65532  # of the mail; no user of the system


class DovecotStore:
    CONFIG = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap pop3
listen = 127.0.0.1
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = {location}
mail_max_userip_connections = 100
default_vsz_limit = 0
namespace {{
  inbox = yes
  separator = {separator}
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={owner} gid={owner} home={folder}/mail/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
  }}
}}
service anvil {{
  chroot =
}}
"""

    def __init__(self, separator="/", location="mdbox:~/mdbox"):
        self.folder = tempfile.mkdtemp(prefix="posthorn-dovecot-")
        os.chmod(self.folder, 0o755)
        self.ports = dict(zip(("imap", "imaps", "pop3", "pop3s"), free_ports(4)))
        self.process = None
        self.certificate = os.path.join(self.folder, "cert.pem")
        key = os.path.join(self.folder, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=127.0.0.1",
                        "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", key, "-out", self.certificate],
                       check=True, capture_output=True, timeout=60)
        os.mkdir(os.path.join(self.folder, "mail"))
        os.chown(os.path.join(self.folder, "mail"), OWNER, OWNER)
        self.config = os.path.join(self.folder, "conf")
        with open(self.config, "w", encoding="ascii") as f:
            f.write(self.CONFIG.format(folder=self.folder, separator=separator, location=location, owner=OWNER, password=PASSWORD, **self.ports))

    def start(self):
        with open(os.path.join(self.folder, "out"), "ab") as out:
            self.process = subprocess.Popen(["/usr/sbin/dovecot", "-F", "-c", self.config], stdout=out, stderr=out, start_new_session=True)
        deadline = time.monotonic() + 60
        for port in self.ports.values():
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 5).close()
                    break
                except OSError:
                    if self.process.poll() is not None or time.monotonic() > deadline:
                        raise AssertionError(self.log()) from None
                    time.sleep(0.02)

    def stop(self):
        if self.process:
            try:
                os.killpg(self.process.pid, signal.SIGTERM)
                self.process.wait(20)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait(20)
            self.process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        out = ""
        for name in ("out", "log"):
            path = os.path.join(self.folder, name)
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as f:
                    out += f.read()
        return out

    def imap(self, user="joe"):
        client = imaplib.IMAP4("127.0.0.1", self.ports["imap"])
        client.login(user, PASSWORD)
        return client

    def url(self, user="joe", scheme="imaps"):
        return f"{scheme}://{user}@127.0.0.1:{self.ports[scheme]}"
