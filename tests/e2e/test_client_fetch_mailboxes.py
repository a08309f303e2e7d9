"""posthorn fetch into mailboxes: of an IMAP server, and of the local store."""

import imaplib
import os
import re
import time

from harness import PASSWORD, ServerTestCase, insecure_tls, message
from test_client_fetch import CANTCREAT, OK, PROTOCOL, TEMPFAIL, FetchTestCase, digest, digests, kill_rounds, make_mail

DOMAIN, USAGE = "example.test", 64


class IntoMailboxes(ServerTestCase, FetchTestCase):
    mailboxes = 0

    def setUp(self):
        super().setUp()
        IntoMailboxes.mailboxes += 1
        self.mailbox = f"Fetched {self.mailboxes}"

    def imap(self, name="alice"):
        imap = imaplib.IMAP4_SSL("127.0.0.1", self.port("imaps"), ssl_context=insecure_tls())
        imap.login(f"{name}@{DOMAIN}", PASSWORD)
        self.addCleanup(imap.logout)
        return imap

    def target(self):
        return f"imaps://alice%40{DOMAIN}@127.0.0.1:{self.port('imaps')}"

    def options(self):
        return ["--target-insecure", "--target-password-env", "PASSWORD", "--target-mailbox", self.mailbox]

    def into(self, source, *options, status=OK):
        return self.fetch(source, *self.options(), *options, target=self.target(), status=status)

    def texts(self, mailbox=None, name="alice"):
        imap = self.imap(name)
        kind, _ = imap.select(f'"{mailbox or self.mailbox}"', readonly=True)
        if kind != "OK":
            return []
        return [part[1] for part in imap.fetch("1:*", "(BODY.PEEK[])")[1] if isinstance(part, tuple)]

    def there(self, **where):
        return sorted(map(digest, self.texts(**where)))

    def test_of_a_server(self):
        mail = make_mail(150)
        host = self.host(mail)
        report = self.into(host.url())
        self.assertEqual((report["stored"], report["removed"]), (150, 150))
        self.assertEqual(self.there(), digests(mail))
        self.assertEqual(self.into(host.url())["stored"], 0)

    def test_of_the_local_store(self):
        host = self.host(make_mail(20))
        target = f"posthorn:alice@{DOMAIN}"
        report = self.fetch(host.url(), "--config", self.server.config, "--target-mailbox", self.mailbox, target=target)
        self.assertEqual((report["stored"], host.mail), (20, []))
        self.assertEqual(self.there(), digests(make_mail(20)))
        answer = self.fetch(self.host(make_mail(1)).url(), "--config", self.server.config, target=f"posthorn:nobody@{DOMAIN}", status=68)
        self.assertIn("nobody", answer["error"])

    def test_killed_at_any_instant_each_message_arrives_once(self):
        mail = make_mail(400, size=4000)
        host = self.host(mail)
        command = self.command(host.url(), "-q", *self.options(), target=self.target())
        kill_rounds(self, command, 4)
        self.into(host.url())
        self.assertEqual(self.there(), digests(mail))
        self.assertEqual(host.mail, [])

    @staticmethod
    def forget_what_was_answered(state):
        """As if killed between the server's answers and the journal."""
        with open(state, encoding="ascii") as f:
            lines = f.readlines()
        with open(state, "w", encoding="ascii") as f:
            f.writelines(line for line in lines if line[9] != "S")

    def test_takes_leave_where_nothing_was_left_to_store(self):
        mail = make_mail(3)
        host, state = self.host(mail), os.path.join(self.home, "state-file")
        self.into(host.url(), "--keep", "--state", state)
        for source, status in ("in order", OK), ("talks nonsense", PROTOCOL):
            with self.subTest(source):
                self.forget_what_was_answered(state)
                host.mangle = lambda command, data, fails=status: b"+OK\r\n1 a\r\n1 b\r\n.\r\n" if fails and command == "UIDL" else data
                self.into(host.url(), "--keep", "--state", state, status=status)
        self.assertEqual(self.there(), digests(mail))

    def test_what_was_under_way_is_looked_for(self):
        """One has not arrived."""
        mail = make_mail(6) + [("alike", make_mail(1)[0][1])]
        host = self.host(mail)
        state = os.path.join(self.home, "state-file")
        self.into(host.url(), "--keep", "--state", state)
        self.forget_what_was_answered(state)
        imap = self.imap()
        imap.select(f'"{self.mailbox}"')
        imap.store("3", "+FLAGS", r"\Deleted")
        imap.expunge()
        report = self.into(host.url(), "--keep", "--state", state)
        self.assertEqual((report["known"], report["stored"]), (6, 1))
        self.assertEqual(self.there(), digests(mail))

    def test_flags_keywords_and_dates_go_along(self):
        imap = self.imap("bob")
        for i in range(4):
            imap.append("INBOX", r"(\Flagged \Seen $Work)" if i % 2 else None, '"03-Jan-1996 01:05:34 +0000"', message(f"number {i}"))
        report = self.into(f"imaps://bob%40{DOMAIN}@127.0.0.1:{self.port('imaps')}", "--insecure", "--keep")
        self.assertEqual(report["stored"], 4)
        imap = self.imap()
        imap.select(f'"{self.mailbox}"')
        found = imap.fetch("1:*", "(FLAGS INTERNALDATE)")[1]
        self.assertEqual(sum(b"3-Jan-1996 01:05:34 +0000" in one for one in found), 4, found)
        flags = sorted(sorted(re.search(rb"FLAGS \(([^)]*)\)", one)[1].replace(b"\\Recent", b"").split()) for one in found)
        self.assertEqual(flags, [[], [], *[[b"$Work", b"\\Flagged", b"\\Seen"]] * 2])

    def test_a_new_uidvalidity_is_a_new_mailbox(self):
        """All of it is fetched again: nothing tells that a message is one that was there before."""
        imap = self.imap("bob")
        source = f"imaps://bob%40{DOMAIN}@127.0.0.1:{self.port('imaps')}/Other"
        for _ in range(2):
            imap.create("Other")
            imap.append("Other", None, None, message("the same"))
            self.assertEqual(self.into(source, "--insecure", "--keep")["stored"], 1)
            imap.delete("Other")
            time.sleep(1.1)
        self.assertEqual(len(self.texts()), 2)

    def test_not_into_itself(self):
        for source in (self.target(), f"pop3://alice%40{DOMAIN}@127.0.0.1:{self.port('imaps')}"):
            answer = self.fetch(source, "--target-password-env", "PASSWORD", target=self.target(), status=USAGE)
            self.assertIn("same mailbox", answer["error"])

    def small_account(self, name):
        rows = os.path.join(self.home, "accounts.csv")
        with open(rows, "w", encoding="ascii") as f:
            f.write(f"{name}@{DOMAIN},{PASSWORD}\n")
        self.server.admin("account", "import", rows)
        self.server.admin("account", "quota", f"{name}@{DOMAIN}", "100K")
        return f"imaps://{name}%40{DOMAIN}@127.0.0.1:{self.port('imaps')}"

    def test_what_does_not_fit_stays_where_it_was(self):
        target = self.small_account("carl")
        big = [(f"big-{i}", make_mail(1, size=600_000, seed=i)[0][1]) for i in range(4)]
        host = self.host([*make_mail(3), *big[:1]])
        report = self.fetch(host.url(), *self.options(), target=target, status=TEMPFAIL)
        self.assertEqual((report["stored"], report["removed"], report["refused"]), (3, 3, 1))
        self.assertEqual([uid for uid, _ in host.mail], ["big-0"])
        host.mail = big
        self.assertIn("full", self.fetch(host.url(), *self.options(), target=target, status=CANTCREAT)["error"].lower())
        self.assertEqual((len(host.mail), len(self.texts(name="carl"))), (4, 3))

    def test_a_batch_of_what_does_not_fit_keeps_nothing_back(self):
        target = self.small_account("dave")
        host = self.host([(f"big-{i}", message("big", f"{i:075}\r\n" * 80_000)) for i in range(3)] + make_mail(2))
        self.fetch(host.url(), *self.options(), target=target, status=CANTCREAT)
        report = self.fetch(host.url(), *self.options(), target=target, status=TEMPFAIL)
        self.assertEqual((report["stored"], report["removed"], report["refused"]), (2, 2, 3))
        self.assertEqual([uid for uid, _ in host.mail], ["big-0", "big-1", "big-2"])


if __name__ == "__main__":
    import unittest

    unittest.main()
