"""Reopening a folder of 100,000 messages by SMAP with a snapshot: what it takes to learn that nothing has changed."""
import re
import socket
import statistics
import time

from .big_mailbox_rows import MESSAGES, SIZE, wait_for_index
from .process import Failed
from .row import Group, Row

TIMES = 9

ROWS = (Row("smap_reopen", "SMAP: SOPEN of 100,000 messages with a snapshot, nothing changed, warm", "ms", False, under=5, digits=2),)


def fill(bench, server):
    bench.load.run(server, "imap-append", "imap", "fill", "--same-user", messages=MESSAGES, size=SIZE, mailbox="INBOX", multiappend=100, timeout=300)
    wait_for_index(server)


class Session:
    """Signed in."""

    def __init__(self, port):
        self.stream = socket.create_connection(("127.0.0.1", port), 60)
        self.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.input = self.stream.makefile("rb")
        self.input.readline()
        self.say("\\SMAP1 LOGIN u0@example.test secret")

    def say(self, command):
        """The data lines before +OK."""
        self.stream.sendall(command.encode() + b"\n")
        lines = []
        while not (line := self.input.readline()).startswith(b"+OK"):
            if not line.startswith(b"* "):
                raise Failed(f"SMAP {command}: {line!r}")
            lines.append(line.decode())
        return lines

    def close(self):
        self.input.close()
        self.stream.close()


def measure(_bench, server, _is_peer):
    server.restart()
    first = Session(server.ports["imap"])
    first.say('SOPEN "" INBOX')
    name = re.search(r'SNAPSHOT "([^"]*)"', "".join(first.say("NOOP") + first.say("NOOP")))
    if not name:
        raise Failed("SMAP made no snapshot")
    took = []
    for _ in range(TIMES):
        session = Session(server.ports["imap"])
        begun = time.perf_counter()
        told = session.say(f'SOPEN "{name[1]}" INBOX')
        took.append((time.perf_counter() - begun) * 1000)
        if len(told) != 1 or not told[0].startswith("* SNAPSHOTEXISTS "):
            raise Failed(f"SMAP told {told[:2]} of a folder in which nothing has changed")
        session.close()
    first.close()
    return {"smap_reopen": statistics.median(took)}


GROUPS = (Group(tuple(r.name for r in ROWS), measure, warm_up=fill),)
