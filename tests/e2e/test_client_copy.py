"""posthorn copy, export and import: whole accounts between Dovecot, Maildirs and ourselves, compared octet by octet, with flags and UIDs."""

import fcntl
import glob
import hashlib
import imaplib
import json
import os
import pty
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import harness
from harness import ACCOUNTS, BINARY, DOMAIN, Server, connections
from harness import PASSWORD as OURS
from imap_meddler import ImapMeddler
from mail_store import PASSWORD as THEIRS
from mail_store import HAS_COURIER, CourierStore, CyrusStore, DovecotStore, has_cyrus

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "corpus"))
import corpus  # noqa: E402
import generate  # noqa: E402
import imap_client  # noqa: E402

FOLDERS = ("INBOX", "Sent Items", "Archive", "Archive/2024", "Entw&APw-rfe")  # modified UTF-7, as it goes over the wire
FLAGS = ("", r"\Seen", r"\Seen \Answered", r"\Flagged $Forwarded", r"\Seen Work", r"\Draft", r"\Deleted \Seen")


def letter(number, body=None):
    text = body if body is not None else f"This is letter {number}.\r\n" * (1 + number % 40)
    return (f"From: joe@far.test\r\nTo: eve@far.test\r\nSubject: =?utf-8?q?Nummer_{number}?=\r\n"
            f"Date: Sun, 22 Nov 2026 10:{number % 60:02}:00 +0000\r\nMessage-ID: <{number}.{random.random()}@far.test>\r\n\r\n{text}").encode()


def fill(client, count):
    """Letters in several folders, with holes in their UIDs."""
    for folder in FOLDERS[1:]:
        client.create(f'"{folder}"')
    for number in range(count):
        folder = FOLDERS[number % len(FOLDERS)]
        date = f'"{1 + number % 28:02}-Feb-2003 04:05:06 +0100"'
        client.append(f'"{folder}"', f"({FLAGS[number % len(FLAGS)]})", date, letter(number))
    for folder in FOLDERS:
        client.select(f'"{folder}"')
        client.store("2", "+FLAGS", r"(\Deleted)")
        client.uid("EXPUNGE", "2")
        client.unselect()


def account(client, folders=FOLDERS):
    """What a client sees: for each folder UIDVALIDITY, and of each message UID, flags, date and digest."""
    out = {}
    for folder in folders:
        typ, _ = client.select(f'"{folder}"', readonly=True)
        if typ != "OK":
            continue
        validity = int(client.response("UIDVALIDITY")[1][0])
        _, parts = client.uid("FETCH", "1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")
        messages = {}
        for part in parts:
            if not isinstance(part, tuple):
                continue
            head = part[0].decode()
            uid = int(re.search(r"UID (\d+)", head).group(1))
            flags = frozenset(re.search(r"FLAGS \(([^)]*)\)", head).group(1).split()) - {r"\Recent"}
            moment = imaplib.Internaldate2tuple(part[0])
            messages[uid] = (flags, time.mktime(moment), hashlib.sha256(part[1]).hexdigest())
        out[folder] = (validity, messages)
    client.unselect()
    return out


def contents(seen):
    """The same without UIDs and UIDVALIDITY."""
    return {folder: sorted((sorted(flags), date, digest) for flags, date, digest in messages.values()) for folder, (_, messages) in seen.items()}


class BreakingProxy:
    """Passes on so many octets of what a server says, and then breaks the connection; the next one gets further."""

    def __init__(self, port, octets, step, at=0):
        self.target, self.octets, self.step = port, octets, step
        self.broken = 0
        self.listener = socket.create_server(("127.0.0.1", at))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        for client in connections(self.listener):
            threading.Thread(target=self.carry, args=(client, self.octets)).start()
            self.octets += self.step

    def carry(self, client, left):
        with client, socket.create_connection(("127.0.0.1", self.target)) as server:
            while True:
                ready, _, _ = select.select([client, server], [], [], 60)
                for one in ready:
                    try:
                        piece = one.recv(min(left, 65536) if one is server else 65536)
                    except ConnectionError:
                        return
                    if not piece:
                        return
                    (client if one is server else server).sendall(piece)
                    if one is server:
                        left -= len(piece)
                    if left == 0:
                        self.broken += 1
                        return
                if not ready:
                    return

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)


class StallingProxy:
    """From the first APPEND on it takes nothing more of the client that sent it, until it is told to go on."""

    def __init__(self, port):
        self.target = port
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # all else stays with the client's kernel
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.port = self.listener.getsockname()[1]
        self.stalled, self.go = threading.Event(), threading.Event()
        self.threads = [threading.Thread(target=self.serve)]
        self.threads[0].start()

    def serve(self):
        for client in connections(self.listener):
            server = socket.create_connection(("127.0.0.1", self.target))
            for source, sink in ((client, server), (server, client)):
                self.threads.append(threading.Thread(target=self.carry, args=(source, sink, source is client)))
                self.threads[-1].start()

    def carry(self, source, sink, from_client):
        try:
            while piece := source.recv(2048):
                if from_client and b" APPEND " in piece and not self.stalled.is_set():
                    self.stalled.set()
                    self.go.wait(60)
                sink.sendall(piece)
        except OSError:
            pass
        try:
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def stop(self):
        self.go.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(20)


class Copy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="posthorn-copy-")
        cls.server = cls.store = None
        try:
            cls.server = Server()
            cls.server.create_accounts((*ACCOUNTS, *(f"user{i}" for i in range(24))))
            cls.server.start()
            cls.store = DovecotStore()
            cls.store.start()
            cls.store_password = cls.password_file("theirs", THEIRS)
            cls.our_password = cls.password_file("ours", OURS)
            cls.client = cls.store.imap("joe")
            fill(cls.client, 150)
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        if cls.store:
            cls.store.stop()
        if cls.server:
            try:
                cls.server.stop()
                cls.server.check_store()
            finally:
                cls.server.remove()
        shutil.rmtree(cls.folder, ignore_errors=True)

    @classmethod
    def password_file(cls, name, password):
        path = os.path.join(cls.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(password + "\n")
        os.chmod(path, 0o600)
        return path

    def path(self, name):
        return os.path.join(self.folder, name)

    def posthorn(self, *words, status=0, **how):
        done = subprocess.run([BINARY, *words], text=True, capture_output=True, timeout=240, **how)
        self.assertEqual(done.returncode, status, f"{words}\n{done.stdout}{done.stderr}\n{self.store.log()[-1000:]}\n{self.server.log(8)}")
        return done.stdout + done.stderr

    def copy(self, source, target, *words, status=0, **how):
        return self.posthorn("copy", source, target, "--config", self.server.config, "--source-password-file", self.store_password, "--source-ca",
                             self.store.certificate, "--target-password-file", self.our_password, "--target-insecure", *words, status=status, **how)

    def ours(self, user):
        client = imaplib.IMAP4("127.0.0.1", self.server.ports["imap_plain"])
        client.login(f"{user}@{DOMAIN}", OURS)
        return client

    def test_an_account_moves_here_and_clients_notice_nothing(self):
        before = account(self.client)
        out = self.copy(self.store.url(), f"posthorn:user0@{DOMAIN}", "--verify")
        self.assertRegex(out, "copied 145 messages in 5 folders; compared: all the same")
        self.assertEqual(account(self.ours("user0")), before)
        # The next message gets a UID above all that there ever were.
        ours = self.ours("user0")
        _, answer = ours.append("INBOX", "", None, letter(1000))
        self.assertIn(f"[APPENDUID {before['INBOX'][0]} 31]".encode(), answer[0])
        # Again: the difference, which is nothing; then a new message, and other flags.
        self.assertRegex(self.copy(self.store.url(), f"posthorn:user0@{DOMAIN}"), "copied 0 messages in 5 folders, 145 were there already\n")

    def test_the_difference_is_copied(self):
        client = self.store.imap("ann")
        fill(client, 20)
        target = f"posthorn:user1@{DOMAIN}"
        self.copy(self.store.url("ann"), target)
        client.append("Archive", r"(\Seen)", None, letter(77))
        client.select("INBOX")
        client.uid("STORE", "1", "+FLAGS", r"(\Answered $Later)")
        client.unselect()
        self.ours("user1").unsubscribe("Archive")
        dry = self.copy(self.store.url("ann"), target, "--dry-run")
        self.assertRegex(dry, "would copy 1 message ")
        self.assertRegex(self.copy(self.store.url("ann"), target, "--verify"), "copied 1 message in 5 folders, 15 were there already, changed the flags of 1; compared")
        self.assertEqual(account(self.ours("user1")), account(client))
        self.assertNotIn(b"Archive", b"".join(line for line in self.ours("user1").lsub()[1] if b"/2024" not in line))  # nor is it subscribed again
        # What was deleted here meanwhile comes back, if nobody says that it shall not.
        ours = self.ours("user1")
        ours.select("Archive")
        ours.uid("STORE", "1", "+FLAGS", r"(\Deleted)")
        ours.uid("EXPUNGE", "1")
        self.assertRegex(self.copy(self.store.url("ann"), target, "--leave-deleted"), "copied 0 messages.*left out 1 that were deleted there")
        self.assertRegex(self.copy(self.store.url("ann"), target), "copied 1 message ")
        self.assertRegex(self.copy(self.store.url("ann"), target), "copied 0 messages")

    def test_from_dovecot_by_maildir_and_back(self):
        """Dovecot, Posthorn, Maildir, Posthorn: the same octets, flags, dates and UIDs at the end."""
        before = account(self.client)
        tree = self.path("tree")
        self.copy(self.store.url(), f"posthorn:user2@{DOMAIN}")
        out = self.posthorn("export", f"user2@{DOMAIN}", f"maildir:{tree}", "--verify", "--config", self.server.config)
        self.assertIn("compared: all the same", out)
        self.assertTrue(os.path.isdir(os.path.join(tree, ".Archive.2024", "cur")))
        out = self.posthorn("import", f"maildir:{tree}", f"user3@{DOMAIN}", "--verify", "--config", self.server.config)
        self.assertIn("compared: all the same", out)
        after = account(self.ours("user3"))
        self.assertEqual(after, before)
        self.assertRegex(self.posthorn("import", f"maildir:{tree}", f"user3@{DOMAIN}", "--config", self.server.config), "copied 0 messages")
        self.assertRegex(self.posthorn("export", f"user2@{DOMAIN}", f"maildir:{tree}", "--config", self.server.config), "copied 0 messages")

    def test_from_a_maildrop(self):
        target = f"maildir:{self.path('drop')}"
        self.assertIn("copied 29 messages in 1 folder; compared: all the same", self.copy(self.store.url(scheme="pop3s"), target, "--verify"))
        self.assertIn("copied 0 messages in 1 folder, 29 were there already", self.copy(self.store.url(scheme="pop3s"), target))

    def test_mail_that_comes_meanwhile_is_nobody_elses(self):
        """A message of here that has got the UID of one of there: both stay, and neither is taken for the other."""
        client = self.store.imap("mean")
        for number in range(3):
            client.append("INBOX", "", '"05-Feb-2003 04:05:06 +0100"', letter(number))
        target = f"posthorn:user18@{DOMAIN}"
        self.copy(self.store.url("mean"), target)
        self.ours("user18").append("INBOX", r"(\Flagged)", None, letter(100))   # UID 4
        client.append("INBOX", r"(\Deleted)", '"05-Feb-2003 04:05:06 +0100"', letter(3))  # UID 4 there
        self.assertRegex(self.copy(self.store.url("mean"), target), "copied 1 message in 1 folder, 3 were there already\n")
        seen = account(self.ours("user18"), ["INBOX"])["INBOX"][1]
        self.assertEqual([sorted(flags) for flags, _, _ in seen.values()], [[], [], [], [r"\Flagged"], [r"\Deleted"]])
        self.assertRegex(self.copy(self.store.url("mean"), target), "copied 0 messages in 1 folder, 4 were there already\n")

    def test_what_is_refused_comes_when_there_is_room(self):
        client = self.store.imap("room")
        for number in range(6):
            client.append("INBOX", "", '"05-Feb-2003 04:05:06 +0100"', letter(number, "x" * 70_000))
        target, words = f"posthorn:user19@{DOMAIN}", ("account", "quota", f"user19@{DOMAIN}")
        self.server.admin(*words, "250 KiB")
        self.assertRegex(self.copy(self.store.url("room"), target, status=65), "copied 3 messages.*3 were refused")
        self.server.admin(*words, "none")
        self.assertRegex(self.copy(self.store.url("room"), target, "--verify", status=65), "copied 3 messages.*3 were there already")
        self.assertEqual(contents(account(self.ours("user19"), ["INBOX"])), contents(account(client, ["INBOX"])))

    def test_what_was_refused_was_not_deleted(self):
        """--leave-deleted brings it, though the target has given higher UIDs; and where nobody knows, says so."""
        client = self.store.imap("once")
        for number in range(6):
            client.append("INBOX", "", '"05-Feb-2003 04:05:06 +0100"', letter(number))
        bad = '"05-Feb-2003 04:05:06 +0100"'
        client.append("INBOX", "", bad, letter(6, "x" * 300_000))
        client.append("INBOX", "", bad, letter(7))
        target, words, state = f"posthorn:user20@{DOMAIN}", ("account", "quota", f"user20@{DOMAIN}"), self.path("once-state")
        environment = {**os.environ, "XDG_STATE_HOME": state}
        self.server.admin(*words, "200 KiB")
        self.assertRegex(self.copy(self.store.url("once"), target, status=65, env=environment), "copied 7 messages.*1 were refused")
        self.server.admin(*words, "none")
        ours = self.ours("user20")
        ours.select("INBOX")
        ours.uid("STORE", "2", "+FLAGS", r"(\Deleted)")
        ours.uid("EXPUNGE", "2")
        elsewhere = self.copy(self.store.url("once"), target, "--leave-deleted", "--dry-run", status=65, env={**os.environ, "XDG_STATE_HOME": self.path("elsewhere")})
        self.assertIn("left out 2 that were deleted there (of 2 that is not certain)", elsewhere)
        self.assertIn("INBOX, message 7: it is not there, and nobody knows whether it ever was", elsewhere)
        for copied, there in ((1, 6), (0, 7)):
            self.assertRegex(self.copy(self.store.url("once"), target, "--leave-deleted", env=environment),
                             f"copied {copied} messages? in 1 folder, {there} were there already, left out 1 that were deleted there\n")
        # Number 7 has the UID at the target that the next one gets at the source.
        client.append("INBOX", "", bad, letter(8))
        for copied, there in ((1, 7), (0, 8)):
            self.assertRegex(self.copy(self.store.url("once"), target, "--leave-deleted", env=environment),
                             f"copied {copied} messages? in 1 folder, {there} were there already, left out 1 that were deleted there\n")

    def test_one_source_says_nothing_of_another(self):
        """Both have the same UIDVALIDITY: what only the other one has brought was not deleted."""
        def source(name, numbers):
            tree = os.path.join(self.path("same-validity"), name)
            for part in ("cur", "new", "tmp"):
                os.makedirs(os.path.join(tree, part), exist_ok=True)
            with open(os.path.join(tree, "dovecot-uidlist"), "w", encoding="utf-8") as uids:
                uids.write(f"3 V1 N{len(numbers) + 1}\n")
                for uid, number in enumerate(numbers, 1):
                    uids.write(f"{uid} :17000000{number:02}.x\n")
                    path = os.path.join(tree, "cur", f"17000000{number:02}.x:2,")
                    if not os.path.exists(path):
                        with open(path, "wb") as f:
                            f.write(letter(number).replace(b"\r\n", b"\n"))
            return f"maildir:{tree}"

        one, other = source("one", range(4)), source("other", range(10, 12))
        target, leave = f"posthorn:user23@{DOMAIN}", "--leave-deleted"
        self.assertIn("copied 4 messages in 1 folder\n", self.copy(one, target))
        self.assertIn("(of 2 that is not certain)", self.copy(other, target, leave, status=65))
        self.assertIn("copied 2 messages in 1 folder\n", self.copy(other, target))
        self.assertIn("copied 0 messages in 1 folder, 4 were there already\n", self.copy(one, target, leave))
        self.assertIn("copied 1 message in 1 folder, 2 were there already\n", self.copy(source("other", range(10, 13)), target, leave))

    def test_connections_that_break(self):
        """It begins again by itself; when it has given up, the next run goes on."""
        proxy = BreakingProxy(self.store.ports["imap"], 1500, 7919)
        self.addCleanup(proxy.stop)
        url, tree = f"imap://joe@127.0.0.1:{proxy.port}", f"maildir:{self.path('broken')}"
        words = (url, tree, "--source-allow-plaintext")
        out = self.copy(*words, "--retries", "0", status=75)
        self.assertIn("closed the connection", out)
        self.copy(*words, "--retries", "100")
        self.assertGreater(proxy.broken, 5)
        self.assertRegex(self.copy(self.store.url(), tree, "--verify"), "copied 0 messages.*145 were there already.*all the same")

    def test_a_server_that_restarts(self):
        """For a moment nobody listens at its port."""
        proxies = [BreakingProxy(self.store.ports["imap"], 1500, 0)]
        port = proxies[0].port
        command = subprocess.Popen([BINARY, "copy", f"imap://joe@127.0.0.1:{port}", f"maildir:{self.path('restarts')}", "--source-password-file", self.store_password,
                                    "--source-ca", self.store.certificate, "--retries", "100"], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while not proxies[0].broken and command.poll() is None:
            time.sleep(0.01)
        proxies[0].stop()
        time.sleep(0.5)
        proxies.append(BreakingProxy(self.store.ports["imap"], 10_000_000, 0, port))
        self.addCleanup(proxies[1].stop)
        out, err = command.communicate(timeout=120)
        self.assertEqual(command.returncode, 0, err)
        self.assertIn("copied 145 messages", out)

    def test_the_progress_is_one_line_of_the_terminal(self):
        pid, terminal = pty.fork()
        if pid == 0:
            os.environ["TERM"] = "xterm"
            os.execv(BINARY, [BINARY, "copy", self.store.url(), f"maildir:{self.path('shown')}", "--source-password-file", self.store_password,
                              "--source-ca", self.store.certificate])
        shown = b""
        while True:
            try:
                piece = os.read(terminal, 65536)
            except OSError:
                break
            if not piece:
                break
            shown += piece
        os.close(terminal)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, shown)
        text = shown.decode()
        self.assertRegex(text, r"\rposthorn copy")
        self.assertIn("\r\x1b[K", text)  # it goes again
        self.assertEqual(re.findall("[^\r\n]*copied 145[^\r\n]*", text), ["\x1b[Kcopied 145 messages in 5 folders"], text)

    def test_thousands_of_ugly_messages(self):
        """Dovecot, Posthorn, Maildir, Posthorn: the messages of tests/corpus, and generated ones."""
        messages = [m.bytes for m in corpus.load()] + [generate.generate(seed) for seed in range(2500)]
        fast = imap_client.connect(self.store.ports["imap"], "ugly", THEIRS)
        fast.append_all(b"INBOX", messages)  # Dovecot refuses some
        fast.socket.close()
        client = self.store.imap("ugly")
        count = int(client.select("INBOX")[1][0])
        self.assertGreater(count, 2900)
        for step, flags in ((3, r"(\Seen)"), (7, r"(\Flagged Work)"), (50, r"(\Deleted)")):
            client.store(",".join(str(n) for n in range(step, count, step)), "+FLAGS.SILENT", flags)
        client.uid("EXPUNGE", "1:*")
        client.unselect()
        before = account(client, ["INBOX"])
        tree = self.path("ugly")
        for command in (("copy", self.store.url("ugly"), f"posthorn:user16@{DOMAIN}", "--source-password-file", self.store_password, "--source-ca", self.store.certificate),
                        ("export", f"user16@{DOMAIN}", f"maildir:{tree}"), ("import", f"maildir:{tree}", f"user17@{DOMAIN}")):
            self.assertIn("compared: all the same", self.posthorn(*command, "--verify", "--config", self.server.config))
        self.assertEqual(account(self.ours("user17"), ["INBOX"]), before)

    def test_from_cyrus_and_to_it(self):
        if not has_cyrus():
            self.skipTest("Cyrus is not unpacked, or nobody is root: see tools/packages.sh")
        cyrus = CyrusStore()
        self.addCleanup(cyrus.stop)
        cyrus.start()
        url = f"imap://joe@127.0.0.1:{cyrus.port}"
        out = self.posthorn("copy", self.store.url(), url, "--source-password-file", self.store_password, "--source-ca", self.store.certificate,
                            "--target-password-file", self.store_password, "--target-allow-plaintext", "--verify")
        self.assertIn("copied 145 messages in 5 folders; 5 folders got new UIDs; compared: all the same", out)
        client = cyrus.imap()
        before = account(client, [f"INBOX.{name}".replace("/", ".") if name != "INBOX" else name for name in FOLDERS])
        out = self.copy(url, f"posthorn:user15@{DOMAIN}", "--source-allow-plaintext", "--verify")
        self.assertIn("copied 145 messages in 5 folders; compared: all the same", out)
        self.assertEqual(account(self.ours("user15")), {name.removeprefix("INBOX.").replace(".", "/"): seen for name, seen in before.items()})

    @unittest.skipUnless(HAS_COURIER, "Courier is not unpacked: see tools/packages.sh")
    def test_from_courier(self):
        """All of its mailboxes are below INBOX, and by its files it can be read too; UIDs stay either way."""
        courier = CourierStore()
        self.addCleanup(courier.stop)
        courier.start()
        client = courier.imap()
        names = ("INBOX", "INBOX.Sent", "INBOX.Archive.2024")
        for name in names[1:]:
            client.create(name)
        for number in range(30):
            client.append(names[number % 3], f"({FLAGS[number % len(FLAGS)]})", '"05-Feb-2003 04:05:06 +0100"', letter(number))
        client.select("INBOX")
        client.uid("STORE", "2", "+FLAGS", r"(\Deleted)")
        client.expunge()
        client.unselect() if "UNSELECT" in client.capabilities else client.close()
        before = account(client, names)
        out = self.copy(f"imap://joe@127.0.0.1:{courier.port}", f"posthorn:user13@{DOMAIN}", "--source-allow-plaintext", "--verify")
        count = sum(len(messages) for _, messages in before.values())
        self.assertIn(f"copied {count} messages in 3 folders; compared: all the same", out)
        expected = {name.removeprefix("INBOX.").replace(".", "/"): seen for name, seen in before.items()}
        self.assertEqual(account(self.ours("user13"), list(expected)), expected)
        out = self.posthorn("import", f"maildir:{courier.folder}/Maildir", f"user14@{DOMAIN}", "--verify", "--config", self.server.config)
        self.assertIn("compared: all the same", out)
        numbers = lambda seen: {folder: (validity, {uid: digest for uid, (_, _, digest) in messages.items()}) for folder, (validity, messages) in seen.items()}
        self.assertEqual(numbers(account(self.ours("user14"), list(expected))), numbers(expected))

    def test_by_mbox_and_back(self):
        """The same messages; keywords and UIDs have no place there."""
        boxes = self.path("boxes") + "/"
        out = self.copy(self.store.url(), f"mbox:{boxes}")
        self.assertIn("copied 145 messages in 5 folders", out)
        self.assertRegex(out, "cannot keep the keyword (Work|.Forwarded)")
        self.assertEqual(sorted(os.listdir(boxes)), ["Archive", "Archive.sbd", "Entw\u00fcrfe", "INBOX", "Sent Items"])
        self.assertRegex(self.copy(self.store.url(), f"mbox:{boxes}"), "copied 0 messages in 5 folders, 145 were there already")
        self.posthorn("import", f"mbox:{boxes}", f"user12@{DOMAIN}", "--verify", "--config", self.server.config)
        system = lambda seen: {f: sorted((sorted(x for x in flags if x[0] == "\\"), date, digest) for flags, date, digest in messages.values())
                               for f, (_, messages) in seen.items()}
        self.assertEqual(system(account(self.ours("user12"))), system(account(self.client)))
        # Killed in the middle of an append: what was begun is taken back, and comes whole.
        inbox = os.path.join(boxes, "INBOX")
        with open(inbox, "rb") as f:
            whole = f.read()
        last = whole.rindex(b"\nFrom ") + 1
        with open(inbox, "wb") as f:
            f.write(whole[:last] + whole[last:-100])
        note = f"{last}\n".encode() + whole[last:]
        with open(inbox + ".posthorn-copy", "wb") as f:
            f.write(note)
        self.assertRegex(self.copy(self.store.url(), f"mbox:{boxes}", "--folder", "INBOX"), "copied 1 message in 1 folder, 28 were there already")
        with open(inbox, "rb") as f:
            self.assertEqual(f.read(), whole)
        # But not what somebody else has delivered behind it.
        strange = b"From x@y Sat Jan  3 01:05:34 1996\nSubject: local\n\nhi\n\n"
        with open(inbox, "wb") as f:
            f.write(whole[:last] + whole[last:-100] + b"\n" + strange)
        with open(inbox + ".posthorn-copy", "wb") as f:
            f.write(note)
        self.copy(self.store.url(), f"mbox:{boxes}", "--folder", "INBOX")
        with open(inbox, "rb") as f:
            self.assertIn(strange, f.read())
        single = self.path("single")
        self.copy(self.store.url(), f"mbox:{single}", "--folder", "INBOX")
        with open(single, "rb") as f:
            self.assertEqual(f.read().count(b"\nSubject: =?utf-8?q?Nummer_"), 29)
        self.assertIn("name a directory", self.copy(self.store.url(), f"mbox:{single}", status=65))

    def test_between_two_foreign_servers(self):
        """No UIDs can be kept; nothing is copied twice all the same."""
        client = self.store.imap("eve")
        for _ in range(2):  # two that look the same
            client.append("INBOX", r"(\Seen)", '"01-Feb-2003 04:05:06 +0100"', letter(5, "same\r\n").replace(b"Message-ID", b"X-ID"))
        for text in ("one\r\n", "two\r\n", "two\r\n"):  # a header that says nothing
            client.append("INBOX", "", None, ("X: y\r\n\r\n" + text).encode())
        fill(client, 12)
        target = f"imap://user4%40{DOMAIN}@127.0.0.1:{self.server.ports['imap']}"
        self.assertRegex(self.copy(self.store.url("eve"), target, "--verify"), "copied 12 messages in 5 folders; 5 folders got new UIDs; compared: all the same")
        self.assertEqual(contents(account(self.ours("user4"))), contents(account(client)))
        self.assertRegex(self.copy(self.store.url("eve"), target), "copied 0 messages in 5 folders, 12 were there already")
        client.append("INBOX", "", None, b"X: y\r\n\r\nsix\r\n")
        self.assertRegex(self.copy(self.store.url("eve"), target, "--verify"), "copied 1 message .*all the same")

    def maildir(self, name, folders):
        """With so many letters in each."""
        for folder, count in folders.items():
            for part in ("cur", "new", "tmp"):
                os.makedirs(os.path.join(self.path(name), folder, part))
            for number in range(count):
                with open(os.path.join(self.path(name), folder, "cur", f"17000000{number:02}.x:2,"), "wb") as f:
                    f.write(letter(number).replace(b"\r\n", b"\n"))
        return f"maildir:{self.path(name)}"

    def test_what_a_target_says_in_the_place_of_a_message(self):
        """It may be Courier's word for one that cannot be read: nothing is copied into its folder, and everything else is."""
        client = self.store.imap("stand-in")
        client.append("INBOX", "", None, b"From: System Administrator <root@localhost>\r\nSubject: message unavailable\r\n\r\nThis message is no longer available on the server.\r\n")
        words = (self.maildir("stand-in", {"": 1, ".Archive": 1}), self.store.url("stand-in"), "--target-password-file", self.store_password, "--target-ca", self.store.certificate)
        out = self.posthorn("copy", *words, status=65)
        self.assertRegex(out, 'INBOX: .*"message unavailable" of the message with the UID 1')
        self.assertIn("copied 1 message in 2 folders, 1 were refused", out)
        client.select("INBOX")
        client.uid("STORE", "1", "+FLAGS", r"(\Deleted)")
        client.uid("EXPUNGE", "1")
        self.assertIn("copied 1 message in 2 folders, 1 was there already", self.posthorn("copy", *words))

    def test_a_target_that_does_not_list_all(self):
        """What it leaves out would be copied twice."""
        meddler = ImapMeddler(self.server.ports["imap_plain"])
        self.addCleanup(meddler.close)
        words = (self.maildir("left-out", {"": 3, ".Archive": 1}), f"imap://user21%40{DOMAIN}@127.0.0.1:{meddler.port}", "--target-password-file", self.our_password,
                 "--target-allow-plaintext")
        self.assertIn("copied 4 messages", self.posthorn("copy", *words))
        meddler.on_response = lambda r: None if r.startswith(b"* 2 FETCH ") else r
        self.assertIn("of 3 messages of INBOX the server listed 2", self.posthorn("copy", *words, status=65))
        # But what it says has gone has.
        meddler.on_response = lambda r: b"* 2 EXPUNGE\r\n" if r.startswith(b"* 2 FETCH ") else r
        self.assertIn("copied 1 message in 2 folders, 3 were there already", self.posthorn("copy", *words))

    def test_folders_are_chosen_and_renamed(self):
        out = self.posthorn("copy", "--config", self.server.config, "--source-password-file", self.store_password, "--source-ca", self.store.certificate, "--folder", "Archive",
                            "--folder", "Sent Items", "--without", "Archive/2024", "--rename", "Sent Items=Sent", self.store.url(), f"posthorn:user5@{DOMAIN}")
        self.assertIn("in 2 folders", out)
        names = {line.decode().rpartition(" ")[2].strip('"') for line in self.ours("user5").list()[1]}
        self.assertIn("Archive", names)
        self.assertNotIn("Items", "".join(names))
        self.assertEqual(len(account(self.ours("user5"), ["Sent"])["Sent"][1]), 29)

    def test_many_accounts_of_a_file(self):
        lines = ["source,password,target,password"]
        for i in range(6):
            client = self.store.imap(f"many{i}")
            fill(client, 10)
            lines.append(f'{self.store.url(f"many{i}")},"{THEIRS}",posthorn:user{6 + i}@{DOMAIN},')
        lines.append(f"{self.store.url('joe')},wrong,posthorn:alice@{DOMAIN},")
        path = self.password_file("accounts.csv", "\n".join(lines))
        done = subprocess.run([BINARY, "copy", "--csv", path, "--json", "--source-ca", self.store.certificate, "--config", self.server.config, "--connections", "3"],
                              text=True, capture_output=True, timeout=240)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([a["ok"] for a in answers], [True] * 6 + [False], done.stdout + done.stderr)
        self.assertEqual([a["copied"] for a in answers[:6]], [5] * 6)
        self.assertIn("does not let", answers[6]["error"])
        self.assertEqual(done.returncode, 77)
        self.assertNotIn(THEIRS, done.stdout + done.stderr)

    def test_what_a_killed_run_has_left_on_its_way_is_not_stored(self):
        tree = self.path("on-its-way")
        for part in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(tree, part))
        for number in range(10):
            with open(os.path.join(tree, "cur", f"170000000{number}.x:2,"), "wb") as f:
                f.write(letter(number, ("x" * 70 + "\r\n") * 300).replace(b"\r\n", b"\n"))
        proxy = StallingProxy(self.server.ports["imap_plain"])
        self.addCleanup(proxy.stop)
        command = [BINARY, "copy", f"maildir:{tree}", f"imap://alice%40{DOMAIN}@127.0.0.1:{proxy.port}", "--target-password-file", self.our_password, "--target-allow-plaintext"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.assertTrue(proxy.stalled.wait(30))
        time.sleep(1)  # its kernel has got all
        process.kill()
        process.wait(30)
        out = self.posthorn(*command[1:])
        self.assertIn("copied 10 messages", out)
        proxy.go.set()
        for thread in proxy.threads[1:]:
            thread.join(30)
        self.assertIn("copied 0 messages in 1 folder, 10 were there already", self.posthorn(*command[1:]))
        self.assertEqual(self.ours("alice").select("INBOX", readonly=True)[1], [b"10"])

    def test_without_a_home_the_next_attempt_waits_too(self):
        """For what the server has not answered, and may still be storing."""
        meddler = ImapMeddler(self.server.ports["imap_plain"])
        self.addCleanup(meddler.close)
        seen = []

        def on_response(octets):
            if b"APPENDUID" not in octets or seen:
                return octets
            seen.append(time.monotonic())
            return b""

        def on_command(octets):
            if len(seen) == 1 and meddler.connections == 2:
                seen.append(time.monotonic())
            return octets

        meddler.on_response, meddler.on_command = on_response, on_command
        homeless = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_STATE_HOME")}
        self.posthorn("copy", self.maildir("homeless", {"": 1}), f"imap://user22%40{DOMAIN}@127.0.0.1:{meddler.port}", "--target-password-file", self.our_password,
                      "--target-allow-plaintext", env=homeless)
        self.assertEqual(self.ours("user22").select("INBOX", readonly=True)[1], [b"1"])
        self.assertGreaterEqual(seen[1] - seen[0], 2.5)

    def test_killed_at_any_moment(self):
        """Dovecot to us by IMAP and to a Maildir: at the end everything is there once."""
        state = self.path("killed-state")
        environment = {**os.environ, "XDG_STATE_HOME": state}
        before = account(self.client)
        total = sum(len(messages) for _, messages in before.values())
        for target, rounds in ((f"posthorn:bob@{DOMAIN}", 8), (f"maildir:{self.path('killed')}", 5)):
            for _ in range(rounds):
                in_doubt = any(os.path.getsize(name) for name in glob.glob(os.path.join(state, "posthorn", "targets", "*")))
                process = subprocess.Popen([BINARY, "copy", self.store.url(), target, "--config", self.server.config, "--source-password-file", self.store_password,
                                            "--source-ca", self.store.certificate], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
                time.sleep(random.uniform(0.02, 0.5) + (2.5 if in_doubt else 0))
                process.send_signal(signal.SIGKILL)
                process.wait(30)
            self.assertIn("compared: all the same", self.copy(self.store.url(), target, "--verify", env=environment))
        self.assertEqual(account(self.ours("bob")), before)
        files = sum(len(names) for at, _, names in os.walk(self.path("killed")) if os.path.basename(at) in ("cur", "new"))
        self.assertEqual(files, total)

    def test_what_goes_wrong_is_said(self):
        cases = [
            ((self.store.url(), "pop3://joe@127.0.0.1"), 64, "no mail can be stored by POP3"),
            (("maildir:/nowhere/at/all", f"posthorn:alice@{DOMAIN}"), 66, "there is no /nowhere"),
            ((self.store.url(), "smtp://127.0.0.1"), 64, "no place that mail can be copied from or to"),
            ((self.store.url(), f"posthorn:nobody@{DOMAIN}"), 67, "there is no account nobody"),
            ((f"imaps://joe@127.0.0.1:{harness.free_ports(1)[0]}", f"posthorn:alice@{DOMAIN}"), 74, "cannot connect to 127.0.0.1"),
            ((f"imap://joe@127.0.0.1:{self.server.ports['imap_plain']}", f"posthorn:alice@{DOMAIN}"), None, "TLS"),
            ((f"posthorn:alice@{DOMAIN}", f"posthorn:alice@{DOMAIN}"), 64, "the same"),
            ((f"posthorn:alice@{DOMAIN}", self.store.url() + "/Archive"), 64, "the whole account"),
        ]
        for (source, target), status, text in cases:
            done = subprocess.run([BINARY, "copy", source, target, "--config", self.server.config, "--source-password-file", self.store_password, "--source-ca",
                                   self.store.certificate, "--retries", "0"], text=True, capture_output=True, timeout=60)
            self.assertIn(text, done.stderr)
            self.assertNotEqual(done.returncode, 0)
            if status is not None:
                self.assertEqual(done.returncode, status, done.stderr)

    def test_a_store_without_a_server(self):
        """export and import open it themselves."""
        server = Server()
        try:
            server.create_accounts()
            tree = self.path("alone")
            self.copy(self.store.url(), f"maildir:{tree}")
            out = self.posthorn("import", f"maildir:{tree}", f"alice@{DOMAIN}", "--verify", "--config", server.config)
            self.assertIn("copied 145 messages in 5 folders; compared: all the same", out)
            server.check_store()
            server.start()
            server.stop()
        finally:
            server.remove()

    def test_a_store_whose_opener_ends(self):
        """Another command has opened it, and goes while this one is at work: it opens it itself."""
        server = Server()
        try:
            server.create_accounts()
            tree = self.path("outlasts")
            self.copy(self.store.url(), f"maildir:{tree}")
            for _ in range(4):
                holder = subprocess.Popen([BINARY, "hold-store", "--config", server.config], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                self.assertEqual(holder.stdout.readline(), b"ready\n")
                command = subprocess.Popen([BINARY, "import", f"maildir:{tree}", f"alice@{DOMAIN}", "--verify", "--config", server.config],
                                           text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                time.sleep(random.uniform(0.02, 0.5))
                holder.stdin.close()
                out, err = command.communicate(timeout=60)
                self.assertEqual(command.returncode, 0, err)
                self.assertIn("compared: all the same", out)
                holder.wait(30)
                holder.stdout.close()
            self.assertIn("copied 0 messages", self.posthorn("import", f"maildir:{tree}", f"alice@{DOMAIN}", "--config", server.config))
        finally:
            server.remove()

    def test_one_run_at_a_time_for_a_target(self):
        state, target = self.path("state"), f"maildir:{self.path('one')}"
        command = [BINARY, "copy", self.store.url(), target, "--source-password-file", self.store_password, "--source-ca", self.store.certificate,
                   "--retries", "0"]
        environment = {**os.environ, "XDG_STATE_HOME": state}
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, timeout=60)
        (name,) = (name for name in os.listdir(os.path.join(state, "posthorn", "targets")) if "." not in name)
        with open(os.path.join(state, "posthorn", "targets", name), "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = subprocess.run([*command[:3], target + "/", *command[4:]], env=environment, text=True, capture_output=True, timeout=60)
        self.assertIn("another run is copying to " + target, done.stderr)
        self.assertEqual(done.returncode, 75)


if __name__ == "__main__":
    unittest.main()
