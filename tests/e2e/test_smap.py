"""SMAP beside IMAP on the same ports, by a plain socket client.  What each command answers is in tests/session/smap."""

import imaplib
import re
import socket
import time

from harness import DOMAIN, PASSWORD, ServerTestCase, insecure_tls, message
from smap_client import SmapClient

ALICE, BOB = f"alice@{DOMAIN}", f"bob@{DOMAIN}"


class Smap(SmapClient):
    def __init__(self, port, tls=False):
        stream = socket.create_connection(("127.0.0.1", port), 60)
        super().__init__(insecure_tls().wrap_socket(stream) if tls else stream)
        self.greeting = self.notice()

    def notice(self):
        return self.line().decode()

    def do(self, text):
        """The lines of data and the status line behind them."""
        self.send(text if isinstance(text, bytes) else text + "\n")
        reply = self.reply()
        return ["* " + line for line in reply.lines], ("+OK " if reply.ok else "-ERR ") + reply.text[0].decode()

    def go_on_with_tls(self):
        self.input.close()
        self.stream = insecure_tls().wrap_socket(self.stream)
        self.input = self.stream.makefile("rb")


class SmapSession(ServerTestCase):
    def connect(self, user=ALICE, port="imap_plain", tls=False):
        client = Smap(self.port(port), tls)
        self.addCleanup(client.close)
        if user:
            self.assertEqual(client.do(f'\\SMAP1 LOGIN "{user}" "{PASSWORD}"'), ([], "+OK SMAP1 LOGIN Ok."))
        return client

    def imap(self, user=ALICE):
        client = imaplib.IMAP4_SSL("127.0.0.1", self.port("imaps"), ssl_context=insecure_tls(), timeout=60)
        client.login(user, PASSWORD)
        self.addCleanup(client.shutdown)
        return client

    def ok(self, answer):
        self.assertTrue(answer[1].startswith("+OK "), answer)
        return answer[0]

    def make_folder(self, name, messages=3):
        """A folder of alice's with messages in it, by IMAP."""
        imap = self.imap()
        imap.create(name)
        for i in range(messages):
            self.assertEqual(imap.append(name, None, None, message(f"{name} {i + 1}"))[0], "OK")
        return imap

    def test_signing_in_needs_tls(self):
        client = self.connect(user=None, port="imap")
        self.assertRegex(client.greeting, r"^\* OK \[CAPABILITY IMAP4rev1 .*STARTTLS.* SMAP1 KEYWORDS ACL ACL2=UNION\] ")
        self.assertEqual(client.do(f"\\SMAP1 LOGIN {ALICE} {PASSWORD}")[1], "-ERR STARTTLS required")
        # What is pipelined behind STARTTLS is forgotten.
        self.assertTrue(client.do("\\SMAP1 STARTTLS\n\\SMAP1 NOOP")[1].startswith("+OK "))
        client.go_on_with_tls()
        capabilities = self.ok(client.do("\\SMAP1 CAPABILITY"))[0]
        self.assertIn("AUTH=PLAIN", capabilities)
        self.assertNotIn("STARTTLS", capabilities)
        self.ok(client.do(f"\\SMAP1 LOGIN {ALICE} \"{PASSWORD}\""))
        self.assertEqual(self.ok(client.do("LOGOUT"))[0][:6], "* BYE ")
        with self.assertRaises(EOFError):
            client.line()

    def test_a_session_from_the_greeting_on(self):
        client = self.connect(port="imaps", tls=True)
        listed = self.ok(client.do("LIST"))
        self.assertIn('* LIST "INBOX" "New Mail" FOLDER', listed)
        self.ok(client.do('CREATE INBOX "Årsmøte 2024"'))
        self.assertIn('* LIST "Årsmøte 2024" "Årsmøte 2024" FOLDER', self.ok(client.do('LIST "INBOX"')))
        self.server.send(message("for SMAP", to=ALICE), recipients=[ALICE])
        deadline = time.monotonic() + 60
        while self.ok(client.do("OPEN INBOX")) == ["* EXISTS 0"] and time.monotonic() < deadline:
            time.sleep(0.05)
        count = int(self.ok(client.do("OPEN INBOX"))[0].split()[-1])
        self.assertGreater(count, 0)
        self.ok(client.do(f'MOVE {count} "" INBOX "Årsmøte 2024"'))
        self.assertEqual(self.ok(client.do('OPEN INBOX "Årsmøte 2024"')), ["* EXISTS 1"])
        self.ok(client.do("CLOSE"))
        self.ok(client.do('DELETE INBOX "Årsmøte 2024"'))

    def test_two_sessions_and_imap_on_one_folder(self):
        imap = self.make_folder("Board")
        one, two = self.connect(), self.connect()
        for client in one, two:
            self.assertEqual(self.ok(client.do("OPEN INBOX Board")), ["* EXISTS 3"])
        self.assertEqual(self.ok(one.do("STORE 2 +FLAGS=SEEN,MARKED")), ["* FETCH 2 FLAGS=MARKED,SEEN"])
        self.ok(two.do("IDLE"))
        self.assertEqual(two.notice(), '* FETCH 2 FLAGS=MARKED,SEEN "KEYWORDS="')
        imap.select("Board")
        self.assertIn(b"\\Flagged", imap.fetch("2", "(FLAGS)")[1][0])
        imap.store("1", "+FLAGS", "(\\Deleted $Label1)")
        self.assertEqual(two.notice(), '* FETCH 1 FLAGS=DELETED "KEYWORDS=$Label1"')
        imap.expunge()
        imap.append("Board", None, None, message("Board 4"))
        notices = {two.notice(), two.notice()}
        self.assertEqual(notices, {"* EXPUNGE 1", "* EXISTS 3"})
        self.ok(two.do("RESUME"))
        # The other one's view has not moved.
        self.assertEqual(self.ok(one.do("STATUS FULL INBOX Board")), ["* STATUS EXISTS=3 UNSEEN=2"])
        self.assertEqual(self.ok(one.do("NOOP")), ["* EXPUNGE 1", "* EXISTS 3"])
        self.assertEqual(self.ok(one.do("EXPUNGE 1-3")), ["* EXPUNGE 1-3"])
        self.assertEqual(imap.status("Board", "(MESSAGES)")[1], [b'"Board" (MESSAGES 0)'])

    def test_a_folder_is_opened_again(self):
        self.make_folder("Again", 5)
        client = self.connect()
        self.assertEqual(self.ok(client.do('SOPEN "" INBOX Again')), ["* EXISTS 5"])
        snapshot = re.fullmatch(r'\* SNAPSHOT "(\w+)"', self.ok(client.do("NOOP"))[0])[1]
        self.assertEqual(self.ok(client.do("NOOP")), [])
        other = self.connect()
        self.ok(other.do("OPEN INBOX Again"))
        self.ok(other.do("STORE 1 +FLAGS=MARKED"))
        self.ok(other.do('COPY 1 "" INBOX Again'))
        self.ok(other.do("EXPUNGE 3-4"))
        # The name outlives the server.
        self.server.stop()
        self.server.start()
        client = self.connect()
        self.assertEqual(self.ok(client.do(f'SOPEN "{snapshot}" INBOX Again')),
                         [f'* SNAPSHOTEXISTS "{snapshot}"', "* EXPUNGE 3-4", "* EXISTS 4", '* FETCH 1 FLAGS=MARKED "KEYWORDS="'])
        self.assertEqual(self.ok(client.do(f'SOPEN "{snapshot[:-1]}x" INBOX Again')), ["* EXISTS 4"])

    def test_a_folder_of_somebody_else(self):
        self.make_folder("Shared", 1)
        alice, bob = self.connect(), self.connect(BOB)
        self.assertEqual(bob.do(f"OPEN public {ALICE} Shared")[1][:5], "-ERR ")
        self.ok(alice.do(f'SETACL INBOX Shared "" user={BOB} lrs'))
        self.assertIn('* LIST "public" "Public Folders" DIRECTORY', self.ok(bob.do("LIST")))
        self.assertEqual(self.ok(bob.do(f"OPEN public {ALICE} Shared")), ["* EXISTS 1"])
        self.assertEqual(bob.do("EXPUNGE 1")[1], '-ERR Access denied: ACL "e" is required')
        self.ok(alice.do(f'DELETEACL INBOX Shared "" user={BOB}'))
        self.assertEqual(bob.do("STORE 1 +FLAGS=SEEN")[1], '-ERR Access denied: ACL "r" is required')

    def test_bad_input_leaves_the_session_usable_or_closed(self):
        client = self.connect()
        self.assertEqual(client.do(b"x" * 100_000 + b"\n")[1], "-ERR The line is too long")
        for line in (b"\xff\xfe\n", b"\n", b'"\n', b"OPEN \0\n", b"STORE 1 x\n", b'SOPEN "' + b"a" * 5000 + b'" INBOX nosuch\n'):
            self.assertEqual(client.do(line)[1][:5], "-ERR ", line)
        self.ok(client.do("NOOP"))
        stranger = self.connect(user=None)
        for _ in range(100):
            stranger.send("\\SMAP1 NONSUCH\n")
            line = stranger.input.readline().decode()
            if not line.startswith("-ERR "):
                break
        self.assertEqual(line, "* BYE Too many errors\r\n")
