"""posthorn fetch where something is not as it should be: whose state file, what a refusal means, which message is whole."""

import contextlib
import os
import socket
import subprocess
import threading
import time

from harness import message
from lmtp_host import LmtpHost
from test_client_fetch import OK, PROTOCOL, TEMPFAIL, FetchTestCase, digests, make_mail, maildir_digests

CONFIG = 78


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def forget_fingerprints(state):
    """As if killed before they were written."""
    with open(state, "rb") as f:
        lines = f.read().splitlines(True)
    with open(state, "wb") as f:
        f.writelines(line for line in lines if line[9:10] != b"M")


def store_at(when, state):
    """As if all that is stored had been stored then."""
    with open(state, "rb") as f:
        lines = [line.split(b" ", 2) for line in f.read().splitlines()[1:]]
    with open(state, "wb") as f:
        f.write(b"posthorn-fetch 1\n")
        for _, kind, rest in lines:
            content = b"S %d " % when + rest.split(b" ", 1)[1] if kind == b"S" else kind + b" " + rest
            f.write(b"%08x %s\n" % (crc32c(content), content))


class StateFile(FetchTestCase):
    def test_that_of_another_account_is_not_believed(self):
        """Unique-ids are unique in one maildrop only."""
        state = os.path.join(self.home, "state-file")
        mine, other = self.host([("1", message("mine"))]), self.host([("1", message("another's"))])
        self.fetch(mine.url(), "--state", state)
        mine.mail = [("1", message("mine")), ("2", message("mine too"))]
        self.fetch(mine.url(), "--keep", "--state", state)
        answer = self.fetch(other.url(), "--state", state, status=CONFIG)
        self.assertIn("belongs to", answer["error"])
        self.assertEqual(len(other.mail), 1)
        self.assertEqual(self.fetch(mine.url(), "--keep", "--state", state)["known"], 2)

    def test_what_one_got_is_not_known_of_another(self):
        """Recipients of one LMTP server have a state each; a file that is named is of one place."""
        lmtp = LmtpHost()
        self.addCleanup(lmtp.close)
        host, state = self.host(make_mail(5)), os.path.join(self.home, "state-file")
        for who, keep, removed in (("joe@example.test", ["--keep"], 0), ("ann@example.test", [], 5)):
            report = self.fetch(host.url(), "--to", who, "--target-allow-plaintext", *keep, target=lmtp.url)
            self.assertEqual((report["stored"], report["removed"]), (5, removed))
        self.assertEqual(len(lmtp.mail), 10)
        host.mail = make_mail(5)
        self.fetch(host.url(), "--keep", "--state", state)
        answer = self.fetch(host.url(), "--state", state, target=f"maildir:{self.home}/elsewhere", status=CONFIG)
        self.assertIn("belongs to", answer["error"])
        self.assertEqual(len(host.mail), 5)

    def test_a_disk_that_is_full_at_the_state_file_loses_nothing(self):
        """Wherever it is full: between what is prepared and what is said to be stored, too."""
        mail = make_mail(300, size=400)
        probe, state = self.host(mail), os.path.join(self.home, "probe")
        self.fetch(probe.url(), "--keep", "--state", state, target=f"maildir:{self.home}/probe-mail")
        with open(state, "rb") as f:
            lines = f.read().splitlines(True)
        first_stored = next(i for i, line in enumerate(lines) if line[9:11] == b"S ")
        for place, limit in enumerate((sum(map(len, lines[:first_stored])) + 100, sum(map(len, lines[:first_stored + 128])) + 50)):
            host, maildir = self.host(mail), os.path.join(self.home, f"full{place}")
            state = os.path.join(self.home, f"full-state{place}")
            command = self.command(host.url(), "--json", "--state", state, target=f"maildir:{maildir}")
            full = subprocess.run(["prlimit", f"--fsize={limit}", "--", *command], env=self.environment(), capture_output=True, text=True, timeout=60)
            self.assertNotEqual(full.returncode, OK, full.stdout)
            self.assertEqual(len(host.mail), 300)
            self.fetch(host.url(), "--state", state, target=f"maildir:{maildir}")
            self.assertEqual(sorted(maildir_digests(maildir)), sorted(digests(mail)))
            self.assertEqual(host.mail, [])

    def test_an_account_that_moved_takes_its_file_along(self):
        state = os.path.join(self.home, "state-file")
        old, new = self.host(make_mail(5)), self.host(make_mail(5))
        self.fetch(old.url(), "--keep", "--state", state)
        self.assertEqual(self.fetch(new.url(), "--keep", "--state", state, "--adopt-state")["known"], 5)
        self.assertEqual(self.fetch(new.url(), "--keep", "--state", state)["known"], 5)
        self.fetch(old.url(), "--keep", "--state", state, status=CONFIG)


    def test_a_clock_that_went_back_does_not_keep_mail_on_the_server(self):
        state = os.path.join(self.home, "state-file")
        host = self.host(make_mail(3))
        self.fetch(host.url(), "--keep", "--state", state)
        store_at(9999999999, state)
        self.assertEqual(self.fetch(host.url(), "--keep-days", "7", "--state", state)["removed"], 0)
        report = self.fetch(host.url(), "--state", state)
        self.assertEqual((report["known"], report["removed"]), (3, 3))


class Refusals(FetchTestCase):
    def test_unique_ids_that_are_refused_once_are_not_gone(self):
        mail = make_mail(5)
        host = self.host(mail)
        self.fetch(host.url(), "--keep")
        host.mangle = lambda command, data: b"-ERR internal error\r\n" if command == "UIDL" else data
        for capabilities in (host.capabilities, None):
            host.capabilities = capabilities
            self.assertIn("internal error" if capabilities else "unique-ids", self.fetch(host.url(), "--keep", status=TEMPFAIL)["error"])
        host.mangle = None
        self.assertEqual(self.fetch(host.url(), "--keep")["known"], 5)
        self.assertEqual(maildir_digests(self.maildir), digests(mail))

    def test_what_a_server_refuses_is_no_fault_of_the_command_line(self):
        host = self.host(make_mail(2))
        for refused in ("", "LIST", "QUIT"):
            with self.subTest(refused):
                host.uidl = refused != "LIST"
                host.capabilities = ["USER", "TOP"]
                host.mangle = lambda command, data, refused=refused: b"-ERR not now\r\n" if command == refused else data
                options = [] if refused == "QUIT" else ["--keep"]  # who removes nothing does not wait for what QUIT says
                self.assertIn("not now", self.fetch(host.url(), *options, status=TEMPFAIL)["error"])

    def test_a_server_that_gives_nothing_does_not_fill_the_screen(self):
        host = self.host(make_mail(500, size=50))
        host.mangle = lambda command, data: b"-ERR no\r\n" if command == "RETR" else data
        done = subprocess.run(self.command(host.url()), env=self.environment(), capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, TEMPFAIL)
        self.assertLess(len(done.stderr.splitlines()), 30)
        self.assertIn("480 more", done.stderr)

    def test_a_message_that_ends_where_no_answer_follows_is_not_believed(self):
        """A server that does not double dots: what it sends after a lone one would be lost."""
        mail = make_mail(3)
        mail.insert(2, ("cut", message("cut", "above\r\nDOT\r\nbelow\r\n")))
        for at in (2, 3):
            mail.append(mail.pop(2))
            host = self.host(mail)
            self.maildir = os.path.join(self.home, f"Maildir{at}")
            host.mangle = lambda command, data: data.replace(b"\r\nDOT\r\n", b"\r\n.\r\n")
            report = self.fetch(host.url(), status=TEMPFAIL)
            self.assertEqual((report["stored"], report["removed"], report["refused"]), (3, 3, 1))
            self.assertEqual([uid for uid, _ in host.mail], ["cut"])
            host.mangle = None
            self.fetch(host.url())
            self.assertEqual(maildir_digests(self.maildir), digests(mail))


class RemovalWithoutAnswer(FetchTestCase):
    """What became of it is told by the messages themselves: their unique-ids may be others' by now [RFC1939 7]."""

    def setUp(self):
        super().setUp()
        self.first = [("1", message("old one")), ("2", message("old two"))]

    def lose_quit(self, host, *options):
        host.mangle = lambda command, data: b"" if command == "QUIT" else data
        self.fetch(host.url(), *options, status=TEMPFAIL)
        host.mangle = None

    def test_a_unique_id_that_is_used_again_is_another_message(self):
        for top in (True, False):
            with self.subTest(top=top):
                self.maildir = os.path.join(self.home, f"Maildir{top}")
                host, again = self.host(self.first), [("1", message("new one")), ("3", message("three"))]
                host.capabilities = ["USER", "UIDL", "PIPELINING"] + ["TOP"] * top
                self.lose_quit(host)
                self.assertEqual(host.mail, [])
                host.mail = list(again)
                report = self.fetch(host.url())
                self.assertEqual((report["known"], report["stored"], report["removed"]), (0, 2, 2))
                self.assertEqual(maildir_digests(self.maildir), digests(self.first + again))

    def test_a_unique_id_that_had_no_fingerprint_and_is_used_again_is_another_message(self):
        for place, (top, refused) in enumerate(((True, "nothing"), (True, "TOP"), (False, "nothing"))):
            with self.subTest(top=top, refused=refused):
                self.maildir, state = os.path.join(self.home, f"Maildir{place}"), os.path.join(self.home, f"state{place}")
                host, again = self.host(self.first), [("1", message("new one")), ("3", message("three"))]
                host.capabilities = ["USER", "UIDL", "PIPELINING"] + ["TOP"] * top
                self.fetch(host.url(), "--keep", "--state", state)
                forget_fingerprints(state)
                host.mangle = lambda command, data, refused=refused: {"QUIT": b"", refused: b"-ERR not now\r\n"}.get(command, data)
                self.fetch(host.url(), "--state", state, status=TEMPFAIL)
                host.mail, host.mangle = list(again), None
                report = self.fetch(host.url(), "--state", state)
                self.assertEqual((report["known"], report["stored"], report["removed"]), (0, 2, 2))
                self.assertEqual(maildir_digests(self.maildir), digests(self.first + again))

    def test_what_cannot_be_looked_at_is_not_removed(self):
        host, state = self.host(self.first), os.path.join(self.home, "state-file")
        self.fetch(host.url(), "--keep", "--state", state)
        forget_fingerprints(state)
        host.mangle = lambda command, data: b"-ERR not now\r\n" if command in ("TOP", "RETR") else data
        self.assertEqual(self.fetch(host.url(), "--state", state)["removed"], 0)
        host.mangle = None
        self.assertEqual(self.fetch(host.url(), "--state", state)["removed"], 2)

    def test_what_was_not_removed_is_known(self):
        for top in (True, False):
            with self.subTest(top=top):
                self.maildir = os.path.join(self.home, f"Maildir{top}")
                host = self.host(self.first)
                host.capabilities = ["USER", "UIDL", "PIPELINING"] + ["TOP"] * top
                self.lose_quit(host)
                host.mail = [(uid, text.replace(b"From:", b"Status: RO\r\nFrom:", 1)) for uid, text in self.first]
                self.assertEqual(self.fetch(host.url(), "--keep")["known"], 2)
                self.assertEqual(len(host.retrieved), 2 if top else 4)
                self.assertEqual(self.fetch(host.url(), "--keep")["known"], 2)
                self.assertEqual(len(host.retrieved), 2 if top else 4)
                self.assertEqual(self.fetch(host.url())["removed"], 2)
                self.assertEqual(maildir_digests(self.maildir), digests(self.first))

    def test_what_only_top_has_shown_is_known_by_that(self):
        for refused in ("TOP", "nothing"):
            with self.subTest(refused=refused):
                self.maildir, state = os.path.join(self.home, f"Maildir{refused}"), os.path.join(self.home, f"state{refused}")
                host = self.host(self.first)
                self.fetch(host.url(), "--keep", "--state", state)
                forget_fingerprints(state)
                self.lose_quit(host, "--state", state)
                host.mail = list(self.first)
                host.mangle = lambda command, data, refused=refused: b"-ERR not now\r\n" if command == refused else data
                host.capabilities = ["USER", "UIDL"] + ["TOP"] * (refused == "TOP")
                report = self.fetch(host.url(), "--state", state)
                self.assertEqual((report["known"], report["stored"], report["removed"]), (2, 0, 2))

    def test_a_state_file_of_version_1_is_read_and_becomes_version_2(self):
        for top in (True, False):
            with self.subTest(top=top):
                self.maildir, state = os.path.join(self.home, f"Maildir{top}"), os.path.join(self.home, f"state{top}")
                host = self.host(self.first)
                host.capabilities = ["USER", "UIDL"] + ["TOP"] * top
                self.fetch(host.url(), "--keep", "--state", state)
                with open(state, "rb") as f:
                    lines = f.read().splitlines(True)
                with open(state, "wb") as f:
                    f.writelines([b"posthorn-fetch 1\n"] + [line for line in lines[1:] if line[9:10] != b"M"])
                self.lose_quit(host, "--state", state)
                with open(state, "rb") as f:
                    self.assertEqual(f.readline(), b"posthorn-fetch 2\n")
                host.mail = list(self.first)
                self.assertEqual(self.fetch(host.url(), "--state", state)["known"], 2)
                self.assertEqual(maildir_digests(self.maildir), digests(self.first))


class Listings(FetchTestCase):
    def test_that_are_empty_once_make_nothing_new(self):
        for top in (True, False):
            with self.subTest(top=top):
                self.maildir, mail = os.path.join(self.home, f"Maildir{top}"), make_mail(5)
                host = self.host(mail)
                host.capabilities = ["USER", "UIDL", "PIPELINING"] + ["TOP"] * top
                self.fetch(host.url(), "--keep")
                host.mail = []  # as where the disk that has it is not mounted
                for _ in range(2):
                    self.assertEqual(self.fetch(host.url(), "--keep")["on_server"], 0)
                host.mail = mail[:4] + [(mail[4][0], message("another"))]
                report = self.fetch(host.url(), "--keep")
                self.assertEqual((report["known"], report["stored"]), (4, 1))
                self.assertEqual(maildir_digests(self.maildir), digests(mail + host.mail[4:]))
                self.assertEqual(self.fetch(host.url())["removed"], 5)


    def test_with_ids_that_are_shared_for_a_while_make_nothing_new(self):
        one, two, three = (("A", message(word)) for word in ("one", "two", "three"))
        for place, listings in enumerate(([[one], [one, two], [one]], [[one], [two, one], [two], [one, two]], [[one, two], [two], [one]],
                                          [[one, two], [three], [one, three, two]])):
            for top in (True, False):
                with self.subTest(place=place, top=top):
                    self.maildir = os.path.join(self.home, f"Maildir{place}{top}")
                    host = self.host([])
                    host.capabilities = ["USER", "UIDL", "PIPELINING"] + ["TOP"] * top
                    for listing in listings:
                        host.mail = listing
                        self.fetch(host.url(), "--keep")
                    self.assertEqual(maildir_digests(self.maildir), digests({text: (0, text) for listing in listings for _, text in listing}.values()))
                    self.assertEqual(self.fetch(host.url())["removed"], len(listings[-1]))

    def test_with_twins_that_get_ids_of_their_own_make_nothing_new(self):
        for top in (True, False):
            with self.subTest(top=top):
                self.maildir, twin = os.path.join(self.home, f"Maildir{top}"), message("twin")
                host = self.host([("A", twin), ("A", twin)])
                host.capabilities = ["USER", "UIDL"] + ["TOP"] * top
                self.assertEqual(self.fetch(host.url(), "--keep")["stored"], 2)
                host.mail = [("B", twin), ("C", twin), ("D", twin)]
                report = self.fetch(host.url(), "--keep")
                self.assertEqual((report["known"], report["stored"]), (2, 1))


    def test_where_a_header_is_refused_once_make_nothing_new(self):
        mail = make_mail(3)
        host = self.host(mail)
        host.uidl, host.capabilities = False, ["USER", "TOP", "PIPELINING"]
        for refuses in (False, True, False, True):
            host.mangle = lambda command, data, refuses=refuses: (
                b"-ERR not now\r\n" if refuses and command == "TOP" and b"Subject: message 1\r\n" in data else data)
            self.assertEqual(self.fetch(host.url(), "--keep")["refused"], 0)
            self.assertEqual(maildir_digests(self.maildir), digests(mail))
        self.assertEqual(self.fetch(host.url())["removed"], 3)


def hang_up(at, bad):
    """In the middle of what this command is to give of these messages."""

    def mangle(command, data):
        if command == at and any(b"Subject: message %d\r\n" % i in data for i in bad):
            raise EOFError
        return data

    return mangle


class MessagesThatCannotBeFetched(FetchTestCase):
    def bad_host(self, mail, bad):
        host = self.host(mail)
        host.mangle = hang_up("RETR", bad)
        return host

    def test_do_not_keep_others_back(self):
        for pipelining in (True, False):
            for bad in ([2], [0, 5], [3, 4]):
                with self.subTest(pipelining=pipelining, bad=bad):
                    self.maildir, mail = os.path.join(self.home, f"Maildir{pipelining}{bad[0]}"), make_mail(6)
                    host = self.bad_host(mail, bad)
                    host.capabilities = ["USER", "UIDL"] + ["PIPELINING"] * pipelining
                    done = subprocess.run(self.command(host.url()), env=self.environment(), capture_output=True, text=True, timeout=60)
                    self.assertEqual(done.returncode, TEMPFAIL, done.stderr)
                    for i in bad:
                        self.assertIn(f"message {i + 1} cannot be fetched", done.stderr)
                    self.assertEqual(host.mail, [mail[i] for i in bad])
                    self.assertEqual(maildir_digests(self.maildir), digests([one for i, one in enumerate(mail) if i not in bad]))
                    host.mangle = None
                    self.assertEqual(self.fetch(host.url())["removed"], len(bad))
                    self.assertEqual(maildir_digests(self.maildir), digests(mail))

    def test_are_not_asked_for_without_end(self):
        mail = make_mail(40)
        host = self.bad_host(mail, range(1, 40))
        report = self.fetch(host.url(), status=TEMPFAIL)
        self.assertEqual((report["on_server"], report["stored"], report["removed"], report["refused"]), (40, 1, 1, 39))

    def test_do_not_keep_others_back_where_there_are_many_of_them(self):
        mail = make_mail(16, size=200)
        for place, bad in enumerate((range(0, 12), range(4, 16))):
            with self.subTest(bad=bad):
                self.maildir = os.path.join(self.home, f"Maildir{place}")
                host = self.bad_host(mail, bad)
                host.capabilities = ["USER", "UIDL"]
                report = self.fetch(host.url(), status=TEMPFAIL)
                self.assertEqual((report["stored"], report["removed"], report["refused"]), (4, 4, 12))
                self.assertEqual(host.mail, [mail[i] for i in bad])

    def test_do_not_make_others_slow_where_they_are_rare(self):
        """With no command behind it each message is followed by NOOP."""
        mail = make_mail(400, size=100)
        host, asked = self.bad_host(mail, [150]), []
        host.capabilities = ["USER", "UIDL"]
        mangle = host.mangle
        host.mangle = lambda command, data: asked.append(command) or mangle(command, data)
        report = self.fetch(host.url(), status=TEMPFAIL)
        self.assertEqual((report["stored"], report["removed"], report["refused"]), (399, 399, 1))
        self.assertLess(asked.count("NOOP"), 5)

    def test_do_not_keep_others_back_where_all_are_looked_at_first(self):
        """For they may be what shared a unique-id before."""
        for pipelining in (True, False):
            with self.subTest(pipelining=pipelining):
                self.maildir, mail = os.path.join(self.home, f"Maildir{pipelining}"), make_mail(4)
                shared = [("A", message("one")), ("A", message("two"))]
                host = self.host(shared)
                host.capabilities = ["USER", "UIDL", "TOP"] + ["PIPELINING"] * pipelining
                self.fetch(host.url(), "--keep")
                host.mail, host.mangle = mail, hang_up("TOP", [1])
                report = self.fetch(host.url(), status=TEMPFAIL)
                self.assertEqual((report["on_server"], report["stored"], report["removed"], report["refused"]), (4, 3, 3, 1))
                host.mangle = None
                self.assertEqual(self.fetch(host.url())["removed"], 1)
                self.assertEqual(maildir_digests(self.maildir), digests(shared + mail))

    def test_do_not_keep_others_there(self):
        """What has no fingerprint is looked at before it is removed."""
        mail, state = make_mail(4), os.path.join(self.home, "state-file")
        host = self.host(mail)
        self.fetch(host.url(), "--keep", "--state", state)
        forget_fingerprints(state)
        host.mangle = hang_up("TOP", [1])
        self.assertEqual(self.fetch(host.url(), "--state", state)["removed"], 3)
        host.mangle = None
        report = self.fetch(host.url(), "--state", state)
        self.assertEqual((report["known"], report["removed"]), (1, 1))
        self.assertEqual(maildir_digests(self.maildir), digests(mail))

    def test_do_not_keep_others_back_where_headers_are_their_keys(self):
        mail, state = make_mail(4), os.path.join(self.home, "state-file")
        host = self.host(mail)
        host.uidl, host.capabilities = False, ["USER", "TOP"]
        self.fetch(host.url(), "--keep", "--state", state)
        forget_fingerprints(state)
        more = mail + [("", message("new"))]
        host.mail, host.mangle = more, hang_up("TOP", [1])
        report = self.fetch(host.url(), "--keep", "--state", state, status=TEMPFAIL)
        self.assertEqual((report["known"], report["stored"], report["refused"]), (3, 1, 1))
        host.mangle = None
        self.assertEqual(self.fetch(host.url(), "--keep", "--state", state)["known"], 5)
        self.assertEqual(maildir_digests(self.maildir), digests(more))

    def test_do_not_keep_others_back_where_the_maildrop_is_still_locked(self):
        for words in (b"-ERR [IN-USE] locked\r\n", b"-ERR maildrop is locked\r\n"):
            with self.subTest(words):
                self.maildir, mail = os.path.join(self.home, f"Maildir{len(words)}"), make_mail(4)
                host = self.bad_host(mail, [1])
                host.capabilities = ["USER", "UIDL"]
                mangle, answers = host.mangle, [b"+OK\r\n", b"+OK\r\n", words, b"+OK\r\n"]
                host.mangle = lambda command, data, mangle=mangle, answers=answers: answers.pop() if command == "PASS" else mangle(command, data)
                report = self.fetch(host.url(), status=TEMPFAIL)
                self.assertEqual((report["stored"], report["removed"], report["refused"]), (3, 3, 1))
                self.assertEqual(answers, [])

    def test_because_a_connection_was_lost_come_by_another(self):
        mail = make_mail(40, size=500)
        host = self.host(mail)
        host.cut_after = 20_000
        report = self.fetch(host.url())
        self.assertEqual((report["stored"], report["removed"], report["refused"]), (40, 40, 0))
        self.assertEqual(maildir_digests(self.maildir), digests(mail))


class BareLineFeeds(FetchTestCase):
    """A server that passes on what it has stored: "tail<LF>", and its ".<CRLF>" behind that."""

    def bare_host(self, capabilities):
        self.mail = [(f"u{i}", message(f"number {i}", f"tail {i}\r\n")) for i in range(6)]
        host = self.host(self.mail)
        host.capabilities = capabilities
        host.mangle = lambda command, data: data.replace(b"tail 2\r\n.\r\n", b"tail 2\n.\r\n") if command in ("RETR", "TOP") else data
        return host

    def test_that_end_a_message_do_not_swallow_the_next(self):
        host = self.bare_host(["USER", "UIDL", "TOP"])
        self.assertEqual(self.fetch(host.url())["removed"], 6)
        self.assertEqual(maildir_digests(self.maildir), digests(self.mail))

    def test_mix_up_nothing_where_messages_are_asked_for_ahead(self):
        host = self.bare_host(["USER", "UIDL", "TOP", "PIPELINING"])
        self.assertEqual(self.fetch(host.url())["removed"], 6)
        self.assertEqual(maildir_digests(self.maildir), digests(self.mail))

    def test_that_end_all_messages_keep_none_back(self):
        mail = [(f"u{i}", message(f"number {i}", "tail\r\n")) for i in range(11)]
        host = self.host(mail)
        host.mangle = lambda command, data: data.replace(b"tail\r\n.\r\n", b"tail\n.\r\n")
        self.assertEqual(self.fetch(host.url(), "--timeout", "2")["removed"], 11)  # half of it is waited for each
        self.assertEqual(maildir_digests(self.maildir), digests(mail))

    def test_keep_nothing_in_doubt(self):
        mail = [(f"u{i}", message(f"number {i}", "tail\r\n")) for i in range(2)]
        host = self.host(mail)
        host.mangle = lambda command, data: b"" if command == "QUIT" else data.replace(b"tail\r\n.\r\n", b"tail\n.\r\n")
        self.fetch(host.url(), "--timeout", "2", status=TEMPFAIL)
        host.mail, host.mangle = list(mail), lambda command, data: data.replace(b"tail\r\n.\r\n", b"tail\n.\r\n")
        report = self.fetch(host.url(), "--timeout", "2")
        self.assertEqual((report["known"], report["stored"], report["removed"]), (2, 0, 2))

    def test_behind_headers_mix_up_nothing(self):
        mail = make_mail(3)
        host = self.host(mail)
        host.uidl, host.capabilities = False, ["USER", "TOP", "PIPELINING"]
        host.mangle = lambda command, data: data.replace(b"\r\n\r\n.\r\n", b"\r\n\n.\r\n") if command == "TOP" else data
        for known in (0, 3):
            self.assertEqual(self.fetch(host.url(), "--keep", "--timeout", "2")["known"], known)
        self.assertEqual(maildir_digests(self.maildir), digests(mail))


def serve_imap_that_lists_without_end(listener):
    connection, _ = listener.accept()
    with connection, contextlib.suppress(OSError):
        lines = connection.makefile("rb")
        connection.sendall(b"* OK [CAPABILITY IMAP4rev1] hello\r\n")
        for line in lines:
            tag, verb = line.split()[:2]
            if verb == b"CAPABILITY":
                connection.sendall(b"* CAPABILITY IMAP4rev1\r\n")
            elif verb == b"SELECT":
                connection.sendall(b"* 3 EXISTS\r\n* OK [UIDVALIDITY 1] x\r\n")
            elif verb == b"UID":
                for first in range(1, 400_000, 10_000):
                    connection.sendall(b"".join(b"* %d FETCH (UID %d FLAGS ())\r\n" % (i, i) for i in range(first, first + 10_000)))
            connection.sendall(tag + b" OK done\r\n")


class ListingWithoutEnd(FetchTestCase):
    def test_is_not_kept(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=serve_imap_that_lists_without_end, args=(listener,))
            thread.start()
            try:
                answer = self.fetch(f"imap://joe@127.0.0.1:{listener.getsockname()[1]}", status=PROTOCOL)
            finally:
                thread.join()
        self.assertIn("more messages than", answer["error"])


class ImapHost:
    """An IMAP server that tells of its mailbox, {UID: text}, what it is told to: `hidden` are UIDs that it does not list; `expunged` of them it says that they are gone;
    `leaving` more it has at SELECT, and says during the listing that they are gone; `dates` are seconds, for those that have not come before all runs."""

    def __init__(self, mail):
        self.mail, self.uid_validity, self.hidden, self.expunged = dict(mail), 1, set(), set()
        self.uid_next, self.leaving, self.dates = max(mail) + 1, 0, {}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def url(self):
        return f"imap://joe@127.0.0.1:{self.listener.getsockname()[1]}"

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                with connection, contextlib.suppress(OSError):
                    connection.sendall(b"* OK [CAPABILITY IMAP4rev1 UIDPLUS] hello\r\n")
                    for line in connection.makefile("rb"):
                        tag, command = line.decode().rstrip().split(" ", 1)
                        connection.sendall(b"".join(self.answer(command)) + f"{tag} OK done\r\n".encode())

    def answer(self, command):
        if command.startswith("CAPABILITY"):
            yield b"* CAPABILITY IMAP4rev1 UIDPLUS\r\n"
        elif command.startswith(("SELECT", "EXAMINE")):
            yield f"* {len(self.mail) + self.leaving} EXISTS\r\n* OK [UIDVALIDITY {self.uid_validity}] x\r\n* OK [UIDNEXT {self.uid_next}] x\r\n".encode()
        elif command.startswith("UID EXPUNGE"):
            for uid in self.named(command.split()[2]):
                del self.mail[uid]
        elif command.startswith("UID FETCH"):
            for uid in self.named(command.split()[2]):
                number = sorted(self.mail).index(uid) + 1
                if "BODY" in command:
                    yield f"* {number} FETCH (UID {uid} FLAGS () BODY[] {{{len(self.mail[uid])}}}\r\n".encode() + self.mail[uid] + b")\r\n"
                elif "INTERNALDATE" in command:
                    date = time.strftime("%d-%b-%Y %H:%M:%S +0000", time.gmtime(self.dates.get(uid, 0)))
                    yield f'* {number} FETCH (UID {uid} INTERNALDATE "{date}")\r\n'.encode()
                elif uid not in self.hidden:
                    yield f"* {number} FETCH (UID {uid})\r\n".encode()
            if "BODY" not in command and "INTERNALDATE" not in command:
                yield from (f"* {sorted(self.mail).index(uid) + 1} EXPUNGE\r\n".encode() for uid in sorted(self.expunged, reverse=True))
                yield f"* {len(self.mail) + 1} EXPUNGE\r\n".encode() * self.leaving

    def named(self, uids):
        wanted = set()
        for part in uids.split(","):
            first, _, last = part.partition(":")
            last = max(self.mail, default=0) if last == "*" else int(last or first)
            wanted |= {uid for uid in self.mail if int(first) <= uid <= last}
        return sorted(wanted)


class ImapListings(FetchTestCase):
    def setUp(self):
        super().setUp()
        self.texts = {uid: text for uid, (_, text) in enumerate(make_mail(5), 1)}
        self.server = ImapHost(self.texts)
        self.addCleanup(self.server.close)

    def again(self, *options, status=OK):
        return self.fetch(self.server.url(), *(options or ["--keep"]), status=status)

    def test_of_less_than_there_is_makes_nothing_forgotten(self):
        self.server.hidden = {4}
        self.assertIn("of 5 messages the server has listed 4", self.again(status=TEMPFAIL)["error"])
        self.server.hidden = {1, 2}
        self.again(status=TEMPFAIL)
        self.server.hidden = set()
        self.assertEqual(self.again()["known"], 5)
        self.assertEqual(maildir_digests(self.maildir), digests(self.texts.items()))

    def test_of_what_others_leave_are_whole(self):
        self.server.hidden = self.server.expunged = {2, 3}
        self.assertEqual(self.again()["stored"], 3)

    def test_of_what_so_many_others_leave_that_nobody_counts_them_are_whole(self):
        self.server.leaving = 12_000
        self.assertEqual(self.again()["stored"], 5)

    def test_that_were_empty_once_or_of_other_uids_double_nothing(self):
        self.assertEqual(self.again()["stored"], 5)
        self.server.mail = {}
        self.assertEqual(self.again()["on_server"], 0)
        self.server.mail, self.server.uid_validity = {1: self.texts[1]}, 2
        self.assertEqual(self.again()["stored"], 1)
        self.server.mail, self.server.uid_validity = dict(self.texts), 1
        report = self.again()
        self.assertEqual((report["known"], report["stored"]), (5, 0))
        self.assertEqual(self.again("--keep-days", "0")["removed"], 5)

    def test_of_a_server_that_has_gone_back_hide_nothing(self):
        state = ["--state", os.path.join(self.home, "state-file")]
        self.again("--keep", *state)
        store_at(time.time() - 3600, state[1])
        self.server.mail, self.server.uid_next = {uid: self.texts[uid] for uid in (1, 2)} | {3: message("new"), 4: message("an older one")}, 5
        self.server.dates = {3: time.time() - 60}
        report = self.again("--keep-days", "14", *state)
        self.assertEqual((report["known"], report["stored"]), (2, 2))
        self.assertEqual(maildir_digests(self.maildir), digests([*self.texts.items(), (3, self.server.mail[3]), (4, self.server.mail[4])]))
        self.assertEqual(self.again("--keep-days", "14", *state)["known"], 4)
        self.assertEqual(self.again("--keep-days", "0", *state)["removed"], 4)

    def test_of_a_server_whose_next_uid_falls_double_nothing(self):
        """With the latest message, to the UID behind the one before it; no UID is given twice."""
        self.again()
        self.server.dates = {1: time.time() + 30 * 86400, 2: time.time() + 60}  # by its sender's clock, and by one that is ahead of ours
        for left in (4, 3):
            del self.server.mail[left + 1]
            self.server.uid_next = left + 1
            report = self.again()
            self.assertEqual((report["known"], report["stored"]), (left, 0))
        self.server.mail[9], self.server.uid_next = message("new"), 10
        self.assertEqual(self.again()["stored"], 1)

    def test_of_a_server_that_does_not_know_its_next_uid_are_believed(self):
        self.server.uid_next = 1
        self.again()
        del self.server.mail[3]
        for _ in range(2):
            self.assertEqual(self.again()["known"], 4)

    def test_where_uids_begin_anew_hide_nothing(self):
        """It should have another UIDVALIDITY then, and has not."""
        state = ["--state", os.path.join(self.home, "state-file")]
        self.again("--keep", *state)
        self.server.mail = {uid: self.texts[uid] for uid in (1, 5)}
        self.again("--keep", *state)
        store_at(time.time() - 3600, state[1])
        self.server.mail, self.server.uid_next = {1: message("anew"), 2: message("new")}, 3
        self.server.dates = {1: time.time() - 60, 2: time.time() - 60}
        self.assertEqual(self.again("--keep", *state)["stored"], 2)
        self.again("--keep-days", "0", *state)
        self.server.mail, self.server.uid_next = {1: message("newer")}, 4
        self.assertEqual(self.again("--keep-days", "0", *state)["stored"], 1)


class IntoLmtp(FetchTestCase):
    def setUp(self):
        super().setUp()
        self.lmtp = LmtpHost()
        self.addCleanup(self.lmtp.close)

    def hand_over(self, source, *options, status=OK):
        command = self.command(source, "--to", "joe@example.test", "--target-allow-plaintext", *options, target=self.lmtp.url)
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stderr

    def test_one_that_is_refused_for_now_does_not_keep_others_back(self):
        host = self.host(make_mail(6))
        later = host.mail[2][1]
        self.lmtp.answer = lambda text, times: "451 4.7.1 greylisted" if text == later and times == 1 else "250 ok"
        self.assertIn("greylisted", self.hand_over(host.url(), status=TEMPFAIL))
        self.assertEqual(len(self.lmtp.mail), 5)
        self.assertEqual([text for _, text in host.mail], [later])
        self.assertNotIn("twice", self.hand_over(host.url()))
        self.assertEqual((len(self.lmtp.mail), host.mail), (6, []))

    def test_a_server_that_takes_nothing_is_not_asked_for_ever(self):
        host = self.host(make_mail(50))
        self.lmtp.answer = lambda text, times: "452 4.3.1 no room"
        self.assertIn("no room", self.hand_over(host.url(), status=TEMPFAIL))
        self.assertLess(len(self.lmtp.came), 10)
        self.assertEqual(len(host.mail), 50)
        self.lmtp.answer = lambda text, times: "250 ok"
        self.assertNotIn("twice", self.hand_over(host.url()))
        self.assertEqual(len(self.lmtp.mail), 50)

    def test_a_server_that_hangs_up_between_messages_is_called_again(self):
        host = self.host(make_mail(7))
        self.lmtp.at_most = 2
        self.hand_over(host.url())
        self.assertEqual((sorted(self.lmtp.mail), host.mail), (sorted(text for _, text in make_mail(7)), []))

    def test_no_answer_is_said_to_be_none(self):
        host = self.host(make_mail(3))
        second = host.mail[1][1]
        self.lmtp.answer = lambda text, times: None if text == second and times == 1 else "250 ok"
        self.assertIn("twice", self.hand_over(host.url(), status=TEMPFAIL))
        self.assertEqual([text for _, text in host.mail], [second])
        self.hand_over(host.url())
        self.assertEqual((len(self.lmtp.mail), host.mail), (3, []))

    def came(self, source, status):
        """In one run."""
        before = len(self.lmtp.came)
        self.hand_over(source, status=status)
        return self.lmtp.came[before:]

    def test_what_is_always_refused_keeps_no_new_mail_back(self):
        for answer in ("554 5.7.1 spam", "451 4.3.0 not now"):
            with self.subTest(answer=answer):
                bad, new = make_mail(45, size=100), [("new", message("new")), ("newer", message("newer"))]
                refused = {text for _, text in bad}
                self.lmtp.answer = lambda text, times, answer=answer, refused=refused: answer if text in refused else "250 ok"
                host = self.host(bad + new[:1])
                runs = 0
                while len(host.mail) > 45:
                    self.assertLessEqual(len(self.came(host.url(), TEMPFAIL)), 40)
                    runs += 1
                    self.assertLess(runs, 20)
                host.mail.append(new[1])
                self.assertEqual(self.came(host.url(), TEMPFAIL)[0], new[1][1])
                self.assertEqual(host.mail, bad)
                # All of them have their turn.
                self.assertEqual({text for _ in range(3) for text in self.came(host.url(), TEMPFAIL)}, refused)
                refused.clear()
                self.assertEqual(len(self.came(host.url(), OK)), 45)
                self.assertEqual(host.mail, [])

    def test_what_gets_no_answer_comes_seldom_again_and_keeps_no_new_mail_back(self):
        """Each time it may be there already."""
        bad, new = make_mail(7, size=100), ("new", message("new"))
        silent = {text for _, text in bad}
        self.lmtp.answer = lambda text, times: None if text in silent else "250 ok"
        host = self.host(bad)
        self.assertEqual([len(self.came(host.url(), TEMPFAIL)) for _ in range(4)], [3, 3, 2, 2])
        host.mail.insert(0, new)
        self.assertEqual(self.came(host.url(), TEMPFAIL)[0], new[1])
        self.assertEqual(host.mail, bad)
        self.assertEqual({text for _ in range(4) for text in self.came(host.url(), TEMPFAIL)}, silent)

    def test_what_is_always_refused_keeps_no_new_mail_of_imap_back(self):
        texts = {uid: text for uid, (_, text) in enumerate(make_mail(30, size=100), 1)}
        server = ImapHost(texts)
        self.addCleanup(server.close)
        self.lmtp.answer = lambda text, times: "250 ok" if text == texts[30] else "554 5.7.1 spam"
        self.assertEqual(len(self.came(server.url(), TEMPFAIL)), 20)
        self.assertEqual(len(self.came(server.url(), TEMPFAIL)), 30)
        self.assertEqual(len(self.came(server.url(), TEMPFAIL)), 20)
        self.assertEqual(sorted(server.mail), list(range(1, 30)))


if __name__ == "__main__":
    import unittest

    unittest.main()
