"""Clients that stop reading in the middle of a huge answer cost bounded memory."""

import os
import socket
import unittest

from harness import DOMAIN, PASSWORD, ServerTestCase, message

ALICE = f"alice@{DOMAIN}"
CLIENTS = 100
PER_CLIENT = 4 << 20  # docs/performance.md
COMMANDS = (b"FETCH 1:* BODY.PEEK[]", b"FETCH 1:* (ENVELOPE BODYSTRUCTURE PREVIEW)", b"FETCH 1:* BODY.PEEK[HEADER.FIELDS (SUBJECT)]",
            b"FETCH 1 BINARY.PEEK[1]")


class Stalled(ServerTestCase):
    @classmethod
    def setUpClass(cls):
        # What AddressSanitizer keeps of freed memory is not to be counted.
        os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=8"
        super().setUpClass()

    def rss(self):
        with open(f"/proc/{self.server.process.pid}/statm", encoding="ascii") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def connect(self):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(120)
        client.connect(("127.0.0.1", self.port("imap_plain")))
        client.sendall(f'a LOGIN {ALICE} "{PASSWORD}"\r\nb EXAMINE INBOX\r\n'.encode())
        seen = b""
        while b"\r\nb OK" not in seen:
            seen += client.recv(4096)
        return client

    def test_memory(self):
        big = message("big", "0123456789abcdef\r\n" * 400_000)  # one of 7 MB, then 3,000 of 10 KiB
        small = message("small", "0123456789abcdef\r\n" * 570)
        with socket.create_connection(("127.0.0.1", self.port("imap_plain")), 120) as filler:
            filler.sendall(f'a LOGIN {ALICE} "{PASSWORD}"\r\n'.encode())
            for text, times in ((big, 1), (small, 1000), (small, 1000), (small, 1000)):
                filler.sendall(b"f APPEND INBOX" + b"".join(b" {%d+}\r\n" % len(text) + text for _ in range(times)) + b"\r\n")
            seen = b""
            while seen.count(b"\r\nf OK") < 4:
                more = filler.recv(4096)
                self.assertTrue(more, seen[-300:])
                seen += more
        self.connect().close()
        before = self.rss()
        clients = [self.connect() for _ in range(CLIENTS)]
        for number, client in enumerate(clients):
            client.sendall(b"c " + COMMANDS[number % len(COMMANDS)] + b"\r\n")
        for client in clients:
            self.assertTrue(client.recv(100).startswith(b"* 1 FETCH"))
        grown = (self.rss() - before) / CLIENTS
        self.assertLess(grown, PER_CLIENT)
        print(f"{grown / 1024:.0f} KiB a client")
        for client in clients:
            client.close()


if __name__ == "__main__":
    unittest.main()
