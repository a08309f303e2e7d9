"""posthorn sync beside other servers of mail: those whose mailboxes are all below INBOX, and what reads the tree."""

import imaplib
import os
import shutil
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
    ROUNDS = 3


@unittest.skipUnless(has_cyrus(), "Cyrus is not unpacked, or nobody is root: see tools/packages.sh")
class Cyrus(BelowInbox, BothWays, SyncTestCase):
    STORE = CyrusStore
    ROUNDS = 3
