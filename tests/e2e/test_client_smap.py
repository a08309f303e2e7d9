"""smap:// at the client's end: accounts are copied from Courier to us and on to a Maildir by SMAP, mail is fetched by it, through kills, broken
connections and servers that lie."""

import glob
import hashlib
import imaplib
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from harness import BINARY, DOMAIN, PASSWORD, Server, connections
from mail_store import HAS_COURIER, CourierStore
from smap_client import SmapClient
from test_client_copy import BreakingProxy

CAPABILITIES = "IMAP4rev1 SMAP1 KEYWORDS"
FOLDERS = (("INBOX",), ("INBOX", "Sent Items"), ("INBOX", "Archive", "2024"), ("INBOX", "Årsmøte \"24\""))
FLAGS = ("", "SEEN", "SEEN,REPLIED", "MARKED", "DRAFT", "SEEN,DELETED")
LETTERS = {"SEEN": "S", "REPLIED": "R", "MARKED": "F", "DRAFT": "D", "DELETED": "T"}
SYSTEM = {"SEEN": r"\Seen", "REPLIED": r"\Answered", "MARKED": r"\Flagged", "DRAFT": r"\Draft", "DELETED": r"\Deleted"}
KEYWORDS = ("", "Work", "todo,two words")
AS_ATOMS = {"two words": "$SMAP-two=20words"}
DATE = "Mon, 20 Jan 2003 23:43:%02d +0000"


def letter(number):
    """With LF, as Courier has them; some are ugly."""
    head = f"From: joe@far.test\nTo: eve@far.test\nSubject: Nummer {number}\nDate: Sun, 22 Nov 2026 10:{number % 60:02}:00 +0000\nMessage-ID: <{number}@far.test>\n"
    bodies = (f"This is letter {number}.\n" * (1 + number % 40), ".\n..\n.x\n\n.\n", "Grüße\n", "", "x" * 90_000 + "\n", "last line\nwithout an end\n")
    if number % 29 == 3:
        return f"\nThe header of {number} says nothing.\n".encode()
    if number % 29 == 5:
        head += "References:" + "".join(f"\n <{i}.{number}@far.test>" for i in range(6000)) + "\n"
    return (head + "\n" + bodies[number % len(bodies)]).encode()


def digest(text):
    return hashlib.sha256(text.replace(b"\r\n", b"\n")).hexdigest()


def words(path):
    return " ".join('"' + word.replace('"', '""') + '"' for word in path)


def fill(client, count, folders=FOLDERS):
    """What is expected afterwards: (folder, digest, flags, keywords) of each."""
    expected = []
    for path in folders[1:]:
        assert client.command(f"CREATE {words(path)}").ok
    for start, path in enumerate(folders):
        assert client.command(f"OPEN {words(path)}").ok  # Courier loses keywords in a folder that was never opened
        for number in range(start, count, len(folders)):
            text, flags, keywords = letter(number), FLAGS[number % len(FLAGS)], KEYWORDS[number % len(KEYWORDS)]
            reply = client.add(f'FOLDER {words(path)} "" FLAGS={flags} "KEYWORDS={keywords}" "INTERNALDATE={DATE % (number % 60)}"', text)
            assert reply.ok, reply
            expected.append(("/".join(path[1:]) or "INBOX", digest(text), frozenset(filter(None, flags.split(","))), frozenset(filter(None, keywords.split(",")))))
    return sorted(expected, key=str)


def seen_by_smap(client, folders=FOLDERS):
    out = []
    for path in folders:
        count = int(client.command(f"OPEN {words(path)}").lines[0].split()[1])
        if not count:
            continue
        texts = {part[0][1]: digest(part[1]) for part in client.command(f"FETCH 1-{count} CONTENTS.PEEK=ALL").parts}
        assert len(texts) == count
        for line in client.command(f"FETCH 1-{count} FLAGS KEYWORDS").lines:
            _, number, flags, keywords = re.fullmatch(r'(FETCH) (\d+) FLAGS=(\S*) "KEYWORDS=([^"]*)"', line).groups()
            out.append(("/".join(path[1:]) or "INBOX", texts[number], frozenset(filter(None, flags.split(","))), frozenset(filter(None, keywords.split(",")))))
    return sorted(out, key=str)


def seen_in_maildir(path, keywords_of):
    out = []
    for folder in [""] + [name for name in os.listdir(path) if name.startswith(".") and os.path.isdir(os.path.join(path, name))]:
        for name in glob.glob(os.path.join(glob.escape(os.path.join(path, folder)), "cur", "*")) + glob.glob(os.path.join(glob.escape(os.path.join(path, folder)), "new", "*")):
            with open(name, "rb") as f:
                text = f.read()
            letters = name.rpartition(":2,")[2] if ":2," in name else ""
            out.append((digest(text), frozenset(flag for flag, one in LETTERS.items() if one in letters), len(re.findall("[a-z]", letters))))
    return sorted(out, key=str)


class CourierBySmap(CourierStore):
    """Its imapd behind a sign-in of ours, for SMAP."""

    def __init__(self):
        super().__init__()
        self.environment["PROTOCOL"] = "SMAP1"

    def sign_in(self, client):
        try:
            return self.converse(client)
        except OSError:
            return None  # it has left, in this test or that

    @staticmethod
    def converse(client):
        client.settimeout(20)
        client.sendall(f"* OK [CAPABILITY {CAPABILITIES}] ready\r\n".encode())
        while True:
            line = b""
            while not line.endswith(b"\n"):
                piece = client.recv(1)
                if not piece:
                    return None
                line += piece
            verb = line.decode().split()[1].upper()
            if verb == "LOGIN":
                client.settimeout(None)
                return "x"
            client.sendall(f"* CAPABILITY {CAPABILITIES}\r\n+OK done\r\n".encode() if verb == "CAPABILITY" else b"-ERR what?\r\n")

    def client(self):
        client = SmapClient.connect(self.port)
        client.login("joe", PASSWORD)
        return client

    def url(self):
        return f"smap://joe@127.0.0.1:{self.port}"


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="posthorn-smap-")
        cls.server = Server()
        try:
            cls.server.create_accounts(("alice", "bob", *(f"user{i}" for i in range(8))))
            cls.server.start()
        except BaseException:
            cls.tearDownClass()
            raise
        cls.password = os.path.join(cls.folder, "password")
        with open(cls.password, "w", encoding="utf-8") as f:
            f.write(PASSWORD + "\n")

    @classmethod
    def tearDownClass(cls):
        try:
            cls.server.stop()
            cls.server.check_store()
        finally:
            cls.server.remove()
        shutil.rmtree(cls.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def ours(self, user, port="imap"):
        return f"smap://{user}@{DOMAIN}@127.0.0.1:{self.server.ports[port]}"

    def client(self, user):
        client = SmapClient.connect(self.server.ports["imap"])
        self.addCleanup(client.close)
        client.starttls()
        client.login(f"{user}@{DOMAIN}", PASSWORD)
        return client

    def command(self, source, target, *options):
        trust = lambda end, url: [f"--{end}-password-file", self.password, f"--{end}-{'insecure' if DOMAIN in url else 'allow-plaintext'}"]
        return [BINARY, "copy", source, target, "--config", self.server.config, *trust("source", source), *trust("target", target), *options]

    def posthorn(self, *command, status=0, **how):
        done = subprocess.run(command, text=True, capture_output=True, timeout=240, **how)
        self.assertEqual(done.returncode, status, f"{command}\n{done.stdout}{done.stderr}\n{self.server.log(8)}")
        return done.stdout + done.stderr

    def copy(self, source, target, *options, status=0):
        return self.posthorn(*self.command(source, target, *options), status=status)


@unittest.skipUnless(HAS_COURIER, "Courier is not unpacked: see tools/packages.sh")
class FromCourier(Case):
    COUNT = 200

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        try:
            cls.courier = CourierBySmap()
            cls.courier.start()
            client = cls.courier.client()
            cls.expected = fill(client, cls.COUNT)
            client.close()
        except BaseException:
            super().tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.courier.stop()
        super().tearDownClass()

    def test_an_account_moves_here_and_on_to_a_maildir(self):
        source, target, tree = self.courier.url(), self.ours("user0"), f"maildir:{self.path('tree')}"
        out = self.copy(source, target, "--verify")
        self.assertIn(f"copied {self.COUNT} messages in 4 folders; compared: all the same", out)
        self.assertEqual(seen_by_smap(self.client("user0")), self.expected)
        # By IMAP: the same flags and dates, and keywords as atoms.
        imap = imaplib.IMAP4("127.0.0.1", self.server.ports["imap_plain"])
        imap.login(f"user0@{DOMAIN}", PASSWORD)
        imap.select("INBOX", readonly=True)
        got = []
        for part in imap.fetch("1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")[1]:
            if isinstance(part, tuple):
                flags = re.search(rb"FLAGS \(([^)]*)\)", part[0]).group(1).decode().split()
                got.append((digest(part[1]), frozenset(flags) - {r"\Recent"}))
                self.assertIn(b"20-Jan-2003 23:43:", part[0])
        expected = [(text, frozenset(SYSTEM[flag] for flag in flags) | {AS_ATOMS.get(k, k) for k in keywords}) for folder, text, flags, keywords in self.expected if folder == "INBOX"]
        self.assertEqual(sorted(got, key=str), sorted(expected, key=str))
        imap.logout()
        # Again: nothing; on to a Maildir, and back to Courier's own kind of server.
        self.assertIn(f"copied 0 messages in 4 folders, {self.COUNT} were there already", self.copy(source, target))
        self.assertRegex(self.copy(target, tree, "--verify"), rf"copied {self.COUNT} messages in \d folders; compared: all the same")
        self.assertEqual(seen_in_maildir(self.path("tree"), None), sorted(((text, flags, len(keywords)) for _, text, flags, keywords in self.expected), key=str))
        self.assertRegex(self.copy(target, tree), rf"copied 0 messages in \d folders, {self.COUNT} were there already")
        back = CourierBySmap()
        self.addCleanup(back.stop)
        back.start()
        self.assertRegex(self.copy(tree, back.url(), "--verify"), rf"copied {self.COUNT} messages in \d folders; compared: all the same")
        self.assertEqual(seen_by_smap(back.client()), self.expected)
        self.assertIn("copied 0 messages", self.copy(tree, back.url()))

    def test_the_difference_is_copied(self):
        courier = CourierBySmap()
        self.addCleanup(courier.stop)
        courier.start()
        client = courier.client()
        fill(client, 12, FOLDERS[:2])
        self.copy(courier.url(), self.ours("user1"))
        client.command("OPEN INBOX")
        self.assertTrue(client.command('STORE 1-2 FLAGS=MARKED "KEYWORDS=later"').ok)
        self.assertTrue(client.add('FOLDER INBOX "" FLAGS=SEEN', letter(500)).ok)
        self.assertTrue(client.command("EXPUNGE 3").ok)
        out = self.copy(courier.url(), self.ours("user1"))
        self.assertIn("copied 1 message in 2 folders, 11 were there already, changed the flags of 2\n", out)
        ours, theirs = seen_by_smap(self.client("user1"), FOLDERS[:2]), seen_by_smap(client, FOLDERS[:2])
        self.assertEqual(len(ours), len(theirs) + 1)  # nothing is removed
        self.assertFalse(set(theirs) - set(ours))
        # One folder, under another name.
        out = self.copy(courier.url() + "/Sent%20Items", f"maildir:{self.path('one')}", "--rename", "Sent Items=Post/Aus")
        self.assertIn("copied 6 messages in 1 folder", out)
        self.assertTrue(os.path.isdir(os.path.join(self.path("one"), ".Post.Aus", "cur")))

    def test_flags_of_many_messages_become_those_of_the_source(self):
        """One STORE for all that get the same; Courier takes FLAGS= beside KEYWORDS= for the first of them only."""
        courier = CourierBySmap()
        self.addCleanup(courier.stop)
        courier.start()
        theirs, ours = courier.client(), self.client("user4")
        for client in (theirs, ours):
            fill(client, 6, FOLDERS[:1])
        ours.command("OPEN INBOX")
        self.assertTrue(ours.command('STORE 1-6 FLAGS=MARKED "KEYWORDS=todo"').ok)
        self.assertIn("changed the flags of 6\n", self.copy(self.ours("user4"), courier.url(), "--folder", "INBOX"))
        theirs.command("NOOP")
        self.assertEqual(seen_by_smap(theirs, FOLDERS[:1]), seen_by_smap(ours, FOLDERS[:1]))

    def test_killed_at_any_moment(self):
        """Nothing is lost and nothing doubled, whichever end is SMAP's."""
        for source, target in ((self.courier.url(), self.ours("user2")), (self.courier.url(), f"maildir:{self.path('killed')}")):
            for _ in range(5):
                process = subprocess.Popen(self.command(source, target), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(random.uniform(0.02, 0.4))
                process.send_signal(signal.SIGKILL)
                process.wait(30)
            self.assertIn("compared: all the same", self.copy(source, target, "--verify"))
        self.assertEqual(seen_by_smap(self.client("user2")), self.expected)
        self.assertEqual(len(seen_in_maildir(self.path("killed"), None)), self.COUNT)

    def test_connections_that_break_at_any_octet(self):
        for source, target, port, behind in ((True, False, self.courier.port, "user3"), (False, True, self.server.ports["imap_plain"], "user3")):
            proxy = BreakingProxy(port, random.randrange(100, 8000), random.randrange(60_000, 200_000) if source else random.randrange(4000, 9000))
            self.addCleanup(proxy.stop)
            broken = f"smap://{'joe' if source else f'user3@{DOMAIN}'}@127.0.0.1:{proxy.port}"
            ends = (broken, f"maildir:{self.path('broken')}") if source else (self.courier.url(), broken)
            command = self.command(*ends, "--retries", "100")
            self.posthorn(*[word.replace("target-insecure", "target-allow-plaintext") for word in command])
            self.assertGreater(proxy.broken, 1)
        self.assertEqual(len(seen_in_maildir(self.path("broken"), None)), self.COUNT)
        self.assertEqual(seen_by_smap(self.client("user3")), self.expected)
        self.assertIn("compared: all the same", self.copy(self.courier.url(), f"maildir:{self.path('broken')}", "--verify"))

    def test_what_somebody_else_removes_meanwhile_is_not_copied_as_a_stand_in(self):
        """Courier gives "This message is no longer available on the server." for it."""
        courier = CourierBySmap()
        self.addCleanup(courier.stop)
        courier.start()
        fill(courier.client(), 6, FOLDERS[:1])
        proxy = Between(courier)
        self.addCleanup(proxy.stop)
        out = self.copy(f"smap://joe@127.0.0.1:{proxy.port}", f"maildir:{self.path('gone')}", status=65)
        self.assertIn("copied 5 messages", out)
        self.assertRegex(out, "INBOX, message 2: the source did not give it")
        texts = [text for text, _, _ in seen_in_maildir(self.path("gone"), None)]
        self.assertEqual(len(texts), 5)
        self.assertTrue(set(texts) <= {digest(letter(number)) for number in range(6)})

    def test_what_cannot_be_opened_is_neither_stored_nor_removed(self):
        """Courier says "message unavailable" in its place, and tells the size of that; by IMAP too."""
        for kind, scheme in ((CourierBySmap, "smap"), (CourierStore, "imap")):
            courier = kind()
            self.addCleanup(courier.stop)
            courier.start()
            cur = os.path.join(courier.folder, "Maildir", "cur")
            for number in range(3):
                with open(os.path.join(cur, f"170000000{number}.x:2,"), "wb") as f:
                    f.write(letter(number))
            os.unlink(os.path.join(cur, "1700000001.x:2,"))
            os.symlink("nowhere", os.path.join(cur, "1700000001.x:2,"))
            url, expected = f"{scheme}://joe@127.0.0.1:{courier.port}", sorted([digest(letter(0)), digest(letter(2))])
            copied, fetched = self.path(f"copied-{scheme}"), self.path(f"fetched-{scheme}")
            for _ in range(2):
                self.assertRegex(self.copy(url, f"maildir:{copied}", status=65), r"INBOX, message \d: the source did not give it")
                self.posthorn(BINARY, "fetch", url, f"maildir:{fetched}", "--password-file", self.password, "--allow-plaintext", "--state", fetched + ".state", status=75)
                self.assertEqual([sorted(text for text, _, _ in seen_in_maildir(tree, None)) for tree in (copied, fetched)], [expected, expected])
                self.assertEqual([name.partition(":")[0] for name in os.listdir(cur)], ["1700000001.x"])

    def test_fetches_and_removes(self):
        courier = CourierBySmap()
        self.addCleanup(courier.stop)
        courier.start()
        client = courier.client()
        expected = sorted(text for _, text, _, _ in fill(client, 250, FOLDERS[:1]))
        # Holes: numbers to remove that are no single range.
        client.command("OPEN INBOX")
        maildir = self.path("fetched")
        environment = {**os.environ, "HOME": self.folder, "XDG_STATE_HOME": self.path("state"), "PASSWORD": PASSWORD}
        command = [BINARY, "fetch", courier.url(), f"maildir:{maildir}", "--password-env", "PASSWORD", "--allow-plaintext", "--json"]
        run = lambda *options, status=0: self.posthorn(*command, *options, env=environment, status=status)
        self.assertIn('"stored":250,"removed":0', run("--keep"))
        self.assertIn('"known":250,"stored":0,"removed":0', run("--keep"))
        self.assertEqual(sorted(text for text, _, _ in seen_in_maildir(maildir, None)), expected)
        self.assertEqual(len(glob.glob(os.path.join(maildir, "cur", "*:2,F"))), len([n for n in range(250) if FLAGS[n % len(FLAGS)] == "MARKED"]))
        for _ in range(4):
            process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
            time.sleep(random.uniform(0.01, 0.2))
            process.send_signal(signal.SIGKILL)
            process.wait(30)
        self.assertTrue(client.add('FOLDER INBOX ""', letter(1000)).ok)
        run()
        self.assertEqual(sorted(text for text, _, _ in seen_in_maildir(maildir, None)), sorted(expected + [digest(letter(1000))]))
        self.assertEqual(client.command("OPEN INBOX").lines, ["EXISTS 0"])


class Between:
    """Passes on what is said; before messages come, somebody else removes the second."""

    def __init__(self, store):
        self.store = store
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        client, _ = self.listener.accept()
        with client, socket.create_connection(("127.0.0.1", self.store.port)) as server:
            back = threading.Thread(target=self.carry, args=(server, client))
            back.start()
            for line in client.makefile("rb"):
                if b"CONTENTS.PEEK=ALL" in line:
                    other = self.store.client()
                    other.command("OPEN INBOX")
                    assert other.command("EXPUNGE 2").ok
                    other.close()
                server.sendall(line)
            server.shutdown(socket.SHUT_WR)
            back.join(20)

    @staticmethod
    def carry(source, target):
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)

    def stop(self):
        self.listener.close()
        self.thread.join(20)


class Scripted:
    """Answers each line by the first pattern that it matches, with what stands there, or is made there; b"" closes, None is silence."""

    def __init__(self, *answers):
        self.answers = [(rb"\\SMAP1 LOGIN", b"+OK in\r\n"), *answers, (rb"LIST$", b'* LIST "INBOX" "x" FOLDER\n+OK\n'), (rb"LIST", b"+OK\n"), (rb"OPEN", b"* EXISTS 1\n+OK\n"),
                        (rb"FETCH 1-1 FLAGS", b"* FETCH 1 FLAGS= UID=a SIZE=8\n+OK\n"), (rb"FETCH 1 .*ALL", b"{8/8} FETCH 1 CONTENTS\nA: 1\n\nx\n\n+OK\n"), (rb"LOGOUT", b"+OK\n")]
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        for client in connections(self.listener):
            with client:
                try:
                    client.sendall(b"* OK [CAPABILITY SMAP1 KEYWORDS] ready\r\n")
                    for line in client.makefile("rb"):
                        answer = next((answer for pattern, answer in self.answers if re.match(pattern, line.strip())), b"-ERR what?\n")
                        answer = answer() if callable(answer) else answer
                        if answer == b"":
                            break
                        client.sendall(answer or b"")
                except OSError:
                    pass

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(20)


class Lies(Case):
    def attempt(self, *answers, status, text, target="lies", verb=None):
        server = Scripted(*answers)
        self.addCleanup(server.stop)
        url = f"smap://joe@127.0.0.1:{server.port}"
        maildir = tempfile.mkdtemp(dir=self.folder)
        for command in (self.command(url, f"maildir:{maildir}", "--retries", "0"),
                        [BINARY, "fetch", url, f"maildir:{maildir}f", "--password-file", self.password, "--allow-plaintext", "--state", maildir + "s"]):
            if verb and verb not in command:
                continue
            self.assertIn(text, self.posthorn(*command, status=status))
            self.assertEqual(glob.glob(os.path.join(glob.escape(command[3]), "*", "*")), [])

    def test_hostile_servers(self):
        for answers, status, text in (
                (((rb"OPEN", b"* EXISTS 4294967295\n+OK\n"),), None, "more messages than can be dealt with"),
                (((rb"OPEN", b"* EXISTS 3\n+OK\n"), (rb"FETCH 1-3", b"* FETCH 2 FLAGS= UID=a\n+OK\n")), 75, "of 3 messages the server listed 1"),
                (((rb"OPEN", b"x" * 100_000),), 76, "a line of the server is too long"),
                (((rb"FETCH 1-1 FLAGS", b"* FETCH 2 FLAGS= UID=a\n+OK\n"),), 76, "a message that is not there"),
                (((rb"FETCH 1-1 FLAGS", b"* EXPUNGE 1\n* FETCH 1 FLAGS= UID=a\n+OK\n"),), 76, "other numbers in the middle"),
                (((rb"FETCH 1 .*ALL", b"{8/8} FETCH 1 CONTENTS\nA: 1\n\nx\nmore\n+OK\n"),), 76, "no number where a size must be"),
                (((rb"FETCH 1 .*ALL", b"{8/8} FETCH 2 CONTENTS\nA: 1\n\nx\n\n+OK\n"),), 76, "that was not asked for"),
                (((rb"FETCH 1 .*ALL", b"{99999999999999/8} FETCH 1 CONTENTS\nA: 1\n"),), 76, "too long"),
                (((rb"FETCH 1 .*ALL", b""),), 75, "the server closed the connection")):
            with self.subTest(text=text):
                self.attempt(*answers, status=76 if status is None else status, text=text)
        self.attempt((rb"OPEN", b"* EXISTS 2\n+OK\n"), (rb"FETCH 1-2", b"* FETCH 1 FLAGS= UID=a\n* FETCH 2 FLAGS= UID=a\n+OK\n"), status=76, text="two messages the UID a", verb="fetch")
        self.attempt((rb"LIST", b'* LIST "a" "a" DIRECTORY\n+OK\n'), status=76, text="folders in folders without end", verb="copy")

    def test_a_header_that_is_not_given(self):
        """Nobody knows whether the target has that message: it is left out; and where it is the target's, nothing is stored."""
        texts = [f"Subject: {number}\n\nx\n".encode() for number in (1, 2)]
        content = [b"{14/14} FETCH %d CONTENTS\n%s\n" % (number, text) for number, text in enumerate(texts, 1)]
        server = Scripted((rb"OPEN", b"* EXISTS 2\n+OK\n"), (rb"FETCH 1-2 FLAGS", b"* FETCH 1 FLAGS= SIZE=14\n* FETCH 2 FLAGS= SIZE=14\n+OK\n"),
                          (rb"FETCH 1-2 .*HEADERS", b"{.0} FETCH 1 HEADERS\nSubject: 1\n.\n+OK\n"), (rb"FETCH 1-2 .*ALL", b"".join(content) + b"+OK\n"),
                          (rb"FETCH 1 .*ALL", content[0] + b"+OK\n"), (rb"FETCH 2 .*ALL", content[1] + b"+OK\n"))
        self.addCleanup(server.stop)
        url, tree = f"smap://joe@127.0.0.1:{server.port}", self.path("withheld")
        self.assertIn("copied 2 messages", self.copy(url, f"maildir:{tree}"))
        out = self.copy(url, f"maildir:{tree}", status=65)
        self.assertIn("copied 0 messages in 1 folder, 1 was there already", out)
        self.assertIn("INBOX, message 2: the source did not give it", out)
        self.assertEqual([text for text, _, _ in seen_in_maildir(tree, None)], sorted(map(digest, texts)))
        for part in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(self.path("more"), part))
        with open(os.path.join(self.path("more"), "cur", "1700000000.x:2,"), "wb") as f:
            f.write(letter(1))
        self.assertIn("does not give the header of message 2", self.copy(f"maildir:{self.path('more')}", url, status=65))

    def test_a_message_that_cannot_be_read_to_its_end(self):
        """It is neither stored nor removed, and holds up no other; the -ERR stands behind it, or, as at Courier, where a size must be."""
        for number, end in enumerate((b"\n-ERR Cannot retrieve message\n", b"-ERR Cannot retrieve message\n")):
            server = Scripted((rb"OPEN", b"* EXISTS 2\n+OK\n"), (rb"FETCH 1-2 FLAGS", b"* FETCH 1 FLAGS= UID=a SIZE=1000\n* FETCH 2 FLAGS= UID=b SIZE=8\n+OK\n"),
                              (rb"FETCH 1.*ALL", b"{8/1000} FETCH 1 CONTENTS\nA: 1\n\nx\n" + end), (rb"FETCH 2 .*ALL", b"{8/8} FETCH 2 CONTENTS\nB: 2\n\ny\n\n+OK\n"), (rb"EXPUNGE 2", b"+OK\n"))
            self.addCleanup(server.stop)
            url, tree = f"smap://joe@127.0.0.1:{server.port}", self.path(f"cut-{number}")
            self.posthorn(BINARY, "fetch", url, f"maildir:{tree}f", "--password-file", self.password, "--allow-plaintext", "--state", tree + ".state", status=75)
            self.copy(url, f"maildir:{tree}", status=65)
            self.assertEqual(seen_in_maildir(tree + "f", None), [(digest(b"B: 2\n\ny\n"), frozenset(), 0)])
            self.assertEqual(seen_in_maildir(tree, None), [(digest(b"B: 2\n\ny\n"), frozenset(), 0)])

    def test_what_somebody_else_removes_is_not_counted(self):
        """Between the first listing and the removal one of the two goes."""
        counts = iter((2, 1, 0))
        content = b"".join(b"{8/8} FETCH %d CONTENTS\nA: %d\n\nx\n\n" % (number, number) for number in (1, 2))
        server = Scripted((rb"OPEN", lambda: b"* EXISTS %d\n+OK\n" % next(counts)), (rb"FETCH 1-2 FLAGS", b"* FETCH 1 FLAGS= UID=a SIZE=8\n* FETCH 2 FLAGS= UID=b SIZE=8\n+OK\n"),
                          (rb"FETCH 1-2 .*ALL", content + b"+OK\n"), (rb"FETCH 1-1 FLAGS", b"* FETCH 1 FLAGS= UID=b SIZE=8\n+OK\n"), (rb"EXPUNGE 1", b"* EXPUNGE 1\n+OK\n"))
        self.addCleanup(server.stop)
        tree = self.path("counted")
        out = self.posthorn(BINARY, "fetch", f"smap://joe@127.0.0.1:{server.port}", f"maildir:{tree}", "--password-file", self.password, "--allow-plaintext", "--state", tree + ".state", "--verbose")
        self.assertIn("2 messages fetched, 1 removed from the server", out)

    def test_a_listing_that_is_empty_or_short_for_once_doubles_nothing(self):
        """So it is where a directory cannot be opened or read for a moment."""
        there = [1, 2]
        listed = {number: b"* FETCH %d FLAGS= UID=u%d SIZE=8\n" for number in (1, 2)}
        content = {number: b"{8/8} FETCH %%d CONTENTS\nA: %d\n\nx\n\n" % number for number in (1, 2)}
        server = Scripted((rb"OPEN", lambda: b"* EXISTS %d\n+OK\n" % len(there)),
                          (rb"FETCH \S+ FLAGS", lambda: b"".join(listed[one] % (at, one) for at, one in enumerate(there, 1)) + b"+OK\n"),
                          (rb"FETCH \S+ .*ALL", lambda: b"".join(content[one] % at for at, one in enumerate(there, 1)) + b"+OK\n"))
        self.addCleanup(server.stop)
        tree = self.path("short")

        def fetched():
            return self.posthorn(BINARY, "fetch", f"smap://joe@127.0.0.1:{server.port}", f"maildir:{tree}", "--password-file", self.password, "--allow-plaintext",
                                 "--state", tree + ".state", "--keep", "--verbose")
        self.assertIn("2 messages fetched", fetched())
        for there in ([], [2], []):
            fetched()
        there = [1, 2]
        self.assertIn("0 messages fetched", fetched())
        self.assertEqual(len(os.listdir(os.path.join(tree, "new"))), 2)

    def test_what_cannot_be_is_said(self):
        ours = self.ours("bob")
        imap_only = f"smap://joe@127.0.0.1:{self.server.ports['pop3']}"
        for command, status, text in (
                (self.command(ours, ours), 64, "the same"),
                (self.command(imap_only, f"maildir:{self.path('x')}"), 76, "greets as no server of SMAP or IMAP"),
                (self.command(f"maildir:{self.folder}", ours + "/Archive"), 64, "the whole account"),
                ([BINARY, "sync", ours, self.path("x")], 64, "is no IMAP account")):
            with self.subTest(text=text):
                done = subprocess.run(command, text=True, capture_output=True, timeout=60)
                self.assertIn(text, done.stderr)
                self.assertEqual(done.returncode, status, done.stderr)

    def test_drafts_of_one_second_are_told_apart(self):
        client = self.client("user7")
        texts = [f"From: a@far.test\nSubject: draft\nMessage-ID: <draft@far.test>\nDate: Sun, 22 Nov 2026 10:00:00 +0000\n\n{body}\n".encode() for body in ("one", "two", "two", "six")]
        for text in texts:
            self.assertTrue(client.add(f'FOLDER INBOX "" FLAGS=DRAFT "INTERNALDATE={DATE % 1}"', text).ok)
        tree = self.path("drafts")
        source = self.ours("user7", "imaps").replace("smap:", "smaps:")  # and TLS from the first byte
        self.assertIn("copied 4 messages", self.copy(source, f"maildir:{tree}", "--folder", "INBOX"))
        for name in glob.glob(os.path.join(tree, "cur", "*")):
            with open(name, "rb") as f:
                if f.read().endswith(b"one\n"):
                    os.unlink(name)
        self.assertIn("copied 1 message in 1 folder, 3 were there already", self.copy(source, f"maildir:{tree}", "--folder", "INBOX", "--verify"))
        self.assertEqual([text for text, _, _ in seen_in_maildir(tree, None)], sorted(map(digest, texts)))

    def send(self, url, *options, status=0):
        command = [BINARY, "send", "--server", url, "--from", f"alice@{DOMAIN}", "--subject", "by SMAP", "--body", ".\nGrüße", "--password-file", self.password,
                   "--insecure" if DOMAIN in url else "--allow-plaintext", *options]
        return self.posthorn(*command, status=status)

    def test_sends(self):
        url, bob = self.ours("alice"), f"bob@{DOMAIN}"
        before = len(seen_by_smap(self.client("bob"), FOLDERS[:1]))
        self.assertIn('"state":"accepted"', self.send(url, "--to", bob, "--bcc", f"user6@{DOMAIN}", "--json"))
        client = self.client("bob")
        client.command("OPEN INBOX")
        text = client.command(f"FETCH {before + 1} CONTENTS.PEEK=ALL").parts[0][1]
        self.assertIn(b"\nSubject: by SMAP\n", text)
        self.assertNotIn(b"user6", text)
        self.assertTrue(text.endswith(b"\n.\nGr\xc3\xbc\xc3\x9fe\n") or b"base64" in text or b"=C3=BC" in text, text)
        self.assertEqual(len(seen_by_smap(self.client("user6"), FOLDERS[:1])), 1)
        # All or none; and what cannot be asked of it.
        out = self.send(url, "--to", bob, "--to", f"nosuch@{DOMAIN}", status=69)
        self.assertIn("sending the message was refused", out)
        self.assertEqual(len(seen_by_smap(self.client("bob"), FOLDERS[:1])), before + 1)
        self.assertIn("SMAP has nothing for", self.send(url, "--to", bob, "--require-tls", status=64))
        self.assertIn("which servers take for an option", self.send(url, "--to", f"-bob@{DOMAIN}", status=64))
        # Refused is refused, also where the server hangs up behind it.
        server = Scripted((rb"ADD ", b"> go\n"), (rb"Message-ID: ", b"-ERR 550 no such user\n"), (rb"RSET", b""), (rb"", None))
        self.addCleanup(server.stop)
        self.assertIn("550 no such user", self.send(f"smap://joe@127.0.0.1:{server.port}", "--to", bob, status=69))
        # It is said when nobody knows what became of it.
        server = Scripted((rb"ADD ", b"> go\n"), (rb"[A-Za-z-]+: ", b""))
        self.addCleanup(server.stop)
        self.assertIn("sending it again may double it", self.send(f"smap://joe@127.0.0.1:{server.port}", "--to", bob, status=75))

    def test_what_is_refused_before_the_server_hangs_up(self):
        tree = self.path("refused")
        for part in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(tree, part))
        with open(os.path.join(tree, "cur", "1700000000.x:2,"), "wb") as f:
            f.write(letter(1))
        server = Scripted((rb"LIST$", b'* LIST "INBOX" "x" FOLDER\n+OK\n'), (rb"LIST", b"+OK\n"), (rb"OPEN", b"* EXISTS 0\n+OK\n"), (rb"ADD ", b"-ERR too ugly\n"), (rb"RSET", b""))
        self.addCleanup(server.stop)
        out = self.copy(f"maildir:{tree}", f"smap://joe@127.0.0.1:{server.port}", "--retries", "0", status=75)
        self.assertIn(": saving the message was refused: too ugly", out)

    def test_lines_are_what_is_kept(self):
        """A CR or LF alone, and a last line without its end, cannot be kept; it is said, and the message is known again."""
        tree = self.path("odd")
        os.makedirs(os.path.join(tree, "cur"))
        os.makedirs(os.path.join(tree, "new"))
        os.makedirs(os.path.join(tree, "tmp"))
        for number, text in enumerate((b"Subject: a\n\nno end", b"\r\n\r\nbare\nlines\rhere\r\n", b"Subject: b\n\nfine\n", b"\n\nno end and no name")):
            with open(os.path.join(tree, "cur", f"100000000{number}.x:2,S"), "wb") as f:
                f.write(text)
        out = self.copy(f"maildir:{tree}", self.ours("user5"), "--verify")
        self.assertIn("copied 4 messages in 1 folder; compared: all the same", out)
        self.assertEqual(out.count("the target cannot keep its line ends"), 3, out)
        self.assertIn("copied 0 messages in 1 folder, 4 were there already", self.copy(f"maildir:{tree}", self.ours("user5")))


if __name__ == "__main__":
    unittest.main()
