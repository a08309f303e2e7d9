"""posthorn queue: what waits is listed, shown, held, released, retried, deleted and bounced; with the server running and without."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
import time
import unittest

from harness import BINARY, DOMAIN, message
from test_relay import RelayTestCase, inbox, submit


class QueueCommands(RelayTestCase):
    MORE = ""
    ZONES = {}

    def queue(self, *words, check=True):
        return self.server.admin("queue", *words, check=check)

    def entries(self, *words):
        return [json.loads(line) for line in self.queue("list", *words, "--json").stdout.splitlines()]

    def wait_for(self, what, seconds=90):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = what()
            if found:
                return found
            time.sleep(0.1)
        self.fail(self.server.log(40))

    def waiting(self, subject="waits"):
        """A message for a host that says 'later', and the host."""
        domain, host = self.destination()
        host.says["RCPT"] = "451 4.2.1 come back later"
        submit(self.server, [f"bob@{domain}", f"carol@{domain}"], message(subject))
        entry = self.wait_for(lambda: [e for e in self.entries("--domain", domain) if e["last"]])[0]
        return domain, host, entry

    def test_a_message_is_listed_and_shown_under_the_id_of_the_log(self):
        domain, _, entry = self.waiting()
        self.assertEqual((entry["sender"], entry["waiting"], entry["recipient"]), (f"alice@{DOMAIN}", 2, f"bob@{domain}"))
        self.assertIn("come back later", entry["last"]["text"])
        self.assertEqual([(r["address"], r["state"]) for r in entry["to"]], [(f"bob@{domain}", "waiting"), (f"carol@{domain}", "waiting")])
        self.assertIn("come back later", entry["to"][1]["last"]["text"])
        self.assertEqual(entry["to_more"], 0)
        self.assertRegex(self.server.log(1000), rf'smtp.accepted.*message[=:"]+{entry["id"]}\b')
        text = self.queue("list", entry["id"]).stdout
        self.assertRegex(text, rf"(?m)^ *{entry['id']} .*alice@{DOMAIN}$")
        self.assertIn(f"to bob@{domain} (1 more waiting)", text)
        self.assertIn("1 message, ", text)
        text = self.queue("list", entry["id"], "--recipients").stdout
        self.assertRegex(text, rf"(?m)^    carol@{domain} +waiting$")
        self.assertEqual(text.count("come back later"), 2)
        shown = self.queue("show", entry["id"]).stdout
        for part in (f"bob@{domain}", f"carol@{domain}", "come back later", "client.test [127.0.0.1] ESMTPA"):
            self.assertIn(part, shown)
        self.assertEqual(self.queue("show", "1", check=False).returncode, 1)
        self.assertEqual(self.queue("show", "nonsense", check=False).returncode, 1)
        self.queue("delete", "--domain", domain)

    def test_selections(self):
        domain, _, entry = self.waiting()
        for words, found in ((("--sender", f"alice@{DOMAIN}", "--domain", domain), 1), (("--sender", "<>", "--domain", domain), 0),
                             (("--to", f"CAROL@{domain}"), 1), (("--to", f"@{domain}"), 1), (("--to", "nobody@nowhere.test"), 0),
                             (("--older-than", "1 h", "--domain", domain), 0), (("--younger-than", "1 h", "--domain", domain), 1),
                             (("--held", "--domain", domain), 0), (("--not-held", "--domain", domain), 1), ((entry["id"], entry["id"]), 2)):
            with self.subTest(words=words):
                self.assertEqual(len(self.entries(*words)), found)
        for words in (("list", "--older-than", "yesterday"), ("list", "--held", "--not-held"), ("delete",), ("delete", "--all", "--held"), ("hold",)):
            with self.subTest(words=words):
                self.assertEqual(self.queue(*words, check=False).returncode, 2)
        self.queue("delete", "--domain", domain)
        self.assertEqual(self.entries("--domain", domain), [])

    def test_hold_release_retry(self):
        domain, host, entry = self.waiting()
        self.assertIn("hold: 1 message, 2 recipients", self.queue("hold", entry["id"]).stdout)
        self.wait_for(lambda: self.entries("--held", entry["id"]))
        self.assertIn("held", self.queue("list", entry["id"]).stdout)
        del host.says["RCPT"]
        self.assertIn("retry: 0 messages", self.queue("retry", "--domain", domain).stdout)
        time.sleep(2.5)  # longer than the longest step between attempts
        self.assertEqual(host.messages, [])
        self.queue("release", "--domain", domain)
        self.assertEqual(self.expect(host, 1)[0].recipients, [f"bob@{domain}", f"carol@{domain}"])
        self.wait_for(lambda: not self.entries("--domain", domain))

    def test_bounce_tells_the_sender_and_delete_does_not(self):
        had = len(inbox(self.server))
        domain, _, _ = self.waiting("is deleted")
        self.queue("delete", "--domain", domain)
        domain, _, _ = self.waiting("comes back")
        self.queue("hold", "--domain", domain)  # that ends with it
        self.queue("bounce", "--domain", domain)
        self.wait_for(lambda: len(inbox(self.server)) > had)
        mails = inbox(self.server)[had:]
        self.assertEqual(len(mails), 1)
        self.assertIn(b"Subject: comes back", mails[0])
        self.wait_for(lambda: not self.entries("--domain", domain))

    def test_without_a_server(self):
        domain, _, entry = self.waiting("survives")
        self.server.stop()
        try:
            listed = self.queue("list", "--domain", domain)
            self.assertIn("the server is not running", listed.stderr)
            self.assertIn(entry["id"], listed.stdout)
            self.assertIn("hold: 1 message", self.queue("hold", entry["id"]).stdout)
        finally:
            self.server.start()
        self.assertEqual(len(self.entries("--held", entry["id"])), 1)
        self.assertIn("delete: 1 message", self.queue("delete", entry["id"]).stdout)

    def test_many(self):
        domain, host = self.destination()
        host.says["RCPT"] = "451 4.2.1 come back later"
        for i in range(30):
            submit(self.server, [f"u{i}@{domain}"], message(f"many {i}"))
        self.assertEqual(len(self.entries("--domain", domain)), 30)
        deleted = self.queue("delete", "--domain", domain, "--json").stdout
        self.assertGreaterEqual(json.loads(deleted)["messages"], 30)
        self.wait_for(lambda: not self.entries("--domain", domain))
        self.assertTrue(re.search(r"no messages", self.queue("list", "--domain", domain).stdout))

    def on_terminal(self, *words, columns=80):
        """What a terminal of this width gets, as written, and what is left to be read on it."""
        controller, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        command = [BINARY, "queue", *words, "--config", self.server.config]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=terminal, stderr=terminal, env=dict(os.environ, TERM="xterm"))
        os.close(terminal)
        written = b""
        try:
            while piece := os.read(controller, 65536):
                written += piece
        except OSError:  # EIO: nobody has it open any more
            pass
        os.close(controller)
        self.assertEqual(process.wait(60), 0, written)
        written = written.decode()
        lines = []
        for line in written.split("\r\n"):
            shown, at = "", 0
            for piece in re.findall(r"\r|\x1b\[K|[^\r\x1b]+", line):
                if piece == "\r":
                    at = 0
                elif piece == "\x1b[K":
                    shown = shown[:at]
                else:
                    shown, at = shown[:at] + piece + shown[at + len(piece):], at + len(piece)
            lines.append(shown)
        return written, lines

    def test_progress_on_a_terminal(self):
        domain, _, _ = self.waiting()
        for i in range(2):
            submit(self.server, [f"u{i}@{domain}"], message(f"more {i}"))
        ids = [e["id"] for e in self.entries("--domain", domain)]
        self.assertEqual(len(ids), 3)
        for columns in (80, 24):
            self.queue("hold", "--domain", domain)
            self.wait_for(lambda: len(self.entries("--held", "--domain", domain)) == 3)
            written, lines = self.on_terminal("release", *ids, columns=columns)
            self.assertIn("\rrelease: 1 message; 1 of about "[:columns] + ("" if columns > 40 else "\x1b[K"), written, "cut, so that it does not wrap")
            self.assertIn("\r\x1b[Krelease: 3 messages, 4 recipients\r\n", written, "it goes before the result comes")
            self.assertEqual(lines, ["release: 3 messages, 4 recipients", ""])
        self.queue("hold", "--domain", domain)
        self.wait_for(lambda: len(self.entries("--held", "--domain", domain)) == 3)
        piped = self.queue("delete", *ids)
        self.assertEqual((piped.stdout, piped.stderr), ("delete: 3 messages, 4 recipients\n", ""))


if __name__ == "__main__":
    unittest.main()
