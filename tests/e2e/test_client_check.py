"""posthorn check: our own server and those of others, the records of domains, and servers that mean no good; all on loopback, with a DNS of its own."""

import contextlib
import fcntl
import json
import os
import pty
import re
import socket
import ssl
import struct
import subprocess
import tempfile
import termios
import threading
import time
import unittest
import warnings

import harness
from dns_zone import Dns
from foreign_mta import Postfix
from harness import DOMAIN, PASSWORD, Server, free_ports
from mail_store import DovecotStore
from web_host import Authority, Web, openssl

HOST = "mail." + DOMAIN
STANDARD = (25, 465, 587, 2525, 143, 993, 110, 995)
OK, USAGE, NO_HOST, UNAVAILABLE, TEMPORARY = 0, 64, 68, 69, 75

AUTOCONFIG = """<?xml version="1.0"?><clientConfig version="1.1"><emailProvider id="{domain}"><domain>{domain}</domain>
<incomingServer type="imap"><hostname>{host}</hostname><port>{port}</port><socketType>{socket}</socketType><username>%EMAILLOCALPART%</username></incomingServer>
</emailProvider></clientConfig>"""


def self_signed(folder, name, days):
    stem = os.path.join(folder, name + str(days))
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(days), "-subj", "/CN=" + name,
            "-addext", "subjectAltName=DNS:" + name, "-keyout", stem + ".key", "-out", stem + ".crt")
    return stem + ".crt", stem + ".key"


class Scripted:
    """A port in the hands of a test: `play(connection)` for each connection, in a thread of its own."""

    def __init__(self, play):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.play = play
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self.handle, args=(connection,), daemon=True).start()

    def handle(self, connection):
        with contextlib.suppress(OSError, ssl.SSLError), connection:
            connection.settimeout(30)
            self.play(connection)

    def close(self):
        self.listener.close()


def says(*answers, then=None):
    """Greets with the first answer, and gives one of the others to each line that comes."""
    def play(connection):
        lines = connection.makefile("rb")
        for i, answer in enumerate(answers):
            if i and not lines.readline():
                return
            connection.sendall(answer)
        if then:
            then(connection)
    return play


def until_it_leaves(connection):
    while connection.recv(4096):
        pass


def for_ever(text):
    def play(connection):
        while True:
            connection.sendall(text)
    return play


def setUpModule():
    folder = tempfile.TemporaryDirectory(prefix="posthorn-check-")
    unittest.addModuleCleanup(folder.cleanup)
    Check.folder = folder.name
    Check.authority = Authority(Check.folder)
    Check.dns = Dns()
    unittest.addModuleCleanup(Check.dns.stop)
    Check.dns.zone("hosts.test", "* A 127.0.0.1")
    Domains.make_zones(Check.dns.zone)
    Check.dns.start()
    Check.nobody = free_ports(1)[0]


class Check(unittest.TestCase):
    """What they all need: somewhere to ask, somebody to trust."""

    # Made once for the module.
    folder = authority = dns = nobody = None

    def run_check(self, target, ports, *options, status=OK, env=None, timeout=5, trust=None):
        """`ports`: what the standard ports are in truth; the others are closed."""
        words = [harness.BINARY, "check", target, "--resolver", self.dns.server.replace("@", ":"), "--trust-anchor", self.dns.trust_anchor,
                 "--timeout", str(timeout), *(trust or ("--ca", self.authority.file))]
        for port in (*STANDARD, 80, 443):
            words += ["--map", f"{port}={ports.get(port, self.nobody)}"]
        done = subprocess.run([*words, *options], capture_output=True, text=True, timeout=120, env={**os.environ, **(env or {})})
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def report(self, target, ports, *options, **how):
        return json.loads(self.run_check(target, ports, "--json", *options, **how).stdout)

    def assert_said(self, findings, level, about, text):
        there = [f for f in findings if f["level"] == level and f["about"].startswith(about) and text in f["text"]]
        self.assertTrue(there, f"{level} {about}: {text} is not among\n" + "\n".join(f"{f['level']} {f['about']}: {f['text']}" for f in findings))
        if level in ("warning", "error"):
            self.assertTrue(there[0]["advice"])

    def assert_no_errors(self, report):
        bad = [f for f in report["servers"] + report["records"] if f["level"] == "error"]
        self.assertEqual(bad, [])


class OwnServer(Check):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.certificate = cls.authority.issue(HOST, "autoconfig." + DOMAIN, "mta-sts." + DOMAIN)
        cls.server = Server(f'[tls]\ncertificate = "{cls.certificate[0]}"\nkey = "{cls.certificate[1]}"\n')
        cls.addClassCleanup(cls.server.remove)
        cls.server.create_accounts()
        cls.server.start()
        printed = cls.server.admin("domain", "dns", DOMAIN).stdout
        records = [line.replace(" IN ", " ") for line in printed.splitlines() if line and not line.startswith(";")]
        # Its listeners have ports of the test's; --map makes the standard ones of them.
        records = [line for line in records if " SRV " not in line]
        cls.selectors = re.findall(r"^(\S+)\._domainkey", "\n".join(records), re.M)
        services = "_imaps._tcp SRV 0 1 993 mail\n_submissions._tcp SRV 0 1 465 mail\n_imap._tcp SRV 10 1 143 mail\n_submission._tcp SRV 10 1 587 mail"
        cls.dns.zone(DOMAIN, "\n".join(records) + "\nmail A 127.0.0.1\nautoconfig A 127.0.0.1\nmta-sts A 127.0.0.1\n" + services)
        cls.dns.reload()
        cls.web = Web("127.0.0.1", free_ports(1)[0], cls.certificate)
        cls.addClassCleanup(cls.web.stop)
        cls.web.pages["/.well-known/mta-sts.txt"] = (200, "text/plain", f"version: STSv1\nmode: enforce\nmx: {HOST}\nmax_age: 1209600\n".encode())
        ports = cls.server.ports
        cls.ports = {25: ports["smtp"], 465: ports["submissions"], 587: ports["submission"], 143: ports["imap"], 993: ports["imaps"],
                     110: ports["pop3"], 995: ports["pop3s"], 443: cls.web.server.server_address[1]}

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.check_store()

    def setUp(self):
        self.web.pages.pop("/mail/config-v1.1.xml?emailaddress=alice%40example.test", None)

    def password(self, text=PASSWORD):
        path = os.path.join(self.folder, "password")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text + "\n")
        return "--password-file", path

    def test_a_domain_with_all_that_belongs_there(self):
        report = self.report("alice@example.test", self.ports, "--selector", ",".join(self.selectors))
        self.assert_no_errors(report)
        self.assertEqual({(s["service"], s["host"], s["port"], s["security"], s["user"], s["verified"]) for s in report["settings"]},
                         {("imap", HOST, 993, "tls", "alice@example.test", True), ("pop3", HOST, 995, "tls", "alice@example.test", True),
                          ("submission", HOST, 465, "tls", "alice@example.test", True)})
        self.assertEqual({c["source"] for c in report["candidates"]}, {"srv", "mx", "guess"})
        ports = {p["port"]: p for p in report["ports"] if p["host"] == HOST}
        self.assertEqual(set(ports), set(STANDARD))
        self.assertEqual(ports[2525]["reached"], "refused")
        for port in (25, 465, 587, 143, 993, 110, 995):
            p = ports[port]
            self.assertTrue(p["verified"], p)
            self.assertIn(HOST, p["certificate"]["names"])
            self.assertIn("PLAIN", p["behind_tls"]["mechanisms"], p)
            if p["expected"] == "starttls":
                self.assertNotIn("PLAIN", p["before_tls"]["mechanisms"])
        for about in ("reverse", "SPF", "DMARC", "MTA-STS", "TLSRPT", "TLSA", "DNSSEC", "SRV", *("DKIM " + s for s in self.selectors)):
            self.assert_said(report["records"], "ok", about, "")

    def test_a_trusting_any_mail_server_is_no_trust_in_web_servers(self):
        report = self.report("alice@example.test", self.ports, trust=("--insecure",), env={"SSL_CERT_FILE": self.authority.file})
        self.assert_said(report["records"], "ok", "MTA-STS", "mode enforce")
        report = self.report("alice@example.test", self.ports, trust=("--insecure",), env={"SSL_CERT_FILE": self.certificate[0]}, status=UNAVAILABLE)
        self.assert_said(report["records"], "error", "MTA-STS", "cannot be fetched")

    def test_b_a_message_to_oneself(self):
        report = self.report("alice@example.test", self.ports, "--login", *self.password())
        trip = report["login"]
        self.assertEqual({(s["service"], s["ok"]) for s in trip["sign_ins"]}, {("submission", True), ("imap", True), ("pop3", True)}, trip)
        self.assertTrue(trip["sent"] and trip["deleted"], trip)
        self.assertEqual((trip["seen_by_imap"], trip["mailbox"]), (HOST + ":993", "INBOX"))
        self.assertTrue(trip["seen_by_pop3"].startswith(HOST), trip)
        # Nothing is left of it, and what else is there is as it was.
        self.server.send(harness.message("stays"), [f"alice@{DOMAIN}"])
        self.report("alice@example.test", self.ports, "--login", *self.password(), "--only", "submission,pop3")
        import imaplib
        imap = imaplib.IMAP4("127.0.0.1", self.server.ports["imap_plain"])
        imap.login("alice@example.test", PASSWORD)
        imap.select()
        self.assertEqual(imap.search(None, "ALL")[1], [b"1"])
        self.assertEqual(imap.search(None, "SUBJECT", "stays")[1], [b"1"])
        imap.logout()

    def test_c_one_wrong_password_is_enough(self):
        report = self.report("bob@example.test", self.ports, "--login", *self.password("wrong"), status=UNAVAILABLE)
        self.assertEqual([s["ok"] for s in report["login"]["sign_ins"]], [False])
        self.assertFalse(report["login"]["sent"])
        self.assert_said(report["servers"], "error", HOST, "signing in fails")
        self.assertNotIn("wrong", json.dumps(report["login"]).replace("wrong password", ""))

    def test_c_no_password_for_a_host_that_anybody_can_name(self):
        options = ("--only", "imap", "--login", "--user", "alice@example.test", *self.password())
        report = self.report("alice@hosted.test", self.ports, *options, status=UNAVAILABLE)
        self.assertEqual(report["login"]["sign_ins"], [])
        self.assert_said(report["servers"], "warning", HOST + ":993", "not signed in: the host is not of the domain")
        report = self.report("alice@hosted.test", self.ports, *options, "--login-at", HOST)
        self.assertEqual({s["ok"] for s in report["login"]["sign_ins"]}, {True})

    def test_d_autoconfig(self):
        page = "/mail/config-v1.1.xml?emailaddress=alice%40example.test"
        self.web.pages[page] = (200, "text/xml", AUTOCONFIG.format(domain=DOMAIN, host=HOST, port=993, socket="SSL").encode())
        report = self.report("alice@example.test", self.ports)
        self.assert_no_errors(report)
        self.assertIn(("autoconfig", "imap", 993), {(c["source"], c["service"], c["port"]) for c in report["candidates"]})
        self.assertIn("alice", {s["user"] for s in report["settings"]})
        self.web.pages[page] = (200, "text/xml", AUTOCONFIG.format(domain=DOMAIN, host="other." + DOMAIN, port=143, socket="plain").encode())
        report = self.report("alice@example.test", self.ports, status=UNAVAILABLE)
        self.assert_said(report["servers"], "warning", "IMAP", "the SRV records name " + HOST + ":993 (TLS), autoconfig names other." + DOMAIN + ":143 (clear text)")
        self.assert_said(report["servers"], "error", "other." + DOMAIN + ":143", "tells programs to use clear text")
        self.assert_said(report["servers"], "error", "other." + DOMAIN, "names this host, but there is no such host")
        for body in (b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><clientConfig>&b;</clientConfig>", b"\xff\xff", b"<a>" * 100000):
            self.web.pages[page] = (200, "text/xml", body)
            self.assert_said(self.report("alice@example.test", self.ports)["servers"], "warning", "https://autoconfig." + DOMAIN, "cannot be used")

    def test_e_for_people(self):
        options = ("--selector", ",".join(self.selectors))
        text = self.run_check("alice@example.test", self.ports, *options).stdout
        self.assertNotIn("\033", text)
        for part in ("993   IMAP        TLS 1.3             good, 19 days", f"read by IMAP {HOST}, port 993, SSL/TLS, user alice@example.test", "- closed: 2525", "0 errors, 1 warning"):
            self.assertIn(part, text)
        for width in (80, 120):
            shown = self.on_terminal(width, "alice@example.test", *options)
            self.assertIn("\033[32m", shown)
            lines = re.sub(r"\033\[[0-9;]*[mK]", "", shown).replace("\r\n", "\n").split("\n")
            self.assertEqual([line for line in lines if len(line.rpartition("\r")[2]) > width], [])
        self.assertNotIn("\033[3", self.on_terminal(80, "alice@example.test", env={"NO_COLOR": "1"}))
        self.assertEqual(self.run_check("alice@example.test", self.ports, "--quiet").stdout, "")

    def on_terminal(self, width, target, *options, env=None):
        words = [harness.BINARY, "check", target, "--resolver", self.dns.server, "--trust-anchor", self.dns.trust_anchor, "--ca", self.authority.file, *options]
        for port in (*STANDARD, 80, 443):
            words += ["--map", f"{port}={self.ports.get(port, self.nobody)}"]
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
        out = b""
        with subprocess.Popen(words, stdin=slave, stdout=slave, stderr=slave, env={**os.environ, "TERM": "xterm", **(env or {})}) as process:
            os.close(slave)
            with contextlib.suppress(OSError):  # the other end is closed
                while piece := os.read(master, 65536):
                    out += piece
            process.wait(60)
        os.close(master)
        return out.decode()

    def test_f_one_host_and_what_cannot_be_asked(self):
        report = self.report(HOST, self.ports, "--only", "imap,pop3")
        self.assertEqual({p["port"] for p in report["ports"]}, {143, 993, 110, 995})
        self.assertEqual((report["records"], report["candidates"][0]["source"]), ([], "given"))
        # By its address the certificate is another's.
        report = self.report("127.0.0.1", self.ports, "--only", "imap", status=UNAVAILABLE)
        self.assert_said(report["servers"], "error", "127.0.0.1:993", "not for 127.0.0.1")
        self.run_check("127.0.0.1", self.ports, "--only", "imap", trust=("--ca", "/etc/hostname"), status=USAGE)
        self.run_check("nobody." + DOMAIN, self.ports, status=NO_HOST)
        self.assert_said(self.report("closed.hosts.test", {}, status=UNAVAILABLE)["servers"], "error", "closed.hosts.test", "no port for mail can be reached")
        # Who leaves the @ out is told.
        self.assert_said(self.report("hosted.test", {}, status=NO_HOST)["servers"], "note", "hosted.test", "also a domain")
        for bad in ("a@b@", "alice@", "what is this", "-", "a..b"):
            self.run_check(bad, self.ports, status=USAGE)
        for options in (("--only", "jmap"), ("--map", "x"), ("--map", "0=1"), ("--selector", "a..b"), ("--login",)):
            self.run_check(HOST, self.ports, *options, status=USAGE)


class Strangers(Check):
    """Dovecot and Postfix of Debian."""

    def test_dovecot(self):
        if os.geteuid() != 0:
            self.skipTest("Dovecot wants root")
        store = DovecotStore()
        self.addCleanup(store.stop)
        store.start()
        ports = {143: store.ports["imap"], 993: store.ports["imaps"], 110: store.ports["pop3"], 995: store.ports["pop3s"]}
        report = self.report("127.0.0.1", ports, "--only", "imap,pop3", trust=("--ca", store.certificate))
        self.assert_no_errors(report)
        found = {p["port"]: p for p in report["ports"] if p["reached"] == "yes"}
        self.assertEqual(set(found), set(ports))
        for port, p in found.items():
            self.assertTrue(p["usable"], p)
            self.assertEqual((p["tls"], p["old_tls"]), ("TLSv1.3", ""))
        self.assertIn("IDLE", found[993]["behind_tls"]["capabilities"])
        # To who comes from its own address Dovecot offers PLAIN without TLS, whatever its settings.
        self.assertEqual({f["text"].split(":")[0] for f in report["servers"] if f["level"] == "warning"}, {"PLAIN or LOGIN is offered before TLS"})

    def test_postfix(self):
        if os.geteuid() != 0:
            self.skipTest("Postfix wants root")
        postfix = Postfix(1)
        self.addCleanup(postfix.stop)
        postfix.start()
        report = self.report("postfix.hosts.test", {25: postfix.port}, "--only", "mx")
        port = report["ports"][0]
        self.assertEqual((port["spoke"], port["tls"], port["verified"]), ("clear", "TLSv1.3", False))
        self.assertIn("PIPELINING", port["behind_tls"]["capabilities"])
        self.assert_said(report["servers"], "warning", "postfix.hosts.test:25", "self-signed")


class BadServers(Check):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.good = cls.authority.issue("bad.hosts.test")

    def tls(self, play, certificate=None, version=None):
        """`play` behind a handshake."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*(certificate or self.good))
        if version:
            context.maximum_version = version
        return lambda connection: play(context.wrap_socket(connection, server_side=True))

    def look(self, plays, *options, status=UNAVAILABLE, timeout=2):
        hosts = {port: Scripted(play) for port, play in plays.items()}
        try:
            return self.report("bad.hosts.test", {port: host.port for port, host in hosts.items()}, *options, status=status, timeout=timeout)
        finally:
            for host in hosts.values():
                host.close()

    def test_they_hang_talk_for_ever_or_speak_something_else(self):
        begun = time.monotonic()
        report = self.look({
            25: until_it_leaves,                                        # says nothing
            465: lambda c: c.close(),
            587: for_ever(b"220-" + b"x" * 100 + b"\r\n"),
            2525: says(b"220 hi\r\n", then=for_ever(b"250-X" + b"y" * 50 + b"\r\n")),
            143: for_ever(b"* OK" + b"z" * 1000),                       # a line without an end
            993: self.tls(says(b"* OK hi\r\n", then=for_ever(b"* CAPABILITY X\r\n"))),
            110: says(b"SSH-2.0-OpenSSH_9.2p1\r\n", then=until_it_leaves),
            995: self.tls(says(b"+OK \x1b[2J\x1b]0;evil\x07 hi\r\n", b"+OK\r\n", then=until_it_leaves)),
        }, timeout=1)
        self.assertLess(time.monotonic() - begun, 60)
        self.assertEqual(report["settings"], [])
        findings = report["servers"]
        for port, text in ((25, "speaks no SMTP: no answer in time"), (465, ""), (587, "speaks no SMTP"), (2525, "what it says is no SMTP"),
                           (143, "speaks no IMAP"), (993, "endless"), (110, "speaks no POP3"), (995, "no answer in time")):
            # On a machine that has no time for us, those that do answer are late, too.
            there = [f for f in findings if re.search(rf":{port}\b", f["about"]) and (text in f["text"] or "no answer in time" in f["text"])]
            self.assertTrue(there, (port, text, findings))
        self.assertNotIn("\\u001b", json.dumps(report))
        self.assertNotIn("\\u0007", json.dumps(report))

    def test_ports_that_speak_otherwise_than_their_numbers_say(self):
        imap = says(b"* OK hi\r\n", b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nc1 OK\r\n", then=until_it_leaves)
        report = self.look({143: self.tls(imap), 993: imap, 110: says(b"-ERR go away\r\n")}, "--only", "imap,pop3")
        self.assert_said(report["servers"], "error", "bad.hosts.test:143", "it speaks TLS from the first byte")
        self.assert_said(report["servers"], "error", "bad.hosts.test:993", "it speaks clear text")
        self.assert_said(report["servers"], "error", "bad.hosts.test:993", "no STARTTLS")
        self.assert_said(report["servers"], "warning", "bad.hosts.test:993", "offered before TLS")
        self.assert_said(report["servers"], "error", "bad.hosts.test:110", "refuses to talk to us: -ERR go away")
        self.assertEqual(report["settings"], [])

    def test_certificates_and_starttls(self):
        def injects(connection):
            says(b"220 hi\r\n", b"250-hi\r\n250-STARTTLS\r\n250 AUTH LOGIN\r\n", b"220 go\r\n250 injected\r\n")(connection)
            self.tls(says(b"", b"250-hi\r\n250 AUTH PLAIN\r\n", then=until_it_leaves))(connection)

        ends = says(b"* OK hi\r\n", b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nc1 OK\r\n", then=until_it_leaves)
        report = self.look({587: injects, 465: says(b""), 993: self.tls(ends, self_signed(self.folder, "bad.hosts.test", 5)),
                            143: says(b"* OK hi\r\n", b"* CAPABILITY IMAP4rev1 STARTTLS\r\nc1 OK\r\n", b"c2 NO not today\r\n", then=until_it_leaves),
                            995: self.tls(says(b"+OK hi\r\n", b"+OK\r\nUSER\r\n.\r\n"), self.authority.issue("other.hosts.test"), ssl.TLSVersion.TLSv1_2)})
        self.assert_said(report["servers"], "error", "bad.hosts.test:587", "something follows the answer to STARTTLS")
        self.assert_said(report["servers"], "warning", "bad.hosts.test:587", "PLAIN or LOGIN is offered before TLS")
        self.assert_said(report["servers"], "error", "bad.hosts.test:993", "self-signed")
        self.assert_said(report["servers"], "warning", "bad.hosts.test:993", "the certificate ends on")
        self.assert_said(report["servers"], "error", "bad.hosts.test:143", "STARTTLS is offered and then fails: NO not today")
        self.assert_said(report["servers"], "error", "bad.hosts.test:995", "the certificate is for other.hosts.test, not for bad.hosts.test")
        self.assert_said(report["servers"], "note", "bad.hosts.test:995", "only TLSv1.2")
        self.assertFalse(any(s["verified"] for s in report["settings"]), report["settings"])

    def test_old_versions_of_tls_and_a_certificate_that_has_ended(self):
        def old(connection):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.good)
            context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = ssl.TLSVersion.TLSv1
            return context.wrap_socket(connection, server_side=True)

        def submission(connection):
            says(b"220 hi\r\n", b"250-hi\r\n250 STARTTLS\r\n", b"220 go\r\n")(connection)
            says(b"", b"250-hi\r\n250 AUTH PLAIN\r\n", then=until_it_leaves)(old(connection))

        imap = says(b"* OK hi\r\n", b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nc1 OK\r\n", then=until_it_leaves)
        ended = self.authority.issue("bad.hosts.test", days=-1)
        plays = {587: submission, 993: lambda connection: imap(old(connection)), 995: self.tls(says(b"+OK hi\r\n", b"+OK\r\nUSER\r\n.\r\n"), ended)}
        report = self.look(plays)
        for port in (587, 993):
            self.assert_said([f for f in report["servers"] if f":{port}" in f["about"]], "warning", "bad.hosts.test", "TLS 1.1 is still taken")
        self.assertEqual({p["port"]: p["old_tls"] for p in report["ports"] if p["reached"] == "yes"}, {587: "TLSv1.1", 993: "TLSv1.1", 995: ""})
        self.assert_said(report["servers"], "error", "bad.hosts.test:995", "expired")

    def test_who_relays_for_everybody(self):
        heard = []

        def smtp(answer):
            def play(connection):
                lines = connection.makefile("rb")
                connection.sendall(b"220 hi\r\n")
                while line := lines.readline():
                    heard.append(line.split(b" ")[0].strip())
                    connection.sendall(answer if line.startswith(b"RCPT") else b"250 hi\r\n")
            return play
        report = self.look({25: smtp(b"250 2.1.5 ok\r\n"), 587: smtp(b"554 5.7.1 relaying denied\r\n")}, "--only", "smtp", "--relay", "joe@far.test")
        self.assert_said(report["servers"], "error", "bad.hosts.test:25", "an open relay")
        self.assert_said(report["servers"], "note", "bad.hosts.test:587", "does not relay for strangers: 554 relaying denied")
        self.assertNotIn(b"DATA", heard)
        self.run_check("bad.hosts.test", {}, "--relay", "joe@far.test> X", status=USAGE)

    def test_no_password_where_it_could_be_seen(self):
        heard = []

        def listens(connection):
            lines = connection.makefile("rb")
            connection.sendall(b"* OK hi\r\n")
            while line := lines.readline():
                heard.append(line)
                tag = line.split()[0]
                connection.sendall(b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n" + tag + b" OK\r\n")
        hosts = Scripted(listens)
        self.addCleanup(hosts.close)
        report = self.report("bad.hosts.test", {143: hosts.port}, "--only", "imap", "--login", "--user", "joe@hosts.test", "--password-env", "CHECK_PASSWORD",
                             status=UNAVAILABLE, env={"CHECK_PASSWORD": "secret"})
        self.assertEqual(report["login"]["sign_ins"], [])
        self.assert_said(report["servers"], "error", "joe@hosts.test", "no port on which it is safe to sign in")
        self.assertEqual({line.split()[1] for line in heard}, {b"CAPABILITY", b"LOGOUT"})


class Domains(Check):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.web = Web("127.0.0.1", free_ports(1)[0], cls.authority.issue("mta-sts.sts.test"))
        cls.addClassCleanup(cls.web.stop)
        cls.web.pages["/.well-known/mta-sts.txt"] = (200, "text/html", b"version: STSv1\nmode: enforce\nmx: other.sts.test\nmax_age: 600\n")

    @staticmethod
    def make_zones(zone):
        zone("hosted.test", f"@ MX 10 {HOST}.\n_imaps._tcp SRV 0 1 993 {HOST}.", sign="no")
        zone("bare.test", "@ MX 10 mx\nmx A 127.0.0.1", sign="no")
        zone("wrong.test", '@ MX 10 192.0.2.1.\n@ MX 20 alias\nalias CNAME mx\nmx A 127.0.0.1\n@ TXT "v=spf1 include:bare.test +all"\n_dmarc TXT "v=DMARC1; p=maybe"\n'
                           '_smtp._tls TXT "v=TLSRPTv1"\n_mta-sts TXT "v=STSv1; id=1"\ndefault._domainkey TXT "v=DKIM1; k=rsa; p=AAAA"\n'
                           "_imaps._tcp SRV 0 1 993 nowhere\n_pop3s._tcp SRV 0 0 0 .\n_25._tcp.mx TLSA 3 1 1 " + "00" * 32)
        zone("null.test", "@ MX 0 .\n@ TXT \"v=spf1 -all\"")
        zone("sts.test", '@ MX 10 mx\nmx A 127.0.0.1\n_mta-sts TXT "v=STSv1; id=1"\nmta-sts A 127.0.0.1\n_25._tcp.mx TLSA 3 1 1 ' + "00" * 32)
        zone("forged.test", "@ MX 10 mx\nmx A 127.0.0.1", sign="expired")

    def records(self, domain, status=UNAVAILABLE, ports=None):
        return self.report("@" + domain, {443: self.web.server.server_address[1], **(ports or {})}, "--only", "mx", status=status, timeout=2)["records"]

    def test_a_bare_one(self):
        found = self.records("bare.test")  # nobody answers on port 25
        self.assert_said(found, "warning", "SPF", "no record")
        self.assert_said(found, "warning", "DKIM", "no keys at all")
        self.assert_said(found, "warning", "DMARC", "no record")
        self.assert_said(found, "note", "MTA-STS", "there is none")
        self.assert_said(found, "note", "TLSRPT", "no record")
        self.assert_said(found, "note", "DNSSEC", "not signed")
        self.assert_said(found, "warning", "SRV", "mail programs guess")

    def test_one_with_everything_wrong(self):
        found = self.records("wrong.test")
        self.assert_said(found, "error", "MX", "192.0.2.1 is an address")
        self.assert_said(found, "warning", "MX", "alias.wrong.test is an alias of mx.wrong.test")
        self.assert_said(found, "error", "SPF", "+all")
        self.assert_said(found, "error", "SPF", "include bare.test: there is no SPF record")
        self.assert_said(found, "error", "DMARC", "p=maybe")
        self.assert_said(found, "error", "TLSRPT", "no place for reports")
        self.assert_said(found, "error", "MTA-STS", "cannot be fetched")
        self.assert_said(found, "error", "DKIM default", "no RSA key")
        self.assert_said(found, "ok", "SRV", "_imaps nowhere.wrong.test:993")

    def test_policies_against_the_server_that_is_there(self):
        mx = Scripted(says(b"220 hi\r\n", b"250-hi\r\n250 SIZE 1\r\n", then=until_it_leaves))
        self.addCleanup(mx.close)
        found = self.records("sts.test", ports={25: mx.port})
        self.assert_said(found, "warning", "MTA-STS", "comes as text/html")
        self.assert_said(found, "error", "MTA-STS", "does not allow mx.sts.test")
        self.assert_said(found, "error", "MTA-STS", "mx.sts.test speaks no TLS")
        self.assert_said(found, "warning", "MTA-STS", "less than a day")
        self.assert_said(found, "error", "TLSA mx.sts.test", "the server offers no STARTTLS")

    def test_those_that_take_no_mail_are_forged_or_not_there(self):
        self.assert_said(self.records("null.test", OK), "note", "MX", "null MX")
        self.assert_said(self.records("forged.test"), "error", "MX", "no answer")
        self.assert_said(self.records("nobody.hosts.test2"), "error", "MX", "there is no domain")


class NoNetwork(Check):
    def test_nobody_is_blamed_when_the_dns_is_silent(self):
        done = subprocess.run([harness.BINARY, "check", "joe@example.test", "--resolver", f"127.0.0.1:{self.nobody}", "--timeout", "1", "--json"],
                              capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, TEMPORARY, done.stdout + done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual([f["about"] for f in report["servers"] + report["records"]], ["DNS"])
        done = subprocess.run([harness.BINARY, "check", "mail.example.test", "--resolver", f"127.0.0.1:{self.nobody}", "--timeout", "1"],
                              capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, TEMPORARY, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
