"""COMPRESS=DEFLATE with zlib at the other end, over TLS and without. [RFC4978]"""

import socket
import unittest
import zlib

from harness import DOMAIN, PASSWORD, ServerTestCase, insecure_tls, message

ALICE = f"alice@{DOMAIN}"


class Client:
    """IMAP by lines; compressed after compress()."""

    def __init__(self, port, tls=False):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        if tls:
            self.socket = insecure_tls().wrap_socket(self.socket)
        self.deflate = self.inflate = None
        self.buffer = b""
        self.received = 0
        self.line()

    def send(self, data):
        if self.deflate:
            data = self.deflate.compress(data) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
        self.socket.sendall(data)

    def more(self):
        data = self.socket.recv(65536)
        if not data:
            raise EOFError
        self.received += len(data)
        self.buffer += self.inflate.decompress(data) if self.inflate else data

    def line(self):
        while b"\r\n" not in self.buffer:
            self.more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def octets(self, count):
        while len(self.buffer) < count:
            self.more()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def command(self, text):
        self.send(b"x " + text.encode() + b"\r\n")
        lines = []
        while not lines or not lines[-1].startswith(b"x "):
            lines.append(self.line())
            if lines[-1].endswith(b"}"):
                lines.append(self.octets(int(lines[-1].rsplit(b"{", 1)[1][:-1])))
        return lines

    def login(self):
        return self.command(f'LOGIN {ALICE} "{PASSWORD}"')

    def compress(self):
        answer = self.command("COMPRESS DEFLATE")
        assert answer[-1].startswith(b"x OK"), answer
        self.deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
        self.inflate = zlib.decompressobj(-15)


class Compress(ServerTestCase):
    def test_everything_is_as_without(self):
        text = message("compressed", "A line like the others.\r\n" * 40_000)
        for tls in (False, True):
            with self.subTest(tls=tls):
                client = Client(self.port("imaps" if tls else "imap_plain"), tls)
                self.assertIn(b"COMPRESS=DEFLATE", client.login()[-1])
                client.compress()
                self.assertNotIn(b"COMPRESS=DEFLATE", b" ".join(client.command("CAPABILITY")))
                self.assertIn(b"[COMPRESSIONACTIVE]", client.command("COMPRESS DEFLATE")[-1])
                client.send(b"x APPEND INBOX {%d+}\r\n" % len(text) + text + b"\r\n")
                self.assertTrue(client.line().startswith(b"x OK"))
                client.command("SELECT INBOX")
                before = client.received
                answer = client.command("FETCH * BODY.PEEK[]")
                self.assertEqual(answer[1], text)
                self.assertLess(client.received - before, len(text) // 20)
                # Waiting in IDLE gives memory back; afterwards everything goes on.
                for _ in range(3):
                    client.send(b"i IDLE\r\n")
                    self.assertTrue(client.line().startswith(b"+"))
                    client.send(b"DONE\r\n")
                    self.assertTrue(client.line().startswith(b"i OK"))
                    self.assertEqual(client.command("FETCH * BODY.PEEK[]")[1], text)
                self.assertTrue(client.command("LOGOUT")[-1].startswith(b"x OK"))

    def test_a_bomb_is_an_overlong_line(self):
        client = Client(self.port("imap_plain"))
        client.login()
        client.compress()
        try:
            for _ in range(20):
                client.send(b"A" * 10_000_000)
            client.send(b"\r\n")
            self.assertTrue(client.line().startswith((b"* BYE", b"* BAD", b"A")))
        except (EOFError, OSError):
            pass
        with open(f"/proc/{self.server.process.pid}/status", encoding="ascii") as f:
            peak = next(int(line.split()[1]) for line in f if line.startswith("VmHWM"))
        self.assertLess(peak, 600 * 1024, "KiB")

    def test_what_is_no_deflate_ends_the_connection(self):
        client = Client(self.port("imap_plain"))
        client.login()
        client.compress()
        client.socket.sendall(b"x NOOP\r\nx NOOP\r\n")
        with self.assertRaises((EOFError, OSError)):
            client.line()


if __name__ == "__main__":
    unittest.main()
