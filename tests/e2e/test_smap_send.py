"""Mail that is sent, saved, or both by SMAP's ADD: it arrives here and at another server, signed, and the copy that is kept has its Bcc; and what
becomes of clients that send too much or read too little."""

import os
import re
import socket
import time

from harness import DOMAIN, PASSWORD, ServerTestCase
from smap_client import SmapClient
from test_relay import inbox
from test_signing import SigningTestCase

ALICE = f"alice@{DOMAIN}"
BOB = f"bob@{DOMAIN}"


def sign_in(test, server, user=ALICE, tls=True):
    client = SmapClient.connect(server.ports["imap" if tls else "imap_plain"])
    test.addCleanup(client.close)
    if tls:
        client.starttls()
    client.login(user, PASSWORD)
    return client


def mail(subject, to, extra="", body="hello\n"):
    return f"From: {ALICE}\nTo: {to}\n{extra}Subject: {subject}\n\n{body}".encode()


class Sending(SigningTestCase):
    MORE = ""

    def expect_ok(self, reply):
        self.assertTrue(reply.ok, f"{reply}\n{self.server.log(20)}")
        return reply

    def test_sent_here_and_elsewhere_and_kept(self):
        domain, host = self.destination()
        had = len(inbox(self.server, "bob"))
        client = sign_in(self, self.server)
        self.expect_ok(client.command(f'ADD "MAILFROM={ALICE}"'))
        for recipient in (BOB, f"carol@{domain}", f"dora@{domain}"):
            self.expect_ok(client.command(f'ADD "RCPTTO={recipient}"'))
        self.expect_ok(client.command('ADD FOLDER  "INBOX" "Sent" "" FLAGS=SEEN'))
        reply = self.expect_ok(client.add("", mail("both", BOB, extra=f"Bcc: dora@{domain}\n", body="Grüße\n.dot\n")))
        self.assertRegex(reply.lines[0], r'^ADD "UID=[0-9]+/[0-9]+"$')
        # Acknowledged is stored: here it is there already.
        here = inbox(self.server, "bob")
        self.assertEqual(len(here), had + 1)
        far = self.expect(host, 1)[0]
        self.assertEqual((far.sender, sorted(far.recipients)), (ALICE, [f"carol@{domain}", f"dora@{domain}"]))
        self.expect_signed(far.content)
        for content in (here[-1], far.content):
            self.assertNotIn(b"Bcc:", content)
            self.assertIn(b"\r\nMessage-ID: ", content)
            self.assertTrue(content.endswith("\r\n\r\nGrüße\r\n.dot\r\n".encode()), content)
        self.expect_ok(client.command("OPEN INBOX Sent"))
        kept = self.expect_ok(client.command("FETCH 1 FLAGS CONTENTS.PEEK=ALL"))
        self.assertEqual(kept.lines, ["FETCH 1 FLAGS=SEEN"])
        # What is kept is what was sent, with the same Message-ID; but for Bcc, which only the sender's own copy has.
        copy = kept.parts[0][1]
        added = re.search(rb"^Message-ID: [^\n]*\nDate: [^\n]*\n", copy, re.MULTILINE)
        self.assertTrue(added, copy)
        self.assertEqual(copy.replace(added[0], b""), mail("both", BOB, extra=f"Bcc: dora@{domain}\n", body="Grüße\n.dot\n"))
        for content in (here[-1], far.content):
            self.assertIn(added[0].replace(b"\n", b"\r\n"), content)
        # [SMAP1 15] The UID that ADD gave is the message's.
        uid = client.command("FETCH 1 UID").lines[0]
        self.assertEqual(uid.split('"UID=')[1], reply.lines[0].split('"UID=')[1])

    def test_nobody_gets_what_somebody_may_not_have(self):
        domain, host = self.destination()
        had = len(inbox(self.server, "bob"))
        client = sign_in(self, self.server)
        refused = {
            f"ADD MAILFROM={BOB}": "somebody else", "ADD RCPTTO=-oX": "an option", "ADD RCPTTO=-bs@": "an option", f"ADD RCPTTO=nosuch@{DOMAIN}": "nobody",
            f'ADD "RCPTTO={BOB} NOTIFY=NEVER"': "a parameter", "ADD RCPTTO=": "nothing", "ADD NOTIFY=ALWAYS": "no such option", "ADD FOLDER INBOX nosuch \"\"": "no folder",
        }
        for command, what in refused.items():
            self.assertFalse(client.command(command).ok, what)
        self.assertFalse(client.add("", b"x\n").ok)
        # From names somebody else: nothing is sent, and nothing saved.
        for address in (BOB, f"carol@{domain}"):
            self.expect_ok(client.command(f"ADD RCPTTO={address}"))
        forged = client.add('FOLDER INBOX Drafts ""', mail("forged", BOB).replace(ALICE.encode(), BOB.encode(), 1))
        self.assertFalse(forged.ok)
        self.assertEqual(forged.lines, [])
        self.assertEqual(client.command("STATUS FULL INBOX Drafts").lines, ["STATUS EXISTS=0 UNSEEN=0"])
        self.assertEqual(len(inbox(self.server, "bob")), had)
        self.assertEqual(host.wait_for(1, seconds=1), [])


class Streams(ServerTestCase):
    """Big messages, and clients that are no good."""

    BIG = 20_000_000

    @classmethod
    def setUpClass(cls):
        # What AddressSanitizer keeps of freed memory is not to be counted.
        os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=8"
        super().setUpClass()

    def memory(self):
        with open(f"/proc/{self.server.process.pid}/status", encoding="ascii") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmRSS")) // 1024

    def test_a_big_message_there_and_back(self):
        client = sign_in(self, self.server, tls=False)
        message = b"Subject: big\n\n" + b"0123456789abcde\n" * (self.BIG // 16)
        self.assertTrue(client.add('FOLDER INBOX ""', message).ok)
        self.assertTrue(client.command("OPEN INBOX").ok)
        before = self.memory()
        reply = client.command("FETCH 1 CONTENTS.PEEK=ALL")
        self.assertTrue(reply.ok)
        self.assertEqual(reply.parts[0][1], message)
        # A client that stops reading in the middle costs some buffers, not the message.
        others = [sign_in(self, self.server, tls=False) for _ in range(8)]
        for other in others:
            self.assertTrue(other.command("OPEN INBOX").ok)
            other.send("FETCH 1 CONTENTS.PEEK=ALL\n")
            self.assertTrue(other.line().startswith(b"{"))
        time.sleep(1)
        self.assertLess(self.memory() - before, 100)  # of 180 that they want
        # And everybody else is served meanwhile.
        self.assertTrue(client.command("FETCH 1 UID").ok)

    def test_an_upload_without_an_end(self):
        client = sign_in(self, self.server, BOB, tls=False)
        client.send('ADD FOLDER INBOX "" {.100}\n')
        self.assertTrue(client.line().startswith(b"> "))
        before, sent = self.memory(), 0
        piece = b"0123456789abcde\n" * 4096
        with self.assertRaises(OSError):
            while sent < 200_000_000:
                client.send(piece)
                sent += len(piece)
        self.assertGreater(sent, 50_000_000)
        self.assertLess(self.memory() - before, 60)
        again = sign_in(self, self.server, BOB, tls=False)
        self.assertEqual(again.command("STATUS FULL INBOX").lines, ["STATUS EXISTS=0 UNSEEN=0"])

    def test_chunks_cut_anywhere(self):
        client = sign_in(self, self.server, BOB, tls=False)
        client.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.send('ADD FOLDER INBOX Drafts "" {5/30}\n')
        self.assertTrue(client.line().startswith(b"> "))
        for byte in b"A: 1\n" + b"3\n" + b"\nab" + b"4 \nc\nd\n" + b"\n":
            client.send(bytes([byte]))
        self.assertTrue(client.reply().ok)
        self.assertTrue(client.command("OPEN INBOX Drafts").ok)
        self.assertEqual(client.command("FETCH 1 CONTENTS.PEEK=ALL").parts[0][1], b"A: 1\n\nabc\nd\n")
