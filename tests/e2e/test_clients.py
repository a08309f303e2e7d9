"""The clients people use, each one sending or reading as its user would."""

import os
import shutil
import ssl
import tempfile
import unittest

from harness import DOMAIN, PASSWORD, ServerTestCase, message

ALICE, BOB = f"alice@{DOMAIN}", f"bob@{DOMAIN}"


class ClientTestCase(ServerTestCase):
    def setUp(self):
        self.home = tempfile.mkdtemp(prefix="posthorn-home-")
        self.addCleanup(shutil.rmtree, self.home, True)

    def path(self, name, content=None, mode=0o600):
        path = os.path.join(self.home, name)
        if content is not None:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as f:
                f.write(content if isinstance(content, bytes) else content.encode())
        return path

    def tool(self, name):
        found = shutil.which(name)
        if not found:
            self.skipTest(f"{name} is not installed")
        return found

    def inbox(self, account=BOB, mailbox="INBOX"):
        """All messages, read with curl."""
        out = self.run_tool("curl", "-sk", "--url", f"imaps://127.0.0.1:{self.port('imaps')}/{mailbox}", "-u", f"{account}:{PASSWORD}",
                            "-X", "UID SEARCH ALL")
        uids = out.split("SEARCH", 1)[1].split()
        return [self.run_tool("curl", "-sk", f"imaps://127.0.0.1:{self.port('imaps')}/{mailbox};UID={uid}", "-u",
                              f"{account}:{PASSWORD}") for uid in uids]

    def assert_one(self, subject, account=BOB):
        found = [m for m in self.inbox(account) if f"Subject: {subject}" in m]
        self.assertEqual(len(found), 1, self.server.log(20))
        return found[0]


class Curl(ClientTestCase):
    def send(self, url, subject, *options):
        self.run_tool("curl", "-sSk", url, "--mail-from", ALICE, "--mail-rcpt", BOB, "-T",
                      self.path("m", message(subject)), *options)

    def test_smtp_starttls_and_submission(self):
        self.send(f"smtp://127.0.0.1:{self.port('smtp')}", "curl-25", "--ssl-reqd")
        self.send(f"smtp://127.0.0.1:{self.port('submission')}", "curl-587", "--ssl-reqd", "-u", f"{ALICE}:{PASSWORD}")
        self.send(f"smtps://127.0.0.1:{self.port('submissions')}", "curl-465", "-u", f"{ALICE}:{PASSWORD}")
        text = self.assert_one("curl-25")
        self.assertIn("Return-Path: <alice@example.test>", text)
        self.assertIn("Received: from", text)
        self.assert_one("curl-587")
        self.assert_one("curl-465")

    def test_refusals(self):
        words = ["curl", "-sSkv", "--mail-from", "x@elsewhere.test", "-T", self.path("m", message("no"))]
        smtp = f"smtp://127.0.0.1:{self.port('smtp')}"
        self.assertIn("550 5.1.1", self.run_tool(*words, smtp, "--mail-rcpt", f"nobody@{DOMAIN}", status=None))
        self.assertIn("550 5.7.1", self.run_tool(*words, smtp, "--mail-rcpt", "x@elsewhere.test", status=None))
        self.assertIn("530 5.7.0", self.run_tool(*words, f"smtp://127.0.0.1:{self.port('submission')}", "--mail-rcpt", BOB, status=None))
        wrong = self.run_tool(*words, "--ssl-reqd", f"smtp://127.0.0.1:{self.port('submission')}", "--mail-rcpt", BOB, "-u",
                              f"{ALICE}:wrong", status=None)
        self.assertIn("535 5.7.8", wrong)

    def test_imap_append_list_and_delete(self):
        base = f"imaps://127.0.0.1:{self.port('imaps')}"
        user = ("-u", f"{ALICE}:{PASSWORD}")
        self.run_tool("curl", "-sSk", base, *user, "-X", "CREATE Lists/curl")
        self.run_tool("curl", "-sSk", f"{base}/Lists%2Fcurl", *user, "-T", self.path("m", message("appended")))
        self.assertIn("Lists/curl", self.run_tool("curl", "-sSk", base, *user, "-X", 'LIST "" *'))
        self.assertIn("appended", self.run_tool("curl", "-sSk", f"{base}/Lists%2Fcurl;MAILINDEX=1", *user))
        self.assertIn("Subject: appended", self.run_tool(
            "curl", "-sSk", f"{base}/Lists%2Fcurl;MAILINDEX=1;SECTION=HEADER.FIELDS%20(SUBJECT)", *user))
        self.run_tool("curl", "-sSk", base, *user, "-X", "DELETE Lists/curl")

    def test_pop3(self):
        self.server.send(message("curl-pop"), [ALICE])
        base = f"pop3s://127.0.0.1:{self.port('pop3s')}"
        user = ("-u", f"{ALICE}:{PASSWORD}")
        listing = self.run_tool("curl", "-sSk", f"{base}/", *user)
        last = listing.split()[-2]
        self.assertIn("Subject: curl-pop", self.run_tool("curl", "-sSk", f"{base}/{last}", *user))
        self.assertIn("Subject: curl-pop", self.run_tool("curl", "-sSk", "--ssl-reqd", f"pop3://127.0.0.1:{self.port('pop3')}/{last}", *user))
        self.run_tool("curl", "-sSk", f"{base}/{last}", *user, "-X", "DELE", "--head")
        self.assertNotIn("curl-pop", "".join(self.inbox(ALICE)))


class Swaks(ClientTestCase):
    def test_every_port(self):
        swaks = self.tool("swaks")
        login = ("--auth-user", ALICE, "--auth-password", PASSWORD)
        for name, options in (("smtp", ()), ("smtp", ("--tls",)), ("submission", ("--tls", "--auth", "PLAIN", *login)),
                              ("submission", ("--tls", "--auth", "LOGIN", *login)),
                              ("submissions", ("--tls-on-connect", "--auth", "PLAIN", *login))):
            subject = f"swaks-{name}-{'-'.join(o for o in options if o.isupper()) or len(options)}"
            out = self.run_tool(swaks, "--server", f"127.0.0.1:{self.port(name)}", "--from", ALICE, "--to", BOB,
                                "--header", f"Subject: {subject}", *options)
            self.assertIn("250 2.0.0", out)
            self.assert_one(subject)

    def test_lmtp_answers_each_recipient(self):
        out = self.run_tool(self.tool("swaks"), "--protocol", "LMTP", "--server", f"127.0.0.1:{self.port('lmtp')}", "--from", ALICE,
                            "--to", f"{BOB},{ALICE}", "--header", "Subject: swaks-lmtp")
        after_data = out.split(" -> .", 1)[1].split(" -> QUIT", 1)[0]
        self.assertEqual(after_data.count("250 2."), 2, out)
        self.assert_one("swaks-lmtp")
        self.assert_one("swaks-lmtp", ALICE)

    def test_no_password_without_tls(self):
        out = self.run_tool(self.tool("swaks"), "--server", f"127.0.0.1:{self.port('smtp')}", "--from", ALICE, "--to", BOB,
                            "--auth", "PLAIN", "--auth-user", ALICE, "--auth-password", PASSWORD, status=None)
        self.assertNotIn("250-AUTH", out)
        self.assertIn("did not advertise", out.replace("not advertised", "did not advertise"))
        self.assertNotIn("235 ", out)


class Msmtp(ClientTestCase):
    def test_submission(self):
        config = self.path("msmtprc", f"""account default
host 127.0.0.1
port {self.port('submission')}
tls on
tls_starttls on
tls_certcheck off
auth plain
user {ALICE}
password {PASSWORD}
from {ALICE}
""")
        self.run_tool(self.tool("msmtp"), "-C", config, BOB, stdin=message("msmtp"))
        self.assert_one("msmtp")


class Mpop(ClientTestCase):
    def test_fetches_and_deletes(self):
        self.server.send(message("mpop-1", body=".leading dot\r\n..two\r\n"), [ALICE])
        box = self.path("mbox")
        config = self.path("mpoprc", f"""account default
host 127.0.0.1
port {self.port('pop3s')}
tls on
tls_starttls off
tls_certcheck off
auth user
user {ALICE}
password {PASSWORD}
keep off
uidls_file {self.path('uidls')}
delivery mbox {box}
""")
        self.run_tool(self.tool("mpop"), "-C", config)
        with open(box, encoding="utf-8") as f:
            text = f.read()
        self.assertIn("mpop-1", text)
        self.assertIn("\n.leading dot\n..two\n", text)
        self.assertEqual([m for m in self.inbox(ALICE) if "mpop-1" in m], [])


class Fetchmail(ClientTestCase):
    def fetch(self, protocol, port, subject):
        self.server.send(message(subject), [BOB])
        out = self.path("fetched")
        rc = self.path("fetchmailrc", f"""set no syslog
poll 127.0.0.1 protocol {protocol} port {port} username "{BOB}" password "{PASSWORD}"
  ssl no sslcertck
  mda "cat >> {out}"
  fetchall no keep
""")
        self.run_tool(self.tool("fetchmail"), "-f", rc, "--nodetach", "--pidfile", self.path("pid"), "-i", self.path("ids"),
                      env={"FETCHMAILHOME": self.home, "HOME": self.home})
        with open(out, encoding="utf-8", errors="replace") as f:
            self.assertIn(subject, f.read())
        self.assertEqual([m for m in self.inbox(BOB) if subject in m], [])

    def test_imap(self):
        self.fetch("imap", self.port("imaps"), "fetchmail-imap")

    def test_pop3(self):
        self.fetch("pop3", self.port("pop3s"), "fetchmail-pop3")


class Mbsync(ClientTestCase):
    def test_both_ways(self):
        mbsync = self.tool("mbsync")
        maildir = os.path.join(self.home, "mail")
        os.makedirs(maildir)
        config = self.path("mbsyncrc", f"""IMAPAccount test
Host 127.0.0.1
Port {self.port('imap_plain')}
User {ALICE}
Pass "{PASSWORD}"
SSLType None
AuthMechs LOGIN

IMAPStore far
Account test

MaildirStore near
Path {maildir}/
Inbox {maildir}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Remove Both
Expunge Both
SyncState *
""")
        for i in range(5):
            self.server.send(message(f"mbsync-{i}"), [ALICE])
        self.run_tool(mbsync, "-c", config, "all")
        new = os.listdir(f"{maildir}/INBOX/new") + os.listdir(f"{maildir}/INBOX/cur")
        self.assertGreaterEqual(len(new), 5)
        # Here: one read and flagged, one deleted, one written; there: one more arrives.
        names = sorted(os.listdir(f"{maildir}/INBOX/new")) or sorted(os.listdir(f"{maildir}/INBOX/cur"))
        box = "new" if os.listdir(f"{maildir}/INBOX/new") else "cur"
        first, second = names[0], names[1]
        os.rename(f"{maildir}/INBOX/{box}/{first}", f"{maildir}/INBOX/cur/{first.split(':')[0]}:2,FS")
        os.rename(f"{maildir}/INBOX/{box}/{second}", f"{maildir}/INBOX/cur/{second.split(':')[0]}:2,T")
        with open(f"{maildir}/INBOX/cur/1.local.host:2,S", "wb") as f:
            f.write(message("mbsync-local").replace(b"\r\n", b"\n"))
        self.server.send(message("mbsync-late"), [ALICE])
        self.run_tool(mbsync, "-c", config, "all")
        texts = self.inbox(ALICE)
        self.assertEqual(len([t for t in texts if "mbsync-local" in t]), 1)
        flagged = self.run_tool("curl", "-sk", "--url", f"imaps://127.0.0.1:{self.port('imaps')}/INBOX", "-u", f"{ALICE}:{PASSWORD}",
                                "-X", "SEARCH FLAGGED SEEN")
        self.assertEqual(len(flagged.split("SEARCH", 1)[1].split()), 1)
        self.assertEqual(len(texts), len(new) + 1)  # one deleted, one from here, one late
        self.run_tool(mbsync, "-c", config, "all")  # nothing to do
        self.assertEqual(len(self.inbox(ALICE)), len(texts))


class Mutt(ClientTestCase):
    def test_reads_and_sends(self):
        mutt = self.tool("mutt")
        self.server.send(message("mutt-read"), [ALICE])
        rc = self.path("muttrc", f"""set folder="imaps://127.0.0.1:{self.port('imaps')}/"
set spoolfile="+INBOX"
set imap_user="{ALICE}"
set imap_pass="{PASSWORD}"
set smtp_url="smtps://{ALICE.replace('@', '%40')}@127.0.0.1:{self.port('submissions')}/"
set smtp_pass="{PASSWORD}"
set ssl_force_tls=yes
set ssl_verify_host=no
set ssl_verify_dates=no
set certificate_file="{self.path('certificates', self.certificate())}"
set from="{ALICE}"
set copy=no
set wait_key=no
set quit=yes
set confirmcreate=no
set confirmappend=no
set delete=no
set sleep_time=0
set header_cache=""
""")
        env = {"HOME": self.home, "TERM": "dumb"}
        self.run_tool(mutt, "-n", "-F", rc, "-s", "mutt-sent", BOB, stdin=b"Hello from mutt.\n", env=env)
        self.assert_one("mutt-sent")
        saved = self.path("saved")
        # Opens the mailbox, copies every message to a local file, leaves.
        self.run_tool("script", "-qec",
                      f"{mutt} -n -F {rc} -e 'push \"<tag-pattern>~s mutt-read<enter><tag-prefix><copy-message><kill-line>{saved}<enter><quit>\"'",
                      "/dev/null", env={**env, "TERM": "xterm"}, status=None, timeout=60)
        with open(saved, encoding="utf-8", errors="replace") as f:
            self.assertIn("mutt-read", f.read())

    def certificate(self):
        """As the server shows it: self-signed, to be trusted."""
        return ssl.get_server_certificate(("127.0.0.1", self.port("imaps")))


if __name__ == "__main__":
    unittest.main()
