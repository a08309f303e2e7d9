"""A POP3 session on an INBOX of 100,000 messages: what it takes until a client knows which of them are new."""
import socket
import statistics
import time

from .big_mailbox_rows import wait_for_index
from .process import Failed
from .row import Group, Row, dovecot_with

MESSAGES, SIZE, TIMES = 100_000, 2048, 9

ROWS = (Row("pop3_open", "POP3: connect, sign in, STAT and UIDL of 100,000 messages, warm", "ms", False, times=5, digits=1),
        Row("pop3_open_cold", "the same, the first time in a new process", "ms", False, digits=1))


def fill(bench, server):
    bench.load.run(server, "imap-append", "imap", "fill", "--same-user", messages=MESSAGES, size=SIZE, mailbox="INBOX", multiappend=100, timeout=300)
    wait_for_index(server)


def session(port):
    """Its milliseconds, until the last id has come."""
    begun = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), 60) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def say(command, end=b"\r\n"):
            if command:
                s.sendall(command + b"\r\n")
            pieces = []
            while not (pieces and (pieces[-1].endswith(end) or b"".join(pieces[-2:]).endswith(end))):
                pieces.append(s.recv(1 << 20))
                if not pieces[-1]:
                    raise Failed("the POP3 server hung up")
            answer = b"".join(pieces)
            if not answer.startswith(b"+OK"):
                raise Failed(f"POP3 {command!r}: {answer[:100]!r}")
            return answer

        for command in (b"", b"USER u0@example.test", b"PASS secret"):
            say(command)
        if say(b"STAT").split()[1] != str(MESSAGES).encode():
            raise Failed("POP3 does not show every message")
        listed = say(b"UIDL", b"\r\n.\r\n")
        took = (time.perf_counter() - begun) * 1000
        if listed.count(b"\r\n") != MESSAGES + 2:
            raise Failed("UIDL does not list every message")
        say(b"QUIT")
    return took


def measure(_bench, server, _is_peer):
    server.restart()
    port = server.ports["pop3"]
    cold = session(port)
    return {"pop3_open_cold": cold, "pop3_open": statistics.median(session(port) for _ in range(TIMES))}


GROUPS = (Group(tuple(r.name for r in ROWS), measure, dovecot_with("mdbox", tuned=True), warm_up=fill),)
