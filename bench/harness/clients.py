"""What the benchmarks of clients have in common: a Dovecot, what its mailboxes hold, the clock around a command, rounds in folders of their own."""
import argparse
import atexit
import contextlib
import imaplib
import os
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

from . import dovecot
from .process import Failed

PASSWORD = "secret"
HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class ImapServer(dovecot.Dovecot):
    protocols = ("lmtp", "imap", "imaps", "pop3")


def options_of(description, **more):
    """The options that all of them have; `more`: name = (type, default, help)."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=10000)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--posthorn", default=os.path.join(HERE, "..", "build", "release", "posthorn"))
    parser.add_argument("--dir", default="/var/tmp", help="must be on a disk")
    for name, (kind, default, words) in more.items():
        parser.add_argument("--" + name, type=kind, default=default, help=words)
    options = parser.parse_args()
    options.posthorn = os.path.abspath(options.posthorn)
    if why := dovecot.why_not():
        sys.exit(why)
    return options


@contextlib.contextmanager
def round_folder(options, what):
    """It goes at the end of all rounds: for minutes ext4 passes over the inodes of deleted files, one by one, at each file that is made."""
    folder = tempfile.mkdtemp(prefix=f"posthorn-bench-{what}-", dir=options.dir)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.chmod(folder, 0o755)
    yield folder


def write(folder, name, text):
    """A file of settings or secrets; its path."""
    path = os.path.join(folder, name)
    with open(path, "w", encoding="ascii") as f:
        f.write(text)
    os.chmod(path, 0o600)
    return path


def timed(words, home):
    """Runs it to its end: seconds, and what it said."""
    os.sync()
    begin = time.monotonic()
    done = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=3600, env={**os.environ, "HOME": home})
    return time.monotonic() - begin, done


@contextlib.contextmanager
def imap(server, user):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client = imaplib.IMAP4_SSL("localhost", server.ports["imaps"], ssl_context=context)
    try:
        client.login(user, PASSWORD)
        yield client
    finally:
        client.logout()


def said(answer):
    """What imaplib got, when it was OK."""
    if answer[0] != "OK":
        raise Failed(f"the server said {answer}")
    return answer[1]


def warm(server, user, folders=("INBOX",)):
    """Dovecot's index of new files is not the clients' work."""
    with imap(server, user) as client:
        for name in folders:
            if int(said(client.select(name, readonly=True))[0]) > 0:
                said(client.fetch("1:*", "(RFC822.SIZE)"))


def print_rows(steps, figures, unit="seconds"):
    """One line for each step: medians, how many times posthorn's they are, and the figures of each round."""
    for step in steps:
        row = {name: rates for (at, name), rates in figures.items() if at == step}
        if not row:
            continue
        ours = statistics.median(row["posthorn"]) if "posthorn" in row else None
        for name, rates in row.items():
            middle = statistics.median(rates)
            times = f"{middle / ours:7.1f}x" if ours and name != "posthorn" else 8 * " "
            print(f"{step:10} {name:11} {middle:9.3f} {times}   " + " ".join(f"{r:.3f}" for r in rates))
