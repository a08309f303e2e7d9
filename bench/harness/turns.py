"""A relay on loopback that counts how often two ends of a connection take turns: the round trips, whatever is inside of TLS."""
import select
import socket
import threading


class Turns:
    """Between clients and `port` on 127.0.0.1; itself on `self.port`.  `turns`: how often a client spoke after the server had."""

    def __init__(self, port):
        self.target, self.turns, self.connections, self.octets = port, 0, 0, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._relay, args=(client, socket.create_connection(("127.0.0.1", self.target))), daemon=True).start()

    def _relay(self, client, server):
        other, last = {client: server, server: client}, None
        with client, server:
            while True:
                for one in select.select([client, server], [], [])[0]:
                    data = one.recv(1 << 16)
                    if not data:
                        return
                    if one is client and last is not client:
                        self.turns += 1
                    last = one
                    self.octets += len(data)
                    other[one].sendall(data)
