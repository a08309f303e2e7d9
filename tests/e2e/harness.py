"""What the end-to-end tests share: a Posthorn of their own on loopback, started and stopped by pid."""

import contextlib
import itertools
import os
import random
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile
import time
import unittest

BINARY = os.environ.get("POSTHORN_BINARY", "build/asan/posthorn")
DOMAIN = "example.test"
PASSWORD = "correct horse"
ACCOUNTS = ("alice", "bob")


# Tests that run beside others take ports of their own, below those that the system gives to outgoing connections.
LANE_PORTS = 5000
_next_port = None
if "POSTHORN_TEST_LANE" in os.environ:
    _lane = range(10000 + LANE_PORTS * int(os.environ["POSTHORN_TEST_LANE"]), 10000 + LANE_PORTS * (1 + int(os.environ["POSTHORN_TEST_LANE"])))
    _start = random.randrange(LANE_PORTS)
    _next_port = itertools.cycle([*_lane[_start:], *_lane[:_start]])


def free_ports(count):
    """Ports that were free a moment ago."""
    sockets = []
    try:
        while len(sockets) < count:
            sockets.append(socket.socket())
            try:
                sockets[-1].bind(("127.0.0.1", next(_next_port) if _next_port else 0))
            except OSError:
                sockets.pop().close()  # somebody has it
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()


def connections(listener):
    """Each that comes, until the listener is closed."""
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        yield client


def insecure_tls():
    """The test server's certificate is self-signed."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Server:
    """A Posthorn with the accounts alice and bob @example.test."""

    LISTENERS = {  # name: protocol, tls, plaintext passwords allowed
        "smtp": ("smtp", "starttls", False),
        "submission": ("submission", "starttls", False),
        "submissions": ("submission", "implicit", False),
        "imap": ("imap", "starttls", False),
        "imaps": ("imap", "implicit", False),
        "pop3": ("pop3", "starttls", False),
        "pop3s": ("pop3", "implicit", False),
        "lmtp": ("lmtp", "none", False),
        "smtp_plain": ("smtp", "none", True),
        "submission_plain": ("submission", "none", True),
        "imap_plain": ("imap", "none", True),
        "pop3_plain": ("pop3", "none", True),
    }

    def __init__(self, extra="", data=None):
        self.directory = tempfile.mkdtemp(prefix="posthorn-e2e-")
        self.data = data or os.path.join(self.directory, "data")
        os.makedirs(self.data, exist_ok=True)
        self.ports = dict(zip(self.LISTENERS, free_ports(len(self.LISTENERS))))
        self.config = os.path.join(self.directory, "posthorn.toml")
        self.log_path = os.path.join(self.directory, "log")
        lines = ['hostname = "mail.example.test"', f'data_dir = "{self.data}"', extra]
        for name, (protocol, tls, plain) in self.LISTENERS.items():
            lines += ["[[listen]]", f'protocol = "{protocol}"', f'address = "127.0.0.1:{self.ports[name]}"', f'tls = "{tls}"']
            if plain:
                lines.append("allow_plaintext_auth = true")
        with open(self.config, "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")
        self.process = None

    def admin(self, *words, stdin=None, check=True):
        done = subprocess.run([BINARY, *words, "--config", self.config], input=stdin, text=True, capture_output=True, timeout=120)
        if check and done.returncode:
            raise AssertionError(f"posthorn {' '.join(words)}: status {done.returncode}: {done.stderr}{done.stdout}")
        return done

    def create_accounts(self, names=ACCOUNTS):
        self.admin("domain", "add", DOMAIN)
        rows = "".join(f"{name}@{DOMAIN},{PASSWORD}\n" for name in names)
        path = os.path.join(self.directory, "accounts.csv")
        with open(path, "w", encoding="utf-8") as f:
            f.write(rows)
        self.admin("account", "import", path)

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([BINARY, "serve", "--config", self.config], stdout=log, stderr=log)
        deadline = time.monotonic() + 90
        for port in self.ports.values():
            while True:
                if self.process.poll() is not None:
                    raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log()}")
                try:
                    socket.create_connection(("127.0.0.1", port), 5).close()
                    break
                except OSError:
                    if time.monotonic() > deadline:
                        raise AssertionError(f"no answer on {port}:\n{self.log()}") from None
                    time.sleep(0.02)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(60)
        self.process = None

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(90)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(30)
            raise AssertionError(f"the server did not stop:\n{self.log()}") from None
        self.process = None
        if code != 0:
            raise AssertionError(f"the server ended with {code}:\n{self.log()}")

    def check_store(self):
        done = self.admin("store", "check", check=False)
        if done.returncode:
            raise AssertionError(f"store check: {done.stdout}{done.stderr}")

    def log(self, last=60):
        with contextlib.suppress(OSError), open(self.log_path, encoding="utf-8", errors="replace") as f:
            return "".join(f.readlines()[-last:])
        return ""

    def remove(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)
        shutil.rmtree(self.directory, ignore_errors=True)

    # --- shortcuts
    def send(self, message, recipients=(f"bob@{DOMAIN}",), sender="outside@elsewhere.test"):
        with smtplib.SMTP("127.0.0.1", self.ports["smtp_plain"], timeout=60) as smtp:
            return smtp.sendmail(sender, list(recipients), message)


class ServerTestCase(unittest.TestCase):
    """One server for the tests of a class; its store is checked at the end."""

    EXTRA = ""

    @classmethod
    def setUpClass(cls):
        cls.server = Server(cls.EXTRA)
        try:
            cls.server.create_accounts()
            cls.server.start()
        except BaseException:
            print(cls.server.log())
            cls.server.remove()
            raise

    @classmethod
    def tearDownClass(cls):
        try:
            cls.server.stop()
            cls.server.check_store()
        finally:
            cls.server.remove()

    def port(self, name):
        return self.server.ports[name]

    def run_tool(self, *words, stdin=None, env=None, status=0, timeout=120):
        """Runs a foreign client; its output is in the failure's text."""
        done = subprocess.run([str(w) for w in words], input=stdin, capture_output=True, timeout=timeout,
                              env={**os.environ, **(env or {})})
        out = done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
        if status is not None:
            self.assertEqual(done.returncode, status, f"{words}:\n{out}\n--- server log:\n{self.server.log(30)}")
        return out


def message(subject, body="Hello.\r\n", sender="alice@example.test", to="bob@example.test", extra=""):
    return (f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\n"
            f"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{abs(hash((subject, body)))}@example.test>\r\n"
            f"{extra}\r\n{body}").encode()
