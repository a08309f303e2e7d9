"""Another mail server, as good or as bad as a test wants it.

    with Host("127.0.0.2", port) as host:
        host.says["RCPT"] = "550 5.1.1 no such user"      # a reply, or a list of replies for one time each, then the usual one
        host.at["DATA"] = "hang"                          # or "drop": instead of an answer; "DOT": behind the whole message; a list: for one time each
        ... host.messages, host.commands ...
"""

import contextlib
import socket
import socketserver
import ssl
import threading
import time

USUAL = {"CONNECT": "220 host.test ESMTP", "HELO": "250 host.test", "MAIL": "250 2.1.0 ok", "RCPT": "250 2.1.5 ok", "DATA": "354 go on",
         "DOT": "250 2.0.0 taken", "RSET": "250 2.0.0 ok", "NOOP": "250 2.0.0 ok", "QUIT": "221 2.0.0 bye"}


class Message:
    def __init__(self, sender, recipients, content, tls):
        self.sender, self.recipients, self.content, self.tls = sender, recipients, content, tls

    def header(self, name):
        for line in self.content.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n"):
            if line.lower().startswith(name.lower() + ":"):
                return line.split(":", 1)[1].strip()
        return None


class Host:
    def __init__(self, ip, port, extensions=("8BITMIME", "PIPELINING", "ENHANCEDSTATUSCODES"), tls=None, certificate=None):
        self.extensions, self.tls, self.certificate = list(extensions), tls, certificate
        self.says, self.at = {}, {}
        self.messages, self.commands = [], []
        self.connections = self.open = self.most_open = 0
        self.lock = threading.Lock()
        self.closing = threading.Event()
        host = self

        class Session(socketserver.BaseRequestHandler):
            def handle(self):
                with host.lock:
                    host.connections += 1
                    host.open += 1
                    host.most_open = max(host.most_open, host.open)
                try:
                    with contextlib.suppress(OSError, EOFError):
                        host.talk(self.request)
                finally:
                    with host.lock:
                        host.open -= 1

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            block_on_close = False
            request_queue_size = 500
            address_family = socket.AF_INET6 if ":" in ip else socket.AF_INET

        self.server = Server((ip, port), Session)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    def wait_for(self, count, seconds=120):
        """Until so many messages have come; gives them."""
        deadline = time.monotonic() + seconds
        while len(self.messages) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        return list(self.messages)

    # --- one session
    def answer(self, stream, verb, usual=None):
        """False: the connection ends."""
        action = self.at.get(verb)
        if isinstance(action, list):
            action = action.pop(0) if action else None
        if action == "hang":
            self.closing.wait(600)
            return False
        if action == "drop":
            return False
        reply = self.says.get(verb)
        if isinstance(reply, list):
            reply = reply.pop(0) if reply else None
        reply = reply or usual or USUAL.get(verb, "500 5.5.1 what?")
        stream.sendall(reply.encode("latin-1") + b"\r\n")
        return not reply.startswith("421")

    def talk(self, stream):
        buffer = b""

        def line():
            nonlocal buffer
            while b"\n" not in buffer:
                piece = stream.recv(65536)
                if not piece:
                    raise EOFError
                buffer += piece
            text, buffer = buffer.split(b"\n", 1)
            return text.rstrip(b"\r")

        if not self.answer(stream, "CONNECT"):
            return
        sender, recipients, secured = None, [], False
        while True:
            command = line().decode("latin-1")
            with self.lock:
                self.commands.append(command)
            verb = command.split(" ")[0].upper()
            if verb in ("EHLO", "LHLO"):
                offers = ["host.test", *self.extensions] + (["STARTTLS"] if self.certificate and not secured else [])
                usual = "\r\n".join(f"250{'-' if i + 1 < len(offers) else ' '}{offer}" for i, offer in enumerate(offers))
                if not self.answer(stream, "EHLO", usual):
                    return
                continue
            if verb == "STARTTLS" and self.certificate:
                if not self.answer(stream, verb, "220 2.0.0 go ahead"):
                    return
                if self.at.get("HANDSHAKE") == "drop":
                    return
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(*self.certificate)
                stream = context.wrap_socket(stream, server_side=True)
                buffer, secured = b"", True
                continue
            if verb == "MAIL":
                sender, recipients = command.split("<", 1)[1].split(">", 1)[0], []
            if verb == "DATA" and not recipients:
                stream.sendall(b"554 5.5.1 no recipients\r\n")
                continue
            before = len(recipients)
            if verb == "RCPT":
                recipients.append(command.split("<", 1)[1].split(">", 1)[0])
            sent = RecordingStream(stream)
            if not self.answer(sent, verb):
                return
            if verb == "RCPT" and not sent.data.startswith(b"2"):
                del recipients[before:]
            if verb == "QUIT":
                return
            if verb != "DATA" or not sent.data.startswith(b"354"):
                continue
            content = []
            while True:
                text = line()
                if text == b".":
                    break
                if content and self.at.get("BODY") and self.at["BODY"].pop(0) == "drop":
                    return
                content.append(text[1:] if text.startswith(b".") else text)
            kept = Message(sender, list(recipients), b"\r\n".join(content) + b"\r\n", secured)
            if self.at.get("DOT") != "hang":  # what the other side cannot know: it may have been taken
                refused = self.says.get("DOT")
                refused = (refused[0] if refused else None) if isinstance(refused, list) else refused
                if not refused or refused.startswith("2"):
                    with self.lock:
                        self.messages.append(kept)
            if not self.answer(stream, "DOT"):
                return


class RecordingStream:
    def __init__(self, stream):
        self.stream, self.data = stream, b""

    def sendall(self, data):
        self.data += data
        self.stream.sendall(data)
