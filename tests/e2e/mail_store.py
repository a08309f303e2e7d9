"""Debian's Dovecot, Courier and Cyrus as mail stores that others reach by IMAP and POP3: instances of their own on loopback, stopped by their pids.

    store = DovecotStore(["joe"]); store.start(); store.ports["imaps"]; store.imap("joe"); store.stop()
"""

import imaplib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from harness import connections, free_ports

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


HERE = os.path.dirname(os.path.abspath(__file__))
FOREIGN = os.environ.get("POSTHORN_FOREIGN", os.path.join(HERE, os.pardir, os.pardir, "build", "foreign"))
COURIER_PACKAGES = ("courier-imap", "courier-base", "courier-authlib", "libcourier-unicode4")
HAS_COURIER = all(os.path.isdir(os.path.join(FOREIGN, package)) for package in COURIER_PACKAGES)


class CourierStore:
    """Courier's imapd behind a sign-in of ours, which takes every password; each session is a process of its own."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="posthorn-courier-")
        packages = [os.path.join(FOREIGN, package) for package in COURIER_PACKAGES]
        no_monitor(self.folder)
        libraries = ":".join([self.folder] + [os.path.join(folder, part) for folder in packages for part in ("usr/lib", "usr/lib/x86_64-linux-gnu")])
        self.environment = {"LD_LIBRARY_PATH": libraries, "AUTHENTICATED": "joe", "AUTHADDR": "joe", "TCPREMOTEIP": "127.0.0.1", "TCPREMOTEPORT": "1", "PROTOCOL": "IMAP", "HOME": self.folder, "MAILDIR": "Maildir", "IMAP_KEYWORDS": "1",
                            "IMAP_CAPABILITY": "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE SORT QUOTA IDLE", "TZ": "UTC", "PATH": "/usr/bin:/bin"}
        subprocess.run([os.path.join(FOREIGN, "courier-base/usr/bin/maildirmake.courier"), "Maildir"], cwd=self.folder, env=self.environment, check=True, timeout=60)
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.port = self.listener.getsockname()[1]
        self.processes = []
        self.thread = threading.Thread(target=self.serve)

    def start(self):
        self.thread.start()

    def serve(self):
        for client in connections(self.listener):
            with client:
                tag = self.sign_in(client)
                if tag:
                    self.processes.append(subprocess.Popen([os.path.join(FOREIGN, "courier-imap/usr/bin/imapd"), "Maildir"], cwd=self.folder, stdin=client, stdout=client,
                                                           stderr=subprocess.DEVNULL, env={**self.environment, "IMAPLOGINTAG": tag}))

    def sign_in(self, client):
        """The tag of LOGIN, whose answer imapd gives."""
        client.settimeout(20)
        client.sendall(b"* OK ready\r\n")
        while True:
            line = b""
            while not line.endswith(b"\n"):
                piece = client.recv(1)
                if not piece:
                    return None
                line += piece
            tag, verb = line.decode().split()[:2]
            if verb.upper() == "LOGIN":
                client.settimeout(None)
                return tag
            known = verb.upper() == "CAPABILITY"
            client.sendall(((f"* CAPABILITY {self.environment['IMAP_CAPABILITY']}\r\n" if known else "") + f"{tag} {'OK' if known else 'BAD'} x\r\n").encode())

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)
        for process in self.processes:
            process.terminate()
            process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)

    def imap(self):
        client = imaplib.IMAP4("127.0.0.1", self.port)
        client.login("joe", PASSWORD)
        return client


CYRUS_PACKAGES = ("cyrus-imapd", "cyrus-common", "libical3", "libclamav12", "libxapian30", "libzephyr4", "libjansson4", "libwrap0", "libpcre3", "libtfm1",
                  "libjson-c5", "libpq5", "libxml2", "libmspack0")
CYRUS_LIBRARIES = ":".join(os.path.join(FOREIGN, package, part) for package in CYRUS_PACKAGES for part in ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"))
CYRUS_PROGRAMS = os.path.join(FOREIGN, "cyrus-common/usr/lib/cyrus/bin")


def has_cyrus():
    """It is unpacked, and so is everything that it needs."""
    program = os.path.join(FOREIGN, "cyrus-imapd/usr/lib/cyrus/bin/imapd")
    program = program if os.path.exists(program) else os.path.join(CYRUS_PROGRAMS, "imapd")
    if os.getuid() != 0 or not os.path.exists(program):
        return False
    found = subprocess.run(["ldd", program], capture_output=True, text=True, timeout=60, env={**os.environ, "LD_LIBRARY_PATH": CYRUS_LIBRARIES})
    return found.returncode == 0 and "not found" not in found.stdout


class CyrusStore:
    """Cyrus with mailboxes below INBOX and "." between levels, as it was for long; every password is right."""

    CONFIG = """\
configdirectory: {folder}/conf
defaultpartition: default
partition-default: {folder}/spool
admins: cyrus
cyrus_user: nobody
cyrus_group: nogroup
allowplaintext: yes
sasl_pwcheck_method: saslauthd
sasl_saslauthd_path: {folder}/sasl/mux
sasl_mech_list: PLAIN
altnamespace: no
unixhierarchysep: no
proc_path: {folder}/run/proc
mboxname_lockpath: {folder}/run/lock
idlesocket: {folder}/run/idle
notifysocket: {folder}/run/notify
sievedir: {folder}/conf/sieve
"""
    SERVICES = """\
START {{
  recover cmd="{programs}/ctl_cyrusdb -C {folder}/imapd.conf -r"
}}
SERVICES {{
  imap cmd="{imapd} -C {folder}/imapd.conf -U 30" listen="127.0.0.1:{port}" proto="tcp4" prefork=0 maxchild=20
}}
EVENTS {{
}}
"""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="posthorn-cyrus-")
        os.chmod(self.folder, 0o755)
        for name in ("conf", "spool", "run", "sasl"):
            os.mkdir(os.path.join(self.folder, name))
            if name != "sasl":
                shutil.chown(os.path.join(self.folder, name), "nobody", "nogroup")
        self.port = free_ports(1)[0]
        imapd = os.path.join(FOREIGN, "cyrus-imapd/usr/lib/cyrus/bin/imapd")
        names = {"folder": self.folder, "port": self.port, "programs": CYRUS_PROGRAMS,
                 "imapd": imapd if os.path.exists(imapd) else os.path.join(CYRUS_PROGRAMS, "imapd")}
        for name, text in (("imapd.conf", self.CONFIG), ("cyrus.conf", self.SERVICES)):
            with open(os.path.join(self.folder, name), "w", encoding="ascii") as f:
                f.write(text.format(**names))
        self.process = None
        self.passwords = socket.socket(socket.AF_UNIX)
        self.thread = threading.Thread(target=self.say_yes)

    def say_yes(self):
        """What saslauthd does, for everybody."""
        for client in connections(self.passwords):
            with client, client.makefile("rb") as asked:
                for _ in range(4):
                    asked.read(int.from_bytes(asked.read(2), "big"))
                client.sendall(b"\0\2OK")

    def start(self):
        path = os.path.join(self.folder, "sasl", "mux")
        self.passwords.bind(path)
        os.chmod(path, 0o777)
        self.passwords.listen()
        self.thread.start()
        with open(os.path.join(self.folder, "out"), "wb") as out:
            self.process = subprocess.Popen([os.path.join(CYRUS_PROGRAMS, "master"), "-C", os.path.join(self.folder, "imapd.conf"), "-M",
                                             os.path.join(self.folder, "cyrus.conf"), "-p", os.path.join(self.folder, "run", "pid"), "-D"],
                                            env={"LD_LIBRARY_PATH": CYRUS_LIBRARIES, "PATH": "/usr/bin:/bin"}, stdout=out, stderr=out, start_new_session=True)
        deadline = time.monotonic() + 60
        while True:
            try:
                admin = self.imap("cyrus")
                break
            except (OSError, imaplib.IMAP4.error):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        admin.create("user.joe")
        admin.logout()

    def stop(self):
        self.passwords.shutdown(socket.SHUT_RDWR)
        self.passwords.close()
        self.thread.join(10)
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)

    def imap(self, user="joe"):
        client = imaplib.IMAP4("127.0.0.1", self.port)
        client.login(user, PASSWORD)
        return client


def no_monitor(folder):
    """A libfam that says it has no monitor of files: the real one looks for its daemon for a second whenever a folder is opened."""
    source = os.path.join(folder, "fam.c")
    with open(source, "w", encoding="ascii") as f:
        f.write("int FAMErrno; const char *FamErrlist[8];\n")
        f.writelines(f"int FAM{name}(void) {{ return -1; }}\n"
                     for name in ("Open", "Open2", "Close", "NextEvent", "Pending", "MonitorDirectory", "MonitorFile", "CancelMonitor"))
    compiler = shutil.which("clang-19") or "cc"
    subprocess.run([compiler, "-shared", "-fPIC", "-Wl,-soname,libfam.so.0", "-o", os.path.join(folder, "libfam.so.0"), source], check=True, timeout=60)
