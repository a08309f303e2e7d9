"""posthorn sync: what changes on one side arrives at the other, nothing is lost or doubled, killed or not."""

import glob
import imaplib
import json
import os
import pty
import random
import re
import shutil
import signal
import subprocess
import threading
import time
import unittest

import harness
from harness import PASSWORD, insecure_tls, message
from mail_store import PASSWORD as DOVECOT_PASSWORD
from mail_store import DovecotStore
from test_clients import ALICE, ClientTestCase


class SyncTestCase(ClientTestCase):
    """Every test has mailboxes of its own on our server, and a tree that is synced with them."""

    LAYOUT = "maildir++"
    patterns = ("*",)

    def setUp(self):
        super().setUp()
        self.tree = os.path.join(self.home, "mail")
        self.prefix = self.id().rpartition(".")[2]
        self.connect()

    def account(self):
        """User, password, port."""
        return ALICE, PASSWORD, self.port("imaps")

    def connect(self):
        user, password, port = self.account()
        self.imap = imaplib.IMAP4_SSL("127.0.0.1", port, ssl_context=insecure_tls())
        self.addCleanup(self.imap.shutdown)
        self.imap.login(user, password)

    def words(self, *options, password=None):
        user, right, port = self.account()
        secret = self.path("secret", (password or right) + "\n")
        return [harness.BINARY, "sync", f"imaps://{user}@127.0.0.1:{port}", f"maildir:{self.tree}", "--insecure", "--json", "--password-file",
                secret, "--folder", f"{self.prefix}*", "--layout", self.LAYOUT, *options]

    def sync(self, *options, status=0):
        done = subprocess.run(self.words(*options), capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def quiet(self, *options):
        """A run that finds nothing to do."""
        report = self.sync(*options)
        busy = {k: v for k, v in report.items() if v and k not in ("ok", "folders", "folders_unchanged")}
        self.assertEqual(busy, {})
        return report

    def watch(self):
        self.watching = subprocess.Popen(self.words("--watch"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.watching.kill)

    def end_watch(self):
        self.watching.send_signal(signal.SIGTERM)
        out, err = self.watching.communicate(timeout=60)
        self.assertEqual(self.watching.returncode, 0, out + err)
        for line in out.splitlines():
            self.assertTrue(json.loads(line)["ok"], line)

    def wait_until(self, what, seconds=50):
        deadline = time.monotonic() + seconds
        while not what():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def name(self, folder=""):
        return self.prefix + ("/" + folder if folder else "")

    def local(self, folder=""):
        if self.LAYOUT == "nested":
            return os.path.join(self.tree, *self.name(folder).split("/"))
        return os.path.join(self.tree, "." + self.name(folder).replace("/", "."))

    def fill(self, subjects, folder="", flags=None):
        self.imap.create(self.name(folder))
        for subject in subjects:
            text = message(subject, extra=f"X-Test-ID: <{subject}@{self.prefix}.test>\r\n")
            self.assertEqual(self.imap.append(self.name(folder), flags, None, text)[0], "OK")

    def there(self, folder=""):
        """{subject: flags} of a mailbox on the server."""
        self.assertEqual(self.imap.select(f'"{self.name(folder)}"')[0], "OK")
        out = {}
        data = self.imap.fetch("1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1] if self.imap.search(None, "ALL")[1][0] else []
        for part in data:
            if isinstance(part, tuple):
                subject = part[1].decode().partition(":")[2].strip()
                self.assertFalse(subject in out, f"{subject} is doubled on the server")
                out[subject] = {f.decode() for f in imaplib.ParseFlags(part[0])} - {r"\Recent"}
        self.imap.unselect()
        return out

    def here(self, folder=""):
        """{subject: file} of a folder of the tree."""
        out = {}
        for path in glob.glob(glob.escape(self.local(folder)) + "/cur/*") + glob.glob(glob.escape(self.local(folder)) + "/new/*"):
            with open(path, "rb") as f:
                text = f.read()
            self.assertNotIn(b"\r\n", text)
            subject = re.search(rb"^Subject: (.*?)$", text, re.M)[1].decode()
            self.assertFalse(subject in out, f"{subject} is doubled in the tree")
            out[subject] = path
        return out

    def letters(self, subject, folder=""):
        return self.here(folder)[subject].partition(":2,")[2]

    def mark(self, subject, letters, folder=""):
        path = self.here(folder)[subject]
        os.rename(path, os.path.join(self.local(folder), "cur", os.path.basename(path).partition(":")[0] + ":2," + letters))

    def put(self, subject, folder="", where="new"):
        path = os.path.join(self.local(folder), where, f"{time.time_ns()}.{subject}.host" + (":2,S" if where == "cur" else ""))
        with open(path, "wb") as f:
            f.write(message(subject, extra=f"X-Test-ID: <{subject}@{self.prefix}.test>\r\n").replace(b"\r\n", b"\n"))

    def store(self, subject, flags, folder="", how="+FLAGS"):
        self.imap.select(f'"{self.name(folder)}"')
        number = self.imap.search(None, "HEADER", "X-Test-ID", f"<{subject}@{self.prefix}.test>")[1][0].decode()
        self.assertEqual(self.imap.store(number, how, flags)[0], "OK")
        if "Deleted" in flags:
            self.imap.expunge()
        self.imap.unselect()

    def alike(self, folder=""):
        server, files = self.there(folder), self.here(folder)
        self.assertEqual(set(server), set(files))
        for subject, flags in server.items():
            letters = files[subject].partition(":2,")[2]
            for flag, letter in ((r"\Seen", "S"), (r"\Flagged", "F"), (r"\Answered", "R"), (r"\Draft", "D"), ("$Forwarded", "P")):
                self.assertEqual(flag in flags, letter in letters, f"{subject}: {flags} and {letters}")
        return server


class BothWays:
    """What is the same with every server."""

    ROUNDS = 8

    def test_messages_and_flags_both_ways(self):
        self.fill([f"m{i}" for i in range(20)], flags=r"(\Seen work)")
        report = self.sync()
        self.assertEqual((report["downloaded"], report["problems"]), (20, []))
        self.alike()
        self.store("m1", r"(\Deleted)")
        self.store("m2", r"(\Flagged)")
        self.store("m3", r"(\Seen)", how="-FLAGS")
        self.fill(["there"])
        os.unlink(self.here()["m4"])
        self.mark("m5", "FPSa")
        self.mark("m6", "S")  # loses its keyword
        self.put("here")
        self.put("read", where="cur")
        report = self.sync()
        self.assertEqual((report["downloaded"], report["uploaded"], report["deleted_here"], report["deleted_there"]), (1, 2, 1, 1), report)
        server = self.alike()
        self.assertEqual(set(server), {f"m{i}" for i in range(20)} - {"m1", "m4"} | {"there", "here", "read"})
        self.assertEqual(server["m5"], {r"\Seen", r"\Flagged", "$Forwarded", "work"})
        self.assertEqual(server["m6"], {r"\Seen"})
        self.assertEqual((self.letters("m2"), self.letters("m3")), ("FSa", "a"))
        self.assertEqual(server["read"], {r"\Seen"})
        with open(self.local() + "/dovecot-keywords", encoding="utf-8") as f:
            self.assertEqual(f.read(), "0 work\n")
        self.quiet()

    def test_conflicts_keep_mail(self):
        self.fill(["a", "b", "c"])
        self.sync()
        os.unlink(self.here()["a"])
        self.store("a", r"(\Flagged)")   # deleted here, changed there
        self.mark("b", "F")
        self.store("b", r"(\Deleted)")   # changed here, deleted there
        self.mark("c", "S")
        self.store("c", r"(\Flagged)")
        self.sync()
        server = self.alike()
        self.assertEqual(server, {"a": {r"\Flagged"}, "b": {r"\Flagged"}, "c": {r"\Seen", r"\Flagged"}})
        self.quiet()

    def test_folders(self):
        self.fill(["one"])
        self.fill(["two"], "Sub")
        self.fill(["three"], "Gr&APYA3w-e")
        self.sync()
        self.assertEqual(set(self.here("Sub")), {"two"})
        # New ones on both sides.
        os.makedirs(self.local("New") + "/cur")
        os.makedirs(self.local("New") + "/new")
        os.makedirs(self.local("New") + "/tmp")
        self.put("four", "New")
        self.fill(["five"], "Far")
        self.sync()
        self.assertEqual((set(self.there("New")), set(self.here("Far"))), ({"four"}, {"five"}))
        # Renamed on either side: nothing is transferred.
        os.rename(self.local("New"), self.local("Newer"))
        self.imap.rename(self.name("Far"), self.name("Farther"))
        report = self.sync()
        self.assertEqual((report["folders_renamed"], report["downloaded"], report["uploaded"]), (2, 0, 0), report)
        self.assertEqual((set(self.there("Newer")), set(self.here("Farther"))), ({"four"}, {"five"}))
        self.assertFalse(os.path.exists(self.local("Far")))
        self.quiet()
        # Deleted on either side; but not when something is in it that the other did not know.
        shutil.rmtree(self.local("Newer"))
        self.imap.delete(self.name("Farther"))
        self.imap.delete(self.name("Sub"))
        self.put("late", "Sub")
        report = self.sync()
        self.assertEqual((report["folders_removed_there"], report["folders_removed_here"], report["folders_made_there"]), (1, 1, 1), report)
        self.assertFalse(os.path.exists(self.local("Farther") + "/cur"))
        self.assertEqual(set(self.alike("Sub")), {"two", "late"})
        self.assertNotEqual(self.imap.select(self.name("Newer"))[0], "OK")

    def test_moves(self):
        self.fill([f"m{i}" for i in range(5)])
        self.fill(["x"], "Archive")
        self.sync()
        for subject in ("m1", "m2"):
            path = self.here()[subject]
            os.rename(path, os.path.join(self.local("Archive"), "cur", os.path.basename(path).partition(":")[0] + ":2,S"))
        report = self.sync()
        self.assertEqual((report["moved"], report["uploaded"], report["downloaded"], report["deleted_there"]), (2, 0, 0, 0), report)
        self.assertEqual(self.alike("Archive"), {"x": set(), "m1": {r"\Seen"}, "m2": {r"\Seen"}})
        self.alike()
        self.imap.select(self.name())
        if "MOVE" in self.imap.capabilities:
            self.imap.uid("MOVE", "1:*", self.name("Archive"))
        else:
            self.imap.copy("1:*", self.name("Archive"))
            self.imap.store("1:*", "+FLAGS", r"(\Deleted)")
            self.imap.expunge()
        self.imap.unselect()
        self.sync()
        self.assertEqual(self.alike(), {})
        self.assertEqual(set(self.alike("Archive")), {"x", "m0", "m1", "m2", "m3", "m4"})

    def test_another_uidvalidity_deletes_nothing(self):
        self.fill([f"m{i}" for i in range(12)])
        self.sync()
        self.mark("m3", "F")
        self.put("here")
        os.unlink(self.here()["m5"])  # who deleted it cannot be known any more
        self.imap.delete(self.name())
        self.fill([f"m{i}" for i in range(11)] + ["there"], flags=r"(\Seen)")
        report = self.sync()
        self.assertTrue(any("renumbered" in note for note in report["notes"]), report)
        self.assertEqual((report["matched"], report["deleted_here"], report["deleted_there"]), (10, 0, 0), report)
        server = self.alike()
        self.assertEqual(set(server), {f"m{i}" for i in range(12)} | {"here", "there"})
        self.assertEqual(server["m3"], {r"\Seen", r"\Flagged"})

    def test_a_side_that_is_suddenly_empty(self):
        self.fill([f"m{i}" for i in range(12)])
        self.sync()
        for path in self.here().values():
            os.unlink(path)
        report = self.sync(status=75)
        self.assertIn("--force-delete", report["problems"][0])
        self.assertEqual(len(self.there()), 12)
        self.sync("--force-delete")
        self.assertEqual(self.there(), {})

    def test_killed_at_any_instant(self):
        numbers = random.Random(1)
        expected = {f"m{i}" for i in range(150)}
        self.fill(sorted(expected))
        serial = 0
        for _ in range(self.ROUNDS):
            process = subprocess.Popen(self.words(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(numbers.uniform(0.01, 0.25))
            process.send_signal(signal.SIGKILL)
            process.wait(60)
            if not os.path.isdir(self.local() + "/cur"):
                continue
            for _ in range(10):
                serial += 1
                self.put(f"h{serial}")
                expected.add(f"h{serial}")
            self.fill([f"t{serial}"])
            expected.add(f"t{serial}")
        for _ in range(2):
            self.sync()
        self.assertEqual(set(self.alike()), expected)
        self.quiet()


class OwnServer(BothWays, SyncTestCase):
    def test_folders_without_changes_are_not_looked_at(self):
        self.fill(["a"])
        self.fill(["b"], "Sub")
        self.sync()
        self.assertEqual(self.quiet()["folders_unchanged"], 2)
        # What changes at once behind a run is seen all the same, though the times of directories are coarse.
        for i in range(5):
            self.put(f"c{i}", "Sub")
            self.assertEqual(self.sync()["folders_unchanged"], 1)
        self.assertEqual(set(self.alike("Sub")), {"b"} | {f"c{i}" for i in range(5)})
        self.quiet()  # hears what the run before has changed
        self.assertEqual(self.quiet()["folders_unchanged"], 2)

    def test_one_that_is_refused_takes_no_others_with_it(self):
        self.fill(["a"])
        self.sync()
        with open(os.path.join(self.local(), "new", f"{time.time_ns()}.large.host"), "wb") as f:
            f.write(message("large").replace(b"\r\n", b"\n") + b"x" * 70 + b"\n" + 14_000 * (70 * b"y" + b"\n"))
        for i in range(5):
            self.put(f"b{i}")
        self.server.admin("account", "quota", ALICE, "500 KiB")
        self.addCleanup(self.server.admin, "account", "quota", ALICE, "none")
        report = self.sync(status=75)  # they are sent together, and then one by one
        self.assertEqual((report["uploaded"], len(report["problems"])), (5, 1), report)
        self.assertEqual(set(self.there()), {"a"} | {f"b{i}" for i in range(5)})
        self.server.admin("account", "quota", ALICE, "none")
        self.assertEqual(self.sync()["uploaded"], 1)
        self.assertEqual(set(self.alike()), {"a", "large"} | {f"b{i}" for i in range(5)})
        self.quiet()

    def test_watch_follows_both_sides(self):
        self.fill(["a"])
        self.watch()
        self.wait_until(lambda: os.path.isdir(self.local() + "/cur") and set(self.here()) == {"a"})
        self.put("here")
        self.wait_until(lambda: set(self.there()) == {"a", "here"})
        self.fill(["there"])
        self.wait_until(lambda: set(self.here()) == {"a", "here", "there"})
        self.mark("a", "F")
        self.wait_until(lambda: self.there()["a"] == {r"\Flagged"})
        self.end_watch()
        self.alike()
        self.quiet()

    def test_wrong_password_and_other_accounts(self):
        done = subprocess.run(self.words(password="wrong"), capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 77, done.stdout + done.stderr)
        self.fill(["a"])
        self.sync()
        words = [w.replace(f"{ALICE}@", "bob@example.test@") for w in self.words()]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 77, done.stdout + done.stderr)
        self.assertIn("a tree is for one account", done.stdout)

    @staticmethod
    def drain(terminal):
        try:
            while os.read(terminal, 4096):
                pass
        except OSError:
            pass

    def test_mutt_reads_the_tree(self):
        mutt = self.tool("mutt")
        self.fill(["for mutt", "and another"])
        self.sync()
        rc = self.path("muttrc", f'set mbox_type=Maildir\nset folder="{self.tree}"\nset spoolfile="{self.local()}"\nset header_cache=\nset sort=subject\n')
        env = dict(os.environ, TERM="vt100", HOME=self.home)
        # Reads the first message, and leaves.
        words = [mutt, "-F", rc, "-f", self.local(), "-e", "set quit=yes", "-e", "set wait_key=no", "-e", "set pager=builtin",
                 "-e", "push '<display-message><exit><sync-mailbox><quit>'"]
        terminal, theirs = pty.openpty()
        process = subprocess.Popen(words, env=env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
        os.close(theirs)
        drain = threading.Thread(target=self.drain, args=(terminal,), daemon=True)
        drain.start()
        try:
            self.assertEqual(process.wait(60), 0)
        finally:
            process.kill()
        drain.join(10)
        os.close(terminal)
        self.assertTrue(any(":2,S" in p for p in self.here().values()), self.here())
        self.sync()
        self.assertIn({r"\Seen"}, self.alike().values())


class Dovecot(BothWays, SyncTestCase):
    ROUNDS = 4
    STORE = DovecotStore

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest("Dovecot wants root")
        super().setUpClass()
        cls.store_ = cls.STORE()
        cls.addClassCleanup(cls.store_.stop)
        cls.store_.start()

    def account(self):
        return "joe", DOVECOT_PASSWORD, self.store_.ports["imaps"]

    def test_watch_follows_all_folders(self):
        """By NOTIFY: long before it would look at all of them, each minute or more."""
        self.fill(["a"])
        self.fill(["b"], "Sub")
        self.fill(["c"], "Sub/Sub")
        self.watch()
        self.wait_until(lambda: os.path.isdir(self.local("Sub/Sub") + "/cur") and set(self.here("Sub/Sub")) == {"c"})
        for subject, folder in (("d", ""), ("e", "Sub/Sub"), ("g", "Sub")):
            time.sleep(0.7)  # until it waits again: what comes during a run is carried in any case
            self.fill([subject], folder)
            self.wait_until(lambda: subject in self.here(folder), 25)
        self.store("g", r"\Flagged", "Sub")
        self.wait_until(lambda: self.letters("g", "Sub") == "F", 25)
        self.store("g", r"\Deleted", "Sub")
        self.wait_until(lambda: "g" not in self.here("Sub"), 25)
        self.imap.create(self.name("New"))
        self.wait_until(lambda: os.path.isdir(self.local("New")), 25)
        self.imap.rename(self.name("New"), self.name("Other"))
        self.wait_until(lambda: os.path.isdir(self.local("Other")) and not os.path.isdir(self.local("New")), 25)
        self.put("h", "Other")
        self.wait_until(lambda: set(self.there("Other")) == {"h"}, 25)
        self.imap.delete(self.name("Other"))
        self.wait_until(lambda: not os.path.isdir(self.local("Other")), 25)
        self.end_watch()
        self.alike("Sub")
        self.quiet()


class PoorStore(DovecotStore):
    """One that can little more than RFC 3501 has."""
    CONFIG = DovecotStore.CONFIG + "protocol imap {{\n  imap_capability = IMAP4rev1 UIDPLUS\n}}\n"


class PoorServer(Dovecot):
    ROUNDS = 3
    STORE = PoorStore

    test_folders = None  # without ids and mod-sequences a renamed folder is another one
    test_moves = test_a_side_that_is_suddenly_empty = None
    test_watch_follows_all_folders = None  # without NOTIFY only one of them


class NestedTree(SyncTestCase):
    LAYOUT = "nested"

    def test_folders_and_messages(self):
        self.fill(["one"])
        self.fill(["two"], "Sub")
        self.sync()
        self.put("three", "Sub")
        self.sync()
        self.assertEqual((set(self.alike()), set(self.alike("Sub"))), ({"one"}, {"two", "three"}))
        self.quiet()
