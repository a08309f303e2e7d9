"""A DNS of the tests' own on loopback: zones below a signed root, served by nsd, and a front that can misbehave.

    with Dns() as dns:
        dns.zone("example.test", "@ MX 10 mx\\nmx A 127.0.0.1")               # signed, with a chain from the root
        dns.zone("plain.test", "@ MX 10 mx\\nmx A 127.0.0.1", sign="no")      # proven to be unsigned
        dns.zone("forged.test", "@ A 127.0.0.1", sign="expired")             # bogus; also sign="wrong-key"
        dns.start()
        dns.misbehave("slow.example.test", "drop")
        ... dns.settings() are the lines of the configuration that make a Posthorn ask it ...

Debian's nsd and ldnsutils are needed.
"""

import contextlib
import os
import shutil
import socket
import socketserver
import struct
import subprocess
import tempfile
import threading
import time

from harness import free_ports

TOOLS = ("nsd", "ldns-keygen", "ldns-signzone", "ldns-key2ds")
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
# What the front can do to a question instead of passing it on, by how it is named.
ACTIONS = ("drop", "servfail", "refuse", "truncate", "garbage", "wrong-id", "strip")
SERIAL = 2026112200
NAME_SERVER = "ns.servers.example."  # of every zone; only who recurses from the root looks it up, and comes to port 53
TYPES = {1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA", 33: "SRV", 43: "DS", 48: "DNSKEY", 52: "TLSA"}


def run(*words, cwd):
    done = subprocess.run(words, cwd=cwd, env={**os.environ, "PATH": PATH}, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise AssertionError(f"{words}: {done.stdout}{done.stderr}")
    return done.stdout.strip()


class Zone:
    """One zone: its records, its keys, its signatures."""

    def __init__(self, name, records, sign, ttl):
        self.sign = sign
        self.origin = name.rstrip(".") + "."
        self.lines = [f"$ORIGIN {self.origin}", f"$TTL {ttl}",
                      f"@ SOA {NAME_SERVER} hostmaster.invalid. {SERIAL} 3600 900 604800 {min(ttl, 300)}", f"@ NS {NAME_SERVER}"]
        self.delegation = []  # what the root says of it, when it is signed
        self.add(records)

    def add(self, records):
        self.lines += [line.strip() for line in records.splitlines() if line.strip()]

    def write(self, directory, file, keys):
        """Writes it, signed with the key it had before if it had one; gives the file to serve."""
        with open(os.path.join(directory, file), "w", encoding="ascii") as out:
            out.write("\n".join(self.lines) + "\n")
        if self.sign == "no":
            return file
        key = self._key(directory, keys, "")
        dates = ["-i", "20200101000000", "-e", "20200201000000"] if self.sign == "expired" else []
        run("ldns-signzone", "-o", self.origin, "-f", file + ".signed", *dates, file, key, cwd=directory)
        ds_of = self._key(directory, keys, "not ours") if self.sign == "wrong-key" else key
        self.delegation = [run("ldns-key2ds", "-n", "-2", ds_of + ".key", cwd=directory)]
        return file + ".signed"

    def _key(self, directory, keys, purpose):
        if (self.origin, purpose) not in keys:
            keys[self.origin, purpose] = run("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", self.origin, cwd=directory)
        return keys[self.origin, purpose]


class Dns:
    """nsd with the zones on one port, the front on another: that one is to be asked."""

    def __init__(self, listen="127.0.0.1", port=0, root_ttl=300, address=None):
        """Port 0: a free one.  `address` is what the zones say of their name server; without it, `listen`."""
        self.directory = tempfile.mkdtemp(prefix="posthorn-dns-")
        self.zones, self.keys, self.root_ttl = {}, {}, root_ttl
        self.listen, self.port, self.address = listen, port, address or listen
        self.process = None
        self.front = None
        self.rules = {}      # (name, type or None): action
        self.delays = {}     # name: seconds
        self.asked = []      # (name, type, "udp" or "tcp"), in the order they came

    def zone(self, name, records, sign="yes", ttl=300):
        """Adds a zone, or replaces it (after start(): call reload()).  Names in `records` are relative to it, as in a zone file."""
        assert sign in ("yes", "no", "expired", "wrong-key")
        self.zones[name.rstrip(".")] = Zone(name, records, sign, ttl)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    # --- start and stop
    def start(self):
        missing = [tool for tool in TOOLS if not shutil.which(tool, path=PATH)]
        if missing:
            raise AssertionError(f"{' '.join(missing)} not found: install Debian's nsd and ldnsutils")
        nsd_port, own = free_ports(2)
        self.port = self.port or own
        self.nsd_port = nsd_port
        self._write()
        self._start_nsd()
        self.front = Front(self)

    def reload(self):
        """Serves the zones as they are now.  What a resolver has in its cache stays there for its TTL."""
        self._stop_nsd()
        self._write()
        self._start_nsd()

    def stop(self):
        if self.front:
            self.front.stop()
            self.front = None
        self._stop_nsd()
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def server(self):
        return f"{self.listen}@{self.port}"

    @property
    def trust_anchor(self):
        return os.path.join(self.directory, "root.key")

    def settings(self):
        """Lines for the configuration of a Posthorn that asks here."""
        return f'[dns]\nservers = "{self.server}"\ntrust_anchor = "{self.trust_anchor}"\n'

    def add(self, zone, records):
        """Adds records to a zone that is there; after start() reload() serves them."""
        self.zones[zone].add(records)

    # --- bad luck
    def misbehave(self, name, action, type=None):  # noqa: A002 - the DNS calls it so
        """From now on questions for this name (of this type, e.g. "MX"; None: all) are treated so; action None: as usual again."""
        assert action is None or action in ACTIONS
        key = (name.rstrip(".").lower(), type)
        if action is None:
            self.rules.pop(key, None)
        else:
            self.rules[key] = action

    def delay(self, name, seconds):
        self.delays[name.rstrip(".").lower()] = seconds

    def count(self, name, type=None, transport=None):  # noqa: A002
        """How often this was asked."""
        return sum(1 for n, t, how in list(self.asked)
                   if n == name.rstrip(".").lower() and type in (None, t) and transport in (None, how))

    # --- nsd
    def _write(self):
        served = {}
        for number, (name, zone) in enumerate(self.zones.items()):
            served[name] = zone.write(self.directory, f"zone-{number}", self.keys)
        root = Zone(".", f"{NAME_SERVER} A {self.address}", "yes", self.root_ttl)
        for zone in self.zones.values():
            root.lines += [f"{zone.origin} NS {NAME_SERVER}", *zone.delegation]
        served["."] = root.write(self.directory, "root", self.keys)
        shutil.copy(os.path.join(self.directory, self.keys[".", ""] + ".key"), self.trust_anchor)
        with open(os.path.join(self.directory, "nsd.conf"), "w", encoding="ascii") as out:
            out.write(NSD_CONF.format(directory=self.directory, port=self.nsd_port))
            for name, file in served.items():
                out.write(f'zone:\n  name: "{name}"\n  zonefile: "{file}"\n')

    def _start_nsd(self):
        log = os.path.join(self.directory, "nsd.log")
        with open(log, "ab") as out:
            self.process = subprocess.Popen(["nsd", "-d", "-c", os.path.join(self.directory, "nsd.conf")], stdout=out, stderr=out,
                                            env={**os.environ, "PATH": PATH})
        deadline = time.monotonic() + 60
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                with open(log, encoding="utf-8", errors="replace") as f:
                    raise AssertionError(f"nsd does not run:\n{f.read()}")

    def _answers(self):
        question = struct.pack("!6H", 7, 0, 1, 0, 0, 0) + b"\0" + struct.pack("!2H", 6, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.2)
            with contextlib.suppress(OSError):
                s.sendto(question, ("127.0.0.1", self.nsd_port))
                return s.recv(4096)[:2] == question[:2]
        time.sleep(0.02)
        return False

    def _stop_nsd(self):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(30)
            self.process = None


NSD_CONF = """server:
  ip-address: 127.0.0.1@{port}
  do-ip6: no
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "{directory}"
  database: ""
  pidfile: "{directory}/nsd.pid"
  xfrdfile: "{directory}/xfrd.state"
  zonelistfile: "{directory}/zone.list"
  xfrdir: "{directory}"
  hide-version: yes
  minimal-responses: yes
  rrl-ratelimit: 0
remote-control:
  control-enable: no
"""


def question_of(packet):
    """The name and type that are asked for, and where the question ends."""
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("ascii", "replace"))
        at += packet[at] + 1
    number = struct.unpack("!H", packet[at + 1:at + 3])[0]
    return ".".join(labels).lower(), TYPES.get(number, str(number)), at + 5


def reply_to(packet, end, flags=0x8180, rcode=0):
    """A reply without records."""
    return packet[:2] + struct.pack("!5H", flags | rcode, 1, 0, 0, 0) + packet[12:end]


def without_signatures(reply, end):
    """As a resolver that knows no DNSSEC passes it on: RRSIG, NSEC, NSEC3 left out."""
    counts = list(struct.unpack("!4H", reply[4:12]))
    out, at = reply[12:end], end
    for section in (1, 2, 3):
        kept = 0
        for _ in range(counts[section]):
            start = at
            while reply[at] and reply[at] < 0xC0:
                at += reply[at] + 1
            at += 2 if reply[at] else 1
            number, size = struct.unpack("!H6xH", reply[at:at + 10])
            at += 10 + size
            if number not in (46, 47, 50):
                out += reply[start:at]
                kept += 1
        counts[section] = kept
    # Names stay where compression points to only if nothing before them goes: signatures come behind what they sign.
    return reply[:4] + struct.pack("!4H", *counts) + out


class Front:
    """What the resolver asks.  Passes questions on to nsd by the way they came, and keeps the rules."""

    def __init__(self, dns):
        self.dns = dns

        class Udp(socketserver.BaseRequestHandler):
            def handle(inner):  # noqa: N805 - `self` is the front
                packet, reply_by = inner.request
                answer = self.treat(packet, "udp")
                if answer is not None:
                    reply_by.sendto(answer, inner.client_address)

        class Tcp(socketserver.BaseRequestHandler):
            def handle(inner):  # noqa: N805
                with contextlib.suppress(OSError, struct.error):
                    while True:
                        packet = receive_framed(inner.request)
                        answer = self.treat(packet, "tcp")
                        if answer is None:
                            time.sleep(30)
                            return
                        inner.request.sendall(struct.pack("!H", len(answer)) + answer)

        class UdpServer(socketserver.ThreadingUDPServer):
            daemon_threads = True
            max_packet_size = 65535

        class TcpServer(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 128

        self.servers = [UdpServer((dns.listen, dns.port), Udp), TcpServer((dns.listen, dns.port), Tcp)]
        self.servers[0].socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        for server in self.servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def treat(self, packet, transport):
        """The answer, or None for none."""
        try:
            name, type_, end = question_of(packet)
        except (IndexError, struct.error):
            return None
        dns = self.dns
        dns.asked.append((name, type_, transport))
        if name in dns.delays:
            time.sleep(dns.delays[name])
        action = dns.rules.get((name, type_)) or dns.rules.get((name, None)) or dns.rules.get(("*", None))
        if action == "drop":
            return None
        if action == "servfail":
            return reply_to(packet, end, rcode=2)
        if action == "refuse":
            return reply_to(packet, end, rcode=5)
        if action == "truncate" and transport == "udp":
            return reply_to(packet, end, flags=0x8380)
        if action == "garbage":
            return packet[:2] + b"\x81\x80" + b"\xff" * 40
        answer = self.ask(packet, transport)
        if answer is None:
            return None
        if action == "wrong-id":
            return bytes([answer[0] ^ 0xFF]) + answer[1:]
        if action == "strip":
            return without_signatures(answer, end)
        return answer

    def ask(self, packet, transport):
        to = ("127.0.0.1", self.dns.nsd_port)
        with contextlib.suppress(OSError, struct.error):
            if transport == "udp":
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                    s.settimeout(30)
                    s.sendto(packet, to)
                    return s.recv(65535)
            with socket.create_connection(to, 30) as s:
                s.sendall(struct.pack("!H", len(packet)) + packet)
                return receive_framed(s)
        return None


def receive_framed(stream):
    """One message of DNS over TCP; struct.error at the end of the stream."""
    size = struct.unpack("!H", receive_exactly(stream, 2))[0]
    return receive_exactly(stream, size)


def receive_exactly(stream, size):
    out = b""
    while len(out) < size:
        more = stream.recv(size - len(out))
        if not more:
            raise struct.error("the stream has ended")
        out += more
    return out
