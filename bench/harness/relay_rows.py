"""The rows of relaying: SMTP in, the durable queue, SMTP out to a sink on loopback that counts and throws away."""
import json
import os
import subprocess
import sys
import time

from . import machine, postfix
from .process import Failed, free_port
from .row import Group, Row

KIB10 = 10240
SINK = free_port()
DOMAINS, BAD = 1000, 100

ROWS = (
    Row("relay", "relay of 10 KiB messages, 20 connections in, durable queue, to a sink", "/s", True, times=8),
    Row("cpu_relay", "server CPU for one relayed message", "ms", False, under=0.6, digits=3),
    Row("relay_domains", "relay to 1,000 domains, all healthy", "/s", True),
    Row("relay_fall", "the same, a tenth of the domains hanging or refusing: the healthy ones get less by", "%", False, under=20, digits=1),
)


class Sink:
    """A process that ends when it has all messages."""

    def __init__(self, bench, messages, host="127.0.0.1", *flags):
        command = [bench.load.program, "sink", "--host", host, "--port", str(SINK), "--messages", str(messages), "--timeout", "240", *flags]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def last(self):
        """When the last message came, on the clock of time.monotonic()."""
        answer = json.loads(self.process.communicate(timeout=300)[0])
        if self.process.returncode != 0:
            raise Failed(f"only {answer['ok']} messages reached the sink")
        return answer["last"]

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate()


def relay(bench, server, label, messages, domain, users, healthy=None):
    """(messages/s that reach the sink, CPU ms of the server for each)."""
    healthy = healthy or messages
    sink = Sink(bench, healthy)
    try:
        time.sleep(0.3)
        roots = server.roots()
        cpu = machine.cpu_seconds(roots)
        begin = time.monotonic()
        bench.load.run(server, "smtp", "smtp", label, "--pipeline", messages=messages, size=KIB10, conns=20, domain=domain, users=users)
        seconds = sink.last() - begin
        cpu = machine.cpu_seconds(roots) - cpu
        bench.keep({"server": server.title, "label": f"{label}, arrived", "messages": healthy, "seconds": seconds, "srv_cpu_s": cpu})
        return healthy / seconds, cpu * 1000 / messages
    finally:
        sink.stop()


def warm_up(bench, server):
    relay(bench, server, "warm-up", 200, "elsewhere.test", 100)


def measure_relay(bench, server, is_peer):
    rate, cpu = relay(bench, server, "relay c20", bench.count(is_peer, 4000, 32000), "elsewhere.test", 100)
    return {"relay": rate, "cpu_relay": cpu}


# --- 1,000 domains: d0 to d899 at 127.0.0.1; d900 to d949 accept connections and say nothing; nobody listens for d950 to d999

_dns = []


def dns_settings():
    """A DNS with our domains runs from now on; the lines of Posthorn's configuration that make it ask there."""
    addresses = ["127.0.0.1"] * (DOMAINS - BAD) + ["127.0.0.2"] * (BAD // 2) + ["127.0.0.3"] * (BAD // 2)
    program = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "dns_server.py")
    server = subprocess.Popen([sys.executable, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    _dns.append(server)
    server.stdin.write("".join(f"d{n} MX 10 mx{n}\nmx{n} A {address}\n" for n, address in enumerate(addresses)) + "\n")
    server.stdin.flush()
    lines = list(iter(server.stdout.readline, "\n"))
    if not all(lines):
        raise Failed("the DNS of the tests did not start (it needs Debian's nsd and ldnsutils)")
    return "".join(lines)


def stop_dns():
    for server in _dns:
        server.stdin.close()
        server.wait()
    _dns.clear()


def measure_domains(bench, server, _is_peer):
    messages = 20000 // (4 if bench.options.quick else 1)
    hanging = Sink(bench, 1, "127.0.0.2", "--hang")
    try:
        healthy, _ = relay(bench, server, "relay to 900 domains", messages, "d%d.bench.test", DOMAINS - BAD)
        # The same number for the healthy domains, in turn with the bad ones.
        more = messages * DOMAINS // (DOMAINS - BAD) // DOMAINS * DOMAINS
        with_bad, _ = relay(bench, server, "relay to 1,000 domains", more, "d%d.bench.test", DOMAINS, more * (DOMAINS - BAD) // DOMAINS)
        return {"relay_domains": healthy, "relay_fall": 100 - 100 * with_bad / healthy}
    finally:
        hanging.stop()


def warm_up_domains(bench, server):
    relay(bench, server, "warm-up", 2 * (DOMAINS - BAD), "d%d.bench.test", DOMAINS - BAD)  # the answers of the DNS are known afterwards


RELAYING = """
[smtp]
relay_networks = "127.0.0.0/8"
"""
TO_SINK = RELAYING + f"""
[[relay]]
host = "127.0.0.1"
port = {SINK}
tls = "none"
allow_plaintext = true
"""


def to_domains():
    return {"more": RELAYING + f"[delivery]\nport = {SINK}\nallow_loopback = true\nip_versions = \"ipv4\"\n" + dns_settings()}


GROUPS = (
    Group(("relay", "cpu_relay"), measure_relay, lambda bench, folder: postfix.PostfixRelay(folder, SINK), postfix.why_not_alone, warm_up,
          posthorn={"more": TO_SINK}),
    Group(("relay_domains", "relay_fall"), measure_domains, warm_up=warm_up_domains, posthorn=to_domains),
)
