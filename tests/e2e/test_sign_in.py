"""Signing in by SASL, as foreign clients do it: GNU SASL, Cyrus SASL, and the mail programs built with them."""

import os
import time
import unittest

from harness import PASSWORD, message
from test_clients import ALICE, BOB, ClientTestCase


class SignInTestCase(ClientTestCase):
    def assert_signed_in_by(self, mechanism):
        deadline = time.monotonic() + 10  # the log is written a moment later
        while f"mechanism={mechanism} " not in self.server.log(100).replace("\n", " \n"):
            self.assertLess(time.monotonic(), deadline, self.server.log(30))
            time.sleep(0.05)


class Gsasl(SignInTestCase):
    """GNU SASL's tool is the strictest: it verifies the server's signature and binds to the channel when it can."""

    def sign_in(self, protocol, port, mechanism, *options, password=PASSWORD, status=0):
        return self.run_tool(self.tool("gsasl"), f"--{protocol}", "--connect", f"127.0.0.1:{self.port(port)}", "--mechanism", mechanism,
                             "-a", ALICE, "-p", password, "-z", ALICE, "--x509-ca-file=", "--verbose", *options, stdin=b"", status=status)

    def test_without_tls(self):
        for protocol, port in (("imap", "imap_plain"), ("smtp", "submission_plain")):
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"):
                with self.subTest(protocol=protocol, mechanism=mechanism):
                    self.sign_in(protocol, port, mechanism, "--no-starttls")
                    self.assert_signed_in_by(mechanism)

    def test_bound_to_the_channel(self):
        # TLS 1.3 by tls-exporter, TLS 1.2 by tls-unique.  (With SMTP the tool says STARTTLS without EHLO.)
        for version in ("TLS1.3", "TLS1.2"):
            for mechanism in ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"):
                with self.subTest(mechanism=mechanism, version=version):
                    self.sign_in("imap", "imap", mechanism, "--starttls", f"--priority=NORMAL:-VERS-ALL:+VERS-{version}")
                    self.assert_signed_in_by(mechanism)

    def test_over_tls_unbound(self):
        self.sign_in("imap", "imap", "SCRAM-SHA-256", "--starttls", "--no-cb")
        self.assert_signed_in_by("SCRAM-SHA-256")

    def test_wrong_password(self):
        out = self.sign_in("imap", "imap", "SCRAM-SHA-256-PLUS", "--starttls", password="wrong", status=None)
        self.assertIn("AUTHENTICATIONFAILED", out)
        out = self.sign_in("smtp", "submission_plain", "SCRAM-SHA-256", "--no-starttls", password="wrong", status=None)
        self.assertIn("535 5.7.8", out)


class Msmtp(SignInTestCase):
    def test_scram(self):
        for method in ("scram-sha-256", "scram-sha-1", "on"):
            config = self.path("msmtprc", f"""account default
host 127.0.0.1
port {self.port('submission')}
tls on
tls_starttls on
tls_certcheck off
auth {method}
user {ALICE}
password {PASSWORD}
from {ALICE}
""")
            self.run_tool(self.tool("msmtp"), "-C", config, BOB, stdin=message(f"msmtp-{method}"))
            self.assert_one(f"msmtp-{method}")
            if method != "on":
                self.assert_signed_in_by(method.upper())


class Mpop(SignInTestCase):
    def test_scram(self):
        for method in ("scram-sha-256", "scram-sha-1"):
            self.server.send(message(f"mpop-{method}"), [ALICE])
            box = self.path("mbox")
            config = self.path("mpoprc", f"""account default
host 127.0.0.1
port {self.port('pop3s')}
tls on
tls_starttls off
tls_certcheck off
auth {method}
user {ALICE}
password {PASSWORD}
keep off
uidls_file {self.path('uidls')}
delivery mbox {box}
""")
            self.run_tool(self.tool("mpop"), "-C", config)
            with open(box, encoding="utf-8") as f:
                self.assertIn(f"mpop-{method}", f.read())
            self.assert_signed_in_by(method.upper())


class Mbsync(SignInTestCase):
    """Cyrus SASL."""

    def test_scram(self):
        mbsync = self.tool("mbsync")
        self.server.send(message("mbsync-scram"), [BOB])
        for method in ("SCRAM-SHA-256", "SCRAM-SHA-1"):
            maildir = os.path.join(self.home, method)
            os.makedirs(maildir)
            config = self.path("mbsyncrc", f"""IMAPStore far
Host 127.0.0.1
Port {self.port('imap_plain')}
User {BOB}
Pass "{PASSWORD}"
SSLType None
AuthMechs {method}

MaildirStore near
Path {maildir}/
Inbox {maildir}/INBOX

Channel all
Far :far:
Near :near:
Create Near
SyncState *
""")
            out = self.run_tool(mbsync, "-c", config, "all", status=None)
            if "no mechanism available" in out or "not supported" in out:
                self.skipTest(f"no {method} in this Cyrus SASL")
            self.assert_signed_in_by(method)
            self.assertEqual(len(os.listdir(f"{maildir}/INBOX/new")), 1, out)


if __name__ == "__main__":
    unittest.main()
