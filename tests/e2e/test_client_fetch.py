"""posthorn fetch: every message arrives once, whatever happens on the way."""

import glob
import hashlib
import imaplib
import importlib.util
import json
import os
import random
import re
import shutil
import signal
import smtplib
import subprocess
import sys
import tempfile
import time
import unittest

from harness import BINARY, PASSWORD, ServerTestCase, insecure_tls, message
from pop3_host import Pop3Host

OK, UNAVAILABLE, CANTCREAT, TEMPFAIL, PROTOCOL, NOPERM = 0, 69, 73, 75, 76, 77


def make_mail(count, size=2000, seed=0):
    """[(unique-id, bytes)], each different, with what is hard on the way."""
    rng = random.Random(seed)
    out = []
    for i in range(count):
        body = "".join(rng.choice(["From here on\r\n", ".dot\r\n", "..\r\n", ">From quoted\r\n", "text " * 12 + "\r\n", "\r\n"])
                       for _ in range(size // 50))
        out.append((f"uid-{seed}-{i}", message(f"message {i}", body)))
    return out


def digest(data):
    return hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest()


def digests(mail):
    return sorted(digest(text) for _, text in mail)


def maildir_digests(path):
    out = []
    for name in glob.glob(os.path.join(path, "new", "*")) + glob.glob(os.path.join(path, "cur", "*")):
        with open(name, "rb") as f:
            out.append(digest(f.read()))
    return sorted(out)


def mbox_digests(path):
    with open(path, "rb") as f:
        parts = re.split(rb"(?m)^From MAILER-DAEMON [^\n]*\n", f.read())
    assert parts[0] == b""
    return sorted(digest(re.sub(rb"(?m)^>(>*From )", rb"\1", part[:-1])) for part in parts[1:])


class FetchTestCase(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.mkdtemp(prefix="posthorn-fetch-")
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        self.maildir = os.path.join(self.home, "Maildir")

    def host(self, mail):
        host = Pop3Host(mail)
        self.addCleanup(host.close)
        return host

    def command(self, source, *options, target=None):
        return [BINARY, "fetch", source, target or f"maildir:{self.maildir}", "--password-env", "PASSWORD", "--allow-plaintext", *options]

    password = PASSWORD

    def environment(self):
        return {**os.environ, "HOME": self.home, "XDG_STATE_HOME": os.path.join(self.home, "state"), "PASSWORD": self.password}

    def fetch(self, source, *options, status=OK, target=None, **how):
        done = subprocess.run(self.command(source, "--json", *options, target=target), env=self.environment(), capture_output=True, text=True,
                              timeout=120, **how)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return json.loads(done.stdout)


class Maildir(FetchTestCase):
    def test_fetches_and_removes(self):
        mail = make_mail(150)
        host = self.host(mail)
        report = self.fetch(host.url())
        self.assertEqual((report["stored"], report["removed"]), (150, 150))
        self.assertEqual(maildir_digests(self.maildir), digests(mail))
        self.assertEqual(host.mail, [])
        self.assertEqual(self.fetch(host.url())["stored"], 0)

    def test_keeps_and_fetches_only_what_is_new(self):
        mail = make_mail(60)
        host = self.host(mail)
        self.assertEqual(self.fetch(host.url(), "--keep")["stored"], 60)
        host.mail = host.mail[10:] + make_mail(5, seed=1)
        report = self.fetch(host.url(), "--keep")
        self.assertEqual((report["known"], report["stored"], report["removed"]), (50, 5, 0))
        self.assertEqual(len(host.retrieved), 65)
        self.assertEqual(len(host.mail), 55)
        self.assertEqual(self.fetch(host.url(), "--keep-days", "1")["removed"], 0)
        self.assertEqual(self.fetch(host.url(), "--keep-days", "0")["removed"], 55)

    def test_a_unique_id_that_is_used_again_is_another_message(self):
        host = self.host([("same", message("one"))])
        self.fetch(host.url())
        host.mail = [("same", message("two"))]
        self.assertEqual(self.fetch(host.url())["stored"], 1)
        self.assertEqual(len(maildir_digests(self.maildir)), 2)

    def test_twin_unique_ids_are_told_apart(self):
        mail = [("twin", text) for _, text in make_mail(4)] + [("alone", message("x"))]
        host = self.host(mail)
        self.assertEqual(self.fetch(host.url(), "--keep")["stored"], 5)
        host.mail = host.mail[1:]
        self.assertEqual(self.fetch(host.url(), "--keep")["stored"], 0)
        self.assertEqual(maildir_digests(self.maildir), digests(mail))

    def test_servers_without_uidl(self):
        mail = make_mail(20)
        host = self.host(mail)
        host.uidl, host.capabilities = False, None
        self.assertEqual(self.fetch(host.url(), "--keep")["stored"], 20)
        self.assertEqual(self.fetch(host.url(), "--keep")["stored"], 0)
        host.top = False
        self.assertIn("TOP", self.fetch(host.url(), "--keep", status=UNAVAILABLE)["error"])
        host.quit_ok = False
        self.maildir += "2"
        self.fetch(host.url(), status=TEMPFAIL)
        host.quit_ok = True
        report = self.fetch(host.url())
        self.assertEqual((report["stored"], report["removed"]), (0, 20))
        self.assertEqual(maildir_digests(self.maildir), digests(mail))

    def test_names_tell_dovecot_the_sizes(self):
        mail = make_mail(3)
        self.fetch(self.host(mail).url())
        for name in glob.glob(os.path.join(self.maildir, "new", "*")):
            fields = dict(f.split("=") for f in name.split(",")[1:])
            with open(name, "rb") as f:
                data = f.read()
            self.assertEqual(int(fields["S"]), len(data))
            self.assertEqual(int(fields["W"]), len(data) + data.count(b"\n"))
            self.assertNotIn(b"\r", data)


def bench_module(name):
    """Of bench/harness, which has the name of our own harness."""
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench", "harness")
    if "bench_harness" not in sys.modules:
        spec = importlib.util.spec_from_file_location("bench_harness", os.path.join(folder, "__init__.py"), submodule_search_locations=[folder])
        sys.modules["bench_harness"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["bench_harness"])
    return importlib.import_module(f"bench_harness.{name}")


class Mbox(FetchTestCase):
    def setUp(self):
        super().setUp()
        self.mbox = os.path.join(self.home, "mbox")

    def test_fetches_and_removes(self):
        mail = make_mail(150)
        host = self.host(mail)
        report = self.fetch(host.url(), target=f"mbox:{self.mbox}")
        self.assertEqual((report["stored"], report["removed"]), (150, 150))
        host.mail = make_mail(2, seed=1)
        self.fetch(host.url(), target=f"mbox:{self.mbox}")
        self.assertEqual(mbox_digests(self.mbox), digests(mail + make_mail(2, seed=1)))
        self.assertEqual(os.stat(self.mbox).st_mode & 0o777, 0o600)

    def test_killed_at_any_instant_each_message_arrives_once(self):
        mail = make_mail(300, size=6000)
        host = self.host(mail)
        kill_rounds(self, self.command(host.url(), "-q", target=f"mbox:{self.mbox}"), 5)
        self.fetch(host.url(), target=f"mbox:{self.mbox}")
        self.assertEqual(mbox_digests(self.mbox), digests(mail))
        self.assertEqual([n for n in os.listdir(self.home) if "lock" in n], [])
        self.assertEqual([n for n in os.listdir(os.path.join(self.home, "state", "posthorn", "fetch")) if "spool" in n], [])

    def test_a_full_disk_leaves_all_whole(self):
        mail = make_mail(300, size=6000)
        host = self.host(mail)
        done = subprocess.run(["prlimit", "--fsize=400000", "--", *self.command(host.url(), "--json", target=f"mbox:{self.mbox}")],
                              env=self.environment(), capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, CANTCREAT, done.stdout + done.stderr)
        self.assertLess(set(mbox_digests(self.mbox)), set(digests(mail)))
        self.fetch(host.url(), target=f"mbox:{self.mbox}")
        self.assertEqual(mbox_digests(self.mbox), digests(mail))


def kill_rounds(test, command, rounds):
    rng = random.Random(int.from_bytes(os.urandom(4), "big"))
    for _ in range(rounds):
        process = subprocess.Popen(command, env=test.environment(), stderr=subprocess.PIPE)
        time.sleep(rng.uniform(0.01, 0.25))
        process.send_signal(signal.SIGKILL)
        process.communicate()


class BadLuck(FetchTestCase):
    def test_killed_at_any_instant_each_message_arrives_once(self):
        mail = make_mail(500, size=6000)
        host = self.host(mail)
        kill_rounds(self, self.command(host.url(), "-q"), 6)
        self.fetch(host.url())
        self.assertEqual(maildir_digests(self.maildir), digests(mail))
        self.assertEqual(host.mail, [])

    def test_what_was_prepared_is_delivered_or_known(self):
        """As if killed between two renames, or between a rename and the journal."""
        mail = make_mail(3)
        host = self.host(mail)
        state = os.path.join(self.home, "journal")
        self.fetch(host.url(), "--keep", "--state", state)
        with open(state, encoding="ascii") as f:
            lines = f.readlines()
        with open(state, "w", encoding="ascii") as f:
            f.writelines(line for line in lines if line[9] != "S")
        names = glob.glob(os.path.join(self.maildir, "new", "*"))
        back = os.path.join(self.maildir, "tmp", os.path.basename(names[0]).partition(",")[0])
        os.rename(names[0], back)   # not yet delivered
        os.unlink(names[1])         # delivered, and its reader has removed it
        report = self.fetch(host.url(), "--keep", "--state", state)
        self.assertEqual(report["stored"], 0)
        self.assertEqual(len(maildir_digests(self.maildir)), 2)
        self.assertEqual(os.listdir(os.path.join(self.maildir, "tmp")), [])

    def test_the_connection_is_lost_at_any_byte(self):
        mail = make_mail(40, size=500)
        host = self.host(mail)
        total = sum(len(text) for _, text in mail) + 3000
        for i in range(8):
            host.cut_after = 1 + total * i // 8
            done = subprocess.run(self.command(host.url(), "-q"), env=self.environment(), capture_output=True, timeout=60)
            self.assertIn(done.returncode, (OK, TEMPFAIL), done.stderr)
        self.fetch(host.url())
        self.assertEqual(maildir_digests(self.maildir), digests(mail))
        self.assertEqual(host.mail, [])

    def test_quit_that_fails_doubles_nothing(self):
        host = self.host(make_mail(10))
        host.quit_ok = False
        self.fetch(host.url(), status=TEMPFAIL)
        host.quit_ok = True
        report = self.fetch(host.url())
        self.assertEqual((report["stored"], report["known"], report["removed"]), (0, 10, 10))

    def test_a_full_disk_leaves_all_whole(self):
        mail = make_mail(30, size=3000) + [("big", message("big", "x" * 70 + "\r\n" + ("y" * 70 + "\r\n") * 20000))] + make_mail(30, seed=3)
        host = self.host(mail)
        small = ["prlimit", "--fsize=1000000", "--"]
        done = subprocess.run(small + self.command(host.url(), "--json"), env=self.environment(), capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, CANTCREAT, done.stdout + done.stderr)
        self.assertIn("make room", json.loads(done.stdout)["error"])
        self.assertEqual(len(maildir_digests(self.maildir)), 30)
        self.assertEqual(len(host.mail), 61)
        self.fetch(host.url())
        self.assertEqual(maildir_digests(self.maildir), digests(mail))

    def test_two_at_once_do_not_race(self):
        host = self.host(make_mail(200))
        state = os.path.join(self.home, "journal")
        both = [subprocess.Popen(self.command(host.url(), "--state", state, "-q"), env=self.environment(), stderr=subprocess.PIPE) for _ in range(2)]
        for process in both:
            process.communicate(timeout=60)
        codes = sorted(process.returncode for process in both)
        self.assertIn(codes, ([OK, OK], [OK, TEMPFAIL]))
        self.assertEqual(len(maildir_digests(self.maildir)), 200)

    def test_hostile_servers(self):
        def endless(command, data):
            return b"+OK\r\n" + b"x" * 100000 if command == "RETR" else data

        cases = [
            ("UIDL", lambda c, d: b"+OK\r\n1 a\r\n1 b\r\n.\r\n" if c == "UIDL" else d, PROTOCOL),
            ("garbage", lambda c, d: b"220 smtp\r\n" if c == "" else d, PROTOCOL),
            ("long line", lambda c, d: b"+OK " + b"x" * 100000 + b"\r\n" if c == "CAPA" else d, PROTOCOL),
            ("endless", endless, TEMPFAIL),
            ("controls", lambda c, d: b"-ERR \x1b]0;title\x07\x1b[2J\r\n" if c == "UIDL" else d, TEMPFAIL),
            ("sign-in", lambda c, d: b"-ERR [AUTH] \x1b[31mno\r\n" if c == "PASS" else d, NOPERM),
            ("busy", lambda c, d: b"-ERR [IN-USE] locked\r\n" if c == "PASS" else d, TEMPFAIL),
        ]
        host = self.host(make_mail(3))
        host.top = False
        for name, mangle, status in cases:
            with self.subTest(name):
                host.mangle = mangle
                options = ["--keep", "--timeout", "1"]
                done = subprocess.run(self.command(host.url(), *options), env=self.environment(), capture_output=True, timeout=60)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertNotIn(b"\x1b", done.stderr)
                self.assertEqual(maildir_digests(self.maildir), [])
                self.assertEqual(len(host.mail), 3)

    def test_a_damaged_journal_loses_nothing(self):
        mail = make_mail(10)
        host = self.host(mail)
        state = os.path.join(self.home, "journal")
        self.fetch(host.url(), "--keep", "--state", state)
        with open(state, "r+b") as f:
            f.seek(-3, os.SEEK_END)
            f.truncate()
        self.fetch(host.url(), "--keep", "--state", state)
        self.assertGreaterEqual(len(maildir_digests(self.maildir)), 10)
        self.assertEqual(set(maildir_digests(self.maildir)), set(digests(mail)))
        with open(state, "wb") as f:
            f.write(b"not mine\n")
        self.fetch(host.url(), "--keep", "--state", state, status=78)


class OurServer(ServerTestCase, FetchTestCase):
    def inbox(self, name):
        imap = imaplib.IMAP4_SSL("127.0.0.1", self.port("imaps"), ssl_context=insecure_tls())
        imap.login(f"{name}@example.test", PASSWORD)
        self.addCleanup(imap.logout)
        imap.select("INBOX")
        return imap

    def test_hands_mail_to_a_server(self):
        mail = make_mail(20)
        host = self.host(mail)
        target = f"lmtp://127.0.0.1:{self.port('lmtp')}"
        self.assertIn("--to", self.fetch(host.url(), target=target, status=64)["error"])
        report = self.fetch(host.url(), "--to", "alice@example.test", "--target-allow-plaintext", target=target)
        self.assertEqual((report["stored"], report["removed"]), (20, 20))
        imap = self.inbox("alice")
        subjects = imap.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
        self.assertEqual(sorted(s[1].strip() for s in subjects if isinstance(s, tuple)), sorted(b"Subject: message %d" % i for i in range(20)))

    def test_what_a_server_refuses_stays_where_it_was(self):
        host = self.host(make_mail(3))
        target = f"lmtp://127.0.0.1:{self.port('lmtp')}"
        report = self.fetch(host.url(), "--to", "nobody@example.test", "--target-allow-plaintext", target=target, status=TEMPFAIL)
        self.assertEqual((report["stored"], report["removed"]), (0, 0))
        self.assertEqual(len(host.mail), 3)

    def test_from_imap_with_flags_and_dates(self):
        imap = self.inbox("bob")
        texts = [message(f"imap {i}", f"body {i}\r\n") for i in range(30)]
        for i, text in enumerate(texts):
            imap.append("INBOX", r"(\Seen \Flagged)" if i % 2 else None, '"03-Jan-1996 01:05:34 +0000"', text)
        url = f"imaps://bob%40example.test@127.0.0.1:{self.port('imaps')}"
        self.assertEqual(self.fetch(url, "--insecure", "--keep")["stored"], 30)
        self.assertEqual(self.fetch(url, "--insecure", "--keep")["stored"], 0)
        self.assertEqual(maildir_digests(self.maildir), sorted(map(digest, texts)))
        seen = glob.glob(os.path.join(self.maildir, "cur", "*:2,FS"))
        self.assertEqual(len(seen), 15)
        self.assertEqual(os.stat(seen[0]).st_mtime, 820631134)
        report = self.fetch(url, "--insecure")
        self.assertEqual((report["stored"], report["removed"]), (0, 30))
        self.assertEqual(imap.select("INBOX")[1], [b"0"])

    def test_from_our_server_with_a_certificate_that_is_checked(self):
        sent = [message(f"number {i}", f"body {i}\r\n") for i in range(5)]
        for one in sent:
            self.server.send(one)
        url = f"pop3s://bob%40example.test@127.0.0.1:{self.port('pop3s')}"
        self.assertIn("certificate", self.fetch(url, status=NOPERM)["error"])
        report = self.fetch(url, "--insecure")
        self.assertEqual((report["stored"], report["removed"]), (5, 5))
        url = f"pop3://bob%40example.test@127.0.0.1:{self.port('pop3')}"
        self.assertEqual(self.fetch(url, "--insecure")["on_server"], 0)
        texts = b"".join(open(n, "rb").read() for n in glob.glob(os.path.join(self.maildir, "new", "*")))
        for i in range(5):
            self.assertIn(f"\nbody {i}\n".encode(), texts)

    @unittest.skipUnless(shutil.which("mutt") and shutil.which("script"), "mutt or script is not installed")
    def test_mutt_reads_what_was_fetched(self):
        self.server.send(message("for mutt", "Read me.\r\n"))
        self.fetch(f"pop3s://bob%40example.test@127.0.0.1:{self.port('pop3s')}", "--insecure")
        rc, saved = os.path.join(self.home, "muttrc"), os.path.join(self.home, "saved")
        with open(rc, "w", encoding="utf-8") as f:
            f.write(f"set folder={self.home}\nset mbox_type=mbox\nset copy=no\nset confirmcreate=no\nset quit=yes\nset move=no\n")
        keys = f"<tag-pattern>~s mutt<enter><tag-prefix><copy-message><kill-line>{saved}<enter><quit>"
        self.run_tool("script", "-qec", f"mutt -n -F {rc} -f {self.maildir} -e 'push \"{keys}\"'", "/dev/null",
                      env={**self.environment(), "TERM": "xterm"}, status=None, timeout=60)
        with open(saved, "rb") as f:
            self.assertIn(b"Subject: for mutt", f.read())


@unittest.skipUnless(shutil.which("dovecot") and os.geteuid() == 0, "Dovecot is not installed, or this is not root")
class FromDovecot(FetchTestCase):
    password = "secret"

    def setUp(self):
        super().setUp()
        certificate, dovecot = bench_module("certificate"), bench_module("dovecot")
        os.chmod(self.home, 0o755)
        self.dovecot = dovecot.Dovecot(os.path.join(self.home, "dovecot"), certificate.make(self.home), [("joe", "secret")], "maildir")
        self.addCleanup(self.dovecot.stop)
        self.dovecot.start()

    def test_by_pop3_and_imap(self):
        mail = make_mail(200)
        with smtplib.LMTP("127.0.0.1", self.dovecot.ports["lmtp"]) as lmtp:
            for _, text in mail:
                lmtp.sendmail("", ["joe@bench.example.test"], text)
        for scheme in ("pop3", "imap"):
            self.maildir = os.path.join(self.home, scheme)
            url = f"{scheme}://joe@127.0.0.1:{self.dovecot.ports[scheme]}"
            kill_rounds(self, self.command(url, "--insecure", "--keep", "-q"), 3)
            self.fetch(url, "--insecure", "--keep")
            names = glob.glob(os.path.join(self.maildir, "[cn][ue][rw]", "*"))  # Dovecot says of what POP3 has fetched that it was seen
            self.assertEqual(len(names), 200)
            found = sorted(re.search(r"(?m)^Subject: (.*)$", open(n, encoding="utf-8").read())[1] for n in names)
            self.assertEqual(found, sorted(f"message {i}" for i in range(200)))


if __name__ == "__main__":
    unittest.main()
