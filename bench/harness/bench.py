"""One run of the benchmark: takes the groups one after the other and collects figures, failures and notes."""
import json
import os
import shutil
import statistics
import sys
import time

from . import certificate, machine
from .load import Generator
from .posthorn import Posthorn
from .process import Failed
from .rows import ROWS

ACCOUNTS = 100
PASSWORD = "secret"


class Bench:
    def __init__(self, options, folder, load_program, binary):
        self.folder, self.binary, self.options = folder, binary, options
        self.users = [(f"u{i}", PASSWORD) for i in range(ACCOUNTS)]
        self.certificate = certificate.make(folder)
        self.disk = machine.Disk(folder)
        self.rounds = options.rounds or (1 if options.quick else 3)
        self.load = Generator(load_program, self.keep)
        self.figures = {}   # (row, side) -> list
        self.failures = {}  # (row, side) -> text
        self.servers = {}   # (row, side) -> (title, version)
        self.settings = []  # a line for each kind of server that was measured
        self.notes = []

    def count(self, is_peer, peer, ours):
        full = peer if is_peer else ours
        return full // 4 if self.options.quick else full

    def keep(self, record):
        self.options.out.write(json.dumps(record) + "\n")
        self.options.out.flush()

    def note(self, text):
        self.notes.append(text)

    def sync(self):
        os.sync()

    def disk_noise(self, seconds=3.0):
        """What others write while we do nothing: (KiB/s, flushes/s)."""
        self.sync()
        kib, flushes = self.disk.counters()
        time.sleep(seconds)
        kib_after, flushes_after = self.disk.counters()
        return (kib_after - kib) / seconds, (flushes_after - flushes) / seconds

    def run(self, group):
        """Measures one group.  What fails is noted for its rows; the rest goes on."""
        say(f"{', '.join(group.rows)} ...")
        folder = os.path.join(self.folder, group.rows[0])
        sides = {}
        try:
            for side, server in self._contestants(group, folder):
                if self._try(group, side, lambda server=server: (server.start(), group.warm_up(self, server))):
                    sides[side] = server
            for number in range(self.rounds):
                for side in list(sides)[::-1 if number % 2 else 1]:
                    if not self._try(group, side, lambda side=side: self._measure(group, side, sides[side])):
                        sides.pop(side).stop()
            for server in sides.values():
                server.stop()
        finally:
            if not self.options.keep_folder:
                for path in (folder + "-peer", folder + "-peer-store", folder + "-posthorn"):
                    shutil.rmtree(path, ignore_errors=True)

    def _contestants(self, group, folder):
        """The sides that can be measured, one after the other; why the others cannot is noted."""
        if group.peer and not self.options.no_peers:
            why = group.peer_missing()
            if why:
                self._fail(group, "peer", why)
            else:
                yield "peer", self._introduce(group, "peer", group.peer(self, folder + "-peer"))
        if self.binary:
            yield "posthorn", self._introduce(group, "posthorn",
                                              Posthorn(self.binary, folder + "-posthorn", self.certificate, self.users,
                                                       **(group.posthorn() if callable(group.posthorn) else group.posthorn)))

    def _introduce(self, group, side, server):
        for row in group.rows:
            self.servers[row, side] = (server.title, server.version)
        description = f"{server.title} {server.version}: {server.settings}"
        if description not in self.settings:
            self.settings.append(description)
        return server

    def _try(self, group, side, step):
        try:
            step()
            return True
        except Failed as e:
            self._fail(group, side, str(e))
            return False

    def _fail(self, group, side, why):
        say(f"  {side}: {why}")
        for row in group.rows:
            self.failures[row, side] = why

    def _measure(self, group, side, server):
        figures = group.measure(self, server, side == "peer")
        for row, figure in figures.items():
            self.figures.setdefault((row, side), []).append(figure)
            self.keep({"row": row, "side": side, "server": server.title, "version": server.version, "figure": figure})
        say(f"  {server.title}: " + ", ".join(f"{row} {figure:.{max(1, ROWS[row].digits)}f}" for row, figure in figures.items()))

    def median(self, row, side):
        """None when there is no figure that holds: nothing measured, or something failed."""
        figures = self.figures.get((row, side))
        return statistics.median(figures) if figures and (row, side) not in self.failures else None


def say(text):
    print(text, file=sys.stderr, flush=True)
