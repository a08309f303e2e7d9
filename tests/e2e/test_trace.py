"""posthorn trace: from the connection a message came by to the last word about each recipient."""

import json
import time
import unittest

from harness import DOMAIN, message
from test_relay import RelayTestCase, submit, wait_for_inbox, inbox


class TraceCommand(RelayTestCase):
    MORE = ""
    ZONES = {}

    def trace(self, what, *words, check=True):
        return self.server.admin("trace", what, *words, check=check)

    def newest(self, address):
        found = self.trace(address, "--json", check=False).stdout
        return json.loads(found)["messages"][0]["id"] if found and json.loads(found)["ok"] else None

    def wait_for_text(self, what, *parts, seconds=60):
        deadline = time.monotonic() + seconds
        while True:
            text = self.trace(what).stdout
            if all(part in text for part in parts) or time.monotonic() > deadline:
                for part in parts:
                    self.assertIn(part, text)
                return text
            time.sleep(0.2)

    def test_the_way_of_a_relayed_message(self):
        domain, host = self.destination()
        submit(self.server, [f"bob@{domain}"])
        self.expect(host, 1)
        number = self.newest(f"BOB@{domain}")
        text = self.wait_for_text(number, "accepted from client.test [127.0.0.1] with ESMTPA, no TLS, signed in as alice@example.test", f"<bob@{domain}>: queued",
                                  "; TLS: ", f"> RCPT TO:<bob@{domain}>", "< 250", "It is not in the queue")
        self.assertLess(text.index("accepted from"), text.index("RCPT TO"))
        self.assertIn(f"message {number}  from alice@{DOMAIN} to bob@{domain}", self.trace(f"alice@{DOMAIN}").stdout)

    def test_a_local_message(self):
        before = len(inbox(self.server, "bob"))
        self.server.send(message("local"), [f"bob@{DOMAIN}"], sender="carol@traced.test")
        wait_for_inbox(self.server, before + 1, "bob")
        number = self.newest("carol@traced.test")
        self.assertIn(f"<bob@{DOMAIN}>: stored in the mailbox", self.trace(number).stdout)

    def test_a_report_and_what_it_is_about_name_each_other(self):
        domain, host = self.destination()
        host.says["RCPT"] = "550-5.1.1 think again\r\n550 5.1.1 nobody"
        submit(self.server, [f"lost@{domain}"])
        wait_for_inbox(self.server, 1)
        deadline = time.monotonic() + 60
        while not (number := self.newest(f"lost@{domain}")) and time.monotonic() < deadline:
            time.sleep(0.1)
        text = self.wait_for_text(number, f"<lost@{domain}>: failed: 550 5.1.1 think again nobody\n", f"a report to alice@{DOMAIN} is queued as message ")
        report = text.split("is queued as message ")[1].split()[0]
        self.wait_for_text(report, f"a report about message {number}", "into the mailbox")

    def test_what_an_operator_does(self):
        domain, host = self.destination()
        host.says["MAIL"] = "451 4.3.0 later"
        submit(self.server, [f"bob@{domain}"])
        number = self.newest(f"bob@{domain}")
        self.assertIn("It is in the queue", self.trace(number).stdout)
        self.server.admin("queue", "hold", number)
        self.server.admin("queue", "delete", number)
        self.wait_for_text(number, "an operator's word: hold", "an operator's word: delete", "It is not in the queue")

    def test_what_is_not_known(self):
        for what, status in (("1", 1), ("nobody@nowhere.test", 1), ("nonsense", 2)):
            with self.subTest(what=what):
                self.assertEqual(self.trace(what, check=False).returncode, status)


if __name__ == "__main__":
    unittest.main()
