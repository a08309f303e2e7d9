"""ETRN: what waits for a host is sent when it asks, if it may ask."""

import smtplib
import time
import unittest

from harness import DOMAIN, PASSWORD
from test_relay import RelayTestCase, submit

# Nothing is tried a second time by itself while a test runs.
PATIENT = '[smtp]\nxclient_networks = "127.0.0.0/8"\nrelay_networks = "127.0.0.99"\n'


class Etrn(RelayTestCase):
    MORE = PATIENT

    @classmethod
    def setUpClass(cls):
        import test_relay
        quick = test_relay.IMPATIENT
        test_relay.IMPATIENT = quick.replace('retry_first = "1 s"', 'retry_first = "1 h"').replace('retry_max = "2 s"', 'retry_max = "2 h"')
        try:
            super().setUpClass()
        finally:
            test_relay.IMPATIENT = quick

    def client(self, address="127.0.0.98"):
        smtp = smtplib.SMTP("127.0.0.1", self.server.ports["smtp_plain"], timeout=60)
        self.addCleanup(smtp.close)
        smtp.ehlo("client.test")
        self.assertEqual(smtp.docmd("XCLIENT", "ADDR=" + address)[0], 220)
        smtp.ehlo("client.test")
        return smtp

    def waiting(self):
        """A domain with a message that its host did not take."""
        domain, host = self.destination()
        host.says["DATA"] = ["451 4.3.0 not now"]
        submit(self.server, [f"bob@{domain}"])
        deadline = time.monotonic() + 60
        while f"to=bob@{domain} state=waiting" not in self.server.log(1000):
            self.assertLess(time.monotonic(), deadline, self.server.log())
            time.sleep(0.05)
        return domain, host

    def ask(self, smtp, domain):
        """Until the attempt that is under way has ended."""
        deadline = time.monotonic() + 60
        while True:
            code, text = smtp.docmd("ETRN", domain)
            if code != 251 or time.monotonic() > deadline:
                return code, text
            time.sleep(0.05)

    def test_the_log_says_whether_dnssec_works(self):
        deadline = time.monotonic() + 60
        while "dns.dnssec state=" not in self.server.log(1000):
            self.assertLess(time.monotonic(), deadline, self.server.log())
            time.sleep(0.05)
        self.assertIn("dns.dnssec state=validated", self.server.log(1000))

    def test_a_stranger_may_not(self):
        smtp = self.client()
        self.assertFalse(smtp.has_extn("etrn"))
        self.assertEqual(smtp.docmd("ETRN", "somewhere.test")[0], 459)

    def test_a_host_of_the_relay_networks_may(self):
        domain, host = self.waiting()
        smtp = self.client("127.0.0.99")
        self.assertTrue(smtp.has_extn("etrn"))
        self.assertEqual(self.ask(smtp, domain)[0], 253)
        self.assertEqual(self.expect(host, 1)[0].recipients, [f"bob@{domain}"])

    def test_who_has_signed_in_may(self):
        domain, host = self.waiting()
        smtp = self.client()
        smtp.login(f"alice@{DOMAIN}", PASSWORD)
        self.assertEqual(self.ask(smtp, domain)[0], 253)
        self.expect(host, 1)


if __name__ == "__main__":
    unittest.main()
