"""DKIM signatures of mail on its way out, as the next server sees them: verified by dkimpy and by OpenDKIM's tools."""

import base64
import hashlib
import json
import os
import re
import smtplib
import subprocess
import tempfile
import unittest

from dns_zone import Dns
from harness import DOMAIN, PASSWORD, Server, message
from test_relay import RelayTestCase, settings, submit, wait_for_inbox

HERE = os.path.dirname(os.path.abspath(__file__))
EIGHT_BIT = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
BIG = 30_000_000


def signatures(content):
    """The DKIM-Signature fields of a message, each as {tag: value}."""
    header = re.sub(rb"\r\n[ \t]+", b" ", content.split(b"\r\n\r\n", 1)[0]).decode("latin-1")
    fields = [line.split(":", 1)[1] for line in header.split("\r\n") if line.lower().startswith("dkim-signature:")]
    return [{tag.strip(): "".join(value.split()) for tag, value in (part.split("=", 1) for part in field.split(";") if "=" in part)} for field in fields]


def keys_of(server, domain=DOMAIN):
    """Name and text of the key records, as `domain dns` prints them."""
    shown = server.admin("domain", "dns", domain).stdout
    found = re.findall(r"^(\S+_domainkey\S+)\.\s+IN\s+TXT\s+(.*)$", shown, re.M)
    return {name: "".join(re.findall(r'"([^"]*)"', text)) for name, text in found}


def ask_dkimpy(content, keys):
    """What it says of each signature."""
    with tempfile.TemporaryDirectory(prefix="posthorn-signing-") as folder:
        with open(os.path.join(folder, "keys.json"), "w", encoding="utf-8") as f:
            json.dump(keys, f)
        with open(os.path.join(folder, "message"), "wb") as f:
            f.write(content)
        done = subprocess.run(["/usr/bin/python3", os.path.join(HERE, "dkimpy_verify.py"), os.path.join(folder, "keys.json"), os.path.join(folder, "message")],
                              capture_output=True, text=True, timeout=600)
        if done.returncode:
            raise AssertionError(done.stderr)
        return json.loads(done.stdout)


def ask_opendkim(content, keys, folder):
    """The same; `folder` is for its files."""
    with open(os.path.join(folder, "keys.txt"), "w", encoding="utf-8") as f:
        f.writelines(f"{name} {text}\n" for name, text in keys.items())
    with open(os.path.join(folder, "conf"), "w", encoding="utf-8") as f:
        f.write(f"TestPublicKeys {folder}/keys.txt\nMode v\nSyslog no\nAlwaysAddARHeader yes\n")
    with open(os.path.join(folder, "message"), "wb") as f:
        f.write(content)
    done = subprocess.run(["/usr/sbin/opendkim", "-x", os.path.join(folder, "conf"), "-v", "-v", "-t", os.path.join(folder, "message")],
                          capture_output=True, timeout=600)
    return re.findall(rb"\bdkim=(\w+)", done.stdout)


class SigningTestCase(RelayTestCase):
    def verify(self, content, count=2):
        """All signatures are good for dkimpy, and there are so many."""
        self.assertEqual(ask_dkimpy(content, keys_of(self.server)), [True] * count, content[:3000].decode("latin-1"))

    def verify_by_opendkim(self, content, count=2):
        with tempfile.TemporaryDirectory(prefix="posthorn-signing-") as folder:
            self.assertEqual(ask_opendkim(content, keys_of(self.server), folder), [b"pass"] * count)

    def expect_signed(self, content, count=2):
        self.verify(content, count)
        self.verify_by_opendkim(content, count)


class Signing(SigningTestCase):
    MORE = '[smtp]\nrelay_networks = "127.0.0.99"\nxclient_networks = "127.0.0.0/8"\n'

    def relayed(self, sender, recipients, content):
        """From a client of the relay networks."""
        with smtplib.SMTP("127.0.0.1", self.server.ports["smtp_plain"], timeout=60) as smtp:
            smtp.ehlo("client.test")
            self.assertEqual(smtp.docmd("XCLIENT", "ADDR=127.0.0.99")[0], 220)
            smtp.ehlo("client.test")
            return smtp.sendmail(sender, recipients, content)

    def test_both_keys_sign(self):
        domain, host = self.destination()
        submit(self.server, [f"bob@{domain}"], message("signed", body="Hello  there \r\n\r\n..two dots\r\n.\r\n. one\r\n\r\n\r\n", to=f"bob@{domain}"))
        got = self.expect(host, 1)[0].content
        self.assertTrue(got.startswith(b"DKIM-Signature: "), got[:100])
        self.expect_signed(got)
        found = signatures(got)
        self.assertEqual([s["a"] for s in found], ["rsa-sha256", "ed25519-sha256"])
        self.assertEqual({s["d"] for s in found}, {DOMAIN})
        self.assertEqual(found[0]["h"].lower().split(":").count("from"), 2)

    def test_as_8_bit_and_converted(self):
        text = message("Grüße", body="Schöne Grüße\r\n.äöü\r\n", extra=EIGHT_BIT).decode().replace("Subject: Grüße", "Subject: hello").encode()
        seven, with_seven = self.destination(extensions=("PIPELINING",))
        eight, with_eight = self.destination()
        submit(self.server, [f"bob@{seven}", f"bob@{eight}"], text, options=["BODY=8BITMIME"])
        converted, kept = self.expect(with_seven, 1)[0].content, self.expect(with_eight, 1)[0].content
        self.assertIn("Schöne Grüße".encode(), kept)
        self.assertTrue(converted.isascii())
        self.expect_signed(kept)
        self.expect_signed(converted)
        self.assertNotEqual(signatures(kept)[0]["bh"], signatures(converted)[0]["bh"])

    def test_a_last_line_without_its_end(self):
        domain, host = self.destination(extensions=("8BITMIME",))
        submit(self.server, [f"bob@{domain}"], message("no last line end", body="x", to=f"bob@{domain}"))
        self.expect_signed(self.expect(host, 1)[0].content)

    def test_a_huge_message(self):
        domain, host = self.destination()
        line = b"0123456789abcdef " * 4 + b"\r\n"
        submit(self.server, [f"bob@{domain}"], message("huge", to=f"bob@{domain}") + line * (BIG // len(line)))
        got = self.expect(host, 1)[0].content
        self.assertGreater(len(got), BIG)
        self.expect_signed(got)

    def test_one_signature_for_all_destinations(self):
        hosts = [self.destination() for _ in range(6)]
        submit(self.server, [f"bob@{domain}" for domain, _ in hosts])
        got = [self.expect(host, 1)[0].content for _, host in hosts]
        self.assertEqual(len({signatures(content)[0]["b"] for content in got}), 1)
        self.verify(got[0])

    def test_reports_are_signed(self):
        domain, host = self.destination()
        host.says["RCPT"] = ["550 5.1.1 nobody", ""]
        self.relayed(f"someone@{domain}", [f"nobody@{domain}"], message("comes back", sender=f"someone@{domain}"))
        report = self.expect(host, 1)[0]
        self.assertEqual(report.sender, "")
        if f"@{DOMAIN}" in (report.header("From") or ""):
            self.verify(report.content)
        else:
            self.assertEqual(signatures(report.content), [])

    def test_a_trusted_network_is_signed_for(self):
        domain, host = self.destination()
        self.relayed(f"cron@{DOMAIN}", [f"bob@{domain}"], message("from a machine", sender=f"cron@{DOMAIN}"))
        self.expect_signed(self.expect(host, 1)[0].content)

    def test_who_is_not_signed_for(self):
        domain, host = self.destination()
        self.server.admin("alias", "add", f"onward@{DOMAIN}", f"bob@{domain}")
        forged = message("forged", sender=f"alice@{DOMAIN}")
        self.server.send(forged, [f"onward@{DOMAIN}"], sender="outside@elsewhere.test")
        self.relayed("outside@elsewhere.test", [f"onward@{DOMAIN}"], forged)
        self.relayed("outside@elsewhere.test", [f"bob@{domain}"], message("of another domain", sender="outside@elsewhere.test"))
        for got in self.expect(host, 3):
            self.assertEqual(signatures(got.content), [])

    def test_not_in_mailboxes_here(self):
        report = self.new_mails(1)
        submit(self.server, [f"alice@{DOMAIN}"])
        self.assertEqual(signatures(report()[0]), [])

    def test_what_is_signed_already_is_not_signed_again(self):
        domain, host = self.destination()
        submit(self.server, [f"bob@{domain}"])
        once = self.expect(host, 1)[0].content
        submit(self.server, [f"bob@{domain}"], once)
        twice = self.expect(host, 2)[1].content
        self.assertEqual(len(signatures(twice)), 2)
        self.verify(twice)

    def test_the_next_keys_sign_once_they_are_active(self):
        domain, host = self.destination()
        submit(self.server, [f"bob@{domain}"])
        before = signatures(self.expect(host, 1)[0].content)
        self.server.admin("domain", "dkim", "rotate", DOMAIN, "--activate")
        submit(self.server, [f"bob@{domain}"])
        after = self.expect(host, 2)[1].content
        self.assertFalse({s["s"] for s in before} & {s["s"] for s in signatures(after)})
        self.expect_signed(after)


class Binary(unittest.TestCase):
    """From one Posthorn to another, which takes BINARYMIME: nothing of the message is changed, bare CR and LF included."""

    def test_binary_content(self):
        dns = Dns()
        self.addCleanup(dns.stop)
        dns.zone("far.test", "@ MX 10 mx\nmx A 127.0.0.1", sign="no")
        dns.start()
        far, near = Server(), Server(settings(dns, 1))
        for server in (far, near):
            self.addCleanup(server.remove)
        with open(near.config, encoding="utf-8") as f:
            config = f.read().replace("port = 1\n", f"port = {far.ports['smtp']}\n", 1)
        with open(near.config, "w", encoding="utf-8") as f:
            f.write(config)
        for server in (far, near):
            server.create_accounts()
        far.admin("domain", "add", "far.test")
        far.admin("alias", "add", "bob@far.test", f"bob@{DOMAIN}")
        for server in (far, near):
            server.start()
        text = message("binary", to="bob@far.test", body="", extra="MIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n")
        text += b"\n\n\rone\rtwo \t \n\xff\x80\r\n.\r\nthree\n" * 1000
        with smtplib.SMTP("127.0.0.1", near.ports["submission_plain"], timeout=60) as smtp:
            smtp.ehlo("client.test")
            smtp.login(f"alice@{DOMAIN}", PASSWORD)
            self.assertEqual(smtp.docmd("MAIL", f"FROM:<alice@{DOMAIN}> BODY=BINARYMIME")[0], 250)
            self.assertEqual(smtp.docmd("RCPT", "TO:<bob@far.test>")[0], 250)
            smtp.send(f"BDAT {len(text)} LAST\r\n".encode() + text)
            self.assertEqual(smtp.getreply()[0], 250)
        got = wait_for_inbox(far, 1, "bob")
        self.assertEqual(len(got), 1, near.log(30))
        self.assertIn(text.split(b"\r\n\r\n", 1)[1], got[0])
        # The verifiers make lines of bare CR and LF before they look, so their answer would be about another message.
        body = re.sub(rb"[ \t]+", b" ", re.sub(rb"[ \t]+(?=\r\n)", b"", got[0].split(b"\r\n\r\n", 1)[1]))
        body = re.sub(rb"(\r\n)*\Z", b"\r\n", body, count=1)
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        self.assertEqual([s["bh"] for s in signatures(got[0])], [digest] * 2)
        for server in (near, far):
            server.stop()
            server.check_store()


class Unsigned(SigningTestCase):
    MORE = "[dkim]\nsign = false\n"

    def test_nothing_is_signed(self):
        domain, host = self.destination()
        submit(self.server, [f"bob@{domain}"])
        self.assertEqual(signatures(self.expect(host, 1)[0].content), [])


if __name__ == "__main__":
    unittest.main()
