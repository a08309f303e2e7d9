"""posthorn sendmail: mail of programs on this machine, whether the server runs, stops, starts or is killed; each message once."""

import email
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

from harness import BINARY, DOMAIN, Server, message
from test_relay import inbox, settings, wait_for_inbox
from dns_zone import Dns
from harness import free_ports
from smtp_host import Host

LIMIT = 2 << 20
USAGE, DATA, UNAVAILABLE, TEMPORARY, NO_PERMISSION = 64, 65, 69, 75, 77


class SendmailTestCase(unittest.TestCase):
    EXTRA = ""

    @classmethod
    def setUpClass(cls):
        cls.dns = Dns()
        cls.port = free_ports(1)[0]
        cls.dns.zone("elsewhere.test", "@ MX 10 mx\nmx A 127.0.0.31", sign="no")
        cls.dns.start()
        cls.addClassCleanup(cls.dns.stop)
        # Other users must reach it.
        cls.spool = tempfile.mkdtemp(prefix="posthorn-spool-")
        os.chmod(cls.spool, 0o755)
        cls.drop = os.path.join(cls.spool, "drop")
        cls.server = Server(f'max_message_size = {LIMIT}\n' + settings(cls.dns, cls.port, more="") + f'[sendmail]\ndirectory = "{cls.drop}"\n' + cls.EXTRA)
        cls.addClassCleanup(cls.server.remove)
        cls.server.create_accounts(("alice", "bob", "root", "nobody"))
        cls.server.start()
        cls.binary = os.path.join(cls.spool, "sendmail")
        os.symlink(os.path.abspath(BINARY), cls.binary)
        os.chmod(cls.server.directory, 0o755)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.check_store()

    def sendmail(self, *words, stdin="Subject: hello\n\nHello.\n", status=0, name="sendmail", **how):
        binary = self.binary
        if name != "sendmail":
            binary = os.path.join(self.spool, name)
            if not os.path.exists(binary):
                os.symlink(os.path.abspath(BINARY), binary)
        done = subprocess.run([binary, *words], input=stdin, text=True, capture_output=True, timeout=120,
                              env={**os.environ, "POSTHORN_CONFIG": self.server.config}, **how)
        self.assertEqual(done.returncode, status, done.stderr + done.stdout)
        return done

    def dropped(self):
        return [name for name in os.listdir(self.drop) if name.endswith((".mail", ".part"))]

    def wait_until(self, what, seconds=90):
        deadline = time.monotonic() + seconds
        while not (found := what()):
            if time.monotonic() > deadline:
                self.fail(self.server.log(40))
            time.sleep(0.1)
        return found

    def expect_new(self, had, user="bob"):
        mails = wait_for_inbox(self.server, had + 1, user)
        self.assertEqual(len(mails), had + 1, self.server.log(30))
        return email.message_from_bytes(mails[-1])

    def count(self, user="bob"):
        return len(inbox(self.server, user))


class Sendmail(SendmailTestCase):
    def test_recipients_of_the_command_line(self):
        had = self.count()
        self.sendmail("-i", "-f", f"alice@{DOMAIN}", "-F", 'Alice "A" Example', f"bob@{DOMAIN}")
        got = self.expect_new(had)
        self.assertEqual(got["Return-Path"], f"<alice@{DOMAIN}>")
        self.assertEqual(got["From"], f'"Alice \\"A\\" Example" <alice@{DOMAIN}>')
        self.assertEqual(got["Subject"], "hello")
        for field in ("Date", "Message-ID", "Received"):
            self.assertTrue(got[field], field)
        self.wait_until(lambda: not self.dropped())
        number = re.search(r"id (\d+)", got["Received"])[1]
        self.assertIn("accepted from user root of this machine; ", self.server.admin("trace", number).stdout)

    def test_recipients_of_the_header_and_no_bcc(self):
        had, alice = self.count(), self.count("alice")
        text = f"From: root\nTo: Bob <bob@{DOMAIN}>,\n nobody@{DOMAIN}\nBcc: alice@{DOMAIN}\nSubject: all of you\nMessage-ID: <own@x.test>\n\nHello.\n"
        self.sendmail("-t", "-oi", "-oem", stdin=text)
        for user, before in (("bob", had), ("alice", alice)):
            got = self.expect_new(before, user)
            self.assertIsNone(got["Bcc"])
            self.assertEqual(got["Message-ID"], "<own@x.test>")
        self.expect_new(0, "nobody") if self.count("nobody") <= 1 else None

    def test_resent(self):
        had, alice = self.count(), self.count("alice")
        self.sendmail("-t", stdin=f"From: x@y.test\nTo: alice@{DOMAIN}\nResent-To: bob@{DOMAIN}\nSubject: again\n\nx\n")
        self.assertEqual(self.expect_new(had)["Subject"], "again")
        self.assertEqual(self.count("alice"), alice)

    def test_dots_and_line_ends(self):
        had = self.count()
        self.sendmail(f"bob@{DOMAIN}", stdin="Subject: dots\n\n..\none\r\n.\nnot seen\n")
        self.assertEqual(self.expect_new(had).get_payload(), "..\r\none\r\n")
        self.sendmail("-i", f"bob@{DOMAIN}", stdin="Subject: dots\n\none\n.\ntwo")
        self.assertEqual(self.expect_new(had + 1).get_payload(), "one\r\n.\r\ntwo\r\n")

    def test_local_names_get_a_domain(self):
        had = self.count("root")
        self.sendmail("root")
        got = self.expect_new(had, "root")
        self.assertEqual(got["Return-Path"], f"<root@{DOMAIN}>")

    def test_to_elsewhere_and_back(self):
        with Host("127.0.0.31", self.port) as host:
            self.sendmail("-f", f"alice@{DOMAIN}", "someone@elsewhere.test")
            self.assertEqual(host.wait_for(1)[0].sender, f"alice@{DOMAIN}")
        had = self.count("alice")
        self.sendmail("-f", f"alice@{DOMAIN}", f"unknown@{DOMAIN}")
        self.assertIn("unknown@", self.expect_new(had, "alice").as_string())

    def test_wrong_uses(self):
        for words, status in (((), USAGE), (("-t",), DATA), (("-bd",), UNAVAILABLE), (("-Z", "x@y.test"), USAGE), (("-f",), USAGE),
                              (("a b@c.test",), DATA), (("-N", "sometimes", "x@y.test"), USAGE), (("-R", "half", "x@y.test"), USAGE),
                              (("-V", "", "x@y.test"), USAGE), (("-V", "gr\u00fc\u00df", "x@y.test"), USAGE), (("-V", "=" * 34, "x@y.test"), USAGE)):
            with self.subTest(words=words):
                self.sendmail(*words, status=status)
        self.assertEqual(self.dropped(), [])

    def test_too_large(self):
        """As the server counts it: every line end is two bytes."""
        text = "Subject: x\n\n" + "\n" * (LIMIT - 5000)
        self.assertIn("max_message_size", self.sendmail("-i", f"bob@{DOMAIN}", stdin=text, status=DATA).stderr)
        many = [f"{'x' * 130}{i}@elsewhere.test" for i in range(8000)]
        self.assertIn("addresses", self.sendmail(*many, status=DATA).stderr)
        self.assertEqual(self.dropped(), [])

    @unittest.skipUnless(os.geteuid() == 0, "needs root to be another user")
    def test_who_could_not_know_gets_a_report(self):
        """The command cannot read the configuration: it accepts what the server finds too large, or to go round in a loop."""
        had = self.count("nobody")
        for header in ("", "Received: from x\n" * 51):
            name = f"{int(time.time() * 1000):013x}-{os.urandom(16).hex()}"
            text = f"posthorn-drop 1\nrecipient bob@{DOMAIN}\n\nSubject: figures\n{header}\n" + "x\n" * (1 if header else LIMIT)
            path = os.path.join(self.drop, name)
            subprocess.run(["sh", "-c", f"umask 022; cat > {path}.part && mv {path}.part {path}.mail"], input=text, text=True, check=True, user="nobody", group="nogroup", extra_groups=[])
            got = self.expect_new(had, "nobody")
            had += 1
            self.assertEqual((got["Return-Path"], got.get_content_type()), ("<>", "multipart/report"))
            self.assertIn("Subject: figures", got.as_string())
            self.assertIn("message/rfc822" if header else "text/rfc822-headers", [part.get_content_type() for part in got.walk()])
            self.wait_until(lambda: not self.dropped())

    def test_smtp_on_a_pipe(self):
        had = self.count()
        dialogue = ("EHLO pipe.test", f"MAIL FROM:<alice@{DOMAIN}> BODY=8BITMIME", f"RCPT TO:<bob@{DOMAIN}>", "DATA",
                    "Subject: one", "", "..dot", ".x", "grüße", ".", "MAIL FROM:<> SMTPUTF8", "RCPT TO:<x@y.test>", f"MAIL FROM:<alice@{DOMAIN}> SIZE={LIMIT + 1}",
                    "BURL", "MAIL FROM:<>", f"RCPT TO:<bob@{DOMAIN}> NOTIFY=NEVER", "DATA", f"RCPT TO:<bob@{DOMAIN}>", "DATA", "Subject: large", "",
                    *["x" * 900] * (LIMIT // 900 + 1), ".", "NOOP", "QUIT", "MAIL FROM:<>")
        for end in ("\r\n", "\n"):
            done = self.sendmail("-bs", "-F", "A. Pipe", stdin=end.join(dialogue) + end)
            codes = [line[:3] for line in done.stdout.splitlines() if line[3:4] == " "]
            self.assertEqual(codes, ["220", "250", "250", "250", "354", "250", "555", "503", "552", "500", "250", "555", "503", "250", "354", "552", "250", "221"])
            got = self.expect_new(had)
            had += 1
            self.assertEqual((got["Subject"], got["From"]), ("one", f'"A. Pipe" <alice@{DOMAIN}>'))
            self.assertEqual(got.get_payload(decode=True).decode(), ".dot\r\nx\r\ngrüße\r\n")
        for cut in (f"MAIL FROM:<>\r\nRCPT TO:<bob@{DOMAIN}>\r\nDATA\r\nSubject: half\r\n\r\nhalf\r\n", ".\r"):
            self.assertIn("the input ended" if "DATA" in cut else "", self.sendmail("-bs", stdin=cut, status=DATA if "DATA" in cut else 0).stderr)
        self.wait_until(lambda: not self.dropped())
        self.assertEqual(self.count(), had)

    def test_options_that_mean_nothing_here(self):
        had = self.count()
        self.sendmail("-B8BITMIME", "-v", "-odb", "-oem", "-O", "DeliveryMode=b", "-N", "never", "-V", "id", "-R", "hdrs", "-U", "-G", "-bm", "--", f"bob@{DOMAIN}")
        self.expect_new(had)

    def test_as_cron_calls_it(self):
        had = self.count("root")
        self.sendmail("-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root", stdin="From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@host> job\n"
                      "MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\nAuto-Submitted: auto-generated\n\nGr\u00fc\u00dfe\n")
        got = self.expect_new(had, "root")
        self.assertEqual(got.get_payload(decode=True).decode(), "Gr\u00fc\u00dfe\r\n")

    def test_mutt(self):
        if not shutil.which("mutt"):
            self.skipTest("no mutt")
        had = self.count()
        rc = os.path.join(self.spool, "muttrc")
        with open(rc, "w", encoding="ascii") as f:
            f.write(f'set sendmail="{self.binary} -oem -oi"\nset from="alice@{DOMAIN}"\nset use_envelope_from=yes\nset copy=no\n')
        done = subprocess.run(["mutt", "-F", rc, "-s", "from mutt", "-b", f"alice@{DOMAIN}", f"bob@{DOMAIN}"], input="Hello.\n", text=True, capture_output=True, timeout=120,
                              env={**os.environ, "POSTHORN_CONFIG": self.server.config, "HOME": self.spool, "TERM": "dumb"})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        got = self.expect_new(had)
        self.assertEqual((got["Subject"], got["Return-Path"], got["Bcc"]), ("from mutt", f"<alice@{DOMAIN}>", None))

    def test_mailq_and_newaliases(self):
        self.assertIn("no messages", self.sendmail(name="mailq").stdout)
        self.assertIn("no messages", self.sendmail("-bp").stdout)
        self.assertIn("nothing to do", self.sendmail(name="newaliases").stdout)
        self.sendmail("-q")

    @unittest.skipUnless(os.geteuid() == 0, "needs root to be another user")
    def test_another_user(self):
        other = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        had = self.count()
        self.sendmail(f"bob@{DOMAIN}", **other)
        self.assertEqual(self.expect_new(had)["Return-Path"], f"<nobody@{DOMAIN}>")
        self.sendmail("-f", f"alice@{DOMAIN}", f"bob@{DOMAIN}", status=NO_PERMISSION, **other)
        # Who goes around the command sends as himself, too, and sees nothing of the others.
        listed = subprocess.run(["ls", self.drop], capture_output=True, **other)
        self.assertNotEqual(listed.returncode, 0)
        name = f"{int(time.time() * 1000):013x}-{'ab' * 16}"
        script = f"umask 022; printf 'posthorn-drop 1\\nsender alice@{DOMAIN}\\nrecipient bob@{DOMAIN}\\n\\nSubject: forged\\n\\nx\\n' > {self.drop}/{name}.part && mv {self.drop}/{name}.part {self.drop}/{name}.mail"
        subprocess.run(["sh", "-c", script], check=True, **other)
        self.assertEqual(self.expect_new(had + 1)["Return-Path"], f"<nobody@{DOMAIN}>")

    def test_bad_files_are_put_aside(self):
        had = self.count()

        def put(number, content):
            path = os.path.join(self.drop, f"{number:013x}-{'cd' * 16}.mail")
            with open(path + ".tmp", "wb") as f:
                f.write(content)
            os.rename(path + ".tmp", path)
            return os.path.basename(path)

        bad = [put(1, b""), put(2, b"hello"), put(3, b"posthorn-drop 1\nrecipient \0\n\n"), put(4, b"posthorn-drop 1\nrecipient a b\n\nx\n"), put(5, os.urandom(3 << 20))]
        os.symlink("/etc/hostname", os.path.join(self.drop, f"{6:013x}-{'cd' * 16}.mail"))
        os.mkfifo(os.path.join(self.drop, f"{7:013x}-{'cd' * 16}.mail"))
        secret = os.path.join(self.spool, "secret")
        with open(secret, "w", encoding="ascii") as f:
            f.write(f"posthorn-drop 1\nrecipient bob@{DOMAIN}\n\nx\n")
        os.link(secret, os.path.join(self.drop, f"{8:013x}-{'cd' * 16}.mail"))
        self.wait_until(lambda: not self.dropped())
        kept = os.listdir(os.path.join(self.drop, "bad"))
        for name in bad:
            self.assertIn(name, kept)
        self.sendmail(f"bob@{DOMAIN}")
        self.expect_new(had)


class Restarts(SendmailTestCase):
    def test_while_the_server_is_stopped(self):
        had = self.count()
        self.server.stop()
        for i in range(5):
            self.sendmail("-i", f"bob@{DOMAIN}", stdin=f"Subject: night {i}\n\nx\n")
        self.assertEqual(len(self.dropped()), 5)
        self.server.start()
        mails = wait_for_inbox(self.server, had + 5, "bob")
        self.assertEqual(sorted(email.message_from_bytes(m)["Subject"] for m in mails[had:]), [f"night {i}" for i in range(5)])
        self.wait_until(lambda: not self.dropped())

    def test_killed_again_and_again(self):
        """Programs go on sending; the server is killed at any moment.  Whatever was accepted arrives once."""
        had = self.count()
        accepted, stop = [], threading.Event()

        def send(thread):
            number = 0
            while not stop.is_set():
                number += 1
                self.sendmail("-i", f"bob@{DOMAIN}", stdin=f"Subject: kill {thread}-{number}\n\nx\n")
                accepted.append(f"kill {thread}-{number}")
                time.sleep(0.02)

        threads = [threading.Thread(target=send, args=(n,)) for n in range(2)]
        for t in threads:
            t.start()
        try:
            for i in range(int(os.environ.get("POSTHORN_KILL_ROUNDS", "5"))):
                time.sleep(0.6 + 0.17 * i)
                self.server.kill()
                self.server.start()
        finally:
            stop.set()
            for t in threads:
                t.join()
        wait_for_inbox(self.server, had + len(accepted), "bob", 180)
        self.wait_until(lambda: not self.dropped())
        time.sleep(1)
        got = sorted(email.message_from_bytes(m)["Subject"] for m in inbox(self.server, "bob")[had:])
        self.assertEqual(got, sorted(accepted))
        self.assertGreater(len(accepted), 20)


if __name__ == "__main__":
    unittest.main()
