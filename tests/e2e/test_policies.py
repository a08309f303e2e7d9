"""One policy for SMTP, IMAP, POP3 and SMAP: each rule is held by all four, in the words that each has for it.

The four speak through the small clients below; a test is a rule, and runs through the table of them."""

import base64
import json
import os
import re
import signal
import socket
import time
import unittest

from harness import DOMAIN, PASSWORD, Server, insecure_tls, message

NAMES = ("alice", "bob", "carol", "dave", "erin", "frank")
ALICE, BOB, CAROL, DAVE, ERIN, FRANK = (f"{name}@{DOMAIN}" for name in NAMES)
WRONG = "a wrong guess"


class Client:
    """A session of one protocol over a plain socket.  `source`: the address of loopback that it comes from."""

    # The listeners: STARTTLS and passwords only behind it; without TLS and passwords taken.
    safe = plain = None
    # What the answer begins with.  `farewell` is what is said before the server goes away.
    needs_tls = wrong = throttled = too_many = farewell = None

    def __init__(self, server, port, source="127.0.0.1"):
        self.server = server
        self.stream = socket.socket()
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)  # no large message is in flight as a whole
        self.stream.settimeout(60)
        self.stream.bind((source, 0))
        self.stream.connect(("127.0.0.1", server.ports[port]))
        self.input = self.stream.makefile("rb")
        self.greeting = self.line()

    def close(self):
        self.input.close()
        self.stream.close()

    def line(self):
        """Without its end; "" when the server has closed the connection."""
        return self.input.readline().decode().rstrip("\r\n")

    def rest(self):
        lines = []
        while line := self.line():
            lines.append(line)
        return lines

    def send(self, *lines):
        self.stream.sendall("".join(line + "\r\n" for line in lines).encode())

    def say(self, line):
        """The line that answers it in the end, without the tag."""
        self.send(line)
        return self.answer()[-1]

    def start_tls(self):
        self.input.close()
        self.stream = insecure_tls().wrap_socket(self.stream)
        self.input = self.stream.makefile("rb")

    def tls(self, command):
        answer = self.say(command)
        assert answer.startswith(self.fine), answer
        self.start_tls()

    def good(self, answer):
        assert answer.startswith(self.fine), f"{answer}\n{self.server.log(20)}"
        return answer


class Smtp(Client):
    name, fine = "smtp", "2"
    safe, plain = "submission", "submission_plain"
    needs_tls, wrong, throttled = "538 5.7.11 ", "535 5.7.8 ", "454 4.7.0 "
    too_many, farewell = "421 4.7.0 ", "421 4.3.2 "

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.said = None

    def answer(self):
        lines = [self.line()]
        while lines[-1][3:4] == "-":
            lines.append(self.line())
        return lines

    def greet(self):
        if self.said is None:
            self.send("EHLO client.test")
            self.said = self.answer()

    def offered(self):
        self.greet()
        return [word for line in self.said if line[4:].startswith("AUTH") for word in line[4:].split()[1:]]

    def secure(self):
        self.greet()
        self.tls("STARTTLS")
        self.said = None

    def sign_in(self, user, password=PASSWORD):
        self.greet()
        return self.say("AUTH PLAIN " + base64.b64encode(f"\0{user}\0{password}".encode()).decode())

    def quit(self):
        return self.say("QUIT")


class Imap(Client):
    name, fine = "imap", "OK"
    safe, plain = "imap", "imap_plain"
    needs_tls, wrong, throttled = "NO [PRIVACYREQUIRED] ", "NO [AUTHENTICATIONFAILED] ", "NO [UNAVAILABLE] Too many attempts"
    too_many, farewell = "* BYE Too many connections", "* BYE [UNAVAILABLE] The server is shutting down"
    tag = 0

    def send(self, *lines):
        for line in lines:
            self.tag += 1
            super().send(f"{self.tag} {line}")

    def answer(self):
        lines = [self.line()]
        while not lines[-1].startswith(f"{self.tag} "):
            assert lines[-1], lines
            lines.append(self.line())
        return [*lines[:-1], lines[-1].split(" ", 1)[1]]

    def offered(self):
        """LOGIN too, unless it is disabled."""
        self.send("CAPABILITY")
        words = self.answer()[0].split()
        return [word[5:] for word in words if word.startswith("AUTH=")] + ["LOGIN"] * ("LOGINDISABLED" not in words)

    def secure(self):
        self.tls("STARTTLS")

    def sign_in(self, user, password=PASSWORD):
        return self.say(f'LOGIN "{user}" "{password}"')

    def quit(self):
        return self.say("LOGOUT")


class Pop3(Client):
    name, fine = "pop3", "+OK"
    safe, plain = "pop3", "pop3_plain"
    needs_tls, wrong, throttled = "-ERR ", "-ERR [AUTH] ", "-ERR [SYS/TEMP] Too many"
    too_many, farewell = "-ERR [SYS/TEMP] Too many connections", "-ERR [SYS/TEMP] The server is shutting down"

    def answer(self):
        return [self.line()]

    def offered(self):
        self.send("CAPA")
        words = []
        while (line := self.line()) != ".":
            words += [line] if line == "USER" else line.split()[1:] if line.startswith("SASL") else []
        return words

    def secure(self):
        self.tls("STLS")

    def sign_in(self, user, password=PASSWORD):
        answer = self.say(f"USER {user}")
        return self.say(f"PASS {password}") if answer.startswith("+OK") else answer

    def quit(self):
        return self.say("QUIT")


class Smap(Client):
    name, fine = "smap", "+OK"
    safe, plain = "imap", "imap_plain"
    needs_tls, wrong, throttled = "-ERR STARTTLS required", "-ERR Login failed.", "-ERR Too many attempts"
    too_many, farewell = Imap.too_many, "* BYE The server is shutting down"  # it is the same port

    def answer(self):
        lines = [self.line()]
        while not lines[-1].startswith(("+OK", "-ERR", "> ")):
            assert lines[-1], lines
            lines.append(self.line())
        return lines

    def offered(self):
        self.send("\\SMAP1 CAPABILITY")
        words = self.answer()[0].split()
        return [word[5:] for word in words if word.startswith("AUTH=")] + ["LOGIN"] * ("LOGINDISABLED" not in words)

    def secure(self):
        self.tls("\\SMAP1 STARTTLS")

    def sign_in(self, user, password=PASSWORD):
        return self.say(f'\\SMAP1 LOGIN "{user}" "{password}"')

    def quit(self):
        return self.say("LOGOUT")


PROTOCOLS = (Smtp, Imap, Pop3, Smap)


class PolicyTestCase(unittest.TestCase):
    """One server for the tests of a class, each of which has accounts and addresses of its own where it matters; the store is checked at the end."""

    EXTRA = ""

    @classmethod
    def setUpClass(cls):
        cls.server = Server(cls.EXTRA)
        cls.addClassCleanup(cls.server.remove)
        cls.server.create_accounts(NAMES)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.check_store()

    def setUp(self):
        if self.server.process is None:
            self.server.start()
        self.log_begins = os.path.getsize(self.server.log_path)

    def begin_to_stop(self):
        self.server.process.send_signal(signal.SIGTERM)

    def has_stopped(self):
        self.assertEqual(self.server.process.wait(90), 0, self.server.log())
        self.server.process = None

    def connect(self, protocol, port=None, source="127.0.0.1"):
        client = protocol(self.server, port or protocol.plain, source)
        self.addCleanup(client.close)
        return client

    def signed_in(self, protocol, user=ALICE):
        client = self.connect(protocol)
        client.good(client.sign_in(user))
        return client

    def assert_says(self, answer, beginning):
        self.assertEqual(answer[:len(beginning)], beginning, f"{answer}\n{self.server.log(20)}")

    def wait_for(self, condition, what):
        deadline = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"{what}\n{self.server.log(30)}")
            time.sleep(0.02)

    def events(self):
        """Since this test began, and perhaps a little before; whole lines only."""
        with open(self.server.log_path, encoding="utf-8") as log:
            log.seek(self.log_begins)
            return [json.loads(line) for line in log if line.endswith("\n")]

    def events_of(self, user, expected):
        """Those that name the user, when so many of each kind are there: the log is written a moment later."""
        found = []

        def are_there():
            found[:] = [event for event in self.events() if event.get("user") == user]
            names = [event["event"] for event in found]
            return all(names.count(name) >= count for name, count in expected.items())

        self.wait_for(are_there, f"the events of {user}")
        return found


class SigningIn(PolicyTestCase):
    EXTRA = """[auth]
failure_delay = "20 ms"
failure_delay_max = "160 ms"
failure_window = "24 h"
max_failures_per_account = 4
max_failures_per_address = 8
[log]
format = "json"
"""

    def test_no_password_in_clear(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol=protocol.name):
                client = self.connect(protocol, protocol.safe)
                self.assertEqual(client.offered(), [])
                for _ in range(5):  # none of them counts as a guess
                    self.assert_says(client.sign_in(FRANK, WRONG), protocol.needs_tls)
                self.assert_says(client.sign_in(FRANK), protocol.needs_tls)
                client.secure()
                self.assertIn("PLAIN", client.offered())
                client.good(client.sign_in(FRANK))
                client.good(client.quit())
                self.assertIn("PLAIN", self.connect(protocol).offered())
                self.signed_in(protocol, FRANK).quit()
        events = self.events_of(FRANK, {f"{protocol.name}.closed": 2 for protocol in PROTOCOLS})
        events = [event["event"] for event in events]
        self.assertFalse([event for event in events if event.endswith("refused") and "sign" in event])
        for protocol in PROTOCOLS:
            self.assertEqual(events.count(f"{protocol.name}.signed_in"), 2, protocol.name)

    def test_guesses_are_counted_together(self):
        """Four wrong ones, one by each: none may guess on, whichever it is; but who has signed in from there before may."""
        self.signed_in(Imap, CAROL).quit()  # from 127.0.0.1
        begun = time.monotonic()
        for protocol in PROTOCOLS:
            with self.subTest(protocol=protocol.name):
                client = self.connect(protocol, source="127.0.1.2")
                self.assert_says(client.sign_in(CAROL, WRONG), protocol.wrong)
        # Every one is answered later than the one before it, whichever protocol that was: 20, 40, 80, 160 ms.
        self.assertGreaterEqual(time.monotonic() - begun, 0.25)
        for protocol in PROTOCOLS:
            with self.subTest(protocol=protocol.name):
                client = self.connect(protocol, source="127.0.1.3")
                self.assert_says(client.sign_in(CAROL), protocol.throttled)
                client = self.connect(protocol)
                client.good(client.sign_in(CAROL))

    def test_guesses_of_an_address_are_counted_together(self):
        """Other accounts, and such as do not exist: eight from one address, and it may not guess on."""
        for user in (BOB, f"nobody@{DOMAIN}"):
            for protocol in PROTOCOLS:
                with self.subTest(protocol=protocol.name):
                    client = self.connect(protocol, source="127.0.2.2")
                    self.assert_says(client.sign_in(user if user == BOB else protocol.name + user, WRONG), protocol.wrong)
        for protocol in PROTOCOLS:
            with self.subTest(protocol=protocol.name):
                client = self.connect(protocol, source="127.0.2.2")
                self.assert_says(client.sign_in(ALICE), protocol.throttled)
                client = self.connect(protocol, source="127.0.2.3")
                client.good(client.sign_in(ALICE))

    # What every event of the kind has; in brackets what one protocol tells besides.
    FIELDS = {
        "connected": {"session", "protocol", "peer"},
        "signed_in": {"session", "user", "account", "peer", "mechanism", "tls"},
        "sign_in_refused": {"session", "user", "peer", "mechanism", "class"},
        "closed": {"session", "reason", "user", "peer", "commands", "ms"},
    }
    BESIDES = {"smtp.closed": {"messages"}, "pop3.closed": {"retrieved"}}

    def test_the_log_has_the_same_fields(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol=protocol.name):
                client = self.connect(protocol, protocol.safe)
                client.secure()
                self.assert_says(client.sign_in(ERIN if protocol is Smap else DAVE, WRONG), protocol.wrong)
                client.good(client.sign_in(DAVE))
                client.good(client.quit())
                self.assertEqual(client.rest(), [])
        mine = self.events_of(DAVE, {f"{protocol.name}.closed": 1 for protocol in PROTOCOLS}) + self.events_of(ERIN, {})
        events = self.events()
        for protocol in PROTOCOLS:
            with self.subTest(protocol=protocol.name):
                for what, fields in self.FIELDS.items():
                    name = f"{protocol.name}.{what}"
                    if what != "connected":
                        self.assertTrue([event for event in mine if event["event"] == name], name)
                    for event in (event for event in events if event["event"] == name):
                        self.assertEqual(set(event) - {"time", "level", "event"}, fields | self.BESIDES.get(name, set()), name)
                        self.assertEqual(event["level"], "info", name)
                        if event.get("user") not in (DAVE, ERIN):
                            continue
                        if what == "signed_in":
                            self.assertEqual((event["user"], type(event["account"]), event["tls"][:3]), (DAVE, int, "TLS"))
                        if what == "sign_in_refused":
                            self.assertEqual(event["class"], "denied")
        with open(self.server.log_path, encoding="utf-8") as log:
            text = log.read()
        for secret in (PASSWORD, WRONG):
            self.assertNotIn(secret, text)
            self.assertNotIn(base64.b64encode(secret.encode()).decode().rstrip("="), text)


class Connections(PolicyTestCase):
    EXTRA = "[limits]\nconnections_per_address = 4\n"

    def test_an_address_has_so_many_whatever_it_speaks(self):
        held = [self.connect(protocol, source="127.0.0.2") for protocol in PROTOCOLS]
        for protocol in PROTOCOLS:
            with self.subTest(protocol=protocol.name):
                refused = self.connect(protocol, source="127.0.0.2")
                self.assert_says(refused.greeting, protocol.too_many)
                self.assertEqual(refused.rest(), [])
                other = self.connect(protocol, source="127.0.0.3")
                other.good(other.sign_in(ALICE))
                other.quit()
        # Who goes makes room.
        for client in held:
            client.close()
        client = None

        def is_admitted():
            nonlocal client
            client = self.connect(Pop3, source="127.0.0.2")
            return client.greeting.startswith("+OK")

        self.wait_for(is_admitted, "no room is made")


class Stopping(PolicyTestCase):
    LARGE = 8 << 20  # more than the buffers of a socket take

    def farewell_of(self, client):
        lines = client.rest()
        self.assertEqual(len(lines), 1, lines)
        self.assert_says(lines[0], client.farewell)

    def test_everybody_is_told(self):
        """Those who have signed in, those who have not, and those who are in the middle of something."""
        clients = []
        for protocol in PROTOCOLS:
            clients += [self.signed_in(protocol), self.connect(protocol)]
            secure = self.connect(protocol, protocol.safe)
            secure.secure()
            clients.append(secure)
        for client in clients:
            if isinstance(client, Smap) and not clients.index(client) % 3 == 0:
                client.offered()  # only now is it SMAP
        idle = self.signed_in(Imap)
        idle.send("IDLE")
        self.assert_says(idle.line(), "+ ")
        smap_idle = self.signed_in(Smap)
        smap_idle.good(smap_idle.say("OPEN INBOX"))
        smap_idle.good(smap_idle.say("IDLE"))
        # Half of a message is not a message.
        half = [self.signed_in(Smtp), self.signed_in(Imap), self.signed_in(Smap)]
        for line, code in ((f"MAIL FROM:<{ALICE}>", "250"), (f"RCPT TO:<{BOB}>", "250"), ("DATA", "354")):
            half[0].greet()
            self.assert_says(half[0].say(line), code)
        half[1].send("APPEND INBOX {1000}")
        self.assert_says(half[1].line(), "+ ")
        self.assert_says(half[2].say('ADD FOLDER INBOX "" {1000/1000}'), "> ")
        for client in half:
            client.stream.sendall(b"Subject: half\r\n\r\nof it\r\n")
        self.begin_to_stop()
        for client in clients + [idle, smap_idle] + half:
            with self.subTest(protocol=client.name, number=(clients + [idle, smap_idle] + half).index(client)):
                self.farewell_of(client)
        self.has_stopped()
        self.server.start()
        for user in (ALICE, BOB):
            imap = self.signed_in(Imap, user)
            imap.send("STATUS INBOX (MESSAGES)")
            self.assertIn("(MESSAGES 0)", imap.answer()[0])

    def test_what_is_under_way_is_finished(self):
        """A message that a client is being sent arrives whole, and then the client is told."""
        content = message("large") + b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n" * (self.LARGE >> 6)
        imap = self.signed_in(Imap, CAROL)
        imap.send(f"APPEND INBOX {{{len(content)}+}}")
        imap.stream.sendall(content + b"\r\n")
        imap.good(imap.answer()[-1])
        imap.good(imap.say("SELECT INBOX"))
        imap.send("FETCH 1 BODY.PEEK[]")
        pop = self.signed_in(Pop3, CAROL)
        pop.send("RETR 1")
        smap = self.signed_in(Smap, CAROL)
        smap.good(smap.say("OPEN INBOX"))
        smap.send("FETCH 1 CONTENTS.PEEK=ALL")
        begun = [client.input.read(1) for client in (imap, pop, smap)]
        self.assertEqual(begun, [b"*", b"+", b"{"])
        self.begin_to_stop()
        for client, behind in ((imap, rb"\)\r\n\d+ OK [^\r]*\r\n\* BYE [^\r]*\r\n"), (pop, rb"\.\r\n-ERR [^\r]*\r\n"),
                               (smap, rb"\r?\n\+OK[^\n]*\n\* BYE [^\n]*\n")):
            with self.subTest(protocol=client.name):
                got = client.input.read()
                self.assertGreater(len(got), len(content) if client is not smap else len(content.replace(b"\r", b"")))  # it sends LF
                self.assertRegex(got[-200:], behind + rb"\Z")
        self.has_stopped()

    def test_a_message_is_kept_when_it_was_acknowledged_and_only_then(self):
        """The last byte of it and the signal arrive in either order."""
        smtp, imap, smap = self.signed_in(Smtp, DAVE), self.signed_in(Imap, DAVE), self.signed_in(Smap, DAVE)
        for line in (f"MAIL FROM:<{DAVE}>", f"RCPT TO:<{DAVE}>", "DATA"):
            smtp.greet()
            smtp.say(line)
        content = message("one of three", sender=DAVE)
        smtp.stream.sendall(content + b".\r\n")
        imap.send(f"APPEND INBOX {{{len(content)}+}}")
        imap.stream.sendall(content + b"\r\n")
        smap.send(f'ADD FOLDER INBOX "" {{{len(content)}/{len(content)}}}')
        smap.stream.sendall(content + b"\n")
        self.begin_to_stop()
        kept = 0
        for client, said in ((smtp, r"250 "), (imap, r"\d+ OK "), (smap, r"\+OK ")):
            lines = client.rest()
            kept += any(re.match(said, line) for line in lines)
            self.assert_says(lines[-1], client.farewell)
        self.has_stopped()
        self.server.start()
        imap = self.signed_in(Imap, DAVE)
        imap.send("STATUS INBOX (MESSAGES)")
        self.assertIn(f"(MESSAGES {kept})", imap.answer()[0])


class Decisions(PolicyTestCase):
    """Quotas and rights are the account's, so that all who may add or read ask the same."""

    def append(self, client, mailbox, content):
        client.send(f"APPEND {mailbox} {{{len(content)}}}")
        answer = client.line()
        if not answer.startswith("+"):
            return answer.split(" ", 1)[1]
        client.stream.sendall(content + b"\r\n")
        return client.answer()[-1]

    def add(self, client, folder, content):
        answer = client.say(f"ADD FOLDER {folder} \"\" {{{len(content)}/{len(content)}}}")
        if not answer.startswith("> "):
            return answer
        client.stream.sendall(content + b"\n")
        return client.answer()[-1]

    def mark(self, client, flag):
        """SMAP does not refuse what it does not do [SMAP1 7]: the flags that it answers with say so."""
        client.send(f"STORE 1 +FLAGS={flag}")
        answer = client.answer()
        return answer[-1] if flag in answer[0] else f"-ERR not done: {answer[0]}"

    def submit(self, client, content):
        client.greet()
        client.good(client.say(f"MAIL FROM:<{ALICE}>"))
        answer = client.say(f"RCPT TO:<{BOB}>")
        if answer.startswith("250"):
            self.assert_says(client.say("DATA"), "354")
            client.stream.sendall(content + b".\r\n")
            answer = client.answer()[-1]
        client.say("RSET")
        return answer

    def test_a_full_account_takes_nothing_more(self):
        small = message("small")
        tries = {
            Smtp: (lambda client: self.submit(client, small), ALICE, "452 4.2.2 "),
            Imap: (lambda client: self.append(client, "INBOX", small), BOB, "NO [OVERQUOTA] "),
            Smap: (lambda client: self.add(client, "INBOX", small), BOB, "-ERR No space left"),
        }
        reader = self.signed_in(Pop3, BOB)
        sessions = {protocol: self.signed_in(protocol, user) for protocol, (_, user, _) in tries.items()}
        for protocol, (add, _, _) in tries.items():
            with self.subTest(protocol=protocol.name):
                sessions[protocol].good(add(sessions[protocol]))
        self.server.admin("account", "quota", BOB, "none", "--messages", "3")
        for protocol, (add, _, refused) in tries.items():
            with self.subTest(protocol=protocol.name):
                self.assert_says(add(sessions[protocol]), refused)
        # It may be read and emptied, and then there is room again.
        reader.quit()
        reader = self.signed_in(Pop3, BOB)
        self.assertRegex(reader.say("STAT"), r"^\+OK 3 ")
        for number in (1, 2, 3):
            reader.good(reader.say(f"DELE {number}"))
        reader.good(reader.quit())
        for protocol, (add, _, _) in tries.items():
            with self.subTest(protocol=protocol.name):
                sessions[protocol].good(add(sessions[protocol]))

    def test_rights_on_a_shared_mailbox(self):
        """A right after the other is given: each opens the same door in IMAP and SMAP."""
        owner = self.signed_in(Imap)
        owner.good(owner.say("CREATE Team"))
        for number in range(3):
            owner.good(self.append(owner, "Team", message(f"team {number}")))
        theirs, path = f'"Other Users/{ALICE}/Team"', f"public {ALICE} Team"
        note = message("note")
        doors = (  # the right, what it opens by IMAP, by SMAP; both need r and l
            ("lr", lambda c: c.say(f"EXAMINE {theirs}"), lambda c: c.say(f"OPEN {path}")),
            ("s", lambda c: c.say(f"SELECT {theirs}") and c.say("STORE 1 +FLAGS (\\Seen)"), lambda c: self.mark(c, "SEEN")),
            ("w", lambda c: c.say(f"SELECT {theirs}") and c.say("STORE 1 +FLAGS (\\Flagged)"), lambda c: self.mark(c, "MARKED")),
            ("i", lambda c: self.append(c, theirs, note), lambda c: self.add(c, path, note)),
            ("te", lambda c: c.say(f"SELECT {theirs}") and c.say("STORE 1 +FLAGS (\\Deleted)"), lambda c: c.say("EXPUNGE 2")),
            ("a", lambda c: c.say(f"GETACL {theirs}"), lambda c: c.say(f'GETACL {path} ""')),
        )
        imap, smap = self.signed_in(Imap, BOB), self.signed_in(Smap, BOB)
        for right, by_imap, by_smap in doors:
            with self.subTest(right=right):
                for client, door in ((imap, by_imap), (smap, by_smap)):
                    self.assertRegex(door(client), r"^(NO|-ERR) ")
                owner.good(owner.say(f"SETACL Team {BOB} +{right}"))
                for client, door in ((imap, by_imap), (smap, by_smap)):
                    client.good(door(client))


if __name__ == "__main__":
    unittest.main()
