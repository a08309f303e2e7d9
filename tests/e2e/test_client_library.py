"""The client library as others use it: installed, and the example compiled against what was installed."""

import glob
import os
import shutil
import subprocess
import tempfile
import unittest

from harness import BINARY, DOMAIN, PASSWORD, Server
from test_relay import certificate

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLE = os.path.join(HERE, os.pardir, os.pardir, "examples", "mailboxes.cc")


class Library(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="posthorn-library-")
        cls.addClassCleanup(shutil.rmtree, cls.directory)
        (cls.certificate, key), _ = certificate(cls.directory, "localhost")
        cls.server = Server(f'[tls]\ncertificate = "{cls.certificate}"\nkey = "{key}"\n')
        cls.addClassCleanup(cls.server.remove)
        cls.server.create_accounts()
        cls.server.start()
        cls.addClassCleanup(cls.server.stop)

    def run_words(self, *words, status=0, **env):
        done = subprocess.run(words, capture_output=True, text=True, timeout=300, env={**os.environ, **env})
        self.assertEqual(done.returncode, status, f"{words}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def test_the_example_is_built_and_lists_mailboxes(self):
        build = os.path.dirname(os.path.abspath(BINARY))
        self.run_words("cmake", "--install", build, "--component", "client", "--prefix", self.directory)
        (pkgconfig,) = glob.glob(os.path.join(self.directory, "lib*", "**", "pkgconfig"), recursive=True)
        flags = self.run_words("pkg-config", "--cflags", "--libs", "posthorn-client", PKG_CONFIG_PATH=pkgconfig).split()
        with open(os.path.join(build, "CMakeCache.txt"), encoding="utf-8") as f:
            sanitized = ["-fsanitize=address,undefined"] if "POSTHORN_SANITIZE:STRING=address\n" in f.read() else []
        program = os.path.join(self.directory, "mailboxes")
        self.run_words("clang++-19", *sanitized, EXAMPLE, "-o", program, *flags)

        url = f"imaps://alice%40{DOMAIN}@localhost:{self.server.ports['imaps']}"
        self.assertRegex(self.run_words(program, url, self.certificate, MAIL_PASSWORD=PASSWORD), r"(?m)^ +0  INBOX$")
        self.assertIn("certificate", self.run_words(program, url, MAIL_PASSWORD=PASSWORD, status=69))
        self.assertIn("does not let", self.run_words(program, url, self.certificate, MAIL_PASSWORD="wrong", status=69))


if __name__ == "__main__":
    unittest.main()
