"""posthorn setup in a root of its own, as a user without rights: what it makes can be started, used, and is left alone the second time."""

import grp
import json
import os
import pwd
import re
import shutil
import smtplib
import imaplib
import socket
import stat
import subprocess
import tempfile
import threading
import time
import unittest

from dns_zone import Dns
from harness import BINARY, connections, free_ports, insecure_tls, message

ADDRESS = "ann@example.test"
HOST = "mail.example.test"


class Greeter:
    """A mail server as far as its greeting."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        for client in connections(self.socket):
            client.sendall(b"220 there\r\n")
            client.close()

    def stop(self):
        self.socket.close()


class SetupTestCase(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="posthorn-setup-")
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)
        self.other = {}
        self.binary = BINARY
        if os.geteuid() == 0:
            entry = pwd.getpwnam("nobody")
            os.chown(self.root, entry.pw_uid, entry.pw_gid)
            self.other = {"user": "nobody", "group": grp.getgrgid(entry.pw_gid).gr_name, "extra_groups": []}
            self.binary = os.path.join(self.root, "program")
            shutil.copy(BINARY, self.binary)
            os.chmod(self.binary, 0o755)
        self.config = os.path.join(self.root, "etc/posthorn/posthorn.toml")

    def posthorn(self, *words, status=0, stdin=None, env=None):
        done = subprocess.run([self.binary, *words], input=stdin, text=True, capture_output=True, timeout=200, env={**os.environ, **(env or {})}, cwd="/", **self.other)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def setup_here(self, *words, **how):
        return self.posthorn("setup", ADDRESS, "--root", self.root, "--hostname", HOST, *words, **how)

    def mode(self, path):
        return stat.S_IMODE(os.stat(os.path.join(self.root, path)).st_mode)


class Setup(SetupTestCase):
    def test_what_it_makes_works(self):
        text = self.setup_here("--no-network").stdout
        for part in (f"domain example.test, with DKIM keys", f"account {ADDRESS}", "alias postmaster@example.test", f"example.test. IN MX 10 {HOST}.", "v=spf1",
                     "_dmarc.", "_smtp._tls.", "_mta-sts.", "TLSA 3 1 1", "_imaps._tcp", "_domainkey", f"IMAP, {HOST}, port 993, TLS"):
            self.assertIn(part, text)
        password = re.search(r"(?m)^  password +(\S+)", text)[1]
        self.assertRegex(password, r"^([a-z2-9]{5}-){3}[a-z2-9]{5}$")
        for path, mode in (("etc/posthorn/posthorn.toml", 0o640), ("var/lib/posthorn", 0o700), ("var/spool/posthorn", 0o3733)):
            self.assertEqual(self.mode(path), mode, path)
        self.posthorn("check-config", "--config", self.config)
        self.serve_and_use(password)

    def serve_and_use(self, password):
        imap, submission = free_ports(2)
        with open(self.config, "a", encoding="utf-8") as f:
            for protocol, port in (("imap", imap), ("submission", submission)):
                f.write(f'[[listen]]\nprotocol = "{protocol}"\naddress = "127.0.0.1:{port}"\ntls = "starttls"\n')
        log = open(os.path.join(self.root, "log"), "wb")
        self.addCleanup(log.close)
        server = subprocess.Popen([self.binary, "serve", "--config", self.config], stdout=log, stderr=log, cwd="/", **self.other)
        try:
            deadline = time.monotonic() + 90
            while True:
                try:
                    smtp = smtplib.SMTP("127.0.0.1", submission, timeout=30)
                    break
                except OSError:
                    self.assertLess(time.monotonic(), deadline)
                    time.sleep(0.05)
            with smtp:
                smtp.starttls(context=insecure_tls())
                smtp.login(ADDRESS, password)
                smtp.sendmail(ADDRESS, ["postmaster@example.test"], message("hello", sender=ADDRESS, to="postmaster@example.test"))
            self.posthorn("sendmail", "root", stdin="Subject: cron\n\nx\n", env={"POSTHORN_CONFIG": self.config})
            found = []
            while len(found) < 2 and time.monotonic() < deadline:
                with imaplib.IMAP4("127.0.0.1", imap, timeout=30) as client:
                    client.starttls(insecure_tls())
                    client.login(ADDRESS, password)
                    client.select("INBOX")
                    found = client.search(None, "ALL")[1][0].split()
                time.sleep(0.2)
            self.assertEqual(len(found), 2)
            # While it runs, and again.
            text = self.setup_here("--no-network").stdout
            self.assertNotIn("made ", text)
        finally:
            server.terminate()
            self.assertEqual(server.wait(90), 0)

    def test_the_second_time_changes_nothing(self):
        self.setup_here("--no-network")
        with open(self.config, "a", encoding="utf-8") as f:
            f.write("# mine\n")
        before = {path: os.stat(os.path.join(self.root, path)).st_mtime_ns for path in ("etc/posthorn/posthorn.toml", "etc/systemd/system/posthorn.service")}
        text = self.setup_here("--no-network").stdout
        self.assertNotIn("made ", text)
        self.assertNotIn("password  ", text)
        for path, mtime in before.items():
            self.assertEqual(os.stat(os.path.join(self.root, path)).st_mtime_ns, mtime)
        answer = json.loads(self.setup_here("--no-network", "--json").stdout)
        self.assertEqual((answer["account_made"], answer["hostname"]), (False, HOST))
        self.assertNotIn("password", answer)

    def test_a_password_of_ones_own(self):
        path = os.path.join(self.root, "password")
        with open(path, "w", encoding="utf-8") as f:
            f.write("my own password\n")
        os.chmod(path, 0o644)
        self.assertNotIn("my own", self.setup_here("--no-network", "--no-systemd", "--password-file", path).stdout)
        self.assertFalse(os.path.exists(os.path.join(self.root, "etc/systemd")))

    def test_dry_run(self):
        text = self.setup_here("--no-network", "--dry-run").stdout
        self.assertIn(f'hostname = "{HOST}"', text)
        self.assertIn("[Service]", text)
        self.assertEqual(set(os.listdir(self.root)) - {"program"}, set())

    def test_wrong_uses(self):
        for words in (("no-address",), ("a@b@c",), (ADDRESS, "--hostname", "short"), ()):
            with self.subTest(words=words):
                self.posthorn("setup", *words, "--root", self.root, "--no-network", status=2)
        self.setup_here("--no-network", "--set", "nonsense", status=1)
        self.assertFalse(os.path.exists(self.config))
        if self.other:
            self.assertIn("needs root", self.posthorn("setup", ADDRESS, "--no-network", status=1).stderr)

    @unittest.skipUnless(os.geteuid() == 0, "needs root to act as another user")
    def test_commands_of_root_leave_files_of_the_server_s_user(self):
        self.setup_here("--no-network")
        path = os.path.join(self.root, "password")
        with open(path, "w", encoding="utf-8") as f:
            f.write("secret enough\n")
        os.chmod(path, 0o600)
        done = subprocess.run([BINARY, "account", "add", "bob@example.test", "--password-file", path, "--config", self.config], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        # setup, too; a link that the server's user has put there leads root nowhere.
        data = os.path.join(self.root, "var/lib/posthorn")
        for name in ("self-signed.crt", "self-signed.key"):
            os.remove(os.path.join(data, name))
        own = os.path.join(self.root, "root's")
        with open(own, "w", encoding="utf-8"):
            pass
        os.symlink(own, os.path.join(data, "link"))
        os.lchown(os.path.join(data, "link"), pwd.getpwnam("nobody").pw_uid, -1)
        done = subprocess.run([BINARY, "setup", ADDRESS, "--root", self.root, "--hostname", HOST, "--no-network"], capture_output=True, text=True, timeout=120, cwd="/")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(os.path.exists(os.path.join(data, "self-signed.key")))
        self.assertEqual(os.stat(own).st_uid, 0)
        owners = {os.lstat(os.path.join(at, name)).st_uid for at, directories, files in os.walk(os.path.join(self.root, "var/lib/posthorn")) for name in directories + files}
        self.assertEqual(owners, {pwd.getpwnam("nobody").pw_uid})

    def test_a_narrow_umask(self):
        """The service, which is another user, has to get through."""
        had = os.umask(0o077)
        try:
            self.setup_here("--no-network")
        finally:
            os.umask(had)
        for path in ("etc", "etc/posthorn", "var", "var/lib", "var/spool", "etc/systemd/system"):
            self.assertEqual(self.mode(path), 0o755, path)
        self.assertEqual(self.mode("etc/posthorn/posthorn.toml"), 0o640)

    def test_a_configuration_with_directories_of_its_own(self):
        data, spool = os.path.join(self.root, "mail data"), os.path.join(self.root, "left")
        self.setup_here("--no-network", "--no-systemd")
        with open(self.config, encoding="utf-8") as f:
            text = f.read()
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(text.replace(f"{self.root}/var/lib/posthorn", data).replace(f"{self.root}/var/spool/posthorn", spool))
        self.setup_here("--no-network")
        with open(os.path.join(self.root, "etc/systemd/system/posthorn.service"), encoding="utf-8") as f:
            text = f.read()
        self.assertIn(f'ReadWritePaths="{data}"\n', text)
        self.assertIn(f"ReadWritePaths=-{spool}\n", text)
        self.assertNotIn("/var/lib/posthorn", text)
        self.assertEqual((self.mode("mail data"), self.mode("left")), (0o700, 0o3733))

    @unittest.skipUnless(os.geteuid() == 0, "needs root to put a program below /root")
    def test_a_program_that_the_service_could_not_see(self):
        directory = tempfile.mkdtemp(prefix="posthorn-", dir="/root")
        self.addCleanup(shutil.rmtree, directory)
        program = os.path.join(directory, "posthorn")
        shutil.copy(BINARY, program)
        words = [program, "setup", ADDRESS, "--hostname", HOST, "--no-network", "--dry-run"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=120, cwd="/")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("the service sees nothing below /root/", done.stderr)
        self.assertEqual(subprocess.run([*words, "--no-systemd"], capture_output=True, timeout=120, cwd="/").returncode, 0)

    def test_the_unit(self):
        self.setup_here("--no-network")
        path = os.path.join(self.root, "etc/systemd/system/posthorn.service")
        with open(path, encoding="utf-8") as f:
            text = f.read()
        self.assertIn(f"ExecStart={os.path.realpath(self.binary)} serve --config {self.config}", text)
        if not shutil.which("systemd-analyze"):
            self.skipTest("no systemd-analyze")
        done = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True, timeout=120)
        self.assertNotIn("posthorn.service", done.stderr, done.stderr)
        # An exposure of 3.0 of 10 at most.
        done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--threshold=30", path], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr)


class Surroundings(SetupTestCase):
    @classmethod
    def setUpClass(cls):
        cls.dns = Dns()
        cls.addClassCleanup(cls.dns.stop)
        cls.dns.zone("example.test", "@ MX 10 old.elsewhere.test.\nmail A 192.0.2.25")
        cls.dns.zone("2.0.192.in-addr.arpa", "25 PTR other.example.test.")
        cls.dns.start()
        # nobody must be able to read it
        os.chmod(cls.dns.directory, 0o755)
        cls.greeter = Greeter()
        cls.addClassCleanup(cls.greeter.stop)

    def look(self, probe):
        sets = [f'dns.servers = "{self.dns.server}"', f'dns.trust_anchor = "{self.dns.trust_anchor}"']
        return self.setup_here("--dry-run", "--no-systemd", "--probe", probe, *[word for s in sets for word in ("--set", s)]).stdout

    def test_what_is_found(self):
        text = self.look(f"127.0.0.1:{self.greeter.port}")
        self.assertRegex(text, r"(?m)^ok +the resolver answers, and DNSSEC is validated")
        self.assertRegex(text, rf"(?m)^ok +{HOST} has addresses: 192.0.2.25$")
        self.assertRegex(text, r"(?m)^warning +25.2.0.192.in-addr.arpa does not lead back to mail.example.test: .*it is now other.example.test.")
        self.assertRegex(text, r"(?m)^warning +mail for example.test goes elsewhere until you change its MX records: old.elsewhere.test")
        self.assertRegex(text, r"(?m)^ok +other mail servers can be reached on port 25")

    def test_a_port_that_is_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            line = f'listen = [{{ protocol = "imap", address = "127.0.0.1:{other.getsockname()[1]}", tls = "starttls" }}]'
            text = self.setup_here("--no-network", "--dry-run", "--no-systemd", "--set", line).stdout
            self.assertRegex(text, rf"(?m)^warning +127.0.0.1:{other.getsockname()[1]} is taken by another program")

    def test_port_25_is_closed(self):
        self.assertRegex(self.look(f"127.0.0.1:{free_ports(1)[0]}"), r"(?m)^warning +no other mail server could be reached on port 25")


if __name__ == "__main__":
    unittest.main()
