"""The load generator: built from mailload/, run against a server, its answer read."""
import json
import os
import shutil
import subprocess

from . import machine
from .process import Failed

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(os.path.dirname(HERE), "build", "bench")


def build():
    """Compiles what changed and returns the program."""
    sources = os.path.join(HERE, "mailload")
    program = os.path.join(BUILD, "mailload")
    files = [os.path.join(sources, f) for f in sorted(os.listdir(sources))]
    if os.path.exists(program) and all(os.path.getmtime(f) < os.path.getmtime(program) for f in files):
        return program
    compiler = next((c for c in ("clang++-19", "clang++", "g++") if shutil.which(c)), None)
    if compiler is None:
        raise Failed("no C++ compiler: apt-get install g++ libssl-dev")
    os.makedirs(BUILD, exist_ok=True)
    command = [compiler, "-std=c++20", "-O2", "-Wall", "-Wextra", "-pthread", "-o", program, *(f for f in files if f.endswith(".cc")),
               "-lssl", "-lcrypto"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(f"the load generator does not compile:\n{done.stderr[:2000]}")
    return program


class Generator:
    def __init__(self, program, keep):
        """`keep(record)` is called with the answer of every run."""
        self.program, self.keep = program, keep

    def run(self, server, mode, protocol, label, *flags, settle=False, **options):
        """One run against a port of `server`.  With `settle` the answer's srv_cpu_s includes what the server does afterwards
        until it rests.  Errors are in the answer: a run with errors is no measurement (see `problem`)."""
        roots = server.roots()
        command = [self.program, mode, "--port", str(server.ports[protocol]), "--login-domain", "example.test",
                   "--label", f"{server.title} {label}", "--server-pids", ",".join(map(str, roots)), *flags]
        for name, value in options.items():
            command += ["--" + name.replace("_", "-"), str(value)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=900)
        except subprocess.TimeoutExpired:
            raise Failed(f"the load generator did not end within 15 minutes: {' '.join(command)}")
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            raise Failed(f"the load generator failed: {done.stderr.strip() or done.returncode}")
        if settle:
            answer["srv_cpu_s"] += self._rest(roots)
        self.keep({"server": server.title, "version": server.version, **answer})
        if answer["errors"] or not answer["ok"]:
            raise Failed(f"{server.title}, {label}: {problem(answer)}")
        return answer

    @staticmethod
    def _rest(roots):
        before = machine.cpu_seconds(roots)
        return machine.wait_until_quiet(roots) - before


def problem(answer):
    texts = "; ".join(f"{text} ({count}x)" for text, count in list(answer.get("error_texts", {}).items())[:3])
    return f"{answer['errors']} errors: {texts}" if answer["errors"] else "nothing was done"
