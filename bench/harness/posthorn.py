"""Posthorn itself: how it is built, set up and started."""
import os
import shutil
import subprocess

from .process import Failed, Server

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.path.join(ROOT, "build", "release", "posthorn")

CONFIGURATION = """\
hostname = "mx.example.test"
data_dir = "{folder}/data"

[tls]
certificate = "{cert}"
key = "{key}"

[auth]
password_scheme = "{scheme}"
{more_auth}
{more}
[[listen]]
protocol = "smtp"
address = "127.0.0.1:{smtp}"

[[listen]]
protocol = "lmtp"
address = "127.0.0.1:{lmtp}"

[[listen]]
protocol = "imap"
address = "127.0.0.1:{imap}"
tls = "starttls"
allow_plaintext_auth = true

[[listen]]
protocol = "imap"
address = "127.0.0.1:{imaps}"
tls = "implicit"

[[listen]]
protocol = "pop3"
address = "127.0.0.1:{pop3}"
tls = "starttls"
allow_plaintext_auth = true
"""


def build():
    """Builds the release binary and returns its path."""
    if os.access(os.path.join(ROOT, "run"), os.X_OK):
        steps = [["./run", "--build-only"]]
    else:
        steps = [["cmake", "--preset", "release"], ["cmake", "--build", "build/release", "--target", "posthorn"]]
    for step in steps:
        done = subprocess.run(step, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise Failed(f"{' '.join(step)} failed:\n" + "\n".join(done.stdout.splitlines()[-15:]))
    return BINARY


class Posthorn(Server):
    title = "Posthorn"
    protocols = ("smtp", "lmtp", "imap", "imaps", "pop3")

    def __init__(self, binary, folder, certificate, users, scheme="sha256", more_auth="", more=""):
        super().__init__(folder)
        self.binary, self.certificate, self.users, self.scheme, self.more_auth = binary, certificate, users, scheme, more_auth
        self.more = more
        done = subprocess.run([binary, "version"], capture_output=True, text=True)
        self.version = done.stdout.split("\n")[0].replace("posthorn", "").strip() if done.returncode == 0 else "?"
        auth = ", ".join([f'password_scheme = "{scheme}"', *more_auth.split("\n")]).strip(", ")
        more = "".join(f", {line}" for line in more.split("\n") if line)
        self.settings = f"[auth] {auth}{more}; everything else default (RocksDB, every acknowledged commit is synced)"

    def prepare(self):
        cert, key = self.certificate
        self.configuration = os.path.join(self.folder, "posthorn.toml")
        with open(self.configuration, "w") as f:
            f.write(CONFIGURATION.format(folder=self.folder, cert=cert, key=key, scheme=self.scheme, more_auth=self.more_auth, more=self.more, **self.ports))
        accounts = os.path.join(self.folder, "accounts.csv")
        with open(accounts, "w") as f:
            f.writelines(f"{name}@example.test,{password}\n" for name, password in self.users)
        self.administer("domain", "add", "example.test")
        self.administer("account", "import", accounts)

    def administer(self, *command):
        done = subprocess.run([self.binary, *command, "--config", self.configuration], capture_output=True, text=True)
        if done.returncode != 0:
            raise Failed(f"posthorn {' '.join(command)}: {(done.stderr or done.stdout).strip()}")

    def command(self):
        return [self.binary, "serve", "--config", self.configuration]


def find(path):
    found = shutil.which(path)
    if not found:
        raise Failed(f"{path} is not there, or not a program")
    return os.path.abspath(found)
