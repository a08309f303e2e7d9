"""A small pipelining IMAP client, for a socket or the pipes of a child; and Dovecot as such a child."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading

DOVECOT = "/usr/lib/dovecot/imap"
TIMEOUT = 120  # of one read

DOVECOT_CONFIGURATION = """\
base_dir = {0}/run
state_dir = {0}/state
log_path = /dev/null
mail_location = mdbox:{0}/mail
mail_fsync = never
mail_save_crlf = yes
stats_writer_socket_path =
first_valid_uid = 0
mail_uid = {1}
mail_gid = {1}
namespace inbox {{
  inbox = yes
}}
"""
# When we are root: Dovecot refuses to be. No user of the machine has this number.
MAIL_OWNER = 20079


class Imap:
    def __init__(self, read_file, write):
        self.file, self.write = read_file, write
        self.greeting = self.read_response()
        self.tags = 0

    def read_response(self):
        """One response with its literals, to its CRLF."""
        out = b""
        while True:
            line = self.file.readline()
            if not line.endswith(b"\n"):
                raise ConnectionError(f"the server ended the connection behind {out + line!r}")
            out += line
            literal = re.search(rb"\{(\d+)\}\r\n\Z", line)
            if not literal:
                return out
            out += self.file.read(int(literal[1]))

    def run(self, commands):
        """Sends all commands, as fast as they are taken, and returns for each its (status line, untagged responses)."""
        first = self.tags + 1
        self.tags += len(commands)
        tags = range(first, self.tags + 1)
        sender = threading.Thread(target=self._send, args=([b"a%d %s\r\n" % (t, c) for t, c in zip(tags, commands)],))
        sender.start()
        out = []
        for tag in tags:
            untagged = []
            while not (response := self.read_response()).startswith(b"a%d " % tag):
                if response.startswith(b"* BYE") or not response.startswith(b"* "):
                    raise ConnectionError(f"unexpected: {response!r}")
                untagged.append(response)
            out.append((response.split(b" ", 1)[1].rstrip(b"\r\n"), untagged))
        sender.join()
        return out

    def _send(self, lines):
        for start in range(0, len(lines), 50):
            self.write(b"".join(lines[start:start + 50]))

    def do(self, command):
        """One command, which must succeed; its untagged responses."""
        [(status, untagged)] = self.run([command])
        if not status.startswith(b"OK"):
            raise AssertionError(f"{command!r}: {status!r}")
        return untagged

    def append_all(self, mailbox, messages):
        """The statuses, one for each."""
        return [status for status, _ in self.run([b"APPEND %s {%d+}\r\n%s" % (mailbox, len(m), m) for m in messages])]


def connect(port, user, password):
    s = socket.create_connection(("127.0.0.1", port), TIMEOUT)
    client = Imap(s.makefile("rb"), s.sendall)
    client.socket = s
    client.do(b'LOGIN "%s" "%s"' % (user.encode(), password.encode()))
    return client


class DovecotChild:
    """Debian's Dovecot without a daemon: its imap process, signed in, on a pipe. It ends with the pipe."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="posthorn-dovecot-")
        os.chmod(self.directory, 0o711)
        owner = os.getuid() or MAIL_OWNER
        config = os.path.join(self.directory, "dovecot.conf")
        with open(config, "w", encoding="utf-8") as f:
            f.write(DOVECOT_CONFIGURATION.format(self.directory, owner))
        for name in ("run", "state", "mail"):
            os.mkdir(os.path.join(self.directory, name))
            if os.getuid() == 0:
                os.chown(os.path.join(self.directory, name), owner, owner)
        self.process = subprocess.Popen([DOVECOT, "-c", config], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, bufsize=0, cwd="/",
                                        env={"HOME": self.directory, "USER": "corpus", "PATH": os.environ["PATH"]})
        self.client = Imap(open(self.process.stdout.fileno(), "rb", closefd=False), self.write_all)

    def write_all(self, data):
        view = memoryview(data)
        while view:
            view = view[self.process.stdin.write(view):]

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(20)
        self.process.stdout.close()
        shutil.rmtree(self.directory, ignore_errors=True)
