"""posthorn sync and whole folders: that go and come back, that lie elsewhere, that somebody moves mail between."""

import json
import os
import shutil
import subprocess

from test_client_sync import SyncTestCase
from test_client_sync_faults import Meddled


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


    def test_killed_while_it_was_removed_here(self):
        left = os.path.join(self.tree, ".posthorn-removed-1.x.host")
        self.put("late", "Sub")
        late = self.here("Sub")["late"]
        os.rename(self.local("Sub"), left)
        self.imap.delete(self.name("Sub"))
        for _ in range(2):
            self.assertIn(left, self.sync(status=75)["problems"][0])
            self.assertTrue(os.path.exists(left + late.removeprefix(self.local("Sub"))))
        os.unlink(left + late.removeprefix(self.local("Sub")))
        self.quiet()
        self.assertFalse(os.path.exists(left))


class NestedComingBack(ComingBack):
    LAYOUT = "nested"


class KilledThen(Meddled):
    def test_a_mailbox_comes_back_after_a_run_that_removed_its_folder_was_killed(self):
        self.imap.create("Trash")
        self.fill(["a", "b", "c"], "Sub")
        self.fill(["z"], "Other")
        self.sync()
        trash = f"Trash/{self.prefix}"
        self.assertEqual(self.imap.rename(self.name("Sub"), trash)[0], "OK")
        self.put("y", "Other")
        process = []
        self.once(b" APPEND ", lambda: process.pop().kill())
        process.append(subprocess.Popen(self.words(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        running = process[0]
        running.communicate(timeout=60)
        self.assertEqual((running.returncode, os.path.exists(self.local("Sub"))), (-9, False))
        self.assertEqual(self.imap.rename(trash, self.name("Sub"))[0], "OK")
        report = self.sync()
        self.assertEqual(report["folders_removed_there"], 0, report)
        self.assertEqual((set(self.alike("Sub")), set(self.alike("Other"))), ({"a", "b", "c"}, {"y", "z"}))


    def test_what_is_known_cannot_be_written_down_before_a_folder_goes(self):
        self.fill(["a"], "Sub")
        self.fill(["z"], "Other")
        self.sync()
        self.imap.delete(self.name("Sub"))
        self.put("y", "Other")
        path = os.path.join(self.tree, ".posthorn-sync-tree")

        def block(line):
            if b" STATUS " in line and b"/Sub" in line:
                os.rename(path, path + "-away")
                os.mkdir(path)
            elif b" APPEND " in line:
                os.rmdir(path)
                os.rename(path + "-away", path)
            return line
        self.meddler.on_command = block
        report = self.sync(status=75)
        self.assertIn("cannot be deleted here", report["problems"][0])
        self.assertEqual((set(self.here("Sub")), set(self.alike("Other"))), ({"a"}, {"y", "z"}))
        self.meddler.on_command = lambda line: line
        report = self.sync()
        self.assertEqual((report["folders_removed_here"], report["folders_made_there"]), (1, 0), report)


class Moves(Meddled):
    def move(self, subject, folder):
        path = self.here()[subject]
        os.rename(path, os.path.join(self.local(folder), "cur", os.path.basename(path).partition(":")[0] + ":2,"))

    def kill_behind_the_copy(self):
        process = []

        def command(line):
            if b" STORE " in line and process:
                process.pop().kill()
                return b""
            return line
        self.meddler.on_command = command
        process.append(subprocess.Popen(self.words(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        running = process[0]
        running.communicate(timeout=60)
        self.assertEqual(running.returncode, -9)

    def test_killed_between_the_copy_and_the_deletion(self):
        self.fill(["a", "b"])
        self.fill(["z"], "Sub")
        self.sync()
        self.without("MOVE", "IMAP4rev2")
        self.move("a", "Sub")
        self.kill_behind_the_copy()
        self.assertEqual(set(self.there("Sub")), {"a", "z"})
        self.sync()
        self.assertEqual((set(self.alike()), set(self.alike("Sub"))), ({"b"}, {"a", "z"}))

    def test_killed_behind_a_move_into_a_new_folder(self):
        self.fill(["a", "b"])
        self.sync()
        self.without("MOVE", "IMAP4rev2")
        for part in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(self.local("Sub"), part))
        self.move("a", "Sub")
        self.kill_behind_the_copy()
        self.sync()
        self.assertEqual((set(self.alike()), set(self.alike("Sub"))), ({"b"}, {"a"}))

    def test_into_a_folder_whose_first_run_did_not_come_to_it(self):
        self.fill(["a", "b"])
        self.fill(["y", "z"], "Sub")
        self.sync()
        path = self.local("Sub") + "/.posthorn-sync"
        with open(path, "rb") as f:
            lines = f.readlines()
        with open(path, "wb") as f:
            f.writelines(lines[:2])
        self.move("a", "Sub")
        report = self.sync()
        self.assertEqual((report["moved"], report["uploaded"], report["downloaded"]), (1, 0, 0), report)
        self.assertEqual((set(self.alike()), set(self.alike("Sub"))), ({"b"}, {"a", "y", "z"}))

    def test_many_folders_and_few_descriptors(self):
        folders = [f"f{i}" for i in range(60)]
        for folder in folders:
            self.fill(["a" + folder], folder)
        self.fill(["a"])
        self.sync()
        self.without("QRESYNC", "CONDSTORE", "ENABLE", "IMAP4rev2")
        self.move("a", "f7")
        done = subprocess.run(["sh", "-c", 'ulimit -n 50; exec "$@"', "sh", *self.words()], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(json.loads(done.stdout)["moved"], 1, done.stdout)
        self.assertEqual(set(self.alike("f7")), {"a", "af7"})


class Elsewhere(SyncTestCase):
    """A folder may be a link to another disk."""

    def test_disk_that_is_not_mounted(self):
        self.fill(["a"], "Sub")
        self.fill(["b"], "Sub/Below")
        self.fill(["z"], "Other")
        self.sync()
        disk = os.path.join(self.home, "disk")
        os.rename(self.local("Sub"), disk)
        os.symlink(disk, self.local("Sub"))
        self.sync()
        self.quiet()
        os.rename(disk, disk + "-away")
        for mounted_on in (False, True):
            if mounted_on:
                os.mkdir(disk)
            report = self.sync(status=75)
            self.assertTrue(all("not mounted" in p for p in report["problems"]), report)
            self.assertEqual((report["folders_removed_there"], report["folders_made_here"]), (0, 0), report)
        os.rmdir(disk)
        os.rename(disk + "-away", disk)
        self.sync()
        self.assertEqual((set(self.alike("Sub")), set(self.alike("Sub/Below"))), ({"a"}, {"b"}))
        self.quiet()


class NestedElsewhere(Elsewhere):
    LAYOUT = "nested"

    def test_disk_above_a_folder_is_not_mounted(self):
        self.fill(["a"], "Sub")
        self.fill(["b"], "Sub/Below")
        self.fill(["z"], "Other")
        self.sync("--exclude", "*Sub")
        self.assertFalse(os.path.exists(self.local("Sub") + "/cur"))
        os.rename(self.local("Sub"), os.path.join(self.home, "away"))
        os.mkdir(self.local("Sub"))
        report = self.sync("--exclude", "*Sub", status=75)
        self.assertIn(self.local("Sub") + " is no folder any more", report["problems"][0])
        self.assertEqual((report["folders_removed_there"], set(self.there("Sub/Below"))), (0, {"b"}))
        os.rmdir(self.local("Sub"))
        self.assertEqual(self.sync("--exclude", "*Sub")["folders_removed_there"], 1)


class LaidOutOtherwise(SyncTestCase):
    """What other programs make does not change how the folders here are read."""

    def make(self, directory):
        path = os.path.join(self.tree, directory)
        for part in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(path, part))
        return path

    def refused(self):
        done = subprocess.run(self.words(), capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 77, done.stdout + done.stderr)
        self.assertIn("was laid out as", done.stdout)

    def test_utf8_among_utf7(self):
        self.fill(["a"])
        self.fill(["b"], "Entw&APw-rfe")
        self.sync()
        made = self.make(f".{self.prefix}.Größe")
        self.refused()
        self.assertEqual(set(self.there("Entw&APw-rfe")), {"b"})
        shutil.rmtree(made)
        self.quiet()

    def test_utf8_where_nothing_was_utf7(self):
        self.fill(["a"], "Sub")
        self.sync()
        self.make(f".{self.prefix}.Größe")
        self.assertEqual(self.sync()["folders_made_there"], 1)
        self.assertEqual(self.there("Gr&APYA3w-e"), {})
        self.quiet()
        shutil.rmtree(os.path.join(self.tree, f".{self.prefix}.Größe"))  # the only one that told
        self.assertEqual(self.sync()["folders_removed_there"], 1)

    def test_files_of_earlier_versions(self):
        self.fill(["a"], "Sub")
        self.sync()
        path = os.path.join(self.tree, ".posthorn-sync-tree")
        with open(path, encoding="utf-8") as f:
            lines = f.readlines()
        self.assertTrue(lines[-1].startswith("layout "), lines)
        with open(path, "w", encoding="utf-8") as f:
            f.writelines(lines[:-1])
        self.quiet()


class NestedLaidOutOtherwise(LaidOutOtherwise):
    LAYOUT = "nested"
    test_utf8_among_utf7 = test_utf8_where_nothing_was_utf7 = None

    def test_the_root_is_the_inbox_and_the_last_folder_beside_it_goes(self):
        self.fill(["a"], "Sub")
        for part in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(self.tree, part))
        os.makedirs(os.path.join(self.tree, self.prefix, "Old"))
        for part in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(self.tree, self.prefix, part))
        self.sync()
        self.quiet()
        shutil.rmtree(os.path.join(self.tree, self.prefix, "cur"))
        shutil.rmtree(os.path.join(self.tree, self.prefix, "new"))
        report = self.sync()
        self.assertEqual((report["folders_removed_there"], set(self.alike("Sub"))), (1, {"a"}), report)
        shutil.rmtree(self.local("Sub"))
        self.assertEqual(self.sync("--force-delete")["folders_removed_there"], 1)
        self.quiet()

    def test_a_maildir_behind_a_dot(self):
        self.fill(["a"], "Sub")
        self.fill(["b"], "Other")
        self.sync()
        made = self.make(".hidden")
        self.refused()
        self.assertEqual((set(self.there("Sub")), set(self.there("Other"))), ({"a"}, {"b"}))
        shutil.rmtree(made)
        self.quiet()
