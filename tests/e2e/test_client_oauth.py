"""Signing in with an OAuth 2 token: fetch and sync at a Dovecot that verifies tokens itself, send at a server that says what it heard."""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import tempfile
import time
import unittest

from harness import BINARY, free_ports
from mail_store import DovecotStore
from smtp_host import Host
from test_client_copy import BreakingProxy

NO_PERMISSION = 77
KEY = b"a key that only the test and its Dovecot know"

# Without the time that it lets pass behind a wrong password.
OAUTH = """
auth_failure_delay = 0
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
auth_mechanisms = plain {mechanism}
passdb {{
  driver = oauth2
  mechanisms = {mechanism}
  args = {folder}/oauth2
}}
"""
LOCAL = """
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={folder}/keys/
username_attribute = sub
"""


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def token(user, lasts=3600):
    """A JSON web token, as an authorization server would give it."""
    now = int(time.time())
    head, claims = ({"alg": "HS256", "typ": "JWT"}, {"sub": user, "iat": now - 7200, "nbf": now - 7200, "exp": now + lasts})
    signed = b".".join(encoded(json.dumps(part).encode()) for part in (head, claims))
    return (signed + b"." + encoded(hmac.new(KEY, signed, hashlib.sha256).digest())).decode()


class OAuth(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="posthorn-oauth-")
        self.addCleanup(self.folder.cleanup)

    def run_with(self, given, command, *words, status=0):
        path = os.path.join(self.folder.name, "token")
        with open(path, "w", encoding="ascii") as f:
            f.write(given + "\n")
        done = subprocess.run([BINARY, command, *words, "--token-command", f"cat '{path}'"], input="", capture_output=True, text=True, timeout=120,
                              env={**os.environ, "HOME": self.folder.name})
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertNotIn(given, done.stdout + done.stderr)
        return done.stdout, done.stderr

    def store(self, mechanism):
        store = DovecotStore()
        self.addCleanup(store.stop)
        keys = os.path.join(store.folder, "keys", "default", "HS256")
        os.makedirs(keys)
        for path, text in ((os.path.join(keys, "default"), base64.b64encode(KEY).decode()), (os.path.join(store.folder, "oauth2"), LOCAL.format(folder=store.folder))):
            with open(path, "w", encoding="ascii") as f:
                f.write(text)
        with open(store.config, "a", encoding="ascii") as f:
            f.write(OAUTH.format(mechanism=mechanism, folder=store.folder))
        store.start()
        imap = store.imap()
        imap.append("INBOX", None, None, b"From: a@b.test\r\nSubject: x\r\n\r\nbody\r\n")
        imap.logout()
        return store

    @unittest.skipIf(os.geteuid() != 0, "Dovecot wants root")
    def test_at_dovecot(self):
        for mechanism in ("oauthbearer", "xoauth2"):
            with self.subTest(mechanism):
                store = self.store(mechanism)
                trust = ("--ca", store.certificate)
                target = "maildir:" + os.path.join(self.folder.name, mechanism)
                self.run_with(token("joe"), "fetch", store.url(), target, "--keep", *trust)
                self.run_with(token("joe"), "sync", store.url(), target + "-tree", *trust)
                for where in (target, target + "-tree"):
                    new = [name for part in ("new", "cur") for name in os.listdir(os.path.join(where.removeprefix("maildir:"), part))]
                    self.assertEqual(len(new), 1, where)
                self.run_with(token("joe"), "fetch", store.url(scheme="pop3s"), target + "-pop3", "--keep", *trust)
                # Refused, and said so; not a word of the token.
                for wrong in (token("joe", lasts=-3600), token("joe")[:-4] + "AAAA"):
                    _, err = self.run_with(wrong, "fetch", store.url(), target, "--keep", *trust, status=NO_PERMISSION)
                    self.assertIn("posthorn fetch: ", err)
                self.run_with("nonsense", "sync", store.url(), target + "-tree", *trust, status=NO_PERMISSION)
                store.stop()

    @unittest.skipIf(os.geteuid() != 0, "Dovecot wants root")
    def test_of_copy(self):
        """A token may be too old when the connection is made anew: each gets one of its own."""
        store = self.store("oauthbearer")
        proxy = BreakingProxy(store.ports["imap"], 600, 100_000)
        self.addCleanup(proxy.stop)
        calls = os.path.join(self.folder.name, "calls")
        tokens = [os.path.join(self.folder.name, f"token-{number}") for number in range(2)]
        for path, lasts in zip(tokens, (3600, 1800)):
            with open(path, "w", encoding="ascii") as f:
                f.write(token("joe", lasts) + "\n")
        command = f"echo x >> '{calls}'; test $(wc -l < '{calls}') = 1 && cat '{tokens[0]}' || cat '{tokens[1]}'"
        done = subprocess.run([BINARY, "copy", f"imap://joe@127.0.0.1:{proxy.port}", "maildir:" + os.path.join(self.folder.name, "copied"), "--source-token-command", command,
                               "--source-ca", store.certificate], capture_output=True, text=True, timeout=120, env={**os.environ, "HOME": self.folder.name})
        self.assertIn("copied 1 message", done.stdout, done.stderr)
        self.assertEqual(proxy.broken, 1)
        with open(calls, encoding="ascii") as f:
            self.assertEqual(f.read(), "x\n" * 2)

    def test_of_send(self):
        words = ("--no-fallback", "--allow-plaintext", "--from", "joe@here.test", "--to", "ann@there.test", "--subject", "x", "--body", "y")
        for offered, said in (("AUTH XOAUTH2 OAUTHBEARER", "AUTH OAUTHBEARER "), ("AUTH PLAIN XOAUTH2", "AUTH XOAUTH2 ")):
            with Host("127.0.0.1", free_ports(1)[0], extensions=("8BITMIME", offered)) as host:
                host.says["AUTH"] = "235 2.7.0 welcome"
                server = ("--server", f"smtp://joe@127.0.0.1:{host.server.server_address[1]}")
                self.run_with("the.token", "send", *server, *words)
                auth = [line for line in host.commands if line.startswith("AUTH")]
                self.assertEqual(len(auth), 1)
                self.assertTrue(auth[0].startswith(said), auth)
                heard = base64.b64decode(auth[0].removeprefix(said))
                self.assertIn(b"\x01auth=Bearer the.token\x01\x01", heard)
                self.assertIn(b"joe", heard.split(b"\x01")[0])
                # The error comes as a challenge, and the server says no to whatever is answered.
                host.says["AUTH"] = "334 " + base64.b64encode(b'{"status":"invalid_token"}').decode()
                host.says["AQ=="] = host.says[""] = "535 5.7.8 no"
                _, err = self.run_with("the.token", "send", *server, *words, status=NO_PERMISSION)
                self.assertIn("535", err)
                self.assertEqual(len(host.messages), 1)


if __name__ == "__main__":
    unittest.main()
