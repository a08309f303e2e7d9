"""Postfix that hands everything to a Dovecot by LMTP, as README.md says: Debian's package, a folder and a port of its own."""
import os
import subprocess

from . import dovecot, machine
from .process import Failed, Server

DAEMON = "/usr/lib/postfix/sbin/master"  # what "postfix start" ends up running

MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = mx.example.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
{delivery}smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
disable_dns_lookups = yes
"""

TO_STORE = """\
virtual_mailbox_domains = example.test
virtual_mailbox_maps = hash:{folder}/users
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
"""
TO_SINK = "relayhost = [127.0.0.1]:{sink}\n"

MASTER = """\
127.0.0.1:{smtp} inet n - n - - smtpd
pickup    unix n - n 60    1 pickup
cleanup   unix n - n -     0 cleanup
qmgr      unix n - n 300   1 qmgr
tlsmgr    unix - - n 1000? 1 tlsmgr
rewrite   unix - - n -     - trivial-rewrite
bounce    unix - - n -     0 bounce
defer     unix - - n -     0 bounce
trace     unix - - n -     0 bounce
verify    unix - - n -     1 verify
flush     unix n - n 1000? 0 flush
proxymap  unix - - n -     - proxymap
proxywrite unix - - n -    1 proxymap
smtp      unix - - n -     - smtp
relay     unix - - n -     - smtp
showq     unix n - n -     - showq
error     unix - - n -     - error
retry     unix - - n -     - error
discard   unix - - n -     - discard
local     unix - n n -     - local
virtual   unix - n n -     - virtual
lmtp      unix - - n -     - lmtp
anvil     unix - - n -     1 anvil
scache    unix - - n -     1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


def why_not_alone():
    """Why Postfix cannot be measured here, or None."""
    return None if machine.package_version("postfix") else "not installed: postfix"


def why_not():
    return why_not_alone() or dovecot.why_not()


class Postfix(Server):
    """What is common to both kinds: a folder with configuration and queue."""

    protocols = ("smtp",)

    def write(self, delivery):
        for name in ("queue", "data"):
            os.mkdir(os.path.join(self.folder, name), 0o755)
        with open(os.path.join(self.folder, "main.cf"), "w") as f:
            f.write(MAIN.format(folder=self.folder, delivery=delivery))
        with open(os.path.join(self.folder, "master.cf"), "w") as f:
            f.write(MASTER.format(smtp=self.ports["smtp"]))
        self._run("chown", "postfix", os.path.join(self.folder, "data"))
        self._run("postfix", "-c", self.folder, "check")  # makes the queue's folders

    @staticmethod
    def _run(*command):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failed(f"{' '.join(command)}: {done.stderr.strip()}")

    def command(self):
        return [DAEMON, "-c", self.folder, "-s"]

    def last_words(self):
        return super().last_words() + " / " + " / ".join(machine.read(os.path.join(self.folder, "log")).strip().splitlines()[-4:])


class PostfixRelay(Postfix):
    """Postfix that hands everything to a host on loopback."""

    def __init__(self, folder, sink):
        super().__init__(folder)
        self.sink = sink
        self.title, self.version = "Postfix", (machine.package_version("postfix") or "?").split("-")[0]
        self.settings = "relayhost is the sink; every limit default, queue files synced (default)"

    def prepare(self):
        self.write(TO_SINK.format(sink=self.sink))


class PostfixDovecot(Postfix):
    """The two as one server: SMTP is Postfix's, everything else Dovecot's."""

    def __init__(self, folder, certificate, users, mail_format):
        super().__init__(folder)
        self.users = users
        self.store = dovecot.Dovecot(folder + "-store", certificate, users, mail_format)
        postfix = (machine.package_version("postfix") or "?").split("-")[0]
        self.version = f"{postfix} + {self.store.version}"
        self.title = f"Postfix + Dovecot {mail_format}"
        self.settings = "Postfix: every limit default, queue files synced (default), hash: map of users, LMTP to Dovecot; " + self.store.settings

    def prepare(self):
        with open(os.path.join(self.folder, "users"), "w") as f:
            f.writelines(f"{name}@example.test {name}\n" for name, _ in self.users)
        self.write(TO_STORE.format(folder=self.folder, lmtp=self.store.ports["lmtp"]))
        self._run("postmap", "-c", self.folder, "hash:" + os.path.join(self.folder, "users"))

    def start(self):
        self.store.start()
        super().start()
        self.ports.update(self.store.ports)

    def stop(self):
        super().stop()
        self.store.stop()

    def roots(self):
        return super().roots() | self.store.roots()
