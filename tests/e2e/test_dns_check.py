"""posthorn domain dns and posthorn dns check against a DNS of the tests' own: what is printed, published, is found good; what differs is found."""

import json
import re
import unittest

from dns_zone import Dns
from harness import DOMAIN, Server

HOST = "mail.example.test"


class DnsCheck(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dns = Dns()
        cls.addClassCleanup(cls.dns.stop)
        cls.dns.zone("example.test", "@ A 192.0.2.25")
        cls.dns.zone("other.test", "@ MX 10 mx.elsewhere.test.\n@ TXT \"v=spf1 mx ~all\"\n@ TXT \"v=spf1 -all\"\n_dmarc TXT \"v=DMARC1; p=none\"")
        cls.dns.zone("careless.test", "@ MX 10 " + HOST + ".\n@ TXT \"v=spf1 +all\"\n_dmarc TXT \"v=DMARC1; p=maybe\"\n_smtp._tls TXT \"v=TLSRPTv1\"")
        cls.dns.zone("broken.test", "@ MX 10 " + HOST + ".", sign="expired")
        cls.dns.zone("2.0.192.in-addr.arpa", f"25 PTR {HOST}.")
        cls.dns.start()
        cls.server = Server(cls.dns.settings())
        cls.addClassCleanup(cls.server.remove)
        cls.server.admin("domain", "add", DOMAIN)
        for name in ("other.test", "broken.test", "careless.test"):
            cls.server.admin("domain", "add", name, "--no-dkim")
        cls.server.start()  # makes the certificate

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def check(self, domain, status):
        done = self.server.admin("dns", "check", domain, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        found = json.loads(self.server.admin("dns", "check", domain, "--json", check=False).stdout)["findings"]
        return done.stdout, {(f["purpose"], f["name"]): f for f in found}

    def test_1_nothing_is_published_then_all_of_it(self):
        text, found = self.check(DOMAIN, 4)
        self.assertEqual(found["MX", DOMAIN]["state"], "missing")
        self.assertEqual(found["host", HOST]["state"], "missing")
        self.assertIn(f"paste: {DOMAIN}. IN MX 10 {HOST}.", text)
        printed = self.server.admin("domain", "dns", DOMAIN).stdout
        records = [line for line in printed.splitlines() if line and not line.startswith(";")]
        self.assertEqual({re.search(r" IN (\w+)", line)[1] for line in records}, {"MX", "TXT", "TLSA", "SRV"})
        for part in ("v=spf1", "v=DMARC1", "v=TLSRPTv1", "v=STSv1", "_domainkey", "_25._tcp.mail", "_imaps._tcp", "_submissions._tcp"):
            self.assertIn(part, printed)
        # A resolver keeps what it has been told, also that there is nothing: another server, which asks anew.
        self.dns.zone("example.test", "\n".join(line.replace(" IN ", " ") for line in records) + "\nmail A 192.0.2.25")
        self.dns.reload()
        text, found = self.check(DOMAIN, 0)
        for key, f in found.items():
            self.assertEqual(f["state"], "ok", (key, f))
        self.assertIn(("reverse", "25.2.0.192.in-addr.arpa"), found)
        self.assertIn("0 problems", text)

    def test_2_another_key_and_another_certificate(self):
        printed = self.server.admin("domain", "dns", DOMAIN).stdout
        records = [line.replace(" IN ", " ") for line in printed.splitlines() if line and not line.startswith(";")]
        changed = []
        for line in records:
            line = re.sub(r"(k=ed25519; p=)....", r"\1AAAA", line)
            changed.append(re.sub(r"3 1 1 ....", "3 1 1 0000", line))
        self.dns.zone("example.test", "\n".join(changed) + "\nmail A 192.0.2.26")
        self.dns.reload()
        text, found = self.check(DOMAIN, 4)
        states = {key: f["state"] for key, f in found.items() if f["state"] != "ok"}
        self.assertEqual(len(states), 3, states)
        self.assertEqual(found["TLSA", f"_25._tcp.{HOST}"]["state"], "different")
        self.assertEqual(found["reverse", "26.2.0.192.in-addr.arpa"]["state"], "missing")
        self.assertIn("servers that follow DANE do not deliver", text)
        self.assertIn("another key: what is signed here does not verify", text)

    def test_3_other_values(self):
        _, found = self.check("other.test", 4)
        self.assertEqual(found["MX", "other.test"]["state"], "different")
        self.assertEqual(found["SPF", "other.test"]["why"], "more than one: receivers take none of them")
        self.assertEqual((found["DMARC", "_dmarc.other.test"]["state"], found["DMARC", "_dmarc.other.test"]["why"]), ("ok", "your own"))
        self.assertEqual(found["TLSRPT", "_smtp._tls.other.test"]["state"], "missing")

    def test_3_records_that_do_harm(self):
        _, found = self.check("careless.test", 4)
        for key, why in ((("SPF", "careless.test"), "whole world"), (("DMARC", "_dmarc.careless.test"), "p=maybe"), (("TLSRPT", "_smtp._tls.careless.test"), "no place for reports")):
            self.assertEqual(found[key]["state"], "different")
            self.assertIn(why, found[key]["why"])

    def test_4_what_nobody_can_say(self):
        text, found = self.check("broken.test", 4)
        self.assertEqual(found["MX", "broken.test"]["state"], "unknown")
        self.assertIn("bogus", found["MX", "broken.test"]["why"])
        self.assertIn("unknown    MX", text)

    def test_5_a_domain_that_is_not_ours(self):
        self.assertEqual(self.server.admin("dns", "check", "nothing.test", check=False).returncode, 1)


if __name__ == "__main__":
    unittest.main()
