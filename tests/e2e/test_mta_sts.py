"""Sending to domains with MTA-STS policies: hosts that the policy names and others, certificates good and bad, STARTTLS taken away."""

import re
import shutil
import tempfile
import time
import unittest

from harness import free_ports
from test_relay import RelayTestCase, submit
from web_host import Authority, Web

POLICY = "version: STSv1\r\nmode: {mode}\r\nmx: {mx}\r\nmax_age: 604800\r\n"


class MtaSts(RelayTestCase):
    # name: the last number of its host's address
    DOMAINS = {"good": 30, "badmx": 31, "badcert": 32, "stripped": 33, "testing": 34, "broken": 35, "wrongweb": 36, "changing": 37}

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="posthorn-sts-")
        cls.authority = Authority(cls.directory)
        cls.web_port = free_ports(1)[0]
        cls.ZONES = {}
        cls.webs = []
        names = []
        for name, number in cls.DOMAINS.items():
            web = 130 if name != "wrongweb" else 131
            cls.ZONES[f"{name}.test"] = (f'@ MX 10 mx\nmx A 127.0.0.{number}\nmta-sts A 127.0.0.{web}\n_mta-sts 2 TXT "v=STSv1; id=1;"')
            names.append(f"mta-sts.{name}.test")
        cls.MORE = f'ca_file = "{cls.authority.file}"\n[mta_sts]\nport = {cls.web_port}\n'
        cls.web = Web("127.0.0.130", cls.web_port, cls.authority.issue(*[n for n in names if "wrongweb" not in n]))
        cls.webs = [cls.web, Web("127.0.0.131", cls.web_port, cls.authority.issue("www.wrongweb.test"))]
        try:
            super().setUpClass()
        except BaseException:
            for web in cls.webs:
                web.stop()
            raise

    @classmethod
    def tearDownClass(cls):
        for web in cls.webs:
            web.stop()
        super().tearDownClass()
        shutil.rmtree(cls.directory, ignore_errors=True)

    def publish(self, mode="enforce", mx="*.test", status=200, web=None):
        (web or self.web).pages["/.well-known/mta-sts.txt"] = (status, "text/plain", POLICY.format(mode=mode, mx=mx).encode())

    def mx(self, name, certificate="own"):
        if certificate == "own":
            certificate = self.authority.issue(f"mx.{name}.test")
        return self.host(self.DOMAINS[name], certificate=certificate)

    def trace_of(self, address, part, seconds=30):
        """What the trace says of mail to this address, as soon as it has this part."""
        deadline = time.monotonic() + seconds
        while True:
            ids = re.findall(r"message (\d+)", self.server.admin("trace", address, check=False).stdout)
            text = "".join(self.server.admin("trace", i, check=False).stdout for i in ids)
            if part in text or time.monotonic() > deadline:
                return text
            time.sleep(0.2)

    def assert_stays(self, name, host, why):
        submit(self.server, [f"bob@{name}.test"])
        text = self.trace_of(f"bob@{name}.test", why)
        self.assertIn(why, text, self.server.log())
        self.assertEqual(host.messages, [])
        return text

    def test_named_host_with_a_valid_certificate_gets_it(self):
        self.publish(mx="mx.good.test")
        host = self.mx("good")
        submit(self.server, ["bob@good.test"])
        self.assertTrue(self.expect(host, 1)[0].tls)
        self.assertIn("MTA-STS: the policy of good.test, enforced", self.trace_of("bob@good.test", "enforced"))
        self.assertIn(("mta-sts.good.test", "/.well-known/mta-sts.txt"), self.web.asked)
        # Known by now: the web server is not asked again, and not needed.
        asked = len(self.web.asked)
        submit(self.server, ["bob@good.test"])
        self.expect(host, 2)
        self.assertEqual(len(self.web.asked), asked)

    def test_a_host_that_the_policy_does_not_name(self):
        self.publish(mx="mail.elsewhere.test")
        self.assert_stays("badmx", self.mx("badmx"), "MTA-STS: the policy of badmx.test does not name mx.badmx.test")

    def test_a_certificate_for_another_name(self):
        self.publish(mx="mx.badcert.test")
        host = self.mx("badcert", self.authority.issue("mx.elsewhere.test"))
        text = self.assert_stays("badcert", host, "mx.elsewhere.test")
        self.assertIn("MTA-STS: the policy of badcert.test, enforced", text)

    def test_starttls_taken_away(self):
        self.publish(mx="mx.stripped.test")
        self.assert_stays("stripped", self.mx("stripped", None), "STARTTLS")

    def test_a_policy_being_tested_stops_nothing(self):
        self.publish(mode="testing", mx="mail.elsewhere.test")
        host = self.mx("testing", self.authority.issue("mx.elsewhere.test"))
        submit(self.server, ["bob@testing.test"])
        self.assertTrue(self.expect(host, 1)[0].tls)
        self.assertIn("being tested", self.trace_of("bob@testing.test", "being tested"))

    def test_a_web_server_that_fails_delays_nothing(self):
        self.publish(status=500)
        host = self.mx("broken")
        submit(self.server, ["bob@broken.test"])
        self.expect(host, 1)
        self.assertIn("HTTP status 500", self.trace_of("bob@broken.test", "HTTP status"))

    def test_a_web_server_with_a_wrong_certificate_is_not_believed(self):
        self.publish(mx="mail.elsewhere.test", web=self.webs[1])
        host = self.mx("wrongweb")
        submit(self.server, ["bob@wrongweb.test"])
        self.expect(host, 1)
        self.assertIn("www.wrongweb.test", self.trace_of("bob@wrongweb.test", "www.wrongweb.test"))

    def test_policy_survives_a_restart(self):
        self.publish(mx="mx.changing.test")
        host = self.mx("changing")
        submit(self.server, ["bob@changing.test"])
        self.expect(host, 1)
        self.server.stop()
        self.web.pages.clear()
        self.server.start()
        host.certificate = None
        self.assert_stays_after(host)

    def assert_stays_after(self, host):
        submit(self.server, ["carol@changing.test"])
        self.assertIn("STARTTLS", self.trace_of("carol@changing.test", "STARTTLS"))
        self.assertEqual(len(host.messages), 1)


if __name__ == "__main__":
    unittest.main()
