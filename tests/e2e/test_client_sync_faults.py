"""posthorn sync and what goes wrong: a server that does not tell everything, others that change things meanwhile, files that are none."""

import glob
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

from harness import message
from imap_meddler import ImapMeddler
from test_client_sync import SyncTestCase


class Meddled(SyncTestCase):
    """With somebody between, who can do things at certain moments."""

    def setUp(self):
        super().setUp()
        self.meddler = ImapMeddler(self.port("imap_plain"))
        self.addCleanup(self.meddler.close)
        self.hide = ()

    def words(self, *options, password=None):
        words = super().words("--allow-plaintext", *options, password=password)
        words[2] = words[2].replace("imaps://", "imap://").replace(f":{self.port('imaps')}", f":{self.meddler.port}")
        return words

    def without(self, *capabilities):
        """The server does not say that it can these."""
        def respond(octets):
            if b"CAPABILITY" in octets:
                words = octets.split(b" ")
                octets = b" ".join(w for w in words if w.rstrip(b"]\r\n").decode() not in capabilities or w.endswith((b"]", b"\n")))
            return octets
        self.meddler.on_response = respond

    def once(self, sign, act):
        """When that word is in a command, something happens before the server gets it."""
        left = [act]

        def command(line):
            if sign in line and left:
                left.pop()()
            return line
        self.meddler.on_command = command


class PartialListings(Meddled):
    NEEDED = ("QRESYNC", "CONDSTORE", "ENABLE", "IMAP4rev2")

    def test_messages_that_the_server_forgets_to_tell_are_not_deleted(self):
        self.fill([f"m{i}" for i in range(9)])
        self.without(*self.NEEDED)
        self.sync()
        hide = self.meddler.on_response
        self.meddler.on_response = lambda r: None if b" FETCH " in r and b"FLAGS" in r and int(r.split()[1]) > 4 else hide(r)
        report = self.sync(status=75)
        self.assertEqual((report["deleted_here"], report["deleted_there"], report["uploaded"]), (0, 0, 0), report)
        self.assertEqual(len(self.here()), 9)
        self.meddler.on_response = hide
        self.sync()
        self.assertEqual(len(self.alike()), 9)

    def test_changes_that_the_server_forgets_to_tell(self):
        self.fill([f"m{i}" for i in range(9)])
        self.sync()
        self.fill(["new"])
        hidden = []

        def respond(octets):
            if b" FETCH " in octets and b"UID 10" in octets and not hidden:
                hidden.append(octets)
                return None
            return octets
        self.meddler.on_response = respond
        self.sync()
        self.assertTrue(hidden)
        self.alike()
        self.meddler.on_response = lambda r: None if b"VANISHED" in r else r
        self.store("m1", r"(\Deleted)")
        self.sync()
        self.meddler.on_response = lambda r: r
        self.sync()
        self.assertEqual(set(self.alike()), {f"m{i}" for i in range(9)} - {"m1"} | {"new"})


    def test_mailboxes_that_the_server_forgets_to_list(self):
        self.fill(["a"], "Sub")
        self.fill(["b"], "Other")
        self.sync()
        self.meddler.on_response = lambda r: None if r.startswith(b"* LIST") and b"/Sub" in r else r
        for touched in (False, True):
            if touched:
                self.put("new", "Sub")
            report = self.sync(status=75)
            self.assertEqual((report["folders_removed_here"], report["folders_made_there"]), (0, 0), report)
            self.assertIn("does not list it", report["problems"][0])
        self.meddler.on_response = lambda r: r
        self.assertEqual(self.sync()["uploaded"], 1)
        self.assertEqual(set(self.alike("Sub")), {"a", "new"})


class UnlistedInbox(Meddled):
    """The INBOX is there, whatever LIST says."""

    def name(self, folder=""):
        return "INBOX"

    def local(self, folder=""):
        return self.tree

    def words(self, *options, password=None):
        return super().words("--folder", "INBOX", *options, password=password)

    def test_keeps_what_is_known_of_it(self):
        self.fill(["a", "b", "c"])
        self.sync()
        self.meddler.on_response = lambda r: None if r.startswith(b"* LIST") and b'"INBOX"' in r else r
        for gone in ("a", "b", "c"):
            os.unlink(self.here()[gone])
            report = self.sync()
            self.assertEqual((report["deleted_there"], report["downloaded"]), (1, 0), report)
            self.assertNotIn(gone, self.alike())


class Meanwhile(Meddled):
    def test_flagged_there_while_it_is_deleted(self):
        self.fill(["a", "b"])
        self.sync()
        os.unlink(self.here()["a"])
        self.once(b"+FLAGS.SILENT (\\Deleted)", lambda: self.store("a", r"(\Flagged)"))
        self.sync()
        self.sync()
        self.assertEqual(self.alike(), {"a": {r"\Flagged"}, "b": set()})

    def test_killed_between_the_mark_and_the_end(self):
        """That it is marked as deleted there, by us or by others, is no reason to keep it."""
        self.fill(["a", "b"])
        self.sync()
        os.unlink(self.here()["a"])
        self.meddler.on_command = lambda line: b"" if b"EXPUNGE" in line else line
        self.sync(status=75)
        self.meddler.on_command = lambda line: line
        report = self.sync()
        self.assertEqual((report["downloaded"], report["deleted_there"]), (0, 1), report)
        self.assertEqual(self.alike(), {"b": set()})

    def test_flagged_here_while_it_is_deleted_or_marked(self):
        self.fill(["a", "b", "c"])
        self.sync()
        self.store("a", r"(\Deleted)")
        self.store("b", r"(\Answered)")
        self.fill(["new"])

        def touch():
            self.mark("a", "F")
            self.mark("b", "S")
        self.once(b"BODY.PEEK[]", touch)
        self.sync()
        self.sync()
        self.assertEqual(self.alike(), {"a": {r"\Flagged"}, "b": {r"\Seen", r"\Answered"}, "c": set(), "new": set()})

    def test_flagged_here_while_it_is_sent(self):
        self.fill(["a"])
        self.without("LITERAL+", "MULTIAPPEND", "IMAP4rev2")  # the file is opened when the server asks for it
        self.sync()
        self.put("new")
        self.once(b" APPEND ", lambda: self.mark("new", "S"))
        self.sync()
        self.sync()
        self.assertEqual(self.alike(), {"a": set(), "new": {r"\Seen"}})

    def test_what_a_killed_run_has_sent_comes_late(self):
        self.fill(["a"])
        self.sync()
        with open(self.local() + "/cur/1.large.host:2,", "wb") as f:
            f.write(b"Subject: large\nMessage-ID: <large@late.test>\n\n" + (b"x" * 79 + b"\n") * 1600)
        reached, killed, late = (threading.Event() for _ in range(3))

        def keep_back():
            reached.set()
            killed.wait(60)
            time.sleep(4)
            late.set()
        self.once(b" APPEND ", keep_back)
        process = subprocess.Popen(self.words(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.assertTrue(reached.wait(60))
        time.sleep(0.5)  # all of it is the kernel's; were it not, nothing would come late
        process.kill()
        process.wait(60)
        day_ago = time.time() - 86_400
        os.utime(self.local() + "/.posthorn-sync", (day_ago, day_ago))  # however long it took to send
        killed.set()
        self.sync()
        late.wait(60)
        time.sleep(0.5)
        self.sync()
        self.assertEqual(set(self.alike()), {"a", "large"})

    def test_a_lasting_problem_holds_back_nothing_that_a_killed_run_was_sending(self):
        self.fill(["a"])
        self.sync()
        self.put("b")
        self.meddler.on_command = lambda line: b"" if b" APPEND " in line else line
        self.sync(status=75)
        self.meddler.on_command = lambda line: line
        os.mkfifo(self.local() + "/cur/1.fifo.host:2,S")
        self.assertEqual(self.sync(status=75)["uploaded"], 1)
        self.assertEqual(set(self.there()), {"a", "b"})

    def test_a_lasting_problem_holds_back_nothing_that_was_refused_together(self):
        self.fill(["a"])
        self.sync()
        subjects = [f"m{i}" for i in range(10)]
        for subject in subjects:
            self.put(subject)
        os.mkfifo(self.local() + "/cur/1.fifo.host:2,S")
        refused = []

        def refuse(line):
            if b" APPEND " not in line or refused:
                return line
            refused.append(line)
            return re.sub(rb'APPEND "?[^" ]+"?', b"APPEND nowhere", line)
        self.meddler.on_command = refuse
        report = self.sync(status=75)
        self.assertEqual((report["uploaded"], len(report["problems"])), (10, 1), report)
        self.assertEqual((len(refused), set(self.there())), (1, {"a", *subjects}))

    def test_mail_comes_while_its_folder_is_deleted_there(self):
        self.fill(["a"])
        self.fill(["b"], "Sub")
        self.sync()
        shutil.rmtree(self.local("Sub"))
        asked = []

        def command(line):
            if b" LIST " in line and b"STATUS" in line:
                asked.append(line.split()[0])
            return line

        def respond(octets):
            # Behind the listing that the decision rests on.
            if asked and octets.startswith(asked[0] + b" OK"):
                asked[0] = b"done"
                self.fill(["late"], "Sub")
            return octets
        self.meddler.on_command, self.meddler.on_response = command, respond
        self.sync()
        self.assertEqual(asked[0], b"done")
        self.sync()
        self.assertEqual(set(self.alike("Sub")), {"b", "late"})

    def test_deleted_there_while_it_is_looked_at(self):
        """That is nothing to complain about."""
        self.fill(["a"], "Sub")
        self.once(b"SELECT", lambda: self.imap.delete(self.name("Sub")))
        report = self.sync()
        self.assertEqual((len(report["notes"]), report["problems"]), (1, []), report)
        self.sync()
        self.assertFalse(os.path.isdir(self.local("Sub")))

    RENAME = """
import os, sys
os.chdir(sys.argv[1])
while True:
    for name in os.listdir("."):
        try:
            os.rename(name, name.partition(":")[0] + (":2," if name.endswith("S") else ":2,S"))
        except FileNotFoundError:
            pass
"""

    def test_files_are_renamed_all_the_time(self):
        """What readdir leaves out then is not deleted, and neither fetched nor sent again."""
        self.fill(["a"])
        self.sync()
        count = 2500
        for i in range(count):
            with open(f"{self.local()}/cur/{i}.host:2,", "wb") as f:
                f.write(b"Message-ID: <%d@renamed>\n\n" % i)
        self.assertEqual(self.sync()["uploaded"], count)
        for i in range(20):
            os.unlink(f"{self.local()}/cur/{i}.host:2,")
        process = subprocess.Popen([sys.executable, "-c", self.RENAME, self.local() + "/cur"])
        try:
            for i in range(4):
                self.put(f"here{i}")
                self.fill([f"there{i}"])
                done = subprocess.run(self.words(), capture_output=True, text=True, timeout=120)
                self.assertIn(done.returncode, (0, 75), done.stdout + done.stderr)
        finally:
            process.kill()
            process.wait()
        self.sync()
        left = count - 20 + 1 + 8
        self.assertEqual(int(self.imap.select(self.name())[1][0]), left)
        self.assertEqual(len(os.listdir(self.local() + "/cur")) + len(os.listdir(self.local() + "/new")), left)


class Poor(Meddled):
    def test_no_uidplus(self):
        self.fill(["a", "b", "c"])
        self.without("UIDPLUS", "IMAP4rev2", "QRESYNC", "CONDSTORE", "ENABLE", "MOVE")
        self.sync()
        os.unlink(self.here()["a"])
        for _ in range(3):
            report = self.sync(status=75)
            self.assertIn("expunge", report["problems"][0])
            self.assertEqual(set(self.here()), {"b", "c"})
        self.assertEqual(self.there()["a"], {r"\Deleted"})
        self.imap.select(self.name())
        self.imap.expunge()
        self.sync()
        self.assertEqual(set(self.alike()), {"b", "c"})

    def send_unnumbered(self, before, pattern, instead):
        """Neither is its number told nor, later, something else of it."""
        self.fill(before)
        self.without("UIDPLUS", "IMAP4rev2", "QRESYNC", "CONDSTORE", "ENABLE", "MOVE")
        self.sync()
        hide = self.meddler.on_response
        self.meddler.on_response = lambda r: hide(r.split()[0] + b" OK done\r\n" if b"APPENDUID" in r else re.sub(pattern, instead, r))
        path = os.path.join(self.local(), "new", "1.x.host")
        with open(path, "wb") as f:
            f.write(b"Subject: x\nDate: Mon, 23 Nov 2026 07:00:00 +0000\n\nNo Message-ID.\n")
        return path

    def test_uploads_whose_number_is_not_told(self):
        self.send_unnumbered(["a"], rb'INTERNALDATE "[^"]*"', b'INTERNALDATE "01-Jan-2020 00:00:00 +0000"')
        self.sync()
        self.sync()
        self.assertEqual(set(self.alike()), {"a", "x"})

    def test_the_first_upload_whose_number_is_not_told(self):
        self.send_unnumbered([], rb'INTERNALDATE "[^"]*"', b'INTERNALDATE "01-Jan-2020 00:00:00 +0000"')
        self.sync()
        self.sync()
        self.assertEqual(set(self.alike()), {"x"})

    def test_what_was_taken_and_is_not_recognised_is_not_sent_again(self):
        path = self.send_unnumbered(["a"], rb"RFC822\.SIZE \d+", b"RFC822.SIZE 7")
        for uploaded in (1, 0, 0):
            report = self.sync(status=75)
            self.assertEqual((report["uploaded"], len(report["problems"])), (uploaded, 1), report)
            self.assertIn("not sent again", report["problems"][0])
            self.assertEqual(set(self.there()), {"a", "x"})
        os.unlink(path)
        self.sync()
        self.assertEqual(set(self.alike()), {"a", "x"})


    def test_one_that_is_not_recognised_keeps_no_other_from_being_so(self):
        self.send_unnumbered(["a"], rb"RFC822\.SIZE \d+", b"RFC822.SIZE 7")
        self.sync(status=75)
        self.put("new")
        self.assertEqual(self.sync(status=75)["uploaded"], 1)
        os.unlink(*glob.glob(self.local() + "/new/*.new.host"))
        self.assertEqual(self.sync(status=75)["downloaded"], 0)
        self.assertEqual(self.there(), {"a": set(), "x": set(), "new": {r"\Deleted"}})


class ReadOnly(Meddled):
    def test_what_both_have_changed_alike_is_no_change_that_stays_here(self):
        self.fill(["a", "b"])
        self.sync()
        self.meddler.on_response = lambda r: r.replace(b"[READ-WRITE]", b"[READ-ONLY]")
        self.mark("a", "S")
        self.store("a", r"(\Seen)")
        self.sync()
        self.sync()
        self.mark("b", "S")
        for _ in range(2):
            self.assertIn("1 changes stay here", self.sync(status=75)["problems"][0])
        self.store("b", r"(\Seen)")
        self.sync()
        self.sync()
        self.assertEqual(self.alike(), {"a": {r"\Seen"}, "b": {r"\Seen"}})


class OneUidValidity(Meddled):
    """All mailboxes have the same one, as if they were made in one second."""

    def setUp(self):
        super().setUp()
        self.without("QRESYNC", "CONDSTORE", "ENABLE", "IMAP4rev2")
        hide = self.meddler.on_response
        self.meddler.on_response = lambda r: re.sub(rb"(UIDVALIDITY |APPENDUID |COPYUID )\d+", rb"\g<1>7", hide(r))
        self.fill(["a1", "a2", "a3"], "Old")
        self.fill(["b1", "b2"], "Other")

    def test_renamed_over_another(self):
        self.sync("--exclude", "*Other")
        os.rename(self.local("Old"), self.local("Other"))
        self.sync()
        self.sync()
        self.assertEqual(set(self.alike("Other")), {"a1", "a2", "a3", "b1", "b2"})

    def test_made_again_there(self):
        tell = self.meddler.on_response
        self.meddler.on_response = lambda r: None if b"[UIDNEXT " in r else re.sub(rb"UIDNEXT \d+ ?", b"", tell(r))
        self.sync()
        self.imap.delete(self.name("Old"))
        self.mark("a1", "F", "Old")
        self.assertEqual(self.sync()["folders_made_there"], 1)
        self.assertEqual(set(self.alike("Old")), {"a1", "a2", "a3"})

    def test_swapped_there(self):
        self.sync()
        for old, new in (("Old", "Third"), ("Other", "Old"), ("Third", "Other")):
            self.imap.rename(self.name(old), self.name(new))
        self.sync()
        self.sync()
        old, other = set(self.alike("Old")), set(self.alike("Other"))
        self.assertEqual(old | other, {"a1", "a2", "a3", "b1", "b2"})
        self.assertTrue(other >= {"a1", "a2", "a3"} and old >= {"b1", "b2"})


class Files(SyncTestCase):
    def test_copied_twice_and_removed(self):
        self.fill(["a", "b"])
        self.fill(["x"], "One")
        self.fill(["y"], "Two")
        self.sync()
        path = self.here()["a"]
        for folder in ("One", "Two"):
            shutil.copy2(path, os.path.join(self.local(folder), "cur", os.path.basename(path).partition(":")[0] + ":2,S"))
        os.unlink(path)
        self.sync()
        self.assertEqual((set(self.alike()), set(self.alike("One")), set(self.alike("Two"))), ({"b"}, {"x", "a"}, {"y", "a"}))

    def test_another_message_under_the_name_of_one_that_is_gone(self):
        self.fill(["a"])
        self.fill(["x"], "One")
        self.sync()
        path = self.here()["a"]
        os.unlink(path)
        with open(os.path.join(self.local("One"), "cur", os.path.basename(path).partition(":")[0] + ":2,S"), "wb") as f:
            f.write(message("other").replace(b"\r\n", b"\n"))
        self.sync()
        self.assertEqual((set(self.alike()), set(self.alike("One"))), (set(), {"x", "other"}))

    def test_links_and_files_that_cannot_be_read(self):
        self.fill(["a"])
        self.fill(["b"], "Sub")
        self.sync()
        os.symlink(self.here("Sub")["b"], self.local() + "/cur/1.link.host:2,S")
        os.symlink("/nowhere", self.local() + "/cur/2.link.host:2,S")
        os.mkfifo(self.local() + "/cur/3.fifo.host:2,S")
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(self.local() + "/cur/4.socket.host:2,S")
        self.put("good")
        self.fill(["new"])
        report = self.sync(status=75)
        self.assertEqual((report["uploaded"], report["downloaded"]), (1, 1), report)
        self.assertEqual(set(self.there()), {"a", "good", "new"})

    def test_flags_in_another_order(self):
        self.fill([])
        self.sync()
        for i, letters in enumerate(("SF", "FF", "S,x")):
            self.put(f"m{i}", where="cur")
            self.mark(f"m{i}", letters)
        self.assertEqual(self.sync()["uploaded"], 3)
        self.assertEqual(self.alike(), {"m0": {r"\Seen", r"\Flagged"}, "m1": {r"\Flagged"}, "m2": {r"\Seen"}})
        self.mark("m2", "SF")
        self.store("m0", r"(\Answered)")
        self.store("m1", r"(\Deleted)")
        self.sync()
        self.assertEqual(self.alike(), {"m0": {r"\Seen", r"\Flagged", r"\Answered"}, "m2": {r"\Seen", r"\Flagged"}})

    def test_journal_damaged_in_the_middle(self):
        self.fill([f"m{i}" for i in range(20)])
        self.sync()
        path = self.local() + "/.posthorn-sync"
        with open(path, "rb") as f:
            lines = f.read().split(b"\n")
        lines[8] = lines[8][:5] + b"?" + lines[8][6:]
        with open(path, "wb") as f:
            f.write(b"\n".join(lines))
        report = self.sync()
        self.assertEqual((report["uploaded"], report["downloaded"]), (0, 0), report)
        self.assertEqual(len(self.alike()), 20)


class SmallDisk(SyncTestCase):
    def setUp(self):
        super().setUp()
        os.mkdir(self.tree)
        if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", self.tree], capture_output=True).returncode:
            self.skipTest("no file system can be mounted here")
        self.addCleanup(subprocess.run, ["umount", self.tree], check=True)

    def test_disk_full(self):
        self.fill([])
        subjects = {f"m{i}" for i in range(60)}
        for subject in subjects:
            self.imap.append(self.name(), None, None, message(subject, "some text to fill the disk with\r\n" * 1000))
        done = subprocess.run(self.words(), capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 73, done.stdout)
        self.assertIn("No space left on device", done.stdout)
        self.assertFalse(os.listdir(self.local() + "/tmp"))
        subprocess.run(["mount", "-o", "remount,size=20m", self.tree], check=True)
        self.assertEqual(self.sync()["uploaded"], 0)
        self.assertEqual(set(self.alike()), subjects)


class Watching(SyncTestCase):
    def test_ends_while_nobody_lets_it_in(self):
        with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
            before = [socket.socket() for _ in range(4)]
            for one in before:
                one.setblocking(False)
                one.connect_ex(full.getsockname())
                self.addCleanup(one.close)
            words = self.words("--watch")
            words[2] = words[2].replace(f":{self.port('imaps')}", f":{full.getsockname()[1]}")
            process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.addCleanup(process.kill)
            time.sleep(1)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=9)  # before the second attempt to get in, which is the system's
            self.assertIn(process.returncode, (0, -signal.SIGTERM))

    def test_ends_while_the_server_says_nothing(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            words = self.words("--watch")
            words[2] = words[2].replace(f":{self.port('imaps')}", f":{silent.getsockname()[1]}")
            process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.addCleanup(process.kill)
            kept = silent.accept()[0]
            self.addCleanup(kept.close)
            time.sleep(0.3)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)
            self.assertEqual(process.returncode, 0)


class Unwilling(Meddled):
    def test_watch_where_notify_is_refused(self):
        """The server says that it can NOTIFY, and then it does not: one mailbox is followed as ever."""
        asked = []

        def command(line):
            if b" NOTIFY " in line:
                asked.append(line)
            return line
        self.meddler.on_command = command
        self.meddler.on_response = lambda octets: octets.replace(b" IDLE", b" NOTIFY IDLE") if b"CAPABILITY" in octets else octets
        self.fill(["a"])
        self.watch()
        self.wait_until(lambda: os.path.isdir(self.local() + "/cur") and set(self.here()) == {"a"})
        self.wait_until(lambda: asked)
        self.fill(["b"])
        self.wait_until(lambda: set(self.here()) == {"a", "b"}, 25)
        self.put("c")
        self.wait_until(lambda: set(self.there()) == {"a", "b", "c"}, 25)
        self.end_watch()
        self.assertEqual(len(asked), 1, asked)


class Talkative(Meddled):
    def test_watch_where_the_server_always_has_something_to_say(self):
        self.fill(["a"])
        self.sync()
        self.without("NOTIFY")
        hide, runs = self.meddler.on_response, []

        def command(line):
            if b" LIST " in line and b"STATUS" in line:
                runs.append(line)
            return line
        self.meddler.on_command = command
        self.meddler.on_response = lambda octets: octets + b"* 1 EXISTS\r\n" if octets.startswith(b"+ ") else hide(octets)
        self.watch()
        time.sleep(8)
        self.end_watch()
        self.assertLess(len(runs), 12)


class NestedFiles(SyncTestCase):
    LAYOUT = "nested"
    patterns = ("*",)

    def words(self, *options, password=None):
        words = super().words(*options, password=password)
        at = words.index("--folder")
        return words[:at] + words[at + 2:] + ["--folder", "INBOX", "--folder", "Inbox", "--folder", f"{self.prefix}*"]

    def test_inbox_in_other_letters(self):
        self.imap.append("INBOX", None, None, message("in"))
        self.fill(["a"])
        self.sync()
        os.rename(os.path.join(self.tree, "INBOX"), os.path.join(self.tree, "Inbox"))
        report = self.sync(status=75)
        self.assertTrue(any("Inbox" in p for p in report["problems"]), report)
        self.assertFalse(os.path.exists(os.path.join(self.tree, "INBOX", "Inbox")))
        self.assertEqual(len(glob.glob(self.tree + "/Inbox/*/*.*")), 1)

    def test_links_in_a_circle(self):
        self.fill(["a"])
        self.sync()
        os.symlink(".", os.path.join(self.tree, self.prefix, "again"))
        self.sync()
        self.assertFalse([line for line in self.imap.list()[1] if b"again" in line and self.prefix.encode() in line])
