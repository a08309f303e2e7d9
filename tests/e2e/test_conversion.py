"""What is converted for hosts without 8BITMIME or BINARYMIME, and what notifications say, read by Python's `email`: the ugly messages of
tests/corpus and generated ones decode to the same content, and the notifications about them are multipart/report.

POSTHORN_CORPUS_SEED=N begins the generated ones at another seed, POSTHORN_CORPUS_COUNT=N takes another number of them."""

import email
import email.errors
import email.header
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "corpus"))
import corpus  # noqa: E402
import generate  # noqa: E402

FIRST_SEED = int(os.environ.get("POSTHORN_CORPUS_SEED", "1"))
GENERATED = int(os.environ.get("POSTHORN_CORPUS_COUNT", "500"))
PROGRAM = os.path.join(os.path.dirname(os.environ.get("POSTHORN_BINARY", "build/asan/posthorn")), "message_test")
LINE_LIMIT = 998
SUBJECTS = ("Grüße", "Grüße aus  Bonn", "a ä b ö c", "ä ö", "Ελληνικά και English", "日本語の件名はここにあります、とても長い件名です。" * 4, "📯 📯", "=ä?= =?")


def leaves(message):
    """(type, content) of everything that is neither a multipart nor a message."""
    payload = message.get_payload()
    if isinstance(payload, list):
        return [leaf for part in payload for leaf in leaves(part)]
    return [(message.get_content_type(), message.get_payload(decode=True))]


def content(leaf):
    """Without the line end that a message may get at its very end."""
    return leaf[0], (leaf[1] or b"").rstrip(b"\r\n")


def text_of(header):
    """As a reader sees it; raw bytes that are not UTF-8 have no meaning that could be kept."""
    if header is None:
        return None
    out = ""
    for word, charset in email.header.decode_header(re.sub(r"\r?\n", "", str(header))):
        if isinstance(word, bytes):
            word = word.decode("utf-8" if charset in (None, "unknown-8bit") else charset, "replace")
        out += word
    return out


def parts(message):
    yield message
    if isinstance(message.get_payload(), list):
        for part in message.get_payload():
            yield from parts(part)


def reads_as_we_do(original):
    """README.md of src/message: Python begins the text at a line of a header that is no field, we pass it over; with junk behind it a
    delimiter is none for Python. And for Python a CR alone ends a line [RFC5322 2.2]."""
    if re.search(rb"\r(?!\n)|(?m:^--.*[\x80-\xFF])", original):
        return False
    message = email.message_from_bytes(original)
    return not any(isinstance(d, email.errors.MissingHeaderBodySeparatorDefect) for p in parts(message) for d in p.defects)


def is_plain_utf8(raw):
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"=?" not in raw


@unittest.skipUnless(os.path.exists(PROGRAM), "the unit tests are not built")
class Conversion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.messages = {f"{m.area}-{m.name}": m.bytes for m in corpus.load()}
        for seed in range(FIRST_SEED, FIRST_SEED + GENERATED):
            cls.messages[f"seed-{seed}"] = generate.generate(seed)
        for number, subject in enumerate(SUBJECTS):
            cls.messages[f"subject-{number}"] = f"Subject: {subject}\r\n\r\n".encode()
        for name, message in cls.messages.items():
            with open(cls.path(name, "eml"), "wb") as f:
                f.write(message)
        subprocess.run([PROGRAM, "--gtest_filter=ForPython.*"], check=True, stdout=subprocess.DEVNULL,
                       env=os.environ | {"POSTHORN_MESSAGES": cls.folder.name})

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def path(cls, name, extension):
        return os.path.join(cls.folder.name, f"{name}.{extension}")

    def read(self, name, extension):
        with open(self.path(name, extension), "rb") as f:
            return f.read()

    def converted(self, extension):
        """(name, original, converted) of those that were changed."""
        for name, original in self.messages.items():
            out = self.read(name, extension)
            if out != original and not re.match(rb"5\.6\.[23] The message has ", out):
                yield name, original, out

    def check_content(self, extension):
        count = 0
        for name, original, out in self.converted(extension):
            if not reads_as_we_do(original):
                continue
            with self.subTest(name):
                count += 1
                was, now = email.message_from_bytes(original), email.message_from_bytes(out)
                self.assertEqual([content(leaf) for leaf in leaves(now)], [content(leaf) for leaf in leaves(was)])
        return count

    maxDiff = None

    def test_seven_bit(self):
        for name, _, out in self.converted("7bit"):
            with self.subTest(name):
                self.assertTrue(out.isascii() and b"\0" not in out)
                self.assertEqual(re.findall(rb"(?<!\r)\n|\r(?!\n)", out), [])
        self.assertGreater(self.check_content("7bit"), 50)

    def test_eight_bit(self):
        for name, _, out in self.converted("8bit"):
            with self.subTest(name):
                self.assertEqual(re.findall(rb"\0|(?<!\r)\n|\r(?!\n)", out), [])
        self.assertGreater(self.check_content("8bit"), 10)

    def test_subjects_read_the_same(self):
        count = 0
        for name, original, out in self.converted("7bit"):
            raw = re.search(rb"(?im)^subject:((?:.*(?:\r?\n[ \t].*)*))", original.replace(b"\r\n", b"\n").partition(b"\n\n")[0])
            if raw is None or raw[1].isascii() or not is_plain_utf8(raw[1]):
                continue
            with self.subTest(name):
                count += 1
                self.assertEqual(text_of(email.message_from_bytes(out)["Subject"]).strip(), re.sub("\n", "", raw[1].decode()).strip())
        self.assertGreaterEqual(count, len(SUBJECTS) - 1)

    def test_notifications(self):
        for name, original in self.messages.items():
            with self.subTest(name):
                raw = self.read(name, "dsn")
                dsn = email.message_from_bytes(raw)
                self.assertEqual(dsn.get_content_type(), "multipart/report")
                self.assertEqual(dsn.get_param("report-type"), "delivery-status")
                self.assertEqual((dsn["To"], dsn["Auto-Submitted"]), ("<sender@example.org>", "auto-replied"))
                head = raw.partition(b"Content-Type: message/delivery-status")[0]
                self.assertTrue(head.isascii() and max(map(len, head.split(b"\r\n"))) <= LINE_LIMIT)
                human, status, returned = dsn.get_payload()
                self.assertIn("r\u00e4t@example.com", human.get_payload(decode=True).decode(human.get_content_charset()))
                self.assertEqual(status.get_content_type(), "message/delivery-status")
                message_fields, *groups = status.get_payload()
                self.assertEqual(set(message_fields.keys()), {"Original-Envelope-Id", "Reporting-MTA", "Arrival-Date"})
                self.assertEqual(len(groups), 2)
                for group in groups:
                    self.assertEqual(group["Final-Recipient"], r"utf-8; r\x{E4}t@example.com")
                    self.assertEqual((group["Action"], group["Status"]), ("failed", "5.1.1"))
                    self.assertLessEqual(set(group.keys()), {"Final-Recipient", "Action", "Status", "Remote-MTA", "Diagnostic-Code"})
                self.assertIn(returned.get_content_type(), ("message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"))
                if returned.get_content_type() == "message/rfc822":
                    self.assertIn(original, raw)


if __name__ == "__main__":
    unittest.main()
