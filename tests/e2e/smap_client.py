"""SMAP from the client's side: [SMAP1 2].  Strict: what is not a reply of the specification is an error."""

import re
import socket
import ssl


class Reply:
    """What a command was answered: the status (True: +OK), the single lines, and the multi-line replies as (words, bytes)."""

    def __init__(self):
        self.ok, self.text, self.lines, self.parts = None, None, [], []

    def __repr__(self):
        return f"{'+OK' if self.ok else '-ERR'} {self.text} {self.lines} {self.parts}"


class SmapClient:
    def __init__(self, stream, timeout=60):
        stream.settimeout(timeout)
        self.stream = stream
        self.input = stream.makefile("rb")

    @classmethod
    def connect(cls, port):
        """In the clear, before STARTTLS."""
        client = cls(socket.create_connection(("127.0.0.1", port)))
        greeting = client.line()
        assert greeting.startswith(b"* OK [CAPABILITY ") and b" SMAP1 " in greeting.replace(b"]", b" "), greeting
        return client

    def starttls(self):
        assert self.command("\\SMAP1 STARTTLS").ok
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.stream = context.wrap_socket(self.stream)
        self.input = self.stream.makefile("rb")

    def login(self, user, password):
        assert self.command(f'\\SMAP1 LOGIN "{user}" "{password}"').ok

    def close(self):
        self.input.close()
        self.stream.close()

    def send(self, data):
        self.stream.sendall(data if isinstance(data, bytes) else data.encode())

    def line(self):
        line = self.input.readline()
        if not line.endswith(b"\n"):
            raise EOFError(f"the server has closed the connection behind {line!r}")
        return line.rstrip(b"\r\n")

    def command(self, line, content=None):
        """Sends a line, and what is to be uploaded when the server says so."""
        self.send(line + "\n")
        return self.reply(content)

    def add(self, words, message):
        """ADD of a message in the one form that every server takes, and Cone uses."""
        return self.command(f"ADD {words} {{{len(message)}/{len(message)}}}".replace("  ", " "), message + b"\n")

    def reply(self, content=None):
        reply = Reply()
        while True:
            line = self.line()
            if line.startswith((b"+OK", b"-ERR")):
                reply.ok, reply.text = line.startswith(b"+OK"), line.split(b" ", 1)[1:]
                return reply
            if line.startswith(b"> "):
                assert content is not None, line
                self.send(content)
            elif line.startswith(b"* "):
                reply.lines.append(line[2:].decode())
            elif line.startswith(b"{"):
                reply.parts.append(self.multi_line(line))
            else:
                raise AssertionError(f"no reply: {line!r}")

    def multi_line(self, line):
        stuffed = re.fullmatch(rb"\{\.\d+\}\s*(.*)", line)
        binary = re.fullmatch(rb"\{(\d+)/\d+\}\s*(.*)", line)
        assert stuffed or binary, line
        if stuffed:
            lines = []
            while (part := self.line()) != b".":
                lines.append(part[1:] if part.startswith(b".") else part)
            return words_of(stuffed[1]), b"".join(part + b"\n" for part in lines)
        size, content = int(binary[1]), b""
        while True:
            content += self.exactly(size)
            more = self.line().strip()
            if not more:
                return words_of(binary[2]), content
            size = int(more)

    def exactly(self, size):
        data = self.input.read(size)
        if len(data) < size:
            raise EOFError("the server has closed the connection in a chunk")
        return data


def words_of(line):
    """Words as [SMAP1 1.3] has them."""
    return [word[1:-1].replace('""', '"') if word.startswith('"') else word
            for word in re.findall(r'"(?:[^"]|"")*"|[^\s"][^\s]*', line.decode() if isinstance(line, bytes) else line)]
