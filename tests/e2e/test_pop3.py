"""POP3 as its users have it: each client keeping and deleting, several at once, what an account may choose, large messages, APOP."""

import hashlib
import imaplib
import os
import poplib
import socket
import ssl
import threading
import time

from harness import DOMAIN, PASSWORD, insecure_tls, message
from test_clients import ALICE, BOB, ClientTestCase

SECRET = "a secret for apop"


class Pop3TestCase(ClientTestCase):
    EXTRA = "[pop3]\napop = true\n"

    def pop(self, user=BOB):
        client = poplib.POP3_SSL("127.0.0.1", self.port("pop3s"), context=insecure_tls(), timeout=60)
        client.user(user)
        client.pass_(PASSWORD)
        return client

    def imap(self, user=BOB):
        client = imaplib.IMAP4_SSL("127.0.0.1", self.port("imaps"), ssl_context=insecure_tls(), timeout=60)
        client.login(user, PASSWORD)
        client.select()
        return client

    def empty(self, user):
        imap = self.imap(user)
        imap.uid("STORE", "1:*", "+FLAGS", r"\Deleted")
        imap.expunge()
        imap.logout()

    def subjects(self, user):
        return sorted(line[9:] for text in self.inbox(user) for line in text.splitlines() if line.startswith("Subject: "))


class KeepingAndDeleting(Pop3TestCase):
    """A client that keeps mail fetches each message once; told to delete, it takes what is left of it away."""

    def setUp(self):
        super().setUp()
        self.empty(ALICE)

    def keeps_then_deletes(self, fetch):
        """fetch(keep) answers the text of what it fetched."""
        self.server.send(message("one"), [ALICE])
        self.server.send(message("two", body=".\r\n..dots\r\n"), [ALICE])
        first = fetch(True)
        self.assertIn("Subject: one", first)
        self.assertIn("Subject: two", first)
        self.assertNotIn("Subject: ", fetch(True))  # it knows them by UIDL
        self.server.send(message("three"), [ALICE])
        second = fetch(True)
        self.assertIn("Subject: three", second)
        self.assertNotIn("Subject: one", second)
        self.assertEqual(self.subjects(ALICE), ["one", "three", "two"])
        fetch(False)
        self.assertEqual(self.subjects(ALICE), [])

    def certificate(self):
        return ssl.get_server_certificate(("127.0.0.1", self.port("pop3s")))

    def text_of(self, path):
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8", errors="replace") as f:
            text = f.read()
        os.remove(path)
        return text

    def test_fetchmail(self):
        fetchmail, out = self.tool("fetchmail"), self.path("fetched")

        def fetch(keep):
            rc = self.path("fetchmailrc", f"""set no syslog
poll 127.0.0.1 protocol pop3 port {self.port('pop3s')} uidl username "{ALICE}" password "{PASSWORD}"
  ssl no sslcertck mda "cat >> {out}" {"keep" if keep else "no keep flush"}
""")
            self.run_tool(fetchmail, "-f", rc, "--nodetach", "--pidfile", self.path("pid"), "-i", self.path("ids"),
                          env={"FETCHMAILHOME": self.home, "HOME": self.home}, status=None)  # 1: no new mail
            return self.text_of(out)

        self.keeps_then_deletes(fetch)

    def test_getmail(self):
        getmail, box = self.tool("getmail"), self.path("mbox")

        def fetch(keep):
            rc = self.path("getmailrc", f"""[retriever]
type = SimplePOP3SSLRetriever
server = 127.0.0.1
port = {self.port('pop3s')}
username = {ALICE}
password = {PASSWORD}
[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "cat >> {box}")
allow_root_commands = true
[options]
delete = {"false" if keep else "true"}
read_all = false
verbose = 0
""")
            self.run_tool(getmail, f"--getmaildir={self.home}", f"--rcfile={rc}", env={"HOME": self.home})
            return self.text_of(box)

        self.keeps_then_deletes(fetch)

    def test_mpop(self):
        mpop, box = self.tool("mpop"), self.path("mbox")

        def fetch(keep):
            config = self.path("mpoprc", f"""account default
host 127.0.0.1
port {self.port('pop3')}
tls on
tls_starttls on
tls_certcheck off
auth user
user {ALICE}
password {PASSWORD}
keep {"on" if keep else "off"}
only_new on
uidls_file {self.path('uidls')}
delivery mbox {box}
""")
            self.run_tool(mpop, "-C", config)
            return self.text_of(box)

        self.keeps_then_deletes(fetch)

    def test_mutt(self):
        mutt = self.tool("mutt")
        self.server.send(message("for mutt"), [ALICE])
        saved = self.path("saved")
        rc = self.path("muttrc", f"""set folder="{self.home}"
set ssl_force_tls=yes
set ssl_starttls=yes
set ssl_verify_host=no
set ssl_verify_dates=no
set certificate_file="{self.path('certificates')}"
set pop_user="{ALICE}"
set pop_pass="{PASSWORD}"
set pop_delete=yes
set quit=yes delete=yes confirmappend=no confirmcreate=no wait_key=no
""")
        self.path("certificates", self.certificate())
        said = self.run_tool("script", "-qec", f"{mutt} -n -F {rc} -f pops://127.0.0.1:{self.port('pop3s')}/ "
                      f"-e 'push \"<tag-pattern>~A<enter><tag-prefix><save-message><kill-line>{saved}<enter><quit>\"'", "/dev/null",
                      env={"HOME": self.home, "TERM": "xterm"}, timeout=60)
        self.assertIn("Subject: for mutt", self.text_of(saved), said + self.server.log(12))
        self.assertEqual(self.subjects(ALICE), [])


class Sessions(Pop3TestCase):
    def test_curl_with_and_without_tls_from_the_start(self):
        self.server.send(message("curled"), [BOB])
        user = ("-u", f"{BOB}:{PASSWORD}")
        for url, options in ((f"pop3s://127.0.0.1:{self.port('pop3s')}", ()), (f"pop3://127.0.0.1:{self.port('pop3')}", ("--ssl-reqd",))):
            ids = self.run_tool("curl", "-sSk", f"{url}/", "-X", "UIDL", *options, *user).split()
            self.assertTrue(ids)
            self.assertIn("Subject: ", self.run_tool("curl", "-sSk", f"{url}/{ids[-2]}", *options, *user))
            self.assertIn("Subject: ", self.run_tool("curl", "-sSk", f"{url}/", "-X", f"TOP {ids[-2]} 0", *options, *user))

    def test_capabilities_and_utf8(self):
        pop = poplib.POP3("127.0.0.1", self.port("pop3"), timeout=60)
        before = pop.capa()
        self.assertNotIn("USER", before)
        self.assertNotIn("SASL", before)
        self.assertIn("STLS", before)
        pop.stls(context=insecure_tls())
        within = pop.capa()
        self.assertNotIn("STLS", within)
        self.assertIn("USER", within)
        self.assertIn("SCRAM-SHA-256", within["SASL"])
        self.assertEqual((within["UTF8"], within["EXPIRE"]), (["USER"], ["7", "USER"]))
        pop.utf8()
        pop.user(BOB)
        pop.pass_(PASSWORD)
        self.assertEqual(pop.capa()["EXPIRE"], ["NEVER"])
        pop.quit()

    def test_apop_needs_a_secret_of_the_account(self):
        def sign_in(secret):
            pop = poplib.POP3_SSL("127.0.0.1", self.port("pop3s"), context=insecure_tls(), timeout=60)
            try:
                return pop.apop(ALICE, secret)
            finally:
                pop.quit()

        with self.assertRaises(poplib.error_proto):
            sign_in(PASSWORD)
        for secret, words in ((PASSWORD, "this is the password"), ("short", "at least 12")):
            done = self.server.admin("account", "apop", ALICE, "--password-file", "-", stdin=secret + "\n", check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(words if len(secret) >= 12 else "at least 12", done.stderr)
        self.server.admin("account", "apop", ALICE, "--password-file", "-", stdin=SECRET + "\n")
        self.assertIn(b"messages", sign_in(SECRET))
        self.assertIn("has a secret", self.server.admin("account", "show", ALICE).stdout)
        self.assertNotIn(SECRET, self.server.log(100_000))
        self.server.admin("account", "apop", ALICE, "--off")
        with self.assertRaises(poplib.error_proto):
            sign_in(SECRET)

    def test_settings_of_an_account(self):
        for wrong, words in (("pop3.hide_seen=yes", "true or false"), ("pop3.nothing=1", "pop3.mailbox"), ("pop3.mailbox=Nowhere", "no mailbox"),
                             ("pop3.delete_after=soon", "must be a time"), ("hide", "NAME=VALUE"), ("imap.idle_timeout=1 h", "there are:")):
            done = self.server.admin("account", "set", ALICE, wrong, check=False)
            self.assertNotEqual(done.returncode, 0, wrong)
            self.assertIn(words, done.stderr, wrong)
        imap = self.imap(ALICE)
        imap.create("Post")
        imap.append("Post", None, None, message("in another mailbox"))
        imap.logout()
        self.server.admin("account", "set", ALICE, "pop3.mailbox=Post", "pop3.leave_on_server=true")
        shown = self.server.admin("account", "show", ALICE).stdout
        self.assertRegex(shown, r"pop3\.mailbox +Post\n")
        self.assertRegex(shown, r"pop3\.hide_seen +false +\(the server's\)")
        pop = self.pop(ALICE)
        self.assertEqual(pop.stat()[0], 1)
        pop.dele(1)
        pop.quit()
        self.assertEqual(self.pop(ALICE).stat()[0], 0)
        self.assertEqual(len(self.inbox(ALICE, "Post")), 1)
        self.server.admin("account", "set", ALICE, "pop3.mailbox=", "pop3.leave_on_server=")
        self.assertRegex(self.server.admin("account", "show", ALICE).stdout, r"pop3\.mailbox +INBOX +\(the server's\)")

    def test_unique_ids_stay(self):
        self.empty(BOB)
        for i in range(3):
            self.server.send(message(f"id {i}"), [BOB])
        pop = self.pop()
        ids = [line.split()[1] for line in pop.uidl()[1]]
        pop.quit()
        imap = self.imap()
        imap.create("Away")
        imap.uid("MOVE", "1:*", "Away")
        imap.select("Away")
        imap.uid("MOVE", "1:*", "INBOX")
        imap.logout()
        self.server.stop()
        self.server.start()
        pop = self.pop()
        self.assertEqual([line.split()[1] for line in pop.uidl()[1]], ids)
        pop.quit()

    def test_two_pop3_and_two_imap_clients_on_one_mailbox(self):
        self.empty(BOB)
        for i in range(12):
            self.server.send(message(f"shared {i}"), [BOB])
        pops = [self.pop(), self.pop()]
        imaps = [self.imap(), self.imap()]
        sizes = [pop.list()[1] for pop in pops]
        self.assertEqual(sizes[0], sizes[1])
        for n in range(1, 5):
            pops[0].dele(n)
        imaps[0].store("5:6", "+FLAGS", r"\Deleted")
        imaps[0].expunge()
        pops[0].quit()
        # The other sessions: POP3 keeps its numbers, IMAP is told.
        self.assertEqual(pops[1].list()[1], sizes[1])
        self.assertIn(b"Subject: shared 8", pops[1].retr(9)[1])
        for gone in (1, 5):  # its bytes go a little later
            try:
                self.assertIn(f"Subject: shared {gone - 1}".encode(), pops[1].retr(gone)[1])
            except poplib.error_proto as e:
                self.assertIn(b"removed by another session", e.args[0])
        imaps[1].noop()
        self.assertEqual(len(imaps[1].uid("SEARCH", "ALL")[1][0].split()), 6)
        self.server.send(message("shared late"), [BOB])
        self.assertEqual(pops[1].stat()[0], 12)  # nor does it grow
        for n in range(1, 9):
            pops[1].dele(n)
        pops[1].quit()
        self.assertEqual(self.subjects(BOB), sorted([f"shared {i}" for i in (8, 9, 10, 11)] + ["shared late"]))
        for imap in imaps:
            imap.logout()

    def test_at_the_same_time(self):
        """Four sessions that fetch and delete: every message is fetched, and in the end all are gone."""
        self.empty(BOB)
        for i in range(10):
            self.server.send(message(f"race {i}"), [BOB])
        problems = []

        def pop_session():
            try:
                pop = self.pop()
                for n in range(1, pop.stat()[0] + 1):
                    try:
                        pop.retr(n)
                    except poplib.error_proto as e:  # the other one was faster
                        if b"another session" not in e.args[0]:
                            raise
                    pop.dele(n)
                pop.quit()
            except Exception as e:  # pylint: disable=broad-except
                problems.append(e)

        def imap_session():
            try:
                imap = self.imap()
                for _ in range(5):
                    imap.uid("STORE", "1:*", "+FLAGS", r"\Seen")
                    imap.noop()
                imap.logout()
            except Exception as e:  # pylint: disable=broad-except
                problems.append(e)

        threads = [threading.Thread(target=f) for f in (pop_session, pop_session, imap_session, imap_session)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(problems, [])
        self.assertEqual(self.subjects(BOB), [])


class LargeMessages(Pop3TestCase):
    EXTRA = 'max_message_size = "300 MiB"\n'
    SIZE = 200 << 20
    ALLOWED = 100 << 20  # of memory, also under a sanitizer

    @classmethod
    def setUpClass(cls):
        # What AddressSanitizer keeps of freed memory is not to be counted.
        os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=8"
        super().setUpClass()

    def memory(self):
        with open(f"/proc/{self.server.process.pid}/status", encoding="ascii") as f:
            return next(int(line.split()[1]) << 10 for line in f if line.startswith("VmRSS"))

    def setUp(self):
        super().setUp()
        line = b"x" * 1022 + b"\r\n"
        self.content = hashlib.sha256()
        with socket.create_connection(("127.0.0.1", self.port("lmtp")), 120) as s:
            f = s.makefile("rb")

            def say(text):
                s.sendall(text.encode() + b"\r\n")
                while True:
                    answer = f.readline()
                    if answer[3:4] != b"-":
                        return answer

            f.readline()
            for command in ("LHLO test", "MAIL FROM:<>", f"RCPT TO:<{BOB}>", "DATA"):
                say(command)
            s.sendall(b"Subject: large\r\n\r\n")
            block = line * 1024
            for _ in range(self.SIZE // len(block)):
                s.sendall(block)
                self.content.update(block)
            self.assertTrue(say(".").startswith(b"250"))

    def test_a_message_of_200_mib_in_constant_memory(self):
        pop = self.pop()
        before = peak = self.memory()
        pop._putcmd("RETR 1")  # pylint: disable=protected-access
        self.assertTrue(pop._getresp().startswith(b"+OK"))  # pylint: disable=protected-access
        got, size, in_body = hashlib.sha256(), 0, False
        while True:
            line = pop.file.readline()
            if line == b".\r\n":
                break
            if in_body:
                got.update(line)
                size += len(line)
                if size % (16 << 20) == 0:
                    peak = max(peak, self.memory())
            in_body = in_body or line == b"\r\n"
        self.assertEqual((size, got.digest()), (self.SIZE, self.content.digest()))
        self.assertLess(peak - before, self.ALLOWED)
        # One that stops reading, and goes away: the next one is served.
        pop._putcmd("RETR 1")  # pylint: disable=protected-access
        time.sleep(0.5)
        self.assertLess(self.memory() - before, self.ALLOWED)
        other = self.pop()
        self.assertEqual(other.stat()[0], 1)
        other.quit()
        pop.sock.close()
        pop.file.close()
