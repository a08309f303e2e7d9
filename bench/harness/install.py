"""Installs the peers from Debian's packages, without letting them start."""
import os
import subprocess

from . import dovecot
from .process import Failed

POLICY = "/usr/sbin/policy-rc.d"


def install_peers():
    if os.geteuid() != 0:
        raise Failed("--install-peers needs root")
    made = not os.path.exists(POLICY)
    if made:  # the packages ask this program whether their services may be started
        with open(POLICY, "w") as f:
            f.write("#!/bin/sh\nexit 101\n")
        os.chmod(POLICY, 0o755)
    elif subprocess.run([POLICY, "postfix", "start"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 101:
        raise Failed(f"{POLICY} is there and would let services start: install the packages by hand, or move it away for a moment")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        command = ["apt-get", "install", "-y", "--no-install-recommends", *dovecot.PACKAGES, "postfix"]
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise Failed(f"{' '.join(command)} failed:\n" + "\n".join(done.stdout.splitlines()[-8:]))
    finally:
        if made:
            os.remove(POLICY)
