"""TLS reports: counted while mail is sent, and brought by mail and by https to who asks for them."""

import email
import gzip
import json
import re
import shutil
import tempfile
import time
import unittest

from harness import DOMAIN, free_ports
from smtp_host import Host
from test_relay import RelayTestCase, submit
from web_host import Authority, Web

POLICY = "version: STSv1\r\nmode: testing\r\nmx: mx.{name}.test\r\nmax_age: 604800\r\n"


class TlsReports(RelayTestCase):
    DOMAINS = {"fine": 40, "wrong": 41, "clear": 42, "late": 43, "silent": 44}

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="posthorn-tlsrpt-")
        cls.authority = Authority(cls.directory)
        cls.web_port = free_ports(1)[0]
        rua = {"fine": f"mailto:tls@reports.test,https://web.reports.test:{cls.web_port}/fine", "wrong": "mailto:tls@reports.test",
               "clear": f"https://web.reports.test:{cls.web_port}/clear", "late": "mailto:tls@reports.test"}
        cls.ZONES = {"reports.test": f"@ MX 10 mx\nmx A 127.0.0.45\nweb A 127.0.0.140\n_smtp._tls TXT \"v=TLSRPTv1; rua=mailto:tls@reports.test\""}
        for name, number in cls.DOMAINS.items():
            cls.ZONES[f"{name}.test"] = f'@ MX 10 mx\nmx A 127.0.0.{number}\nmta-sts A 127.0.0.140\n_mta-sts TXT "v=STSv1; id=1;"'
            if name in rua:
                cls.ZONES[f"{name}.test"] += f'\n_smtp._tls TXT "v=TLSRPTv1; rua={rua[name]}"'
        cls.MORE = (f'ca_file = "{cls.authority.file}"\n[mta_sts]\nport = {cls.web_port}\n[tls_reports]\nperiod = "3 s"\ndelay = "0 s"\n')
        cls.web = Web("127.0.0.140", cls.web_port, cls.authority.issue("web.reports.test", *[f"mta-sts.{name}.test" for name in cls.DOMAINS]))
        try:
            super().setUpClass()
        except BaseException:
            cls.web.stop()
            raise
        # It takes reports, and has no TLS itself; all the time, for a host that was away is left alone for a while.
        cls.reports = Host("127.0.0.45", cls.port)

    @classmethod
    def tearDownClass(cls):
        cls.web.stop()
        super().tearDownClass()
        cls.reports.stop()
        shutil.rmtree(cls.directory, ignore_errors=True)

    def publish(self, name):
        self.web.pages["/.well-known/mta-sts.txt"] = (200, "text/plain", POLICY.format(name=name).encode())

    def mailed(self, domain):
        """Reports about a domain that have come by mail: message and JSON."""
        out = []
        for got in list(self.reports.messages):
            mail = email.message_from_bytes(got.content)
            if mail["TLS-Report-Domain"] == domain:
                out.append((got, mail, json.loads(gzip.decompress(mail.get_payload()[1].get_payload(decode=True)))))
        return out

    def posted(self, path):
        return [(kind, json.loads(body)) for where, kind, body in list(self.web.posted) if where == path]

    def wait(self, what, seconds=60):
        deadline = time.monotonic() + seconds
        while not what() and time.monotonic() < deadline:
            time.sleep(0.2)
        found = what()
        self.assertTrue(found, self.server.log())
        return found

    def test_success_by_mail_and_https(self):
        self.publish("fine")
        host = self.host(40, certificate=self.authority.issue("mx.fine.test"))
        submit(self.server, ["bob@fine.test"])
        self.expect(host, 1)
        got, mail, report = self.wait(lambda: self.mailed("fine.test"))[0]
        self.assertEqual(got.sender, "")
        self.assertEqual(got.recipients, ["tls@reports.test"])
        self.assertEqual(mail["TLS-Report-Submitter"], DOMAIN)
        self.assertEqual(re.sub(r"\r?\n\s", " ", mail["Subject"]), f"Report Domain: fine.test Submitter: {DOMAIN} Report-ID: <{report['report-id']}>")
        self.assertEqual(mail.get_content_type(), "multipart/report")
        self.assertEqual(mail.get_param("report-type"), "tlsrpt")
        self.assertEqual(mail.get_payload()[1].get_content_type(), "application/tlsrpt+gzip")
        self.assertIn("DKIM-Signature", mail)
        self.assertIn(f"d={DOMAIN}", mail["DKIM-Signature"].replace(" ", ""))
        self.assertEqual(report["policies"], [{
            "policy": {"policy-type": "sts", "policy-string": ["version: STSv1", "mode: testing", "mx: mx.fine.test", "max_age: 604800"],
                       "policy-domain": "fine.test", "mx-host": ["mx.fine.test"]},
            "summary": {"total-successful-session-count": 1, "total-failure-session-count": 0}}])
        kind, same = self.wait(lambda: self.posted("/fine"))[0]
        self.assertEqual(kind, "application/tlsrpt+gzip")
        self.assertEqual(same, report)

    def test_failures_with_their_reason(self):
        self.publish("wrong")
        host = self.host(41, certificate=self.authority.issue("mx.elsewhere.test"))
        submit(self.server, ["bob@wrong.test"])
        self.expect(host, 1)
        report = self.wait(lambda: self.mailed("wrong.test"))[0][2]
        policy = report["policies"][0]
        self.assertEqual(policy["summary"]["total-failure-session-count"], 1)
        detail = policy["failure-details"][0]
        self.assertEqual(detail["result-type"], "certificate-host-mismatch")
        self.assertEqual(detail["receiving-mx-hostname"], "mx.wrong.test")
        self.assertEqual(detail["receiving-ip"], "127.0.0.41")
        self.assertTrue(detail["sending-mta-ip"].startswith("127."))
        self.assertIn("mx.elsewhere.test", detail["failure-reason-code"])

    def test_no_starttls(self):
        self.publish("clear")
        host = self.host(42)
        submit(self.server, ["bob@clear.test"])
        self.expect(host, 1)
        report = self.wait(lambda: self.posted("/clear"))[0][1]
        self.assertEqual(report["policies"][0]["failure-details"][0]["result-type"], "starttls-not-supported")

    def test_counts_survive_a_restart(self):
        self.publish("late")
        host = self.host(43, certificate=self.authority.issue("mx.late.test"))
        submit(self.server, ["bob@late.test"])
        self.expect(host, 1)
        self.server.stop()
        self.server.start()
        self.assertEqual(sum(p["summary"]["total-successful-session-count"] for _, _, r in self.wait(lambda: self.mailed("late.test")) for p in r["policies"]), 1)

    def test_who_does_not_ask_gets_none_and_reports_beget_none(self):
        self.publish("silent")
        host = self.host(44, certificate=self.authority.issue("mx.silent.test"))
        submit(self.server, ["bob@silent.test"])
        self.expect(host, 1)
        self.publish("wrong")
        other = self.host(41, certificate=self.authority.issue("mx.wrong.test"))
        submit(self.server, ["bob@wrong.test"])
        self.expect(other, 1)
        self.wait(lambda: self.mailed("wrong.test"))
        time.sleep(8)  # more than two periods
        self.assertEqual(self.mailed("silent.test"), [])
        self.assertEqual(self.mailed("reports.test"), [], "reports have gone there without TLS, and nobody complains")


if __name__ == "__main__":
    unittest.main()
