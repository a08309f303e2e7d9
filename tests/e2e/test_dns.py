"""The resolver against a real name server: DNSSEC, aliases, TCP, and everything that goes wrong."""

import os
import subprocess
import sys
import threading
import time
import unittest

from dns_zone import Dns
from harness import BINARY

LOOKUP = os.path.join(os.path.dirname(os.path.abspath(BINARY)), "dns_lookup")
DIGEST = "0123456789abcdef" * 4
BIG = ["x" * 200] * 40  # 8 KB: more than goes into one packet

SIGNED = f"""
@ MX 10 mx1
@ MX 20 mx2
@ TXT "v=spf1 " "-all"
mx1 A 192.0.2.1
mx1 AAAA 2001:db8::1
mx2 CNAME mx1
out CNAME mx.plain.test.
bad CNAME mx.forged.test.
lost CNAME nothing.signed.test.
a CNAME b
b CNAME c
c CNAME mx1
ring CNAME gnir
gnir CNAME ring
_25._tcp.mx1 TLSA 3 1 1 {DIGEST}
_imaps._tcp SRV 0 1 993 mx1
big TXT {" ".join(f'"{text}"' for text in BIG)}
* .wild A 192.0.2.7
""".replace("* .wild", "*.wild")
PLAIN = "@ MX 10 mx\nmx A 192.0.2.9\nback CNAME mx1.signed.test.\n* A 192.0.2.6"
REVERSE = "1 PTR mx1.signed.test."


class Lookup:
    """A running resolver; its answers are dictionaries."""

    def __init__(self, *settings):
        self.process = subprocess.Popen([LOOKUP, *settings], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.answers, self.arrived, self.count = {}, threading.Condition(), 0
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            number, status, dnssec, ttl, canonical, why, *records = line.rstrip("\n").split("\t")
            with self.arrived:
                self.answers[int(number)] = {"status": status, "dnssec": dnssec, "ttl": int(ttl), "canonical": canonical, "why": why,
                                             "records": sorted(records), "at": time.monotonic()}
                self.arrived.notify_all()
        with self.arrived:
            self.process.stdout.close()
            self.arrived.notify_all()

    def start(self, kind, name, seconds=90):
        self.count += 1
        self.process.stdin.write(f"{self.count} {kind} {name} {seconds}\n")
        self.process.stdin.flush()
        return self.count

    def result(self, number):
        with self.arrived:
            arrived = self.arrived.wait_for(lambda: number in self.answers or not self.reader.is_alive(), 180)
            if not arrived or number not in self.answers:
                raise AssertionError(f"no answer to question {number}")
            return self.answers[number]

    def ask(self, kind, name, seconds=90):
        return self.result(self.start(kind, name, seconds))

    def close(self):
        self.process.stdin.close()
        status = self.process.wait(180)
        self.reader.join(60)
        if status:
            raise AssertionError(f"dns_lookup ended with {status}")


class DnsTestCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dns = Dns()
        cls.addClassCleanup(cls.dns.stop)
        cls.dns.zone("signed.test", SIGNED)
        cls.dns.zone("plain.test", PLAIN, sign="no")
        cls.dns.zone("forged.test", "@ MX 10 mx\nmx A 192.0.2.8", sign="expired")
        cls.dns.zone("wrong.test", "@ MX 10 mx\nmx A 192.0.2.8", sign="wrong-key")
        cls.dns.zone("9.9.9.in-addr.arpa", REVERSE)
        cls.dns.start()

    def resolver(self, *settings):
        lookup = Lookup(f"dns.servers={self.dns.server}", f"dns.trust_anchor={self.dns.trust_anchor}", *settings)
        self.addCleanup(lookup.close)
        return lookup

    def check(self, lookup, *cases):
        for kind, name, status, dnssec, records, canonical in cases:
            with self.subTest(kind=kind, name=name):
                got = lookup.ask(kind, name)
                self.assertEqual((got["status"], got["dnssec"], got["records"]), (status, dnssec, records), got)
                if canonical:
                    self.assertEqual(got["canonical"], canonical)


class Answers(DnsTestCase):
    def test_what_is_signed_is_secure(self):
        self.check(self.resolver(), *[(*case, None) for case in (
            ("MX", "signed.test", "ok", "secure", ["10 mx1.signed.test", "20 mx2.signed.test"]),
            ("MX", "SIGNED.Test", "ok", "secure", ["10 mx1.signed.test", "20 mx2.signed.test"]),
            ("A", "mx1.signed.test", "ok", "secure", ["192.0.2.1"]),
            ("AAAA", "mx1.signed.test", "ok", "secure", ["2001:db8::1"]),
            ("TXT", "signed.test", "ok", "secure", ["v=spf1 -all"]),
            ("TLSA", "_25._tcp.mx1.signed.test", "ok", "secure", [f"3 1 1 {DIGEST}"]),
            ("SRV", "_imaps._tcp.signed.test", "ok", "secure", ["0 1 993 mx1.signed.test"]),
            ("PTR", "1.9.9.9.in-addr.arpa", "ok", "secure", ["mx1.signed.test"]),
            ("A", "any.wild.signed.test", "ok", "secure", ["192.0.2.7"]))])

    def test_that_there_is_nothing_is_secure_too(self):
        self.check(self.resolver(), *[(*case, [], None) for case in (
            ("TLSA", "_25._tcp.mx2.signed.test", "nxdomain", "secure"),
            ("MX", "mx1.signed.test", "nodata", "secure"),
            ("A", "_tcp.signed.test", "nodata", "secure"),
            ("A", "nothing.signed.test", "nxdomain", "secure"),
            ("MX", "nothing.at.all", "nxdomain", "secure"),
            ("MX", "mx.plain.test", "nodata", "insecure"))])

    def test_what_is_not_signed_is_insecure(self):
        self.check(self.resolver(), ("MX", "plain.test", "ok", "insecure", ["10 mx.plain.test"], "plain.test"),
                   ("A", "mx.plain.test", "ok", "insecure", ["192.0.2.9"], "mx.plain.test"))

    def test_what_is_badly_signed_is_withheld(self):
        lookup = self.resolver()
        for name in ("forged.test", "mx.forged.test", "wrong.test", "nothing.forged.test", "bad.signed.test"):
            with self.subTest(name=name):
                got = lookup.ask("A", name)
                self.assertEqual((got["status"], got["dnssec"], got["records"]), ("bogus", "bogus", []), got)
                self.assertIn("validation failure", got["why"])

    def test_aliases_are_followed_and_the_worst_link_counts(self):
        self.check(self.resolver(),
                   ("A", "mx2.signed.test", "ok", "secure", ["192.0.2.1"], "mx1.signed.test"),
                   ("A", "a.signed.test", "ok", "secure", ["192.0.2.1"], "mx1.signed.test"),
                   ("A", "out.signed.test", "ok", "insecure", ["192.0.2.9"], "mx.plain.test"),
                   ("A", "back.plain.test", "ok", "insecure", ["192.0.2.1"], "mx1.signed.test"),
                   ("CNAME", "out.signed.test", "ok", "secure", ["mx.plain.test"], "out.signed.test"),
                   ("A", "lost.signed.test", "nxdomain", "secure", [], "nothing.signed.test"))
        self.assertEqual(self.resolver().ask("A", "ring.signed.test")["status"], "servfail")

    def test_a_big_answer_comes_by_tcp(self):
        got = self.resolver().ask("TXT", "big.signed.test")
        self.assertEqual((got["status"], got["dnssec"], got["records"]), ("ok", "secure", ["".join(BIG)]))
        self.assertGreater(self.dns.count("big.signed.test", "TXT", "tcp"), 0)
        self.dns.misbehave("mx.plain.test", "truncate")
        self.addCleanup(self.dns.misbehave, "mx.plain.test", None)
        self.assertEqual(self.resolver().ask("A", "mx.plain.test")["records"], ["192.0.2.9"])
        self.assertGreater(self.dns.count("mx.plain.test", "A", "tcp"), 0)

    def test_the_cache_answers_until_the_ttl_has_passed(self):
        lookup = self.resolver()
        before = self.dns.count("signed.test", "MX")
        first = lookup.ask("MX", "signed.test")
        self.assertLessEqual(first["ttl"], 300)
        self.assertGreater(first["ttl"], 0)
        many = [lookup.start("MX", "signed.test") for _ in range(1000)]
        self.assertTrue(all(lookup.result(number)["records"] == first["records"] for number in many))
        self.assertEqual(self.dns.count("signed.test", "MX") - before, 1)

    def test_equal_questions_are_one(self):
        lookup = self.resolver()
        self.dns.delay("x1.plain.test", 1)
        many = [lookup.start("A", "x1.plain.test") for _ in range(50)]
        self.assertTrue(all(lookup.result(number)["status"] == "ok" for number in many))
        self.assertLess(self.dns.count("x1.plain.test", "A"), 10)  # a repetition or two when the server seems to sleep

    def test_without_validation_nobody_knows(self):
        lookup = self.resolver("dns.dnssec=false")
        self.check(lookup, ("MX", "forged.test", "ok", "indeterminate", ["10 mx.forged.test"], None),
                   ("MX", "signed.test", "ok", "indeterminate", ["10 mx1.signed.test", "20 mx2.signed.test"], None))


class BadLuck(DnsTestCase):
    def misbehave(self, name, action, kind=None):
        self.dns.misbehave(name, action, kind)
        self.addCleanup(self.dns.misbehave, name, None, kind)

    def test_failures_are_not_definite(self):
        lookup = self.resolver()
        self.misbehave("broken.plain.test", "servfail")
        self.misbehave("shy.plain.test", "refuse")
        self.misbehave("mute.plain.test", "drop")
        self.misbehave("noisy.plain.test", "garbage")
        self.misbehave("liar.plain.test", "wrong-id")
        lookup.ask("A", "mx.plain.test")  # the server is known to be alive
        asked = {name: lookup.start("A", f"{name}.plain.test") for name in ("broken", "shy", "mute", "noisy", "liar")}
        for name, number in asked.items():
            with self.subTest(name=name):
                got = lookup.result(number)
                self.assertIn(got["status"], ("servfail", "refused"), got)
                self.assertEqual((got["dnssec"], got["records"]), ("indeterminate", []))
                self.assertTrue(got["why"])

    def test_the_deadline_is_kept(self):
        lookup = self.resolver()
        self.misbehave("late.plain.test", "drop")
        began = time.monotonic()
        got = lookup.ask("A", "late.plain.test", 0.3)
        self.assertEqual(got["status"], "timeout")
        self.assertGreaterEqual(got["at"] - began, 0.3)

    def test_what_failed_is_found_when_it_is_back(self):
        lookup = self.resolver()
        self.misbehave("flaky.plain.test", "servfail")
        self.assertEqual(lookup.ask("A", "flaky.plain.test")["status"], "servfail")
        self.dns.misbehave("flaky.plain.test", None)
        deadline = time.monotonic() + 120
        while lookup.ask("A", "flaky.plain.test")["status"] != "ok":
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.5)

    def test_dead_names_do_not_delay_others(self):
        lookup = self.resolver()
        for number in range(100):
            self.misbehave(f"dead{number}.plain.test", "drop")
        dead = [lookup.start("A", f"dead{number}.plain.test", 170) for number in range(100)]
        good = []
        for number in range(300):
            good.append(lookup.start("A", f"good{number}.plain.test"))
            time.sleep(0.002)  # what a Python server can take
        last = max(lookup.result(number)["at"] for number in good)
        self.assertEqual({lookup.result(number)["status"] for number in good}, {"ok"})
        ends = [lookup.result(number) for number in dead]
        self.assertEqual({end["status"] for end in ends}, {"servfail"})
        self.assertGreater(max(end["at"] for end in ends), last)

    def test_resolvers_that_strip_signatures_are_noticed(self):
        self.misbehave("*", "strip")
        lookup = self.resolver()
        self.assertEqual(lookup.ask("TXT", ".")["status"], "bogus")
        self.assertEqual(lookup.ask("MX", "signed.test")["status"], "bogus")
        self.assertEqual(self.resolver("dns.dnssec=false").ask("MX", "signed.test")["status"], "ok")

    def test_a_wrong_trust_anchor_proves_nothing(self):
        with Dns() as other:
            other.zone("signed.test", SIGNED)
            other.start()
            lookup = self.resolver(f"dns.trust_anchor={other.trust_anchor}")
            self.assertEqual(lookup.ask("MX", "signed.test")["status"], "bogus")

    def test_records_that_change_are_seen_after_the_ttl(self):
        with Dns() as dns:
            dns.zone("moving.test", "@ MX 10 old", ttl=1)
            dns.start()
            lookup = Lookup(f"dns.servers={dns.server}", f"dns.trust_anchor={dns.trust_anchor}")
            self.addCleanup(lookup.close)
            self.assertEqual(lookup.ask("MX", "moving.test")["records"], ["10 old.moving.test"])
            dns.add("moving.test", "@ MX 5 new")
            dns.reload()
            deadline = time.monotonic() + 120
            while (got := lookup.ask("MX", "moving.test"))["records"] != ["10 old.moving.test", "5 new.moving.test"]:
                self.assertLess(time.monotonic(), deadline, got)
                time.sleep(0.5)
            self.assertEqual(got["dnssec"], "secure")


class OwnZones(DnsTestCase):
    def test_a_zone_may_have_servers_of_its_own(self):
        with Dns() as own:
            own.zone("corp.test", "@ MX 10 mx\nmx A 10.0.0.25", sign="no")
            own.start()
            lookup = self.resolver(f"dns.zones=corp.test={own.server}")
            self.check(lookup, ("MX", "corp.test", "ok", "insecure", ["10 mx.corp.test"], None),
                       ("A", "mx.corp.test", "ok", "insecure", ["10.0.0.25"], None),
                       ("MX", "signed.test", "ok", "secure", ["10 mx1.signed.test", "20 mx2.signed.test"], None))
            self.assertEqual(self.resolver().ask("MX", "corp.test")["status"], "nxdomain")

    def test_a_zone_may_go_without_validation(self):
        lookup = self.resolver("dns.zones=forged.test")
        self.check(lookup, ("MX", "forged.test", "ok", "insecure", ["10 mx.forged.test"], None))
        self.assertEqual(lookup.ask("MX", "wrong.test")["status"], "bogus")


class FromTheRoot(unittest.TestCase):
    """Without resolvers, in a network of its own where every address of IPv4 is ours, and IPv6 leads nowhere."""

    def test_recursion(self):
        inside = ("unshare", "--user", "--map-root-user", "--net")
        if subprocess.run([*inside, "true"], capture_output=True, timeout=60).returncode:
            self.skipTest("no network namespaces here")
        done = subprocess.run([*inside, sys.executable, __file__, "--in-namespace"], capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def recurse(self):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        subprocess.run(["ip", "route", "add", "local", "default", "dev", "lo"], check=True)
        with Dns(listen="0.0.0.0", port=53, address="192.0.2.53") as dns:
            dns.zone("signed.example", "@ MX 10 mx\nmx A 192.0.2.1\nout CNAME mx.plain.example.")
            dns.zone("plain.example", "mx A 192.0.2.9", sign="no")
            dns.zone("forged.example", "mx A 192.0.2.8", sign="expired")
            dns.start()
            lookup = Lookup("dns.servers=root", f"dns.trust_anchor={dns.trust_anchor}")
            for kind, name, status, dnssec in (("MX", "signed.example", "ok", "secure"), ("A", "out.signed.example", "ok", "insecure"),
                                               ("A", "mx.forged.example", "bogus", "bogus"), ("A", "no.such.name", "nxdomain", "secure"),
                                               ("A", "mail.test", "nxdomain", "insecure"), ("PTR", "1.0.0.10.in-addr.arpa", "nxdomain", "insecure")):
                got = lookup.ask(kind, name)
                self.assertEqual((got["status"], got["dnssec"]), (status, dnssec), got)
            lookup.close()
            self.assertEqual([name for name, _, _ in dns.asked if name.endswith(("mail.test", "in-addr.arpa"))], [])


if __name__ == "__main__":
    if "--in-namespace" in sys.argv:
        FromTheRoot().recurse()
    else:
        unittest.main()
