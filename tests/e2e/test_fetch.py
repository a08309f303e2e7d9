"""FETCH gives the same however it is answered: of one message, of many from packed columns, from bytes read at once, or streamed."""

import base64
import imaplib
import quopri
import random
import re
import unittest

from harness import DOMAIN, PASSWORD, ServerTestCase

ALICE = f"alice@{DOMAIN}"
ITEMS = ("ENVELOPE", "BODYSTRUCTURE", "BODY", "BODY.PEEK[]", "BODY.PEEK[HEADER]", "BODY.PEEK[TEXT]", "BODY.PEEK[1]", "BODY.PEEK[1.MIME]", "RFC822.SIZE",
         "BODY.PEEK[HEADER.FIELDS (FROM SUBJECT DATE)]", "BODY.PEEK[HEADER.FIELDS (FROM X-ODD)]", "BODY.PEEK[HEADER.FIELDS.NOT (FROM)]",
         "BODY.PEEK[HEADER.FIELDS (SUBJECT)]<3.20>", "BODY.PEEK[]<70000.70000>", "BINARY.PEEK[1]", "BINARY.PEEK[1]<1000.1500000>", "BINARY.SIZE[1]",
         "BINARY.PEEK[]<5.50>", "PREVIEW", "(EMAILID THREADID SAVEDATE INTERNALDATE FLAGS)",
         "(BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY.PEEK[1]<0.10>)", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)] ENVELOPE)")


def bodies():
    """Content-Transfer-Encoding, body, and what it decodes to."""
    rng = random.Random(7)
    for size in [0, 1, 1000, 5000, 60_000, 70_000, 300_000, 1_500_000, 3_000_000] + [100] * 40:
        text = b"".join(b"line %d of text\r\n" % rng.randrange(1000) for _ in range(size // 18))
        yield "7bit", text, text
    for size in (0, 10, 50_000, 200_000, 1_200_000):
        data = rng.randbytes(size)
        yield "base64", base64.encodebytes(data).replace(b"\n", b"\r\n"), data
        data = b"caf\xe9 \x00 line\r\n" * (size // 12)
        yield "quoted-printable", quopri.encodestring(data.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n"), data


def messages():
    for number, (encoding, body, decoded) in enumerate(bodies()):
        odd = "X-Odd: " + "\r\n folded" * (number % 5) + "\r\n" if number % 3 else ""
        header = (f"From: Somebody {number} <s{number}@example.test>\r\n{odd}Subject: number {number}\r\n"
                  f"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n"
                  f"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n").encode()
        yield header + body, decoded


def answers(client, numbers, item):
    """The responses as bytes, by sequence number."""
    done, data = client.fetch(numbers, item)
    assert done == "OK", data
    out, current = {}, None
    for part in data:
        if isinstance(part, tuple):
            head, literal = part
            if number := re.match(rb"(\d+) \(", head):
                current = int(number[1])
            out[current] = out.get(current, b"") + head + b"\r\n" + literal
        else:
            if number := re.match(rb"(\d+) \(", part):
                current = int(number[1])
            out[current] = out.get(current, b"") + part
    return out


class Fetch(ServerTestCase):
    def test_every_way(self):
        client = imaplib.IMAP4("127.0.0.1", self.port("imap_plain"), timeout=120)
        client.login(ALICE, PASSWORD)
        stored = list(messages())
        for text, _ in stored:
            self.assertEqual(client.append("INBOX", None, None, text)[0], "OK")
        client.select(readonly=True)
        for item in ITEMS:
            with self.subTest(item=item):
                many = answers(client, "1:*", item)
                self.assertEqual(len(many), len(stored))
                for number in range(1, len(stored) + 1):
                    self.assertEqual(many[number], answers(client, str(number), item)[number])
        whole = answers(client, "1:*", "BODY.PEEK[]")
        for number, (text, _) in enumerate(stored, 1):
            self.assertEqual(whole[number], b"%d (BODY[] {%d}\r\n" % (number, len(text)) + text + b")")
        client.logout()

    def test_binary(self):
        client = imaplib.IMAP4("127.0.0.1", self.port("imap_plain"), timeout=120)
        client.login(ALICE, PASSWORD)
        client.create("Binary")
        stored = list(messages())
        for text, _ in stored:
            client.append("Binary", None, None, text)
        client.select("Binary", readonly=True)
        sizes = answers(client, "1:*", "BINARY.SIZE[1]")
        client.send(b"b1 FETCH 1:* (BINARY.PEEK[1])\r\n")  # imaplib does not know literal8
        file = client.file
        for number, (_, decoded) in enumerate(stored, 1):
            self.assertEqual(sizes[number], b"%d (BINARY.SIZE[1] %d)" % (number, len(decoded)))
            if not decoded:
                self.assertEqual(file.readline(), b'* %d FETCH (BINARY[1] "")\r\n' % number)
                continue
            sign = b"~" if b"\0" in decoded else b""
            self.assertEqual(file.readline(), b"* %d FETCH (BINARY[1] %s{%d}\r\n" % (number, sign, len(decoded)))
            self.assertEqual(file.read(len(decoded)), decoded)
            self.assertEqual(file.readline(), b")\r\n")
        self.assertTrue(file.readline().startswith(b"b1 OK"))


if __name__ == "__main__":
    unittest.main()
