"""posthorn sync and whole folders: that go and come back, that lie elsewhere, that somebody moves mail between."""

import os

from test_client_sync import SyncTestCase


class ComingBack(SyncTestCase):
    """A mailbox that somebody takes back out of the trash has its UIDs and UIDVALIDITY still."""

    def setUp(self):
        super().setUp()
        self.imap.create("Trash")
        self.fill(["a", "b", "c"], "Sub")
        self.fill(["z"], "Other")
        self.sync()
        with open(self.journal, "rb") as f:
            self.history = f.read()

    @property
    def journal(self):
        return self.local("Sub") + "/.posthorn-sync"

    def rename(self, old, new):
        self.assertEqual(self.imap.rename(old, new)[0], "OK")

    def go_and_come_back(self, meanwhile=lambda: None, new=()):
        trash = f"Trash/{self.prefix}-{self.LAYOUT.strip('+')}"
        self.rename(self.name("Sub"), trash)
        self.assertEqual(self.sync()["folders_removed_here"], 1)
        self.assertFalse(os.path.exists(self.local("Sub")))
        meanwhile()
        self.rename(trash, self.name("Sub"))
        report = self.sync()
        self.assertEqual((report["deleted_there"], report["downloaded"]), (0, 3), report)
        self.assertEqual(set(self.alike("Sub")), {"a", "b", "c", *new})
        self.quiet()

    def leave_journal(self):
        os.makedirs(self.local("Sub"))
        with open(self.journal, "wb") as f:
            f.write(self.history)

    def test_removed_here_with_all_that_was_known(self):
        self.go_and_come_back()

    def test_where_a_journal_was_left(self):
        self.go_and_come_back(self.leave_journal)

    def test_made_anew_by_somebody_else_over_a_journal(self):
        def make():
            self.leave_journal()
            for part in ("cur", "new", "tmp"):
                os.mkdir(os.path.join(self.local("Sub"), part))
            self.put("new", "Sub")
        self.go_and_come_back(make, ["new"])


class NestedComingBack(ComingBack):
    LAYOUT = "nested"
