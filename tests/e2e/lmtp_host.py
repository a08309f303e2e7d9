"""An LMTP server in the hands of a test: it refuses, falls silent and hangs up where it is told to."""

import contextlib
import socketserver
import threading


class LmtpHost:
    """`mail`: the messages that were accepted.  The knobs may be set at any time:

    answer     called with (message bytes, how often it came), gives the reply to its end; None: the connection ends instead
    at_most    so many messages in one connection, then it ends without a word
    """

    def __init__(self):
        self.mail, self.came = [], []
        self.answer = lambda text, times: "250 2.0.0 taken"
        self.at_most = None
        host = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                with contextlib.suppress(OSError, EOFError):
                    host.talk(self.rfile, self.wfile)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"lmtp://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def talk(self, rfile, wfile):
        def say(line):
            wfile.write(line.encode() + b"\r\n")

        say("220 here LMTP")
        taken = 0
        while line := rfile.readline(4096):
            verb = line.split()[0].upper() if line.split() else b""
            if verb == b"LHLO":
                say("250-here")
                say("250-PIPELINING")
                say("250 8BITMIME")
            elif verb == b"DATA":
                say("354 go on")
                text = b""
                while (part := rfile.readline()) != b".\r\n":
                    if not part:
                        return
                    text += part.removeprefix(b".")
                self.came.append(text)
                answer = self.answer(text, self.came.count(text))
                if answer is None:
                    return
                if answer.startswith("250"):
                    self.mail.append(text)
                say(answer)
                taken += 1
                if taken == self.at_most:
                    return
            elif verb == b"QUIT":
                say("221 bye")
                return
            else:
                say("250 ok")
