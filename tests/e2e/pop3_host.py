"""A POP3 server in the hands of a test: it says what it is told to, and forgets itself where it is told to."""

import contextlib
import socketserver
import threading


class Pop3Host:
    """`mail`: [(unique-id, bytes with CRLF)], changed by QUIT.  The knobs may be set at any time:

    capabilities   lines of CAPA; None: -ERR
    uidl, top      are understood
    cut_after      the connection is lost after so many bytes of this session, once
    mangle         called with (command, answer bytes), gives what is sent instead
    quit_ok        QUIT is answered by +OK, and removes
    """

    def __init__(self, mail):
        self.mail = list(mail)
        self.capabilities = ["USER", "UIDL", "TOP", "PIPELINING"]
        self.uidl = self.top = self.quit_ok = True
        self.cut_after = None
        self.mangle = None
        self.retrieved = []  # unique-ids, in the order of RETR
        self.lock = threading.Lock()
        host = self

        class Handler(socketserver.StreamRequestHandler):
            wbufsize = 64 * 1024  # an answer is one write

            def handle(self):
                with contextlib.suppress(OSError, EOFError):
                    Session(host, self.rfile, self.wfile).run()
                with contextlib.suppress(OSError):
                    self.wfile.flush()

            def finish(self):
                with contextlib.suppress(OSError):
                    super().finish()

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def url(self):
        return f"pop3://joe@127.0.0.1:{self.port}"

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def dotted(data):
    lines = b"".join((b"." + line if line.startswith(b".") else line) for line in data.splitlines(keepends=True))
    return lines + (b"" if lines.endswith(b"\r\n") else b"\r\n") + b".\r\n"


class Session:
    def __init__(self, host, rfile, wfile):
        self.host, self.rfile, self.wfile = host, rfile, wfile
        with host.lock:
            self.mail = list(host.mail)
        self.deleted = set()
        self.cut, host.cut_after = host.cut_after, None
        self.sent = 0

    def send(self, command, data):
        if self.host.mangle:
            data = self.host.mangle(command, data)
        if self.cut is not None and self.sent + len(data) >= self.cut:
            self.wfile.write(data[:self.cut - self.sent])
            raise EOFError
        self.sent += len(data)
        self.wfile.write(data)

    def lines(self, command, lines):
        self.send(command, b"+OK\r\n" + b"".join(line.encode() + b"\r\n" for line in lines) + b".\r\n")

    def there(self):
        return [(i + 1, *one) for i, one in enumerate(self.mail) if i + 1 not in self.deleted]

    def run(self):
        self.send("", b"+OK ready\r\n")
        while True:
            self.wfile.flush()
            line = self.rfile.readline(4096)
            if not line:
                return
            verb, _, rest = line.decode("ascii", "replace").strip().partition(" ")
            if not self.command(verb.upper(), rest):
                return

    def command(self, verb, rest):
        host = self.host
        if verb == "CAPA" and host.capabilities is not None:
            self.lines(verb, host.capabilities)
        elif verb in ("USER", "PASS", "NOOP"):
            self.send(verb, b"+OK\r\n")
        elif verb == "STAT":
            self.send(verb, f"+OK {len(self.there())} {sum(len(t) for _, _, t in self.there())}\r\n".encode())
        elif verb == "LIST":
            self.lines(verb, [f"{n} {len(text)}" for n, _, text in self.there()])
        elif verb == "UIDL" and host.uidl:
            self.lines(verb, [f"{n} {uid}" for n, uid, _ in self.there()])
        elif verb in ("RETR", "DELE") or (verb == "TOP" and host.top):
            number = int(rest.split()[0])
            if not 1 <= number <= len(self.mail) or number in self.deleted:
                self.send(verb, b"-ERR no such message\r\n")
            elif verb == "DELE":
                self.deleted.add(number)
                self.send(verb, b"+OK\r\n")
            else:
                uid, text = self.mail[number - 1]
                if verb == "RETR":
                    host.retrieved.append(uid)
                else:
                    header, _, body = text.partition(b"\r\n\r\n")
                    text = header + b"\r\n\r\n" + b"".join(body.splitlines(keepends=True)[:int(rest.split()[1])])
                self.send(verb, b"+OK\r\n" + dotted(text))
        elif verb == "QUIT":
            if host.quit_ok:
                with host.lock:
                    gone = {self.mail[n - 1] for n in self.deleted}
                    host.mail = [one for one in host.mail if one not in gone]
            self.send(verb, b"+OK\r\n" if host.quit_ok else b"-ERR [SYS/TEMP] not now\r\n")
            return False
        else:
            self.send(verb, b"-ERR what?\r\n")
        return True
