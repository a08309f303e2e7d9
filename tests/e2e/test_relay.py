"""From a submission to another server, and back when that does not want it: a Posthorn with a DNS of its own, and hosts of every kind."""

import email
import hashlib
import imaplib
import os
import shutil
import smtplib
import subprocess
import tempfile
import time
import unittest
import unittest.mock

from dns_zone import Dns
from harness import DOMAIN, PASSWORD, Server, free_ports, insecure_tls, message
from smtp_host import Host

IMPATIENT = """
[queue]
retry_first = "1 s"
retry_max = "2 s"
[delivery]
allow_loopback = true
port = {port}
ip_versions = "ipv4"
connect_timeout = "5 s"
reply_timeout = "{reply}"
final_timeout = "5 s"
{more}
"""


def settings(dns, port, reply="5 s", more=""):
    return dns.settings() + IMPATIENT.format(port=port, reply=reply, more=more)


def submit(server, recipients, content=None, sender=f"alice@{DOMAIN}", options=(), rcpt_options=()):
    with smtplib.SMTP("127.0.0.1", server.ports["submission_plain"], timeout=60) as smtp:
        smtp.ehlo("client.test")
        smtp.login(f"alice@{DOMAIN}", PASSWORD)
        return smtp.sendmail(sender, list(recipients), content or message("relayed", to=recipients[0]), list(options), list(rcpt_options))


def inbox(server, user="alice"):
    with imaplib.IMAP4("127.0.0.1", server.ports["imap_plain"], timeout=60) as imap:
        imap.login(f"{user}@{DOMAIN}", PASSWORD)
        imap.select("INBOX")
        _, found = imap.search(None, "ALL")
        fetched = [imap.fetch(n, "(RFC822)")[1] for n in found[0].split()]
        return [part[1] for parts in fetched for part in parts if isinstance(part, tuple)]


def wait_for_inbox(server, count, user="alice", seconds=120):
    deadline = time.monotonic() + seconds
    while True:
        mails = inbox(server, user)
        if len(mails) >= count or time.monotonic() > deadline:
            return mails
        time.sleep(0.1)


class RelayTestCase(unittest.TestCase):
    """One server and one DNS for the tests of a class; hosts are made by each test."""

    ZONES = {}
    REPLY = "5 s"
    MORE = ""

    @classmethod
    def setUpClass(cls):
        cls.dns = Dns()
        cls.port = free_ports(1)[0]
        cls.used = 0
        for name, records in cls.ZONES.items():
            cls.dns.zone(name, records)
        cls.dns.zone("many.test", "\n".join(f"d{n} MX 10 mx{n}\nmx{n} A 127.0.0.{100 + n}" for n in range(1, 60)), sign="no")
        cls.dns.start()
        cls.server = Server(settings(cls.dns, cls.port, cls.REPLY, cls.MORE))
        try:
            cls.server.create_accounts()
            cls.server.start()
        except BaseException:
            print(cls.server.log())
            cls.dns.stop()
            cls.server.remove()
            raise

    @classmethod
    def tearDownClass(cls):
        try:
            cls.server.stop()
            cls.server.check_store()
        finally:
            cls.dns.stop()
            cls.server.remove()

    def host(self, number, **how):
        host = Host(f"127.0.0.{number}", self.port, **how)
        self.addCleanup(host.stop)
        return host

    def destination(self, **how):
        """A domain that nobody has sent to, and its host: what a server did in one test does not slow down another."""
        cls = type(self)
        cls.used += 1
        return f"d{cls.used}.many.test", self.host(100 + cls.used, **how)

    used = 0

    def new_mails(self, count):
        """What alice gets beyond what she has; call it before sending, and the result behind."""
        had = len(inbox(self.server))
        return lambda: wait_for_inbox(self.server, had + count)[had:]

    def expect(self, host, count):
        got = host.wait_for(count)
        self.assertEqual(len(got), count, self.server.log(40))
        return got


class Relay(RelayTestCase):
    ZONES = {
        "two.test": "@ MX 10 first\n@ MX 20 second\nfirst A 127.0.0.2\nsecond A 127.0.0.3",
        "three.test": "@ MX 10 first\n@ MX 20 second\nfirst A 127.0.0.4\nsecond A 127.0.0.5",
        "four.test": "@ MX 10 first\n@ MX 20 second\nfirst A 127.0.0.6\nsecond A 127.0.0.7",
        "null.test": "@ MX 0 .",
        "private.test": "@ MX 10 mx\nmx A 10.1.2.3",
    }

    def test_message_arrives_as_it_was_sent(self):
        domain, host = self.destination()
        submit(self.server, [f"bob@{domain}", f"carol@{domain}"], message("as it was", body="line\r\n.dot\r\n"))
        got = self.expect(host, 1)[0]
        self.assertEqual(got.sender, f"alice@{DOMAIN}")
        self.assertEqual(sorted(got.recipients), [f"bob@{domain}", f"carol@{domain}"])
        self.assertTrue(got.content.endswith(b"line\r\n.dot\r\n"))
        self.assertIsNone(got.header("Return-Path"), "only the last server writes it")
        self.assertTrue(got.header("Received"))

    def test_local_and_remote_recipients_of_one_message(self):
        domain, host = self.destination()
        had = len(inbox(self.server, "bob"))
        submit(self.server, [f"bob@{DOMAIN}", f"bob@{domain}"])
        self.expect(host, 1)
        self.assertEqual(len(wait_for_inbox(self.server, had + 1, "bob")), had + 1)

    def test_refused_recipient_is_reported_and_the_other_gets_it(self):
        domain, host = self.destination()
        host.says["RCPT"] = ["550 5.1.1 nobody of this name"]
        report = self.new_mails(1)
        submit(self.server, [f"nobody@{domain}", f"carol@{domain}"])
        self.assertEqual(self.expect(host, 1)[0].recipients, [f"carol@{domain}"])
        mails = report()
        self.assertEqual(len(mails), 1, self.server.log())
        report = email.message_from_bytes(mails[0])
        self.assertEqual(report.get_content_type(), "multipart/report")
        status = [str(part) for part in report.walk() if part.get_content_type() == "message/delivery-status"][0]
        self.assertIn(f"nobody@{domain}", status)
        self.assertIn("Status: 5.1.1", status)
        self.assertIn("Diagnostic-Code: smtp; 550 5.1.1 nobody of this name\n", status)
        self.assertNotIn("carol", status)

    def test_not_now_is_tried_again(self):
        domain, host = self.destination()
        host.says["RCPT"] = ["450 4.2.0 greylisted"]
        submit(self.server, [f"bob@{domain}"])
        self.expect(host, 1)

    def test_the_second_host_when_the_first_is_not_there(self):
        second = self.host(3)
        submit(self.server, ["bob@two.test"])
        self.expect(second, 1)

    def test_the_second_host_when_the_first_says_no(self):
        for domain, greeting, first, second in (("three.test", "421 4.3.2 later", 4, 5), ("four.test", "554 5.3.2 go away", 6, 7)):
            with self.subTest(greeting):
                first, second = self.host(first), self.host(second)
                first.says["CONNECT"] = greeting
                submit(self.server, [f"bob@{domain}"])
                self.expect(second, 1)
                self.assertEqual(first.messages, [])

    def test_a_connection_that_breaks_in_the_middle(self):
        for where in ("EHLO", "MAIL", "RCPT", "DATA", "BODY"):
            with self.subTest(where):
                domain, host = self.destination()
                host.at[where] = ["drop"]
                submit(self.server, [f"bob@{domain}"], message("broken at " + where))
                got = self.expect(host, 1)
                self.assertEqual(got[0].header("Subject"), "broken at " + where)
                self.assertGreaterEqual(host.connections, 2)

    def test_no_answer_to_a_whole_message_means_once_more(self):
        domain, host = self.destination()
        host.at["DOT"] = ["drop"]
        submit(self.server, [f"bob@{domain}"])
        self.assertEqual(len(self.expect(host, 2)), 2, "twice, because nobody can know")

    def test_hopeless_domains_come_back_at_once(self):
        for domain, status in (("null.test", "5.1.10"), ("nowhere.test", "5.1.2"), ("private.test", "5.4.4")):
            with self.subTest(domain):
                report = self.new_mails(1)
                submit(self.server, [f"bob@{domain}"])
                mails = report()
                self.assertEqual(len(mails), 1, self.server.log())
                self.assertIn(f"Status: {status}", mails[0].decode())

    def test_notify_never_is_never_told(self):
        domain, host = self.destination()
        host.says["RCPT"] = "550 5.1.1 no"
        report = self.new_mails(1)
        submit(self.server, [f"quiet@{domain}"], rcpt_options=["NOTIFY=NEVER"])
        submit(self.server, [f"loud@{domain}"])
        mails = report()
        self.assertEqual(len(mails), 1)
        self.assertIn(f"loud@{domain}", mails[0].decode())

    def test_success_is_told_by_us_where_the_host_will_not(self):
        domain, host = self.destination()
        report = self.new_mails(1)
        submit(self.server, [f"bob@{domain}"], rcpt_options=["NOTIFY=SUCCESS"])
        self.expect(host, 1)
        self.assertIn("Action: relayed", report()[0].decode())

    def test_eight_bit_is_converted_where_it_must(self):
        domain, host = self.destination(extensions=["PIPELINING"])
        fields = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
        submit(self.server, [f"bob@{domain}"], message("8bit", body="Gr\u00fc\u00dfe\r\n", extra=fields), options=["BODY=8BITMIME"])
        got = self.expect(host, 1)[0]
        self.assertEqual(got.header("Content-Transfer-Encoding"), "quoted-printable")
        self.assertIn(b"Gr=C3=BC=C3=9Fe", got.content)

    def test_connections_are_used_again(self):
        domain, host = self.destination()
        for n in range(10):
            submit(self.server, [f"bob@{domain}"], message(f"number {n}"))
            self.expect(host, n + 1)
        self.assertLess(host.connections, 10)


class Forwarding(RelayTestCase):
    ZONES = {"elsewhere.test": "@ MX 10 mx\nmx A 127.0.0.8"}

    def test_forwarded_mail_has_a_sender_of_ours_and_what_comes_back_finds_its_way(self):
        domain, host = self.destination()
        origin = self.host(8)
        self.server.admin("alias", "add", f"away@{DOMAIN}", f"new@{domain}")
        self.server.send(message("forwarded", sender="outside@elsewhere.test"), [f"away@{DOMAIN}"])
        got = self.expect(host, 1)[0]
        self.assertEqual(got.recipients, [f"new@{domain}"])
        self.assertTrue(got.sender.startswith("SRS0="), got.sender)
        self.assertTrue(got.sender.endswith(f"=elsewhere.test=outside@{DOMAIN}"), got.sender)
        self.server.send(message("it came back"), [got.sender], sender="")
        back = self.expect(origin, 1)[0]
        self.assertEqual((back.sender, back.recipients), ("", ["outside@elsewhere.test"]))

    def test_nobody_else_can_use_such_an_address(self):
        with self.assertRaises(smtplib.SMTPRecipientsRefused):
            self.server.send(message("forged"), [f"SRS0=AAAA=BB=elsewhere.test=outside@{DOMAIN}"], sender="")

    def test_the_sender_is_told_of_a_failure_and_not_where_it_was_forwarded_to(self):
        domain, host = self.destination()
        host.says["RCPT"] = "550 5.1.1 gone"
        self.server.admin("alias", "add", f"lost@{DOMAIN}", f"secret@{domain}")
        report = self.new_mails(1)
        submit(self.server, [f"lost@{DOMAIN}"])
        mails = report()
        self.assertEqual(len(mails), 1, self.server.log())
        self.assertIn(f"lost@{DOMAIN}", mails[0].decode())


def certificate(directory, name):
    """Certificate and key of a host, and the SHA-256 of its public key, for a TLSA record 3 1 1."""
    crt, key = os.path.join(directory, name + ".crt"), os.path.join(directory, name + ".key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=DNS:{name}", "-keyout", key, "-out", crt], check=True, capture_output=True)
    public = subprocess.run(["openssl", "x509", "-in", crt, "-noout", "-pubkey"], check=True, capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=public, check=True, capture_output=True).stdout
    return (crt, key), hashlib.sha256(der).hexdigest()


class Tls(RelayTestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="posthorn-tls-")
        cls.good, digest = certificate(cls.directory, "mx.good.test")
        cls.other, _ = certificate(cls.directory, "mx.other.test")
        port = free_ports(1)[0]
        with unittest.mock.patch(__name__ + ".free_ports", lambda count: [port]):
            cls.ZONES = {f"{name}.test": f"@ MX 10 mx\nmx A 127.0.0.{n}\n_{port}._tcp.mx TLSA 3 1 1 {digest}"
                         for n, name in ((20, "good"), (21, "wrong"), (22, "stripped"))}
            cls.ZONES["asked.test"] = "\n".join(f"@ MX {n} mx{n}\nmx{n} A 127.0.0.{n}\n_{port}._tcp.mx{n} TLSA 3 1 1 {digest}" for n in (23, 24))
            super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        shutil.rmtree(cls.directory)

    def waits(self, host):
        deadline = time.monotonic() + 60
        while host.connections < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertGreaterEqual(host.connections, 2, self.server.log(30))
        self.assertEqual(host.messages, [])
        self.assertFalse([c for c in host.commands if c.startswith("MAIL")])

    def test_any_certificate_where_nothing_is_asked(self):
        domain, host = self.destination(certificate=self.other)
        submit(self.server, [f"bob@{domain}"])
        self.assertTrue(self.expect(host, 1)[0].tls)

    def test_clear_text_where_tls_does_not_work_and_nothing_is_asked(self):
        domain, host = self.destination(certificate=self.other)
        host.at["HANDSHAKE"] = "drop"
        submit(self.server, [f"bob@{domain}"])
        self.assertFalse(self.expect(host, 1)[0].tls)

    def test_dane_is_satisfied(self):
        host = self.host(20, certificate=self.good)
        submit(self.server, ["bob@good.test"])
        self.assertTrue(self.expect(host, 1)[0].tls)

    def test_dane_with_another_certificate(self):
        host = self.host(21, certificate=self.other)
        submit(self.server, ["bob@wrong.test"])
        self.waits(host)

    def test_dane_without_starttls(self):
        host = self.host(22)
        submit(self.server, ["bob@stripped.test"])
        self.waits(host)

    def submit_under_tls(self, domain, content, options=()):
        with smtplib.SMTP_SSL("127.0.0.1", self.server.ports["submissions"], context=insecure_tls(), timeout=60) as smtp:
            smtp.ehlo("client.test")
            smtp.login(f"alice@{DOMAIN}", PASSWORD)
            smtp.sendmail(f"alice@{DOMAIN}", [f"bob@{domain}"], content, list(options))

    def test_require_tls_where_nothing_proves_the_host(self):
        domain, host = self.destination(certificate=self.other)
        report = self.new_mails(1)
        self.submit_under_tls(domain, message("require"), ["REQUIRETLS"])
        mails = report()
        self.assertEqual(len(mails), 1, self.server.log())
        self.assertIn("Status: 5.7.30", mails[0].decode())
        self.assertEqual(host.messages, [])

    def test_require_tls_takes_the_host_that_passes_it_on(self):
        first = self.host(23, certificate=self.good)
        second = self.host(24, certificate=self.good, extensions=("8BITMIME", "REQUIRETLS"))
        self.submit_under_tls("asked.test", message("require, and get it"), ["REQUIRETLS"])
        self.assertTrue(self.expect(second, 1)[0].tls)
        self.assertTrue([c for c in second.commands if c.startswith("MAIL") and "REQUIRETLS" in c], second.commands)
        self.assertEqual((first.connections, first.messages), (1, []))
        second.stop()  # the one that could take it may be back later: it is tried again, and nobody else gets it
        self.submit_under_tls("asked.test", message("require, and wait"), ["REQUIRETLS"])
        deadline = time.monotonic() + 60
        while first.connections < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertGreaterEqual(first.connections, 3, self.server.log(30))
        self.assertEqual(first.messages, [])

    def test_a_message_that_waives_tls(self):
        host = self.host(21, certificate=self.other)
        submit(self.server, ["bob@wrong.test"], message("waived", extra="TLS-Required: No\r\n"))
        self.expect(host, 1)


class Patience(RelayTestCase):
    """A [[relay]] says how long some domains are tried; the others have five days."""

    MORE = """
[[relay]]
domains = ".many.test"
retry_first = "1 s"
retry_max = "1 s"
lifetime = "3 s"
"""

    def test_a_domain_with_a_short_lifetime(self):
        domain, host = self.destination()
        host.says["RCPT"] = "450 4.2.1 not today"
        report = self.new_mails(1)
        submit(self.server, [f"bob@{domain}"])
        mails = report()
        self.assertEqual(len(mails), 1, self.server.log())
        self.assertIn("Action: failed", mails[0].decode())
        self.assertGreater(host.connections, 1)


class BadLuck(RelayTestCase):
    ZONES = {
        "good.test": "@ MX 10 mx\nmx A 127.0.0.2",
        "hangs.test": "@ MX 10 mx\nmx A 127.0.0.4",
        "gone.test": "@ MX 10 mx\nmx A 127.0.0.9",
    }
    REPLY = "60 s"

    def test_a_dead_destination_delays_nobody(self):
        good, hangs = self.host(2), self.host(4)
        hangs.at["CONNECT"] = "hang"
        for n in range(30):
            submit(self.server, ["x@hangs.test"], message(f"hanging {n}"))
            submit(self.server, ["x@gone.test"], message(f"gone {n}"))
        began = time.monotonic()
        for n in range(30):
            submit(self.server, ["x@good.test"], message(f"good {n}"))
        self.expect(good, 30)
        self.assertLess(time.monotonic() - began, 55, "they do not wait for those that hang")
        self.assertLessEqual(hangs.most_open, 5, "nobody knows it: few at a time")

    def test_kill_and_start_again_loses_nothing(self):
        domain, host = self.destination()
        host.says["CONNECT"] = "421 4.3.2 not yet"
        wanted = {f"survivor {n}" for n in range(20)}
        for subject in sorted(wanted):
            submit(self.server, [f"x@{domain}"], message(subject))
        self.server.kill()
        del host.says["CONNECT"]
        self.server.start()
        self.expect_subjects(host, wanted)

    def test_kill_while_it_sends(self):
        domain, host = self.destination()
        sent = set()
        for round_ in range(5):
            for n in range(10):
                submit(self.server, [f"x@{domain}"], message(f"round {round_} {n}"))
                sent.add(f"round {round_} {n}")
            self.server.kill()
            self.server.start()
        self.expect_subjects(host, sent)

    def expect_subjects(self, host, wanted, seconds=120):
        deadline = time.monotonic() + seconds
        while not wanted <= {m.header("Subject") for m in list(host.messages)} and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertLessEqual(wanted, {m.header("Subject") for m in host.messages}, self.server.log(40))

    def test_reports_are_not_doubled_by_kills(self):
        had = len(inbox(self.server))
        for n in range(5):
            submit(self.server, ["x@nowhere.test"], message(f"report {n}"))
            self.server.kill()
            self.server.start()
        mails = wait_for_inbox(self.server, had + 5)[had:]
        time.sleep(2)
        mails = inbox(self.server)[had:]
        for n in range(5):
            self.assertEqual(sum(f"Subject: report {n}\r\n".encode() in m for m in mails), 1, n)


class SmartHost(unittest.TestCase):
    """By way of another Posthorn that asks for a password, or of a host without TLS."""

    def serve(self, **how):
        server = Server(**how)
        self.addCleanup(server.remove)
        server.create_accounts()
        server.start()
        return server

    def near(self, port, more):
        """A server that sends everything to a host at this port."""
        dns = Dns()
        dns.start()
        self.addCleanup(dns.stop)
        # The other one has the same domain: what is for elsewhere goes to it.
        relay = f'[[relay]]\nhost = "127.0.0.1"\nport = {port}\n{more}\n'
        return self.serve(extra=dns.settings() + '[queue]\nretry_first = "1 s"\nretry_max = "1 s"\nlifetime = "1 min"\n' + relay)

    def secret(self):
        with tempfile.NamedTemporaryFile("w", delete=False) as f:
            f.write(PASSWORD + "\n")
        self.addCleanup(os.unlink, f.name)
        return f.name

    def test_signed_in_under_implicit_tls(self):
        elsewhere = Host("127.0.0.1", free_ports(1)[0])
        self.addCleanup(elsewhere.stop)
        dns = Dns()
        dns.zone("far.test", "@ MX 10 mx\nmx A 127.0.0.1", sign="no")
        dns.start()
        self.addCleanup(dns.stop)
        far = self.serve(extra=settings(dns, elsewhere.server.server_address[1]))
        near = self.near(far.ports["submissions"], f'tls = "implicit"\nverify = false\nusername = "alice@{DOMAIN}"\npassword_file = "{self.secret()}"')
        submit(near, ["bob@far.test"], message("by two servers"))
        got = elsewhere.wait_for(1)
        self.assertEqual(len(got), 1, near.log(30) + far.log(30))
        self.assertEqual(got[0].content.count(b"\r\nReceived: ") + got[0].content.startswith(b"Received: "), 2)
        self.assertIn(b"ESMTPSA", got[0].content)
        for server in (near, far):
            server.stop()
            server.check_store()

    def test_no_password_and_no_mail_in_clear_text(self):
        clear = Host("127.0.0.1", free_ports(1)[0], extensions=["AUTH PLAIN"])
        self.addCleanup(clear.stop)
        port = clear.server.server_address[1]
        near = self.near(port, f'tls = "require"\nverify = false\nusername = "me"\npassword_file = "{self.secret()}"')
        submit(near, ["bob@far.test"])
        deadline = time.monotonic() + 60
        while clear.connections < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertGreaterEqual(clear.connections, 2, near.log(30))
        self.assertFalse([c for c in clear.commands if c.startswith(("AUTH", "MAIL"))])
        near.stop()

    def test_a_host_that_does_not_speak_tls_where_it_must(self):
        clear = Host("127.0.0.1", free_ports(1)[0])
        self.addCleanup(clear.stop)
        near = self.near(clear.server.server_address[1], 'tls = "implicit"')
        submit(near, ["bob@far.test"])
        deadline = time.monotonic() + 60
        while clear.connections < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertGreaterEqual(clear.connections, 2)
        self.assertEqual(clear.messages, [])
        near.stop()


class Sink(unittest.TestCase):
    """Postfix' own sink takes what we send."""

    def test_many_messages(self):
        port = free_ports(1)[0]
        sink = subprocess.Popen(["/usr/sbin/smtp-sink", "-u", "nobody", f"127.0.0.1:{port}", "100"])
        self.addCleanup(sink.wait, 30)
        self.addCleanup(sink.terminate)
        dns = Dns()
        dns.zone("sink.test", "@ MX 10 mx\nmx A 127.0.0.1", sign="no")
        dns.start()
        self.addCleanup(dns.stop)
        server = Server(settings(dns, port))
        self.addCleanup(server.remove)
        server.create_accounts()
        server.start()
        for n in range(50):
            submit(server, [f"bob{n}@sink.test"], message(f"to the sink {n}", body="x" * 10000 + "\r\n"))
        deadline = time.monotonic() + 120
        while server.log(100_000).count("delivery.result") < 50 and time.monotonic() < deadline:
            time.sleep(0.1)
        results = [line for line in server.log(100_000).splitlines() if "delivery.result" in line]
        self.assertEqual(sum("state=delivered" in line for line in results), 50, "the sink takes part in DSN\n" + server.log())
        server.stop()
        server.check_store()


if __name__ == "__main__":
    unittest.main()
