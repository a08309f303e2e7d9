"""Other people's mail servers, each a private instance on loopback: own configuration, own spool, stopped by its pid; nothing in /etc is touched.

    mta = Postfix(relay_port=..., password...) or Exim(...)     # mail for far.test is stored, all else goes to 127.0.0.1:relay_port
    mta.start(); mta.port; mta.stored("bob"); mta.waiting(); mta.stop()

They know bob and later (of whom they say 450 until let_in()) at far.test, and nobody else there.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from harness import free_ports

DOMAIN = "far.test"
HERE = os.path.dirname(os.path.abspath(__file__))
EXIM_FOLDER = os.environ.get("POSTHORN_EXIM", os.path.join(HERE, os.pardir, os.pardir, "build", "foreign", "exim4-daemon-light"))


def run(*words, **how):
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, **how)
    if done.returncode:
        raise AssertionError(f"{' '.join(words)}: {done.stdout}{done.stderr}")
    return done.stdout


class Mta:
    NAMES = ("bob", "later")

    def __init__(self, relay_port):
        self.relay_port = relay_port
        self.folder = tempfile.mkdtemp(prefix="posthorn-mta-")
        os.chmod(self.folder, 0o755)
        self.port = free_ports(1)[0]
        self.process = None
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=mx.far.test",
            "-keyout", self.path("key.pem"), "-out", self.path("cert.pem"))
        os.chmod(self.path("key.pem"), 0o644)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="ascii") as f:
            f.write(text)

    def launch(self, *words):
        with open(self.path("out"), "ab") as out:
            self.process = subprocess.Popen(words, stdout=out, stderr=out, start_new_session=True)
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5) as s:
                if s.recv(3) == b"220":
                    return
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(self.log())
            time.sleep(0.05)

    def stop(self):
        if self.process:
            # Its own session: the daemon and what it has started, and nothing else.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(20)
            self.process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def stored(self, user="bob"):
        new = self.path("mail", user, "new")
        out = []
        for name in sorted(os.listdir(new)) if os.path.isdir(new) else []:
            with open(os.path.join(new, name), "rb") as f:
                out.append(f.read())
        return out

    def wait_for(self, count, user="bob", seconds=120):
        deadline = time.monotonic() + seconds
        while len(self.stored(user)) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        return self.stored(user)

    def wait_until_drained(self, seconds=120):
        deadline = time.monotonic() + seconds
        while self.waiting() and time.monotonic() < deadline:
            time.sleep(0.1)
        return self.waiting()

    def log(self):
        text = ""
        for name in ("out", "log", os.path.join("log", "main"), os.path.join("log", "panic")):
            with contextlib.suppress(OSError), open(self.path(name), encoding="utf-8", errors="replace") as f:
                text += f"--- {name}\n" + "".join(f.readlines()[-40:])
        return text


class Postfix(Mta):
    MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
import_environment = MAIL_CONFIG={folder}
myhostname = mx.far.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
virtual_mailbox_domains = far.test
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = texthash:{folder}/users
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{uid}
relayhost = [127.0.0.1]:{relay}
smtpd_recipient_restrictions = check_recipient_access texthash:{folder}/access, permit_mynetworks, reject
smtpd_peername_lookup = no
smtpd_tls_security_level = may
smtpd_tls_cert_file = {folder}/cert.pem
smtpd_tls_key_file = {folder}/key.pem
smtp_tls_security_level = encrypt
disable_dns_lookups = yes
minimal_backoff_time = 2s
maximal_backoff_time = 4s
queue_run_delay = 2s
"""
    SERVICES = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup    unix n - n 60    1 pickup
cleanup   unix n - n -     0 cleanup
qmgr      unix n - n 2     1 qmgr
tlsmgr    unix - - n 1000? 1 tlsmgr
rewrite   unix - - n -     - trivial-rewrite
bounce    unix - - n -     0 bounce
defer     unix - - n -     0 bounce
trace     unix - - n -     0 bounce
verify    unix - - n -     1 verify
flush     unix n - n 1000? 0 flush
proxymap  unix - - n -     - proxymap
proxywrite unix - - n -    1 proxymap
smtp      unix - - n -     - smtp
relay     unix - - n -     - smtp
showq     unix n - n -     - showq
error     unix - - n -     - error
retry     unix - - n -     - error
discard   unix - - n -     - discard
local     unix - n n -     - local
virtual   unix - n n -     - virtual
lmtp      unix - - n -     - lmtp
anvil     unix - - n -     1 anvil
scache    unix - - n -     1 scache
postlog   unix-dgram n - n - 1 postlogd
"""

    def start(self):
        uid = int(run("id", "-u", "postfix"))
        for name in ("queue", "data", "mail"):
            os.mkdir(self.path(name), 0o755)
        for name in ("data", "mail"):
            os.chown(self.path(name), uid, uid)
        self.write("main.cf", self.MAIN.format(folder=self.folder, uid=uid, relay=self.relay_port))
        self.write("master.cf", self.SERVICES.format(port=self.port))
        self.write("users", "".join(f"{name}@{DOMAIN} {name}/\n" for name in self.NAMES))
        self.write("access", f"later@{DOMAIN} 450 4.7.1 come back later\n")
        run("postfix", "-c", self.folder, "check", env={**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"})
        self.launch("/usr/lib/postfix/sbin/master", "-c", self.folder, "-d")

    def let_in(self):
        self.write("access", "")
        self.process.send_signal(signal.SIGHUP)

    def waiting(self):
        """What its queue holds, as lines."""
        out = run("/usr/sbin/postqueue", "-c", self.folder, "-j")
        return out.splitlines()


class Exim(Mta):
    CONFIG = """\
exim_path = {exim}
keep_environment =
spool_directory = {folder}/spool
log_file_path = {folder}/log/%s
pid_file_path = {folder}/pid
primary_hostname = mx.far.test
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
domainlist local_domains = far.test
hostlist relay_from_hosts = 127.0.0.0/8
acl_smtp_rcpt = check_rcpt
host_lookup =
rfc1413_query_timeout = 0s
dsn_advertise_hosts = *
chunking_advertise_hosts = *
tls_advertise_hosts = *
tls_certificate = {folder}/cert.pem
tls_privatekey = {folder}/key.pem
deliver_drop_privilege = true
smtp_accept_keepalive = false
queue_run_max = 5
never_users =
begin acl
check_rcpt:
  defer  local_parts = lsearch;{folder}/later
         message = come back later
  accept domains = +local_domains
         endpass
         verify = recipient
  accept hosts = +relay_from_hosts
  deny   message = no
begin routers
here:
  driver = accept
  domains = +local_domains
  local_parts = bob : later
  transport = maildir
unknown:
  driver = redirect
  domains = +local_domains
  allow_fail
  data = :fail: no such user
onward:
  driver = manualroute
  route_list = * 127.0.0.1::{relay}
  self = send
  transport = smtp
begin transports
maildir:
  driver = appendfile
  maildir_format
  directory = {folder}/mail/$local_part_data
  create_directory
  user = {user}
smtp:
  driver = smtp
  hosts_require_tls = *
  tls_tempfail_tryclear = false
  hosts_try_chunking = *
  tls_try_verify_hosts =
  tls_verify_hosts =
  hosts_try_dane =
begin retry
* * F,1h,2s
"""
    USER, UID = "Debian-exim", 65533

    @staticmethod
    def binary():
        return os.path.join(EXIM_FOLDER, "usr", "sbin", "exim4")

    def inside(self, *words):
        """A mount namespace in which the user exists whose name is built into the program."""
        script = 'mount --bind "$1" /etc/passwd && mount --bind "$2" /etc/group && shift 2 && exec "$@"'
        return ("unshare", "-m", "sh", "-c", script, "sh", self.path("passwd"), self.path("group"), *words)

    def start(self):
        for kind, line in (("passwd", f"{self.USER}:x:{self.UID}:{self.UID}::/nonexistent:/usr/sbin/nologin\n"), ("group", f"{self.USER}:x:{self.UID}:\n")):
            with open("/etc/" + kind, encoding="utf-8") as f:
                known = "".join(entry for entry in f if not entry.startswith(self.USER + ":"))
            self.write(kind, known + line)
        for name in ("spool", "log", "mail"):
            os.mkdir(self.path(name), 0o750)
            os.chown(self.path(name), self.UID, self.UID)
        self.write("later", "later:\n")
        self.write("conf", self.CONFIG.format(folder=self.folder, port=self.port, relay=self.relay_port, user=self.USER, exim=self.binary()))
        self.launch(*self.inside(self.binary(), "-C", self.path("conf"), "-bdf", "-q2s"))

    def let_in(self):
        self.write("later", "")

    def waiting(self):
        out = run(*self.inside(self.binary(), "-C", self.path("conf"), "-bp"))
        return [line for line in out.splitlines() if line.strip()]


class Dovecot(Mta):
    """A store that takes mail by LMTP, at a port and at a Unix socket, for bob."""

    CONFIG = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = lmtp
listen = 127.0.0.1
ssl = no
auth_username_format = %Ln
mail_location = maildir:{folder}/mail/%n
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = passwd-file
  args = {folder}/users
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
  unix_listener {folder}/lmtp {{
    mode = 0666
  }}
}}
"""
    OWNER = 65532

    def start(self):
        os.mkdir(self.path("mail"), 0o700)
        os.chown(self.path("mail"), self.OWNER, self.OWNER)
        self.write("users", f"bob:{{PLAIN}}x:{self.OWNER}:{self.OWNER}::{self.folder}/mail/bob\n")
        self.write("conf", self.CONFIG.format(folder=self.folder, port=self.port))
        self.launch("/usr/sbin/dovecot", "-F", "-c", self.path("conf"))
