"""Stands between an IMAP client and its server, without TLS, and meddles: what either says can be changed, kept back, or be the sign to do something.

    meddler = ImapMeddler(port); meddler.on_response = lambda r: None if b" FETCH " in r else r; ...; meddler.close()
"""

import re
import socket
import threading

from harness import connections

LITERAL = re.compile(rb"\{(\d+)(\+?)\}\r\n$")


class ImapMeddler:
    def __init__(self, port):
        self.server_port = port
        # Each takes a whole command line, or response with its literals, as bytes; what it gives back goes on: None is nothing, b"" the end.
        self.on_command = self.on_response = lambda octets: octets
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.sockets = []
        self.connections = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        for client in connections(self.listener):
            self.connections += 1
            server = socket.create_connection(("127.0.0.1", self.server_port))
            self.sockets += [client, server]
            threading.Thread(target=self.carry, args=(client, server, self.command), daemon=True).start()
            threading.Thread(target=self.carry, args=(server, client, self.response), daemon=True).start()

    def carry(self, source, target, act):
        try:
            with source.makefile("rb") as reader:
                while act(reader, target):
                    pass
        except (OSError, ValueError):
            pass
        for one in (source, target):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    @staticmethod
    def send(target, octets):
        if octets:
            target.sendall(octets)
        return octets != b""

    def command(self, reader, target):
        line = reader.readline()
        if not line or not self.send(target, self.on_command(line)):
            return False
        while literal := LITERAL.search(line):
            target.sendall(reader.read(int(literal[1])))
            line = reader.readline()
            target.sendall(line)
        return True

    def response(self, reader, target):
        line = whole = reader.readline()
        while literal := LITERAL.search(line):
            line = reader.readline() if not (text := reader.read(int(literal[1]))) else text + reader.readline()
            whole += line
            line = line[len(text):]
        return bool(whole) and self.send(target, self.on_response(whole))

    def close(self):
        self.listener.close()
        for one in self.sockets:
            one.close()
