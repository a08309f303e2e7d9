"""posthorn sync beside other servers of mail: those whose mailboxes are all below INBOX, and what reads the tree."""

import imaplib
import os
import subprocess
import unittest

from mail_store import HAS_COURIER, CourierStore, CyrusStore, has_cyrus
from mail_store import PASSWORD as STORE_PASSWORD
from test_client_sync import BothWays, SyncTestCase


class BelowInbox:
    """A server without TLS that calls its mailboxes INBOX.Archive.2024; here they are called as elsewhere."""

    def account(self):
        return "joe", STORE_PASSWORD, self.store_.port

    def connect(self):
        self.imap = imaplib.IMAP4("127.0.0.1", self.store_.port)
        self.addCleanup(self.imap.shutdown)
        self.imap.login("joe", STORE_PASSWORD)

    def words(self, *options, password=None):
        words = super().words("--allow-plaintext", *options, password=password)
        words[2] = words[2].replace("imaps://", "imap://")
        words[words.index("--folder") + 1] = f"INBOX.{self.prefix}*"
        return words

    def name(self, folder=""):
        return "INBOX." + super().name(folder).replace("/", ".")

    def local(self, folder=""):
        return os.path.join(self.tree, "." + super().name(folder).replace("/", "."))

    @classmethod
    def setUpClass(cls):
        cls.store_ = cls.STORE()
        cls.addClassCleanup(cls.store_.stop)
        cls.store_.start()

    @classmethod
    def tearDownClass(cls):
        pass


@unittest.skipUnless(HAS_COURIER, "Courier is not unpacked: see tools/packages.sh")
class Courier(BelowInbox, BothWays, SyncTestCase):
    STORE = CourierStore
    ROUNDS = 2

    test_folders = None  # without ids and mod-sequences a renamed folder is another one
    test_conflicts_keep_mail = test_another_uidvalidity_deletes_nothing = test_a_side_that_is_suddenly_empty = None


@unittest.skipUnless(has_cyrus(), "Cyrus is not unpacked, or nobody is root: see tools/packages.sh")
class Cyrus(BelowInbox, BothWays, SyncTestCase):
    STORE = CyrusStore
    ROUNDS = 2

    test_conflicts_keep_mail = test_a_side_that_is_suddenly_empty = None


class Notmuch(SyncTestCase):
    def run_notmuch(self, *words):
        done = subprocess.run([self.notmuch, *words], capture_output=True, text=True, timeout=60, env={**os.environ, "NOTMUCH_CONFIG": self.path("notmuch-config")})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_notmuch_indexes_the_tree_and_its_tags_travel(self):
        self.notmuch = self.tool("notmuch")
        self.fill(["one", "two", "three"])
        self.fill(["four"], "Sub")
        self.sync()
        self.path("notmuch-config", f"[database]\npath={self.tree}\n[user]\nname=Alice\nprimary_email=alice@example.test\n"
                  "[new]\ntags=new\nignore=.posthorn-sync;.posthorn-sync-tree;.posthorn-sync-lock;dovecot-keywords;maildirfolder\n"
                  "[maildir]\nsynchronize_flags=true\n")
        self.assertIn("Added 4 new messages", self.run_notmuch("new"))
        self.assertEqual(self.run_notmuch("count", "subject:two"), "1\n")
        # Read, flagged and answered there; and from there, by another reader.
        self.run_notmuch("tag", "-unread", "+flagged", "+replied", "--", "subject:two")
        self.store("four", r"(\Flagged)", "Sub")
        report = self.sync()
        self.assertEqual((report["uploaded"], report["downloaded"], report["deleted_there"], report["flags_there"]), (0, 0, 0, 1), report)
        self.assertEqual(self.alike()["two"], {r"\Seen", r"\Flagged", r"\Answered"})
        self.run_notmuch("new")
        self.assertEqual(self.run_notmuch("search", "--output=files", "tag:flagged", "subject:four").count("\n"), 1)
        self.assertEqual(self.run_notmuch("count"), "4\n")
        self.quiet()
