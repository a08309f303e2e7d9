"""posthorn queue: what waits is listed, shown, held, released, retried, deleted and bounced; with the server running and without."""

import json
import re
import time
import unittest

from harness import DOMAIN, message
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


if __name__ == "__main__":
    unittest.main()
