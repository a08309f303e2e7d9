"""Servers that hang, break off, talk nonsense or show wrong certificates; DNS that leads back here; kill -9 in the middle of an attempt."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
import unittest

from dns_zone import Dns
from harness import Server, free_ports, message
from smtp_host import Host
from test_relay import RelayTestCase, settings, submit, wait_for_inbox

STAGES = ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA")
LINES = "0123456789 " * 6 + "\r\n"


class BadHost(Host):
    """`raw[verb]`: what to do with the connection instead of answering, a list for one time each, then it is a good host."""

    def __init__(self, *args, **how):
        self.raw = {}
        super().__init__(*args, **how)

    def answer(self, stream, verb, usual=None):
        actions = self.raw.get(verb)
        if not actions:
            return super().answer(stream, verb, usual)
        return actions.pop(0)(self, getattr(stream, "stream", stream))


def says(data):
    """These bytes, and then nothing."""
    def act(host, stream):
        stream.sendall(data)
        host.closing.wait(60)
        return False
    return act


def says_and_goes_on(data):
    def act(_, stream):
        stream.sendall(data)
        return True
    return act


def never_ends(piece):
    def act(host, stream):
        with contextlib.suppress(OSError):
            while not host.closing.is_set():
                stream.sendall(piece * 1000)
        return False
    return act


class BadLuckTestCase(RelayTestCase):
    REPLY = "3 s"
    ZONES = {"bad.test": "\n".join(f"d{n} MX 10 mx{n}\nmx{n} A 127.0.1.{n}" for n in range(1, 200))}

    def bad_destination(self, **how):
        cls = type(self)
        cls.used += 1
        host = BadHost(f"127.0.1.{cls.used}", self.port, **how)
        self.addCleanup(host.stop)
        return f"d{cls.used}.bad.test", host

    def expect_once(self, host, why):
        """Exactly one message, also a little later."""
        host.wait_for(1)
        time.sleep(0.3)
        self.assertEqual(len(host.messages), 1, (why, self.server.log(40)))

    def memory(self):
        with open(f"/proc/{self.server.process.pid}/status", encoding="ascii") as f:
            return int(next(line for line in f if line.startswith("VmRSS")).split()[1]) << 10

    def each(self, cases, prepare):
        """One destination for each case, all at the same time; gives their hosts."""
        hosts = {}
        for case in cases:
            domain, hosts[case] = self.bad_destination()
            prepare(hosts[case], case)
            submit(self.server, [f"bob@{domain}"], message(f"case {case!r}", body=LINES * 20))
        return hosts


class Servers(BadLuckTestCase):
    def test_that_hang(self):
        def prepare(host, stage):
            host.at[stage] = ["hang"]
        for stage, host in self.each(STAGES, prepare).items():
            with self.subTest(stage):
                self.expect_once(host, stage)
                self.assertGreaterEqual(host.connections, 2)

    def test_that_stop_reading(self):
        domain, host = self.bad_destination()
        host.raw["DATA"] = [says(b"354 go on\r\n")]
        submit(self.server, [f"bob@{domain}"], message("much", body=LINES * 200_000))
        self.expect_once(host, "a body that nobody reads")

    def test_that_do_not_answer_a_whole_message(self):
        """They may have it: it is sent again, and they get it twice rather than not at all. [RFC5321 6.1]"""
        def prepare(host, case):
            host.at["DOT"] = [case]
        for case, host in self.each(("hang", "drop"), prepare).items():
            with self.subTest(case):
                self.assertEqual(len(host.wait_for(2)), 2, self.server.log(40))

    def test_that_break_off(self):
        def prepare(host, stage):
            host.at[stage] = ["drop", "drop"]
        for stage, host in self.each((*STAGES, "BODY"), prepare).items():
            with self.subTest(stage):
                self.expect_once(host, stage)

    def test_that_talk_nonsense(self):
        nonsense = (b"\x00\xff\xfe\x80\r\n", b"hello there\r\n", b"2 5 0 ok\r\n", b"99999 ok\r\n", b"250\xa0ok\r\n", b"-250 ok\r\n", b"\r\n\r\n", b"000 ok\r\n",
                    b"250-a\r\n350 b\r\n")
        cases = [(stage, n) for stage in STAGES for n in range(len(nonsense))]
        for some in (cases[:20], cases[20:]):
            def prepare(host, case):
                host.raw[case[0]] = [says(nonsense[case[1]])]
            for case, host in self.each(some, prepare).items():
                with self.subTest(case):
                    self.expect_once(host, case)

    def test_that_talk_without_end(self):
        before = self.memory()
        pieces = {"lines": b"250-and more\r\n", "a line": b"250 x", "nothing": b"\r\n", "other lines": b"220-x\r\n"}
        cases = [(stage, kind) for stage in ("CONNECT", "EHLO", "RCPT") for kind in pieces]

        def prepare(host, case):
            host.raw[case[0]] = [never_ends(pieces[case[1]])]
        for case, host in self.each(cases, prepare).items():
            with self.subTest(case):
                self.expect_once(host, case)
        self.assertLess(self.memory() - before, 100 << 20)

    def test_that_answer_before_they_are_asked(self):
        """A reply too many must not be taken for the answer to what comes next: nothing would be known to be delivered."""
        domain, host = self.bad_destination()
        host.raw["MAIL"] = [says_and_goes_on(b"250 ok\r\n250 ok\r\n354 go\r\n250 taken\r\n250 taken\r\n")]
        submit(self.server, [f"bob@{domain}"])
        host.wait_for(1)
        self.assertGreaterEqual(len(host.messages), 1, self.server.log(40))

    def test_that_refuse_what_they_have_taken(self):
        domain, host = self.bad_destination()
        host.says["DOT"] = ["451 4.3.0 not now", "552 5.3.4 too large"]
        report = self.new_mails(1)
        submit(self.server, [f"bob@{domain}"])
        self.assertIn(b"5.3.4", report()[0])
        self.assertEqual(host.messages, [])


def make_certificates(folder, port_names):
    """An authority, and certificates of it: good, expired, of another name; and one that signed itself."""
    def openssl(*words):
        done = subprocess.run(["openssl", *words], cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise AssertionError(f"openssl {words}: {done.stderr}")
    def new_key(name):
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", name + ".key")
    with open(os.path.join(folder, "conf"), "w", encoding="ascii") as f:
        f.write("[ca]\ndefault_ca=d\n[d]\ndatabase=index\nserial=serial\nnew_certs_dir=.\npolicy=p\ndefault_md=sha256\nunique_subject=no\ncopy_extensions=copy\n"
                "rand_serial=yes\n[p]\ncommonName=supplied\n")
    open(os.path.join(folder, "index"), "w", encoding="ascii").close()
    new_key("ca")
    openssl("req", "-x509", "-new", "-key", "ca.key", "-subj", "/CN=test authority", "-days", "30", "-out", "ca.crt")
    for name, host in port_names.items():
        new_key(name)
        subject = ("-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}")
        if name == "self":
            openssl("req", "-x509", "-new", "-key", "self.key", *subject, "-days", "30", "-out", "self.crt")
            continue
        openssl("req", "-new", "-key", name + ".key", *subject, "-out", name + ".csr")
        dates = ("-startdate", "20200101000000Z", "-enddate", "20200201000000Z") if name == "expired" else ("-days", "30")
        openssl("ca", "-batch", "-notext", "-config", "conf", "-cert", "ca.crt", "-keyfile", "ca.key", *dates, "-in", name + ".csr", "-out", name + ".crt")


class Certificates(BadLuckTestCase):
    """Where a relay table demands a host that proves its name."""

    NAMES = ("good", "expired", "other", "self", "none", "injected")

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="posthorn-ca-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        make_certificates(cls.folder, {"good": "mx.good.test", "expired": "mx.expired.test", "other": "mx.somewhere.test", "self": "mx.self.test",
                                       "injected": "mx.injected.test"})
        cls.ZONES = {f"{name}.test": f"@ MX 10 mx\nmx A 127.0.0.{30 + n}" for n, name in enumerate(cls.NAMES)}
        domains = " ".join(f"{name}.test" for name in cls.NAMES)
        cls.MORE = f'ca_file = "{cls.folder}/ca.crt"\n[[relay]]\ndomains = "{domains}"\ntls = "require"\nverify = true\n'
        super().setUpClass()

    def at(self, name, certificate=None):
        host = BadHost(f"127.0.0.{30 + self.NAMES.index(name)}", self.port,
                       certificate=certificate and tuple(os.path.join(self.folder, certificate + end) for end in (".crt", ".key")))
        self.addCleanup(host.stop)
        return host

    def refuses(self, host, name):
        submit(self.server, [f"bob@{name}.test"])
        deadline = time.monotonic() + 60
        while host.connections < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertGreaterEqual(host.connections, 2, self.server.log(40))
        self.assertEqual(host.messages, [])
        self.assertFalse([c for c in host.commands if c.startswith(("MAIL", "RCPT", "DATA"))])
        self.assertIn(f"to=bob@{name}.test state=waiting", self.server.log(1000))

    def test_the_right_one(self):
        host = self.at("good", "good")
        submit(self.server, ["bob@good.test"])
        self.assertTrue(self.expect(host, 1)[0].tls)

    def test_expired(self):
        self.refuses(self.at("expired", "expired"), "expired")

    def test_of_another_name(self):
        self.refuses(self.at("other", "other"), "other")

    def test_signed_by_itself(self):
        self.refuses(self.at("self", "self"), "self")

    def test_no_tls_at_all(self):
        self.refuses(self.at("none"), "none")

    def test_commands_injected_before_tls(self):
        """[RFC3207 6] What came with the 220 was not protected, and the connection is given up."""
        host = self.at("injected", "injected")
        host.raw["STARTTLS"] = [says_and_goes_on(b"220 go ahead\r\n250-evil\r\n250 SIZE 10\r\n")] * 1000
        self.refuses(host, "injected")


class LedBack(unittest.TestCase):
    """MX records that lead to this machine, or to this very server."""

    def test_nothing_goes_round(self):
        dns = Dns()
        self.addCleanup(dns.stop)
        dns.zone("loopback.test", "@ MX 10 mx\nmx A 127.0.0.1", sign="no")
        dns.zone("localhost.test", "@ MX 10 localhost.", sign="no")
        dns.zone("localhost", "@ A 127.0.0.1", sign="no")
        dns.zone("any.test", "@ MX 10 mx\nmx A 0.0.0.0", sign="no")
        dns.zone("us.test", "@ MX 10 mail.example.test.", sign="no")
        dns.zone("behind-us.test", "@ MX 10 mail.example.test.\n@ MX 20 backup\nbackup A 127.0.0.60", sign="no")
        dns.start()
        port = free_ports(1)[0]
        hosts = [Host(ip, port) for ip in ("127.0.0.1", "127.0.0.60")]
        for host in hosts:
            self.addCleanup(host.stop)
        server = Server(settings(dns, port).replace("allow_loopback = true", "allow_loopback = false"))
        self.addCleanup(server.remove)
        server.create_accounts()
        server.start()
        domains = ("loopback.test", "localhost.test", "any.test", "us.test", "behind-us.test")
        for domain in domains:
            submit(server, [f"bob@{domain}"], message(domain, to=f"bob@{domain}"))
        reports = wait_for_inbox(server, len(domains))
        self.assertEqual(len(reports), len(domains), server.log(60))
        for domain in domains:
            self.assertEqual(sum(f"Final-Recipient: rfc822; bob@{domain}".lower().encode() in r.lower().replace(b"rfc822;bob", b"rfc822; bob") for r in reports), 1, domain)
        self.assertEqual([host.connections for host in hosts], [0, 0])
        server.stop()
        server.check_store()

    def test_to_our_own_address_under_another_name(self):
        dns = Dns()
        self.addCleanup(dns.stop)
        dns.zone("alias.test", "@ MX 10 other-name\nother-name A 127.0.0.1", sign="no")
        dns.start()
        server = Server(settings(dns, 1))
        self.addCleanup(server.remove)
        with open(server.config, encoding="utf-8") as f:
            config = f.read().replace("port = 1\n", f"port = {server.ports['smtp_plain']}\n", 1)
        with open(server.config, "w", encoding="utf-8") as f:
            f.write(config)
        server.create_accounts()
        server.start()
        submit(server, ["bob@alias.test"])
        report = wait_for_inbox(server, 1)
        self.assertEqual(len(report), 1, server.log(40))
        self.assertIn(b"Status: 5.4.6", report[0])
        server.stop()
        server.check_store()


class Killed(BadLuckTestCase):
    """kill -9 while an attempt waits for the other side."""

    REPLY = "60 s"

    def kill_at(self, stage):
        domain, host = self.bad_destination()
        if stage == "BODY":
            host.raw["DATA"] = [says(b"354 go on\r\n")]
        else:
            host.at[stage] = ["hang"]
        submit(self.server, [f"bob@{domain}"], message(stage, body=LINES * (100_000 if stage == "BODY" else 10)))
        begun = {"CONNECT": lambda: host.connections, "BODY": lambda: "DATA" in host.commands, "DOT": lambda: host.messages}
        deadline = time.monotonic() + 60
        while not begun.get(stage, lambda: any(c.startswith(stage) for c in host.commands))():
            self.assertLess(time.monotonic(), deadline, self.server.log(40))
            time.sleep(0.02)
        self.server.kill()
        self.server.check_store()
        self.server.start()
        return host

    def test_before_the_final_dot_it_arrives_once(self):
        for stage in (*STAGES, "BODY"):
            with self.subTest(stage):
                self.expect_once(self.kill_at(stage), stage)

    def test_behind_the_final_dot_it_arrives_again(self):
        self.assertEqual(len(self.kill_at("DOT").wait_for(2)), 2, self.server.log(40))

    def test_many_attempts_at_once(self):
        """Of some the host has the message, others have not begun."""
        hosts = {}
        for n in range(12):
            domain, hosts[n] = self.bad_destination()
            hosts[n].at[("DATA", "RCPT", "DOT")[n % 3]] = ["hang"]
            submit(self.server, [f"bob@{domain}"], message(f"at once {n}"))
        deadline = time.monotonic() + 60
        while any(h.connections == 0 for h in hosts.values()) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.server.kill()
        self.server.check_store()
        self.server.start()
        for n, host in hosts.items():
            self.assertGreaterEqual(len(host.wait_for(1)), 1, self.server.log(40))
            self.assertLessEqual(len(host.messages), 2 if n % 3 == 2 else 1)


if __name__ == "__main__":
    unittest.main()
