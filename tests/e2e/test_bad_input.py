"""Hostile peers: a clear reply or a clean close, bounded memory, and no effect on other sessions."""

import imaplib
import os
import poplib
import smtplib
import socket
import subprocess
import tempfile
import time
import unittest

from harness import DOMAIN, PASSWORD, Server, ServerTestCase, insecure_tls, message

ALICE, BOB = f"alice@{DOMAIN}", f"bob@{DOMAIN}"


class Raw:
    """A socket with lines."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.buffer = b""

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            pass
        return self

    def line(self):
        while b"\n" not in self.buffer:
            try:
                more = self.socket.recv(65536)
            except OSError:
                more = b""
            if not more:
                rest, self.buffer = self.buffer, b""
                return rest
            self.buffer += more
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r")

    def reply(self):
        """The last line of an SMTP reply."""
        while True:
            line = self.line()
            if len(line) < 4 or line[3:4] != b"-":
                return line

    def until(self, tag):
        lines = []
        while True:
            line = self.line()
            lines.append(line)
            if line.startswith(tag) or not line:
                return lines

    def close(self):
        self.socket.close()


class BadInput(ServerTestCase):
    EXTRA = "max_message_size = \"20 MiB\"\n"

    def rss(self):
        with open(f"/proc/{self.server.process.pid}/statm", encoding="ascii") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def assert_alive(self):
        mark = f"alive-{time.monotonic_ns()}"
        self.server.send(message(mark), [BOB])
        client = imaplib.IMAP4_SSL("127.0.0.1", self.port("imaps"), ssl_context=insecure_tls(), timeout=60)
        client.login(BOB, PASSWORD)
        client.select()
        self.assertEqual(len(client.search(None, "SUBJECT", mark)[1][0].split()), 1)
        client.logout()

    def smtp(self):
        raw = Raw(self.port("smtp_plain"))
        self.assertTrue(raw.reply().startswith(b"220"))
        raw.send(b"EHLO me\r\n")
        self.assertTrue(raw.reply().startswith(b"250"))
        return raw

    def imap(self, user=ALICE):
        raw = Raw(self.port("imap_plain"))
        raw.line()
        raw.send(f'l LOGIN {user} "{PASSWORD}"\r\n'.encode())
        self.assertIn(b"l OK", raw.until(b"l ")[-1])
        return raw

    def test_overlong_lines(self):
        raw = self.smtp()
        raw.send(b"A" * 1_000_000 + b"\r\nNOOP\r\n")
        self.assertTrue(raw.reply().startswith(b"500"))
        self.assertTrue(raw.reply().startswith(b"250"))
        pop = Raw(self.port("pop3_plain"))
        pop.line()
        pop.send(b"A" * 1_000_000 + b"\r\nQUIT\r\n")
        self.assertTrue(pop.line().startswith(b"-ERR"))
        imap = self.imap()
        imap.send(b"A" * 1_000_000 + b"\r\n")
        self.assertTrue(imap.line().startswith((b"* BAD", b"* BYE", b"A")))
        self.assert_alive()

    def test_smuggling_ends_nothing(self):
        for ending in (b"\n.\n", b"\n.\r\n", b"\r.\r\n", b"\r.\r", b"\r\n.\n", b"\r\n.\r"):
            raw = self.smtp()
            raw.send(b"MAIL FROM:<a@elsewhere.test>\r\nRCPT TO:<" + BOB.encode() + b">\r\nDATA\r\n")
            for code in (b"250", b"250", b"354"):
                self.assertTrue(raw.reply().startswith(code))
            raw.send(b"Subject: outer\r\n\r\nbody" + ending +
                     b"MAIL FROM:<smuggled@elsewhere.test>\r\nRCPT TO:<" + BOB.encode() + b">\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n")
            raw.reply()
            raw.send(b"QUIT\r\n")
            raw.reply()
            raw.close()
        client = imaplib.IMAP4_SSL("127.0.0.1", self.port("imaps"), ssl_context=insecure_tls(), timeout=60)
        client.login(BOB, PASSWORD)
        client.select()
        self.assertEqual(client.search(None, "HEADER", "Return-Path", "smuggled")[1], [b""])
        client.logout()

    def test_plaintext_after_starttls_is_discarded(self):
        raw = Raw(self.port("smtp"))
        raw.reply()
        raw.send(b"EHLO me\r\n")
        raw.reply()
        raw.send(b"STARTTLS\r\nMAIL FROM:<injected@elsewhere.test>\r\n")
        self.assertTrue(raw.reply().startswith(b"220"))
        tls = insecure_tls().wrap_socket(raw.socket)
        tls.sendall(b"RCPT TO:<" + BOB.encode() + b">\r\n")
        self.assertTrue(tls.recv(1000).startswith(b"503"))
        tls.close()

    def test_a_client_without_tls_on_465_is_dropped(self):
        raw = Raw(self.port("submissions"))
        raw.send(b"EHLO me\r\n" * 10)
        self.assertNotIn(b"220", raw.line())
        raw.close()

    def test_endless_headers_and_100000_parts(self):
        before = self.rss()
        parts = b"".join(b"--b\r\n\r\n\r\n" for _ in range(100_000))
        self.server.send(b"Subject: parts\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + parts + b"--b--\r\n", [BOB])
        fields = b"".join(b"X-Field-%d: %s\r\n" % (i, b"v" * 60) for i in range(100_000))
        self.server.send(fields + b"Subject: headers\r\n\r\nbody\r\n", [BOB])
        client = imaplib.IMAP4_SSL("127.0.0.1", self.port("imaps"), ssl_context=insecure_tls(), timeout=120)
        client.login(BOB, PASSWORD)
        client.select()
        for subject in ("parts", "headers"):
            for number in client.search(None, "SUBJECT", subject)[1][0].split():
                status, rows = client.fetch(number.decode(), "(ENVELOPE BODYSTRUCTURE RFC822.SIZE)")
                self.assertEqual(status, "OK")
                self.assertTrue(rows)
        client.logout()
        self.assertLess(self.rss() - before, 400 << 20)
        self.assert_alive()

    def test_a_million_recipients(self):
        raw = self.smtp()
        raw.send(b"MAIL FROM:<a@elsewhere.test>\r\n")
        self.assertTrue(raw.reply().startswith(b"250"))
        before = self.rss()
        line = b"RCPT TO:<" + BOB.encode() + b">\r\n"
        counts = {}
        for _ in range(100):  # 100,000 of them: enough to see that it is bounded
            raw.send(line * 1000)
            for _ in range(1000):
                code = raw.reply()[:3]
                counts[code] = counts.get(code, 0) + 1
                if code in (b"421", b""):
                    break
            if b"421" in counts or b"" in counts:
                break
        self.assertTrue(counts.get(b"452", 0) > 0 or counts.get(b"421", 0) > 0, counts)
        self.assertLess(self.rss() - before, 100 << 20)
        self.assert_alive()

    def test_too_large_messages(self):
        raw = self.smtp()
        raw.send(b"MAIL FROM:<a@elsewhere.test> SIZE=99999999999\r\n")
        self.assertTrue(raw.reply().startswith(b"552 5.3.4"))
        raw.send(b"MAIL FROM:<a@elsewhere.test>\r\nRCPT TO:<" + BOB.encode() + b">\r\nDATA\r\n")
        for _ in range(3):
            raw.reply()
        before = self.rss()
        for _ in range(30):
            raw.send(b"x" * 998 * 1000 + b"\r\n" + (b"y" * 998 + b"\r\n") * 50)
        raw.send(b"\r\n.\r\n")
        self.assertTrue(raw.reply().startswith(b"552"))
        self.assertLess(self.rss() - before, 200 << 20)
        self.assert_alive()

    def test_huge_literals(self):
        raw = self.imap()
        for size in (b"4294967296", b"4294967295", b"99999999999999999999"):
            raw.send(b"a APPEND INBOX {" + size + b"}\r\n")
            self.assertRegex(raw.line(), rb"^(a (NO|BAD)|\* BYE)")
        raw.send(b"b LOGIN {4294967295+}\r\n")
        self.assertRegex(raw.line(), rb"^(b (NO|BAD)|\* BYE|\* BAD)")
        self.assert_alive()

    def test_invalid_utf8_and_rubbish(self):
        for port, junk in (("smtp_plain", b"\xff\xfe\x00\r\n"), ("imap_plain", b"\xff\xfe\x00\r\n"), ("pop3_plain", b"\xff\xfe\x00\r\n")):
            raw = Raw(self.port(port))
            raw.line()
            raw.send(junk * 100)
            self.assertTrue(raw.line())
            raw.close()
        raw = self.imap()
        raw.send(b'x CREATE "\xff\xfe"\r\n')
        self.assertRegex(raw.until(b"x ")[-1], rb"x (NO|BAD)")
        raw.send(b'y SEARCH CHARSET NONSENSE SUBJECT a\r\nz SELECT INBOX\r\nw SEARCH CHARSET NONSENSE SUBJECT a\r\n')
        self.assertIn(b"y BAD", raw.until(b"y ")[-1])
        raw.until(b"z ")
        self.assertIn(b"BADCHARSET", raw.until(b"w ")[-1])
        self.assert_alive()

    def test_disconnection_at_any_byte(self):
        script = (b"EHLO me\r\nMAIL FROM:<a@elsewhere.test>\r\nRCPT TO:<" + BOB.encode() +
                  b">\r\nDATA\r\nSubject: cut-off\r\n\r\nbody\r\n.\r\n")
        for cut in range(0, len(script) - 2, 3):
            raw = Raw(self.port("smtp_plain"))
            raw.send(script[:cut])
            raw.close()
        client = imaplib.IMAP4_SSL("127.0.0.1", self.port("imaps"), ssl_context=insecure_tls(), timeout=60)
        client.login(BOB, PASSWORD)
        client.select()
        self.assertEqual(client.search(None, "SUBJECT", "cut-off")[1], [b""])
        client.logout()

    def test_half_open_and_slow_ones_do_not_disturb(self):
        held = [Raw(self.port(p)) for p in ("smtp_plain", "imap_plain", "pop3_plain", "submissions", "imaps") for _ in range(30)]
        slow = self.smtp()
        for byte in b"MAIL FROM:<a@else":
            slow.send(bytes([byte]))
            time.sleep(0.01)
        self.assert_alive()
        for raw in held:
            raw.close()

    def test_the_fuzzed_clients_cannot_log_in(self):
        pop = poplib.POP3("127.0.0.1", self.port("pop3"), timeout=60)
        with self.assertRaises(poplib.error_proto):
            pop.user(BOB)  # no TLS yet
        pop.quit()


class DiskFull(unittest.TestCase):
    """On a small file system of its own: 452 and NO while it is full, and it recovers by itself."""

    def test_full_and_free_again(self):
        if os.geteuid() != 0:
            self.skipTest("only root can mount a small file system")
        disk = tempfile.mkdtemp(prefix="posthorn-disk-")
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", disk], capture_output=True).returncode:
            self.skipTest("no tmpfs can be mounted here")
        self.addCleanup(os.rmdir, disk)
        self.addCleanup(subprocess.run, ["umount", disk])
        server = Server('[storage]\nmin_free_space = "16 MiB"\nwrite_buffer = "4 MiB"\n', data=os.path.join(disk, "data"))
        self.addCleanup(server.remove)
        server.create_accounts()
        server.start()
        ballast = os.path.join(disk, "ballast")
        server.send(message("before"), [BOB])
        free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
        with open(ballast, "wb") as f:
            f.write(b"\0" * max(0, free - (8 << 20)))
        time.sleep(0.2)
        with self.assertRaises(smtplib.SMTPResponseException) as caught:
            server.send(message("refused", body="x\r\n" * 1000), [BOB])
        self.assertEqual(caught.exception.smtp_code, 452)
        imap = imaplib.IMAP4_SSL("127.0.0.1", server.ports["imaps"], ssl_context=insecure_tls(), timeout=60)
        imap.login(BOB, PASSWORD)
        self.assertEqual(imap.append("INBOX", None, None, message("refused too"))[0], "NO")
        imap.select()
        self.assertEqual(imap.store("1", "+FLAGS", r"(\Deleted)")[0], "OK")  # deleting works
        self.assertEqual(imap.expunge()[1], [b"1"])
        os.unlink(ballast)
        time.sleep(0.2)
        server.send(message("after"), [BOB])
        self.assertEqual(imap.select()[1], [b"1"])
        imap.logout()
        server.stop()
        server.check_store()
