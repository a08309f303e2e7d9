"""From a submission to another server, and back when that does not want it: a Posthorn with a DNS of its own, and hosts of every kind."""

import imaplib
import smtplib
import ssl
import subprocess
import time
import unittest

from dns_zone import Dns
from harness import DOMAIN, PASSWORD, Server, ServerTestCase, free_ports, insecure_tls, message
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
        return [imap.fetch(n, "(RFC822)")[1][0][1] for n in found[0].split()]


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
        for name, records in cls.ZONES.items():
            cls.dns.zone(name, records)
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
        "one.test": "@ MX 10 mx\nmx A 127.0.0.2",
        "two.test": "@ MX 10 first\n@ MX 20 second\nfirst A 127.0.0.2\nsecond A 127.0.0.3",
        "bare.test": "@ A 127.0.0.2",
        "null.test": "@ MX 0 .",
        "private.test": "@ MX 10 mx\nmx A 10.1.2.3",
    }

    def test_message_arrives_as_it_was_sent(self):
        host = self.host(2)
        submit(self.server, ["bob@one.test", "carol@one.test"], message("as it was", body="line\r\n.dot\r\n"))
        got = self.expect(host, 1)[0]
        self.assertEqual(got.sender, f"alice@{DOMAIN}")
        self.assertEqual(sorted(got.recipients), ["bob@one.test", "carol@one.test"])
        self.assertTrue(got.content.endswith(b"line\r\n.dot\r\n"))
        self.assertIsNone(got.header("Return-Path"), "only the last server writes it")
        self.assertTrue(got.header("Received"))

    def test_local_and_remote_recipients_of_one_message(self):
        host = self.host(2)
        had = len(inbox(self.server, "bob"))
        submit(self.server, [f"bob@{DOMAIN}", "bob@bare.test"])
        self.expect(host, 1)
        self.assertEqual(len(wait_for_inbox(self.server, had + 1, "bob")), had + 1)

    def test_refused_recipient_is_reported_and_the_other_gets_it(self):
        host = self.host(2)
        host.says["RCPT"] = ["550 5.1.1 nobody of this name"]
        report = self.new_mails(1)
        submit(self.server, ["nobody@one.test", "carol@one.test"])
        self.assertEqual(self.expect(host, 1)[0].recipients, ["carol@one.test"])
        mails = report()
        self.assertEqual(len(mails), 1, self.server.log())
        text = mails[0].decode()
        self.assertIn("multipart/report", text)
        self.assertIn("Final-Recipient: rfc822;nobody@one.test", text.replace("; ", ";").replace("rfc822;", " rfc822;").replace(":  ", ": "))
        self.assertIn("Status: 5.1.1", text)
        self.assertIn("nobody of this name", text)
        self.assertNotIn("carol@one.test\r\nAction", text)

    def test_not_now_is_tried_again(self):
        host = self.host(2)
        host.says["RCPT"] = ["450 4.2.0 greylisted"]
        submit(self.server, ["bob@one.test"])
        self.expect(host, 1)

    def test_the_second_host_when_the_first_is_not_there(self):
        second = self.host(3)
        submit(self.server, ["bob@two.test"])
        self.expect(second, 1)

    def test_the_second_host_when_the_first_says_no(self):
        for greeting in ("421 4.3.2 later", "554 5.3.2 go away"):
            with self.subTest(greeting):
                first, second = self.host(2), self.host(3)
                first.says["CONNECT"] = greeting
                submit(self.server, ["bob@two.test"])
                self.expect(second, 1)
                first.stop()
                second.stop()

    def test_a_connection_that_breaks_in_the_middle(self):
        for where in ("EHLO", "MAIL", "RCPT", "DATA", "BODY"):
            with self.subTest(where):
                host = self.host(2)
                host.at[where] = "drop"
                submit(self.server, ["bob@one.test"], message("broken at " + where))
                deadline = time.monotonic() + 60
                while not host.connections and time.monotonic() < deadline:
                    time.sleep(0.02)
                time.sleep(0.2)
                host.at.clear()
                self.assertEqual(len(self.expect(host, 1)), 1)
                host.stop()

    def test_no_answer_to_a_whole_message_means_once_more(self):
        host = self.host(2)
        host.at["DOT"] = ["drop"]
        submit(self.server, ["bob@one.test"])
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
        host = self.host(2)
        host.says["RCPT"] = "550 5.1.1 no"
        report = self.new_mails(1)
        submit(self.server, ["a@one.test"], rcpt_options=["NOTIFY=NEVER"])
        submit(self.server, ["b@one.test"])
        mails = report()
        self.assertEqual(len(mails), 1)
        self.assertIn("b@one.test", mails[0].decode())
        self.assertNotIn("a@one.test\r\n", mails[0].decode())

    def test_success_is_told_by_us_where_the_host_will_not(self):
        host = self.host(2)
        report = self.new_mails(1)
        submit(self.server, ["a@one.test"], rcpt_options=["NOTIFY=SUCCESS"])
        self.expect(host, 1)
        self.assertIn("Action: relayed", report()[0].decode())

    def test_eight_bit_is_converted_where_it_must(self):
        host = self.host(2, extensions=["PIPELINING"])
        submit(self.server, ["bob@one.test"], message("8bit", body="Gr\u00fc\u00dfe\r\n",
                                                     extra="MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"),
               options=["BODY=8BITMIME"])
        got = self.expect(host, 1)[0]
        self.assertEqual(got.header("Content-Transfer-Encoding"), "quoted-printable")
        self.assertIn(b"Gr=C3=BC=C3=9Fe", got.content)

    def test_connections_are_used_again(self):
        host = self.host(2)
        for n in range(10):
            submit(self.server, ["bob@one.test"], message(f"number {n}"))
            self.expect(host, n + 1)
        self.assertLess(host.connections, 10)


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
        good = self.host(2)
        good.says["CONNECT"] = "421 4.3.2 not yet"
        for n in range(20):
            submit(self.server, ["x@good.test"], message(f"survivor {n}"))
        self.server.kill()
        del good.says["CONNECT"]
        self.server.start()
        good.wait_for(20)
        subjects = {m.header("Subject") for m in good.messages}
        self.assertEqual(subjects & {f"survivor {n}" for n in range(20)}, {f"survivor {n}" for n in range(20)})

    def test_kill_while_it_sends(self):
        good = self.host(2)
        sent = set()
        for round_ in range(5):
            for n in range(10):
                submit(self.server, ["x@good.test"], message(f"round {round_} {n}"))
                sent.add(f"round {round_} {n}")
            self.server.kill()
            self.server.start()
        deadline = time.monotonic() + 120
        while not sent <= {m.header("Subject") for m in list(good.messages)} and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertLessEqual(sent, {m.header("Subject") for m in good.messages})

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
    """Through another Posthorn, signed in there."""

    def test_submission_to_a_smart_host(self):
        far = Server('hostname_ = ""'[:0])
        self.addCleanup(far.remove)
        far.create_accounts(("relay", "bob"))
        far.start()
        secret = far.directory + "/secret"
        with open(secret, "w", encoding="utf-8") as f:
            f.write(PASSWORD + "\n")
        relay = f'''
[[relay]]
host = "127.0.0.1"
port = {far.ports["submissions"]}
tls = "implicit"
verify = false
username = "relay@{DOMAIN}"
password_file = "{secret}"
'''
        dns = Dns()
        dns.start()
        self.addCleanup(dns.stop)
        near = Server(dns.settings() + "[queue]\nretry_first = \"1 s\"\n" + relay)
        self.addCleanup(near.remove)
        near.admin("domain", "add", "near.test")
        near.admin("account", "add", "ann@near.test", stdin=PASSWORD + "\n", check=False)
        near.start()
        with smtplib.SMTP("127.0.0.1", near.ports["smtp_plain"], timeout=60) as smtp:
            code, _ = smtp.docmd("NOOP")
            self.assertEqual(code, 250)
        near.stop()
        far.stop()


if __name__ == "__main__":
    unittest.main()
