"""Posthorn between Postfix and Exim: as the one who sends to them, and as the one they send to."""

import os
import re
import shutil
import smtplib
import subprocess
import tempfile
import time
import unittest

from dns_zone import Dns
from foreign_mta import Dovecot, Exim, Postfix
from harness import DOMAIN, Server, free_ports, message
from test_relay import inbox, settings, submit, wait_for_inbox
from test_signing import ask_dkimpy, keys_of


class Together:
    """A Posthorn with a foreign server; mail for far.test goes to that, its mail for elsewhere comes here."""

    MTA = None
    EIGHT_BIT = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"

    @classmethod
    def setUpClass(cls):
        cls.dns = Dns()
        cls.addClassCleanup(cls.dns.stop)
        cls.dns.zone("far.test", "@ MX 10 mx\nmx A 127.0.0.1", sign="no")
        cls.dns.start()
        cls.server = Server(settings(cls.dns, 1, reply="30 s"))
        cls.addClassCleanup(cls.server.remove)
        cls.mta = cls.MTA(relay_port=cls.server.ports["smtp"])
        cls.addClassCleanup(cls.mta.stop)
        with open(cls.server.config, encoding="utf-8") as f:
            config = f.read().replace("port = 1\n", f"port = {cls.mta.port}\n", 1)
        with open(cls.server.config, "w", encoding="utf-8") as f:
            f.write(config)
        cls.server.create_accounts()
        cls.server.start()
        cls.mta.start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.check_store()

    def says(self):
        return self.server.log(40) + self.mta.log()

    # --- it is the far side
    def test_it_stores_what_we_send(self):
        had = len(self.mta.stored())
        submit(self.server, ["bob@far.test"], message("to a foreign server", body=".dot\r\n\r\n. \r\n", to="bob@far.test"))
        got = self.mta.wait_for(had + 1)
        self.assertEqual(len(got), had + 1, self.says())
        new = next(m for m in got if b"Subject: to a foreign server" in m)
        self.assertRegex(new, rb"(?s)TLS|ESMTPS")
        self.assertIn(b"\n.dot\n", new)
        self.assertEqual(ask_dkimpy(new.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), keys_of(self.server)), [True, True])

    def test_8_bit_and_big(self):
        had = len(self.mta.stored())
        text = message("eight", body="Größe\r\n" * 300_000, to="bob@far.test", extra=self.EIGHT_BIT).decode().encode()
        submit(self.server, ["bob@far.test"], text, options=["BODY=8BITMIME"])
        got = self.mta.wait_for(had + 1)
        self.assertEqual(len(got), had + 1, self.says())
        self.assertEqual(max(m.count("Größe".encode()) for m in got), 300_000)

    def test_it_refuses_a_recipient(self):
        had = len(inbox(self.server))
        submit(self.server, ["nobody@far.test"])
        reports = wait_for_inbox(self.server, had + 1)[had:]
        self.assertEqual(len(reports), 1, self.says())
        self.assertIn(b"nobody@far.test", reports[0])
        self.assertIn(b"Action: failed", reports[0])

    def test_it_says_later_and_takes_it_then(self):
        submit(self.server, ["later@far.test"])
        deadline = time.monotonic() + 60
        while "to=later@far.test state=waiting" not in self.server.log(1000):
            self.assertLess(time.monotonic(), deadline, self.says())
            time.sleep(0.05)
        self.mta.let_in()
        self.assertEqual(len(self.mta.wait_for(1, "later")), 1, self.says())

    def test_it_reports_success_to_our_user(self):
        had = len(inbox(self.server))
        submit(self.server, ["bob@far.test"], options=["ENVID=our-id", "RET=HDRS"], rcpt_options=["NOTIFY=SUCCESS", "ORCPT=rfc822;bob@far.test"])
        reports = wait_for_inbox(self.server, had + 1)[had:]
        self.assertEqual(len(reports), 1, self.says())
        self.assertIn(b"Action: delivered", reports[0])
        self.assertRegex(reports[0], rb"Reporting-MTA: dns; ?mx\.far\.test")
        self.assertIn(b"our-id", reports[0])

    # --- it is the near side
    def hand_over(self, recipients, text, options=(), rcpt_options=()):
        with smtplib.SMTP("127.0.0.1", self.mta.port, timeout=60) as smtp:
            smtp.ehlo("client.test")
            return smtp.sendmail("carol@far.test" if not recipients[0].startswith("carol") else "bob@far.test", recipients, text, list(options), list(rcpt_options))

    def test_it_sends_to_us(self):
        had = len(inbox(self.server))
        subjects = [f"from a foreign server {n}" for n in range(10)]
        for subject in subjects:
            self.hand_over([f"alice@{DOMAIN}", f"bob@{DOMAIN}"], message(subject, body=".dot\r\n" + "Größe\r\n" * 1000, sender="bob@far.test", extra=self.EIGHT_BIT),
                           options=["BODY=8BITMIME"])
        mails = wait_for_inbox(self.server, had + 10)[had:]
        self.assertEqual(len(mails), 10, self.says())
        for mail in mails:
            self.assertRegex(mail.split(b"\r\n\r\n")[0], rb"with (UTF8SMTPS|ESMTPS)")
            self.assertEqual(mail.count("Größe".encode()), 1000)
            self.assertIn(b"\r\n.dot\r\n", mail)
        self.assertEqual(self.mta.wait_until_drained(), [], self.says())

    def test_we_report_success_to_its_user(self):
        had = len(self.mta.stored())
        with smtplib.SMTP("127.0.0.1", self.mta.port, timeout=60) as smtp:
            smtp.ehlo("client.test")
            smtp.sendmail("bob@far.test", [f"alice@{DOMAIN}"], message("tell me", sender="bob@far.test"), ["ENVID=its-id", "RET=HDRS"], ["NOTIFY=SUCCESS"])
        got = self.mta.wait_for(had + 1)
        self.assertEqual(len(got), had + 1, self.says())
        report = next(m for m in got if b"its-id" in m)
        self.assertIn(b"Action: delivered", report)
        self.assertIn(b"Reporting-MTA: dns;mail.example.test", report.replace(b"dns; ", b"dns;"))

    def test_we_refuse_its_recipient(self):
        had = len(self.mta.stored())
        with smtplib.SMTP("127.0.0.1", self.mta.port, timeout=60) as smtp:
            smtp.ehlo("client.test")
            smtp.sendmail("bob@far.test", [f"nobody@{DOMAIN}"], message("to nobody", sender="bob@far.test"))
        got = self.mta.wait_for(had + 1)
        self.assertEqual(len(got), had + 1, self.says())
        self.assertTrue(any(f"nobody@{DOMAIN}".encode() in m and b"550" in m for m in got), self.says())
        self.assertEqual(self.mta.wait_until_drained(), [], self.says())

    def test_its_queue_drains_when_we_are_back(self):
        had = len(inbox(self.server))
        self.server.stop()
        for n in range(5):
            self.hand_over([f"alice@{DOMAIN}"], message(f"while you were away {n}", sender="bob@far.test"))
        deadline = time.monotonic() + 60
        while len(self.mta.waiting()) < 5:
            self.assertLess(time.monotonic(), deadline, self.mta.log())
            time.sleep(0.1)
        self.server.start()
        self.assertEqual(len(wait_for_inbox(self.server, had + 5)), had + 5, self.says())
        self.assertEqual(self.mta.wait_until_drained(), [], self.says())


class WithPostfix(Together, unittest.TestCase):
    MTA = Postfix


@unittest.skipUnless(os.path.exists(Exim.binary()), "Exim is not unpacked: see unpack_packages in tools/packages.sh")
class WithExim(Together, unittest.TestCase):
    MTA = Exim

    def test_it_sends_in_chunks(self):
        self.hand_over([f"alice@{DOMAIN}"], message("chunked", sender="bob@far.test"))
        deadline = time.monotonic() + 60
        while "K C=" not in self.mta.log() and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertRegex(self.mta.log(), r" K C=\"250")


class IntoAStore(unittest.TestCase):
    """LMTP to Dovecot: every recipient has an answer of his own."""

    def test_by_port_and_by_socket(self):
        store = Dovecot(relay_port=0)
        self.addCleanup(store.stop)
        store.start()
        dns = Dns()
        self.addCleanup(dns.stop)
        dns.start()
        relays = "".join(f'[[relay]]\ndomains = "{domain}"\nprotocol = "lmtp"\nhost = "{host}"\n{port}'
                         for domain, host, port in (("port.test", "127.0.0.1", f"port = {store.port}\nallow_plaintext = true\n"), ("socket.test", store.path("lmtp"), "")))
        server = Server(settings(dns, 1, reply="30 s", more=relays))
        self.addCleanup(server.remove)
        server.create_accounts()
        server.start()
        for n, domain in enumerate(("port.test", "socket.test")):
            had = len(inbox(server))
            submit(server, [f"bob@{domain}", f"nobody@{domain}"], message(domain, body=".dot\r\n", to=f"bob@{domain}"))
            got = store.wait_for(n + 1)
            self.assertEqual(len(got), n + 1, server.log(40) + store.log())
            self.assertTrue(any(f"Subject: {domain}".encode() in m and b"\n.dot\n" in m.replace(b"\r", b"") for m in got))
            reports = wait_for_inbox(server, had + 1)[had:]
            self.assertEqual(len(reports), 1, server.log(40))
            self.assertIn(f"nobody@{domain}".encode(), reports[0])
            self.assertNotIn(f"rfc822; bob@{domain}".encode(), reports[0])
        server.stop()
        server.check_store()


class Swaks(unittest.TestCase):
    """swaks hands over; smtp-sink keeps what it gets in files."""

    def test_by_us_into_the_sink(self):
        dns = Dns()
        self.addCleanup(dns.stop)
        dns.zone("far.test", "@ MX 10 mx\nmx A 127.0.0.1", sign="no")
        dns.start()
        port = free_ports(1)[0]
        server = Server(settings(dns, port))
        self.addCleanup(server.remove)
        folder = tempfile.mkdtemp(prefix="posthorn-sink-")
        self.addCleanup(shutil.rmtree, folder)
        os.chmod(folder, 0o777)
        sink = subprocess.Popen(["/usr/sbin/smtp-sink", "-u", "nobody", "-d", "%M.", f"127.0.0.1:{port}", "100"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(sink.wait, 30)
        self.addCleanup(sink.terminate)
        server.create_accounts()
        server.start()
        done = subprocess.run(["swaks", "--server", f"127.0.0.1:{server.ports['submission']}", "--tls", "--auth", "PLAIN", "--auth-user", f"alice@{DOMAIN}",
                               "--auth-password", "correct horse", "--from", f"alice@{DOMAIN}", "--to", "one@far.test,two@far.test", "--header", "Subject: by swaks",
                               "--body", ".a line\n.\n"], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        deadline = time.monotonic() + 60
        got = ""
        while "Subject: by swaks" not in got and time.monotonic() < deadline:
            time.sleep(0.1)
            for name in os.listdir(folder):
                with open(os.path.join(folder, name), encoding="latin-1") as f:
                    got = f.read()
        self.assertEqual(sorted(re.findall(r"X-Rcpt-Args: <(\w+)@far\.test>", got)), ["one", "two"], got + server.log())
        self.assertIn("DKIM-Signature: ", got)
        server.stop()
        server.check_store()


if __name__ == "__main__":
    unittest.main()
