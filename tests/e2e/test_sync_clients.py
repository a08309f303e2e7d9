"""Clients that keep copies of mailboxes: what one changes arrives at the other side, and nothing is lost or doubled."""

import glob
import imaplib
import os
import re
import shutil

from harness import PASSWORD, insecure_tls, message
from test_clients import ALICE, ClientTestCase


OWNER = 20079  # of Dovecot's mail; no user of the machine


class SyncTestCase(ClientTestCase):
    """Every test has a mailbox of its own."""

    def setUp(self):
        super().setUp()
        self.imap = imaplib.IMAP4_SSL("127.0.0.1", self.port("imaps"), ssl_context=insecure_tls())
        self.addCleanup(self.imap.logout)
        self.imap.login(ALICE, PASSWORD)

    def fill(self, mailbox, subjects):
        self.imap.create(mailbox)
        for subject in subjects:
            self.assertEqual(self.imap.append(mailbox, None, None, message(subject))[0], "OK")

    def there(self, mailbox):
        """{subject: flags} of a mailbox on the server."""
        self.assertEqual(self.imap.select(mailbox)[0], "OK")
        out = {}
        data = self.imap.fetch("1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1] if self.imap.search(None, "ALL")[1][0] else []
        for part in data:
            if isinstance(part, tuple):
                subject = part[1].decode().partition(":")[2].strip()
                self.assertNotIn(subject, out, "doubled")
                out[subject] = set(imaplib.ParseFlags(part[0])) - {rb"\Recent"}
        self.imap.unselect()
        return out

    def store(self, mailbox, subject, flags):
        self.imap.select(mailbox)
        number = self.imap.search(None, "SUBJECT", subject)[1][0].decode()
        self.assertEqual(self.imap.store(number, "+FLAGS", flags)[0], "OK")
        if "Deleted" in flags:
            self.imap.expunge()
        self.imap.unselect()


def maildir(folder):
    """{subject: file} of a Maildir."""
    out = {}
    for path in glob.glob(os.path.join(folder, "cur", "*")) + glob.glob(os.path.join(folder, "new", "*")):
        with open(path, "rb") as f:
            subject = re.search(rb"^Subject: (.*?)\r?$", f.read(), re.M)[1].decode()
        assert subject not in out, f"{subject} is there twice"
        out[subject] = path
    return out


class Mbsync(SyncTestCase):
    def test_both_ways_with_deletions(self):
        mbsync = self.tool("mbsync")
        local = os.path.join(self.home, "mail")
        os.mkdir(local)
        config = self.path("mbsyncrc", f"""
IMAPAccount a
Host 127.0.0.1
Port {self.port('imap_plain')}
User {ALICE}
Pass "{PASSWORD}"
SSLType None
AuthMechs LOGIN

IMAPStore far
Account a

MaildirStore near
Path {local}/
Inbox {local}/INBOX
SubFolders Verbatim

Channel c
Far :far:
Near :near:
Patterns Two*
Create Both
Remove Both
Expunge Both
Sync All
SyncState *
""")
        self.fill("Two", [f"m{i}" for i in range(20)])
        self.run_tool(mbsync, "-c", config, "c")
        files = maildir(f"{local}/Two")
        self.assertEqual(set(files), {f"m{i}" for i in range(20)})
        # There one is deleted and one flagged; here another is deleted, one is read, and one is new.
        self.store("Two", "m3", r"(\Deleted)")
        self.store("Two", "m4", r"(\Flagged)")
        os.rename(files["m5"], f"{local}/Two/cur/" + os.path.basename(files["m5"]).partition(":")[0] + ":2,ST")
        os.rename(files["m6"], f"{local}/Two/cur/" + os.path.basename(files["m6"]).partition(":")[0] + ":2,S")
        with open(f"{local}/Two/new/1.new.host", "wb") as f:
            f.write(message("from here").replace(b"\r\n", b"\n"))
        for _ in range(2):
            self.run_tool(mbsync, "-c", config, "c")
        server, files = self.there("Two"), maildir(f"{local}/Two")
        self.assertEqual(set(server), {f"m{i}" for i in range(20)} - {"m3", "m5"} | {"from here"})
        self.assertEqual(set(files), set(server))
        self.assertIn(rb"\Flagged", server["m4"])
        self.assertIn(rb"\Seen", server["m6"])
        self.assertIn("F", files["m4"].partition(":2,")[2])


class OfflineImap(SyncTestCase):
    def test_both_ways(self):
        offlineimap = self.tool("offlineimap")
        local = os.path.join(self.home, "mail")
        config = self.path("rc", f"""
[general]
accounts = a
metadata = {self.home}/meta
[Account a]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = {local}
[Repository far]
type = IMAP
remotehost = 127.0.0.1
remoteport = {self.port('imap_plain')}
remoteuser = {ALICE}
remotepass = {PASSWORD}
ssl = no
starttls = no
folderfilter = lambda name: name.startswith('Off')
auth_mechanisms = PLAIN
""")
        self.fill("Off", [f"o{i}" for i in range(10)])
        self.run_tool(offlineimap, "-c", config, "-o", "-u", "basic")
        files = maildir(f"{local}/Off")
        self.assertEqual(set(files), {f"o{i}" for i in range(10)})
        self.store("Off", "o1", r"(\Deleted)")
        os.remove(files["o2"])
        with open(f"{local}/Off/new/1.new.host", "wb") as f:
            f.write(message("off-new").replace(b"\r\n", b"\n"))
        self.run_tool(offlineimap, "-c", config, "-o", "-u", "basic")
        self.assertEqual(set(self.there("Off")), {f"o{i}" for i in range(10)} - {"o1", "o2"} | {"off-new"})
        self.assertEqual(set(maildir(f"{local}/Off")), set(self.there("Off")))


class Imapfilter(SyncTestCase):
    def test_searches_moves_and_flags(self):
        imapfilter = self.tool("imapfilter")
        self.fill("Filter", ["spam one", "ham", "spam two"])
        config = self.path("config.lua", f"""
options.certificates = false
options.timeout = 60
options.create = true
options.starttls = false
account = IMAP {{ server = '127.0.0.1', port = {self.port('imap_plain')}, username = '{ALICE}', password = '{PASSWORD}' }}
spam = account['Filter']:contain_subject('spam') + account['Filter']:match_subject('^Subject: nothing')
spam:move_messages(account['Filtered'])
account['Filter']:contain_subject('ham'):mark_flagged()
""")
        self.run_tool(imapfilter, "-c", config)
        self.assertEqual(self.there("Filter"), {"ham": {rb"\Flagged"}})
        self.assertEqual(set(self.there("Filtered")), {"spam one", "spam two"})


class Neomutt(SyncTestCase):
    def test_condstore_and_qresync(self):
        neomutt = self.tool("neomutt")
        self.fill("Mutt", ["n1", "n2", "n3"])
        cache = os.path.join(self.home, "cache")
        os.mkdir(cache)
        rc = self.path("rc", f"""
set imap_user = "{ALICE}"
set imap_pass = "{PASSWORD}"
set imap_condstore = yes
set imap_qresync = yes
set header_cache = "{cache}"
set ssl_starttls = no
set ssl_force_tls = no
set folder = "imap://127.0.0.1:{self.port('imap_plain')}/"
set spoolfile = "+Mutt"
set sleep_time = 0
set confirmappend = no
set delete = yes
set move = no
""")

        if shutil.which("script") is None:
            self.skipTest("script is not installed")

        def run(keys):
            self.run_tool("script", "-qec", f"env TERM=xterm HOME={self.home} {neomutt} -n -F {rc} -e 'push {keys}'", "/dev/null", timeout=60,
                          status=None)

        run("<first-entry><flag-message><sync-mailbox><exit>")
        self.assertIn(rb"\Flagged", self.there("Mutt")["n1"])
        # While it is away one goes and one comes; coming back it has the header cache and says QRESYNC.
        self.store("Mutt", "n2", r"(\Deleted)")
        self.imap.append("Mutt", None, None, message("n4"))
        run("<last-entry><flag-message><first-entry><delete-message><sync-mailbox><exit>")
        server = self.there("Mutt")
        self.assertEqual(set(server), {"n3", "n4"})
        self.assertIn(rb"\Flagged", server["n4"])


class Doveadm(SyncTestCase):
    def test_sync_through_imapc(self):
        """Dovecot's dsync takes our mailboxes into a Maildir of its own, and what has changed the next time."""
        doveadm = self.tool("doveadm")
        if os.geteuid() != 0:
            self.skipTest("Dovecot wants root")
        self.fill("Dsync", [f"d{i}" for i in range(15)])
        os.chmod(self.home, 0o755)
        mail = os.path.join(self.home, "mail")
        os.mkdir(mail)
        os.chown(mail, OWNER, OWNER)
        config = self.path("dovecot.conf", f"""
base_dir = {self.home}/run
state_dir = {self.home}/state
log_path = {self.home}/log
ssl = no
mail_location = maildir:{mail}
first_valid_uid = 1000
mail_home = {self.home}/home
imapc_host = 127.0.0.1
imapc_port = {self.port('imap_plain')}
imapc_user = {ALICE}
imapc_password = {PASSWORD}
imapc_features = rfc822.size fetch-headers fetch-bodystructure
mail_prefetch_count = 20
namespace inbox {{
  inbox = yes
  separator = /
  prefix =
}}
""", mode=0o644)
        for name in ("run", "state", "home"):
            os.mkdir(os.path.join(self.home, name))
            os.chown(os.path.join(self.home, name), OWNER, OWNER)

        def run(*words):
            # Without -u it needs no server of Dovecot's, only a user other than root.
            return self.run_tool("setpriv", "--reuid", OWNER, "--regid", OWNER, "--clear-groups", doveadm, "-c", config, *words,
                                 env={"HOME": f"{self.home}/home", "USER": "alice"})

        folder = f"{mail}/.Dsync"
        run("backup", "-R", "-m", "Dsync", "imapc:")
        self.assertEqual(set(maildir(folder)), {f"d{i}" for i in range(15)}, self.server.log(30))
        self.store("Dsync", "d7", r"(\Deleted)")
        self.store("Dsync", "d8", r"(\Flagged)")
        run("backup", "-R", "-m", "Dsync", "imapc:")
        self.assertEqual(set(maildir(folder)), {f"d{i}" for i in range(15)} - {"d7"})
        self.assertIn(r"\Flagged", run("fetch", "flags", "mailbox", "Dsync", "subject", "d8"))
        # And back: what is changed in Dovecot comes to us.
        run("flags", "add", r"\Answered", "mailbox", "Dsync", "subject", "d9")
        run("expunge", "mailbox", "Dsync", "subject", "d10")
        run("sync", "-m", "Dsync", "imapc:")
        server = self.there("Dsync")
        self.assertEqual(set(server), {f"d{i}" for i in range(15)} - {"d7", "d10"})
        self.assertIn(rb"\Answered", server["d9"])
