"""The administration commands, against a stopped server and a running one; the configuration's errors."""

import os
import subprocess
import tempfile
import unittest

import harness
from harness import DOMAIN, PASSWORD, Server


class Commands(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.remove)

    def run_all(self):
        admin = self.server.admin
        admin("domain", "add", DOMAIN)
        self.assertNotEqual(admin("domain", "add", DOMAIN, check=False).returncode, 0)
        self.assertIn(DOMAIN, admin("domain", "list").stdout)
        admin("account", "add", f"carol@{DOMAIN}", "--password-file", "-", stdin=PASSWORD + "\n")
        self.assertNotEqual(admin("account", "add", f"carol@{DOMAIN}", "--password-file", "-", stdin="x\n", check=False).returncode, 0)
        self.assertNotEqual(admin("account", "add", "carol@nowhere.test", "--password-file", "-", stdin="x\n", check=False).returncode, 0)
        path = os.path.join(self.server.directory, "import.csv")
        with open(path, "w", encoding="utf-8") as f:
            f.write(f"dave@{DOMAIN},one\nerin@{DOMAIN},\"two, quoted\"\n")
        admin("account", "import", path)
        listed = admin("account", "list").stdout
        for name in ("carol", "dave", "erin"):
            self.assertIn(f"{name}@{DOMAIN}", listed)
        self.assertNotIn(PASSWORD, listed)
        admin("account", "password", f"dave@{DOMAIN}", "--password-file", "-", stdin="three\n")
        admin("alias", "add", f"info@{DOMAIN}", f"carol@{DOMAIN}", f"dave@{DOMAIN}")
        self.assertIn(f"info@{DOMAIN}", admin("alias", "list").stdout)
        busy = admin("domain", "remove", DOMAIN, check=False)
        self.assertNotEqual(busy.returncode, 0)
        admin("alias", "remove", f"info@{DOMAIN}")
        self.assertNotIn(f"info@{DOMAIN}", admin("alias", "list").stdout)
        for name in ("carol", "dave", "erin"):
            admin("account", "remove", f"{name}@{DOMAIN}")
        admin("domain", "remove", DOMAIN)
        self.assertNotIn(DOMAIN, admin("domain", "list").stdout)

    def test_stopped(self):
        self.run_all()
        self.server.check_store()

    def test_running(self):
        self.server.start()
        self.run_all()
        status = self.server.admin("status").stdout
        for word in ("connections", "messages", "commits", "cache"):
            self.assertIn(word, status.lower())
        self.server.check_store()
        self.server.stop()

    def test_an_alias_delivers_to_its_targets_once(self):
        self.server.create_accounts()
        self.server.admin("alias", "add", f"all@{DOMAIN}", f"alice@{DOMAIN}", f"bob@{DOMAIN}")
        self.server.start()
        self.server.send(harness.message("to-all"), [f"all@{DOMAIN}", f"bob@{DOMAIN}"])
        for name in ("alice", "bob"):
            out = subprocess.run(["curl", "-sk", f"imaps://127.0.0.1:{self.server.ports['imaps']}/INBOX", "-u",
                                  f"{name}@{DOMAIN}:{PASSWORD}", "-X", "SEARCH SUBJECT to-all"], capture_output=True, text=True)
            self.assertEqual(len(out.stdout.split("SEARCH", 1)[1].split()), 1, out)
        self.server.stop()

    def test_two_servers_cannot_share_the_data(self):
        self.server.start()
        second = subprocess.run([harness.BINARY, "serve", "--config", self.server.config], capture_output=True, text=True, timeout=60)
        self.assertNotEqual(second.returncode, 0)
        self.server.stop()


class Configuration(unittest.TestCase):
    def check(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as f:
            f.write(text)
            f.flush()
            done = subprocess.run([harness.BINARY, "check-config", "--config", f.name], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def test_every_mistake_is_reported_with_its_line(self):
        code, text = self.check('hostnam = "x"\ndata_dir = 5\n[[listen]]\nprotocol = "smpt"\naddress = "127.0.0.1:99999"\n')
        self.assertNotEqual(code, 0)
        for part in (":1:", ":2:", ":4:", ":5:", "hostname"):
            self.assertIn(part, text)

    def test_a_good_file_is_good(self):
        code, text = self.check('hostname = "mail.example.org"\ndata_dir = "/tmp/x"\n'
                                '[[listen]]\nprotocol = "smtp"\naddress = "127.0.0.1:2525"\ntls = "starttls"\n')
        self.assertEqual(code, 0, text)

    def test_version(self):
        done = subprocess.run([harness.BINARY, "version"], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0)
        self.assertIn("posthorn", done.stdout.lower())
