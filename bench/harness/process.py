"""Servers of a run: each is a process of ours, ended by its pid whatever happens."""
import ctypes
import os
import resource
import signal
import socket
import subprocess
import time

from . import machine


class Failed(Exception):
    """Something did not work; the text is for the person who runs the benchmark."""


_running = []  # Server objects that have a process
_libc = ctypes.CDLL(None)
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
_libc.prctl(PR_SET_CHILD_SUBREAPER, 1)  # processes that a server leaves behind become our children, so that we can see them end


def _in_child():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # even when we are killed outright
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """A mail server in a folder of its own, on loopback ports of its own.

    A kind of server sets `title`, `version`, `settings` (for the report) and `protocols`, and has prepare() (write the
    configuration, once) and command()."""

    title = version = settings = ""
    protocols = ("lmtp", "imap", "imaps", "pop3")

    def __init__(self, folder):
        self.folder = folder
        self.ports = {}
        self.process = None

    def prepare(self):
        raise NotImplementedError

    def command(self):
        raise NotImplementedError

    def roots(self):
        """The pids whose trees are this server."""
        return {self.process.pid} if self.process else set()

    def start(self):
        if not os.path.exists(self.folder):
            os.makedirs(self.folder, mode=0o755)
            self.ports = {p: free_port() for p in self.protocols}
            self.prepare()
        with open(os.path.join(self.folder, "output"), "ab") as output:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                            start_new_session=True, preexec_fn=_in_child)
        _running.append(self)
        for protocol, port in self.ports.items():
            self._wait_for(protocol, port)

    def _wait_for(self, protocol, port):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise Failed(f"{self.title} ended at once with status {self.process.returncode}: {self.last_words()}")
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
                    s.settimeout(5)
                    if protocol.endswith("s") or s.recv(1):
                        return
            except OSError:
                pass
            time.sleep(0.05)
        raise Failed(f"{self.title} does not answer on its {protocol} port: {self.last_words()}")

    def last_words(self):
        return " / ".join(machine.read(os.path.join(self.folder, "output")).strip().splitlines()[-4:]) or "(it said nothing)"

    def stop(self):
        process, self.process = self.process, None
        if process is None:
            return
        _running.remove(self)
        family = {pid: machine.started_at(pid) for pid in machine.process_tree({process.pid})}
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        _end_leftovers(family)

    def restart(self):
        self.stop()
        self.start()


def _end_leftovers(family):
    """Children that outlive their parent (pid -> when it started): they get two seconds, then a signal."""
    for sig, patience in ((0, 2.0), (signal.SIGTERM, 3.0), (signal.SIGKILL, 2.0)):
        end = time.monotonic() + patience
        asked = set()
        while True:
            alive = {pid for pid, started in family.items() if started and machine.started_at(pid) == started}
            _reap(family)
            if not alive:
                return
            if time.monotonic() > end:
                break
            for pid in alive - asked:
                try:
                    os.kill(pid, sig)
                except ProcessLookupError:
                    pass
            asked |= alive
            time.sleep(0.05)


def _reap(family):
    for pid in family:
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:  # not ours, or reaped already
            pass


def stop_all():
    for server in list(reversed(_running)):
        server.stop()


def stop_on_signals():
    """Ctrl-C, SIGTERM and SIGHUP become an exception, so that the servers are stopped on the way out."""
    def leave(number, _frame):
        signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
