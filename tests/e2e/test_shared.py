"""Mailboxes of other users, access control lists and quotas, by Python's imaplib."""

import imaplib
import socket
import time

from harness import DOMAIN, PASSWORD, ServerTestCase, insecure_tls, message

ALICE, BOB = f"alice@{DOMAIN}", f"bob@{DOMAIN}"
ALICES = f'"Other Users/{ALICE}/Plans"'


class Shared(ServerTestCase):
    EXTRA = "imap.acl_anyone = true\n"

    def imap(self, user):
        client = imaplib.IMAP4_SSL("127.0.0.1", self.port("imaps"), ssl_context=insecure_tls(), timeout=60)
        client.login(user, PASSWORD)
        self.addCleanup(client.shutdown)
        return client

    def ok(self, answer):
        self.assertEqual(answer[0], "OK", answer)
        return [part.decode() if isinstance(part, bytes) else part for part in answer[1]]

    def test_a_mailbox_is_shared_and_taken_back(self):
        alice, bob = self.imap(ALICE), self.imap(BOB)
        self.assertEqual(self.ok(alice.namespace()), ['(("" "/")) (("Other Users/" "/")) NIL'])
        self.ok(alice.create("Plans"))
        self.assertEqual(bob.select(ALICES)[0], "NO")
        self.ok(alice.setacl("Plans", BOB, "lrswi"))
        self.assertEqual(self.ok(alice.getacl("Plans")), [f'"Plans" {ALICE} lrswipkxteacd {BOB} lrswi'])
        self.assertEqual(self.ok(bob.myrights(ALICES)), [f"{ALICES} lrswi"])
        self.assertTrue(any(ALICES in line for line in self.ok(bob.list('""', "*"))))

        self.ok(bob.append(ALICES, "(\\Seen \\Deleted)", None, message("shared")))
        self.ok(bob.select(ALICES))
        self.assertEqual(self.ok(bob.fetch("1", "(FLAGS)"))[0].replace(" \\Recent", ""), "1 (FLAGS (\\Seen))")
        self.assertEqual(bob.expunge()[0], "NO")
        self.ok(bob.copy("1", "INBOX"))

        self.ok(alice.setacl("Plans", BOB, "+te"))
        self.ok(bob.store("1", "+FLAGS", "(\\Deleted)"))
        self.assertEqual(self.ok(bob.expunge()), ["1"])
        self.ok(alice.deleteacl("Plans", BOB))
        with self.assertRaises(imaplib.IMAP4.error):  # BYE
            for _ in range(3):
                bob.noop()

        again = self.imap(BOB)
        self.assertEqual(again.select(ALICES)[0], "NO")
        self.ok(again.select("INBOX"))
        self.assertTrue(self.ok(again.search(None, "SUBJECT", "shared"))[0])

    def test_taken_back_in_the_middle_of_an_answer(self):
        alice = self.imap(ALICE)
        self.ok(alice.create("Long"))
        self.ok(alice.setacl("Long", BOB, "lr"))
        text = message("long", "0123456789abcdef\r\n" * 3300)  # a batch of FETCH is 1 MiB of them
        with socket.create_connection(("127.0.0.1", self.port("imap_plain")), 60) as filler:
            filler.sendall(f'a LOGIN {ALICE} "{PASSWORD}"\r\nb APPEND Long'.encode())
            filler.sendall(b"".join(b" {%d+}\r\n" % len(text) + text for _ in range(400)) + b"\r\nc LOGOUT\r\n")
            self.assertIn(b"\r\nb OK", filler.makefile("rb").read())
        with socket.socket() as bob:
            bob.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            bob.settimeout(60)
            bob.connect(("127.0.0.1", self.port("imap_plain")))
            name = f'"Other Users/{ALICE}/Long"'
            bob.sendall(f'a LOGIN {BOB} "{PASSWORD}"\r\nb SELECT {name}\r\nc FETCH 1:* BODY.PEEK[]\r\n'.encode())
            answer = bob.makefile("rb")
            while not answer.readline().startswith(b"* 1 FETCH"):
                pass
            self.ok(alice.deleteacl("Long", BOB))
            rest = answer.read()
        self.assertLess(rest.count(b" FETCH (BODY[] {"), 350)
        self.assertIn(b"\r\n* BYE ", rest)
        self.assertIn(b"\r\nc NO [NOPERM]", rest)

    def test_what_is_written_is_seen_by_everybody_who_looks(self):
        alice, bob = self.imap(ALICE), self.imap(BOB)
        self.ok(alice.create("Board"))
        self.ok(alice.setacl("Board", "anyone", "lrswite"))
        name = f'"Other Users/{ALICE}/Board"'
        self.ok(bob.select(name))
        self.ok(alice.append("Board", None, None, message("news")))
        self.ok(bob.noop())
        self.assertEqual(bob.response("EXISTS")[1][-1], b"1")
        self.ok(bob.store("1", "+FLAGS", "(\\Flagged)"))
        self.ok(alice.select("Board"))
        self.assertIn("\\Flagged", self.ok(alice.fetch("1", "(FLAGS)"))[0])

    def test_quota(self):
        self.server.admin("account", "quota", ALICE, "1 MiB", "--messages", "50")
        alice, bob = self.imap(ALICE), self.imap(BOB)
        roots, quotas = self.ok_pairs(alice.getquotaroot("INBOX"))
        self.assertEqual(roots, [f'"INBOX" {ALICE}'])
        self.assertRegex(quotas[0], rf"{ALICE} \(STORAGE \d+ 1024 MESSAGE \d+ 50\)")
        self.assertRegex(self.ok(alice.getquota(ALICE))[0], r"\(STORAGE \d+ 1024 MESSAGE \d+ 50\)")
        self.assertEqual(bob.getquota(ALICE)[0], "NO")
        self.assertEqual(alice.setquota(ALICE, "(STORAGE 5000)")[0], "NO")
        big = message("big") + b"y\r\n" * 500_000
        answer = alice.append("INBOX", None, None, big)
        self.assertEqual(answer[0], "NO")
        self.assertIn(b"OVERQUOTA", answer[1][0])
        self.server.admin("account", "quota", ALICE, "none", "--messages", "none")
        self.ok(alice.append("INBOX", None, None, big))

    def ok_pairs(self, answer):
        self.assertEqual(answer[0], "OK", answer)
        return [[line.decode() for line in part] for part in answer[1]]

    def test_many_mailboxes_are_listed_in_a_moment(self):
        alice = self.imap(ALICE)
        for i in range(2000):
            alice.send(b"m%d CREATE Many/%d/%d\r\n" % (i, i % 20, i))
        for i in range(2000):
            while not alice.readline().startswith(b"m%d OK" % i):
                pass
        started = time.monotonic()
        self.assertEqual(len(self.ok(alice.list("Many/", "%"))), 20)
        self.assertEqual(len(self.ok(alice.list('""', "Many/*"))), 2020)
        self.assertLess(time.monotonic() - started, 2)
