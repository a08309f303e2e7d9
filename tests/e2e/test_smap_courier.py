"""One scripted SMAP session with the other server there is, Courier-IMAP 5.0.13, and with ours: reply by reply they are the same, but for what
DIFFERENCES explains.  Courier's imapd is started as its login program would start it, behind the sign-in, on a socket pair."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import unittest

from harness import DOMAIN, PASSWORD, ServerTestCase
from mail_store import COURIER_PACKAGES, FOREIGN, HAS_COURIER, no_monitor
from smap_client import SmapClient

ALICE = f"alice@{DOMAIN}"

SIMPLE = b"Subject: up3\nFrom: a@example.test\n\nhello3\n"
PLAIN = (b"Date: Mon, 20 Jan 2003 18:43:09 -0500\nFrom: Ann <ann@example.test>\nSubject: =?utf-8?Q?R=C3=A9union?= plan\nX-Long: one\n  two\n\tthree\n"
         b"X-Empty:\nMIME-Version: 1.0\nContent-Type: text/plain\n\nfirst line\n.dot\n..\nlast\n")
NESTED = (b'Subject: nested\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="outer"\n\npreamble\n--outer\nContent-Type: multipart/alternative; boundary="inner"\n\n'
          b"--inner\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nCaf=E9 au lait\nsoft=\n break\n"
          b"--inner\nContent-Type: text/html\n\n<p>hi</p>\n--inner--\n--outer\nContent-Type: image/gif\nContent-Transfer-Encoding: base64\n\n"
          b"SGVsbG8g\nd29ybGQK\n--outer\nContent-Type: message/rfc822\n\nSubject: deep\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=deep\n\n--deep\n\n"
          b"one\n--deep\nContent-Type: text/html\n\ntwo\n--deep--\n--outer\nContent-Type: message/rfc822\n\nSubject: single\n\nbody\n--outer--\n")

# Each with the message that it uploads, when it does.  Names are the commands themselves.
SCRIPT = [
    ("LIST", None), ("LIST INBOX Nothing", None), ("CREATE INBOX Work", None), ("CREATE INBOX Work", None), ("CREATE INBOX \"Årsmøte 2024\"", None),
    ("CREATE INBOX Work Deep", None), ("LIST INBOX Work", None), ("CREATE Top", None), ("MKDIR INBOX Dir", None), ("RENAME INBOX Work Deep \"\" INBOX Work Shallow", None),
    ("LIST INBOX Work", None), ("DELETE INBOX", None), ("DELETE INBOX nosuch", None), ("RENAME INBOX nosuch \"\" INBOX other", None),
    ("RENAME INBOX Work \"\" INBOX Work", None), ("STATUS FULL INBOX", None), ("STATUS FULL INBOX nosuch", None),
    ("FETCH 1 UID", None), ("OPEN INBOX nosuch", None), ("OPEN \"INBOX\"", None), ("NOOP", None),
    ("ADD FOLDER  \"INBOX\" \"\"", None), ("ADD FLAGS=SEEN,MARKED \"INTERNALDATE=Mon, 20 Jan 2003 18:43:09 -0500\"", None), ("ADD {41}", SIMPLE),
    ("ADD FOLDER INBOX \"\" FLAGS=REPLIED {p}", PLAIN), ("ADD FOLDER INBOX \"\" {n}", NESTED), ("ADD FOLDER INBOX nosuch \"\"", None), ("RSET", None),
    ("ADD", None), ("NOOP", None), ("FETCH 1-3 FLAGS UID", None), ("FETCH 1 INTERNALDATE FLAGS", None), ("FETCH 1-9 FLAGS", None), ("FETCH 7 FLAGS", None), ("FETCH 1", None),
    ("FETCH 2 1 FLAGS", None), ("STORE 2 1 +FLAGS=SEEN", None), ("FETCH 1-3 CONTENTS.PEEK=HEADERS(:ENVELOPE)", None), ("FETCH 2 CONTENTS.PEEK=HEADERS", None),
    ("FETCH 2 CONTENTS.PEEK=HEADERS(x-long,X-EMPTY)", None), ("FETCH 2 CONTENTS.PEEK=RAWHEADERS", None), ("FETCH 2 CONTENTS.PEEK=HEADERS(:MIME)", None),
    ("FETCH 2 CONTENTS.PEEK=BODY", None), ("FETCH 2 CONTENTS.PEEK=ALL", None), ("FETCH 3 CONTENTS.PEEK=MIME(CONTENT-TYPE)", None),
    ("FETCH 3 CONTENTS.PEEK=BODY[1.1.1]", None), ("FETCH 3 CONTENTS.PEEK=BODY.DECODED[1.1.1]", None), ("FETCH 3 CONTENTS.PEEK=BODY.DECODED[1.2]", None),
    ("FETCH 3 CONTENTS.PEEK=HEADERS[1.3.0]", None), ("FETCH 3 CONTENTS.PEEK=ALL[1.3.0.2]", None), ("FETCH 3 CONTENTS.PEEK=BODY[1.4]", None),
    ("FETCH 3 CONTENTS.PEEK=BODY[1.4.0]", None), ("FETCH 3 CONTENTS.PEEK=BODY[1.9]", None), ("FETCH 3 CONTENTS.PEEK=BOGUS", None),
    ("FETCH 2 FLAGS CONTENTS=BODY", None), ("FETCH 2 CONTENTS=BODY", None), ("STORE 1-2 +FLAGS=DRAFT -FLAGS=SEEN", None), ("STORE 3 FLAGS=seen,deleted", None),
    ("STORE 1 +KEYWORDS=todo,work", None), ("STORE 1 -KEYWORDS=work", None), ("STORE 1 BOGUS=1", None),
    ("SEARCH ALL SEEN", None), ("SEARCH ALL NOT SEEN", None), ("SEARCH 1,3 NOT SEEN", None), ("SEARCH MARKED DRAFT", None), ("SEARCH UNMARKED DRAFT", None),
    ("SEARCH ALL KEYWORD todo", None), ("SEARCH ALL KEYWORD Todo", None), ("SEARCH ALL SUBJECT r\u00e9union", None), ("SEARCH ALL FROM ANN", None), ("SEARCH ALL BODY LAST", None),
    ("SEARCH ALL TEXT nested", None), ("SEARCH ALL HEADER X-Long \"\"", None), ("SEARCH ALL SENTON 20-Jan-2003", None), ("SEARCH ALL SENTSINCE 20-Jan-2003", None),
    ("SEARCH ALL LARGER 500", None), ("SEARCH ALL BOGUS", None), ("SEARCH 0 SEEN", None),
    ("COPY 1-2 \"\" INBOX Work", None), ("COPY \"\" INBOX Work", None), ("MOVE 2 \"\" INBOX Work", None), ("STATUS FULL INBOX Work", None), ("NOOP", None),
    ("EXPUNGE", None), ("EXPUNGE 1-1", None), ("OPEN INBOX Work", None), ("FETCH 1-3 FLAGS KEYWORDS", None), ("CLOSE", None), ("CLOSE", None), ("FETCH 1 FLAGS", None),
    ("SOPEN \"\"  INBOX Work", None), ("NOOP", None), ("NOOP", None), ("SOPEN bogus INBOX Work", None), ("IDLE", None), ("RESUME", None), ("RESUME", None),
    ("ACL INBOX", None), ("GETACL public", None), ("LOGIN a b", None), ("BOGUS", None), ("\\SMAP1 NOOP", None), ("LOGOUT", None),
]

# What differs, and why.  A step that is named here must differ, unless SOMETIMES names it, too.  "*We*": a rule of the specification.
DIFFERENCES = {
    "LIST": "\"public\" is listed when somebody shares a folder with the user, and not before",
    "DELETE INBOX nosuch": "*We* refuse what is not there [SMAP1 4.4]",
    'RENAME INBOX nosuch "" INBOX other': "*We* refuse what is not there [SMAP1 4.5]",
    'ADD FOLDER INBOX nosuch ""': "*We* look for the folder when it is named [SMAP1 10.1]",
    "FETCH 2 1 FLAGS": "*We* refuse a bad set everywhere [SMAP1 1.5]",
    "FETCH 3 CONTENTS.PEEK=BODY[1.4]": "the newline before a boundary belongs to the boundary [SMAP1 6.3] [RFC2046 5.1.1]",
    "FETCH 3 CONTENTS.PEEK=BODY[1.4.0]": "likewise",
    "SEARCH ALL SENTSINCE 20-Jan-2003": "*We* have it, Courier refuses it by mistake [SMAP1 9.2]",
    "FETCH 1-3 FLAGS KEYWORDS": "Courier loses keywords in a folder that was never opened, and orders what came in one second by name [SMAP1 13]",
}

# Courier refuses these now and then, too.
SOMETIMES = {"DELETE INBOX nosuch"}


class Courier:
    """imapd behind the sign-in, with a maildir of its own."""

    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="posthorn-courier-")
        folders = [os.path.join(FOREIGN, package) for package in COURIER_PACKAGES]
        no_monitor(self.home)
        libraries = ":".join([self.home] + [os.path.join(folder, part) for folder in folders for part in ("usr/lib", "usr/lib/x86_64-linux-gnu")])
        environment = {"LD_LIBRARY_PATH": libraries, "AUTHENTICATED": ALICE, "PROTOCOL": "SMAP1", "HOME": self.home, "MAILDIR": "Maildir",
                       "IMAP_KEYWORDS": "1", "IMAP_ACL": "1", "TZ": "UTC", "PATH": "/usr/bin:/bin"}
        subprocess.run([os.path.join(FOREIGN, "courier-base/usr/bin/maildirmake.courier"), "Maildir"], cwd=self.home, env=environment, check=True, timeout=60)
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen([os.path.join(FOREIGN, "courier-imap/usr/bin/imapd"), "Maildir"], cwd=self.home, env=environment,
                                            stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL)
        self.client = SmapClient(ours)
        assert self.client.line().startswith(b"+OK")

    def close(self):
        self.client.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        shutil.rmtree(self.home, ignore_errors=True)


def normal(reply):
    """Without what no two servers have in common: UIDs, times, names of snapshots, texts for people, and estimates of sizes."""
    def line(text):
        text = re.sub(r'"(NEW)?UID=[^"]*"', r'"\1UID=.."', text)
        text = re.sub(r'^SNAPSHOT "[^"]*"', "SNAPSHOT ..", text)
        return "BYE" if text.startswith("BYE") else text
    def part(words, content):
        return " ".join(re.sub("^(LINES|SIZE)=.*", r"\1=..", word) for word in words), content
    return reply.ok, [line(text) for text in reply.lines], [part(*p) for p in reply.parts]


def play(client):
    """The script's replies, by step."""
    replies = []
    for number, (command, content) in enumerate(SCRIPT):
        words = re.sub(r"\s*\{[^}]*\}", "", command)
        replies.append((f"{number} {command}", normal(client.add(words[3:].strip(), content) if content else client.command(command))))
    return replies


@unittest.skipUnless(HAS_COURIER, "Courier is not unpacked: see tools/packages.sh")
class CourierComparison(ServerTestCase):
    def test_the_same_session(self):
        courier = Courier()
        self.addCleanup(courier.close)
        theirs = play(courier.client)
        client = SmapClient.connect(self.port("imap"))
        self.addCleanup(client.close)
        client.starttls()
        client.login(ALICE, PASSWORD)
        ours = play(client)
        differing = {}
        for (step, expected), (_, got) in zip(theirs, ours):
            if expected != got:
                differing[step.split(" ", 1)[1]] = f"{step}\n    Courier  {expected}\n    Posthorn {got}"
        unexplained = [text for step, text in differing.items() if step not in DIFFERENCES]
        self.assertFalse(unexplained, "\n" + "\n".join(unexplained))
        self.assertFalse([step for step in DIFFERENCES if step not in differing and step not in SOMETIMES], "no longer different")
