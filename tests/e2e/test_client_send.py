"""posthorn send: which port, what is said there, what arrives, and what is told of it."""

import email
import email.policy
import fcntl
import hashlib
import json
import os
import pty
import shutil
import ssl
import struct
import subprocess
import tempfile
import termios
import time
import unittest

from foreign_mta import Postfix
from harness import BINARY, DOMAIN, PASSWORD, Server, free_ports, message
from smtp_host import Host
from test_relay import certificate, wait_for_inbox

USAGE, DATA, NO_INPUT, NO_USER, NO_HOST, UNAVAILABLE, TEMPORARY, PROTOCOL, NO_PERMISSION, CONFIG = 64, 65, 66, 67, 68, 69, 75, 76, 77, 78
ALICE = f"alice@{DOMAIN}"
MODERN = ("8BITMIME", "PIPELINING", "ENHANCEDSTATUSCODES")


class SendTestCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="posthorn-send-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)

    def path(self, name, content=None, mode=0o600):
        path = os.path.join(self.folder, name)
        if content is not None:
            with open(path, "wb") as f:
                f.write(content if isinstance(content, bytes) else content.encode())
            os.chmod(path, mode)
        return path

    def send(self, *words, stdin=b"", status=0, env=None):
        """What it printed and what it complained about."""
        environment = {**os.environ, "HOME": self.folder, "TERM": "xterm", **(env or {})}
        environment.pop("XDG_CONFIG_HOME", None)
        done = subprocess.run([BINARY, "send", *words], input=stdin, capture_output=True, timeout=120, env=environment)
        out, err = done.stdout.decode(), done.stderr.decode()
        self.assertEqual(done.returncode, status, f"{words}:\n{out}{err}")
        return out, err

    def send_json(self, *words, **how):
        out, err = self.send("--json", *words, **how)
        self.assertNotIn("posthorn send", err)
        return json.loads(out)


class Ports(SendTestCase):
    """Hosts that stand behind the usual ports of one machine."""

    SIMPLE = ("--from", "joe@here.test", "--to", "ann@there.test", "--subject", "x", "--body", "y")

    def setUp(self):
        self.at = dict(zip((465, 587, 2525, 25), free_ports(4)))

    def maps(self):
        return [word for usual, real in self.at.items() for word in ("--map", f"{usual}={real}")]

    def host(self, port, **how):
        host = Host("127.0.0.1", self.at[port], **how)
        self.addCleanup(host.stop)
        return host

    def simple(self, server, *more, **how):
        return self.send_json("--server", server, *self.maps(), *self.SIMPLE, *more, **how)

    @staticmethod
    def tried(answer):
        return [attempt["port"] for attempt in answer["attempts"]]

    def test_the_first_that_works(self):
        without_tls, last = self.host(587), self.host(25)
        out, err = self.send("--server", "127.0.0.1", *self.maps(), *self.SIMPLE)
        self.assertEqual(out, "")
        lines = err.splitlines()
        self.assertEqual(len(lines), 4, err)
        self.assertRegex(lines[0], r"^posthorn send: 127.0.0.1 465 \(TLS\): .*refused$")
        self.assertRegex(lines[1], r"587 \(STARTTLS\): .*the server does not offer STARTTLS")
        self.assertRegex(lines[2], r"2525 \(STARTTLS\): .*refused$")
        self.assertRegex(lines[3], r"25 \(STARTTLS if offered\): this one works, in clear text$")
        self.assertEqual([len(last.messages), len(without_tls.messages)], [1, 0])
        self.assertFalse([c for c in without_tls.commands if c.startswith(("MAIL", "AUTH"))])
        _, err = self.send("--server", "127.0.0.1", "--quiet", *self.maps(), *self.SIMPLE)
        self.assertEqual(err, "")

    def test_clear_text_where_it_is_allowed(self):
        host, last = self.host(587), self.host(25)
        answer = self.simple("127.0.0.1", "--allow-plaintext")
        self.assertEqual((answer["port"], answer["tls"], self.tried(answer)), (587, "", [465]))
        self.assertEqual([len(host.messages), len(last.messages)], [1, 0])

    def test_465_does_not_speak_tls(self):
        loud, last = self.host(465), self.host(2525, certificate=certificate(self.folder, "localhost")[0])
        answer = self.simple("localhost", "--insecure")
        self.assertEqual((answer["port"], self.tried(answer)), (2525, [465, 587]))
        self.assertTrue(answer["tls"].startswith("TLSv1"))
        self.assertEqual([len(loud.messages), last.messages[0].tls], [0, True])

    def test_somebody_who_signs_in_gets_no_clear_text(self):
        last = self.host(25)
        answer = self.simple("joe@127.0.0.1", "--password-env", "SECRET", env={"SECRET": "x"}, status=PROTOCOL)
        self.assertEqual(self.tried(answer), [465, 587, 2525, 25])
        self.assertEqual(answer["attempts"][-1]["cause"], "TLS not offered")
        self.assertFalse([c for c in last.commands if c.startswith(("MAIL", "AUTH"))])

    def test_a_port_that_was_named(self):
        other = self.host(587, certificate=certificate(self.folder, "localhost")[0])
        closed = free_ports(1)[0]
        answer = self.simple(f"submissions://localhost:{closed}", "--insecure")
        self.assertEqual((answer["port"], self.tried(answer)), (587, [closed, 465]))
        answer = self.simple(f"submissions://localhost:{closed}", "--insecure", "--no-fallback", status=TEMPORARY)
        self.assertEqual((answer["ok"], self.tried(answer), answer["recipients"]), (False, [closed], []))
        self.assertEqual(len(other.messages), 1)
        answer = self.simple(f"localhost:{self.at[587]}", "--insecure")
        self.assertEqual(answer["port"], self.at[587])

    def test_a_wrong_certificate_ends_it(self):
        other, last = self.host(587, certificate=certificate(self.folder, "other.test")[0]), self.host(25)
        crt = certificate(self.folder, "other.test")[0][0]
        answer = self.simple("localhost", status=PROTOCOL)
        self.assertEqual(self.tried(answer), [465, 587])
        self.assertEqual([len(other.messages), last.connections], [0, 0])
        self.simple("localhost", "--ca", crt, status=PROTOCOL)  # known, but another's
        self.assertEqual(last.connections, 0)

    def test_whom_to_trust(self):
        (crt, key), digest = certificate(self.folder, "localhost")
        self.host(587, certificate=(crt, key))
        with open(crt, encoding="ascii") as f:
            der = ssl.PEM_cert_to_DER_cert(f.read())
        for option in (("--ca", crt), ("--pin", "sha256:" + digest), ("--pin", "sha256:" + hashlib.sha256(der).hexdigest()),
                       ("--pin", "sha256:" + "0" * 64, "--pin", "sha256:" + digest), ("--insecure",)):
            self.assertEqual(self.simple("submission://localhost", *option)["port"], 587)
        self.simple("submission://localhost", "--pin", "sha256:" + "0" * 64, status=PROTOCOL)
        self.simple("submission://localhost", "--pin", "abc", status=USAGE)
        self.simple("submission://localhost", "--pin", "sha256:" + digest, "--insecure", status=USAGE)
        _, err = self.send("--server", "submission://localhost", "--insecure", *self.maps(), *self.SIMPLE)
        self.assertIn("not verified", err)

    def test_an_address_of_ipv6(self):
        try:
            host = Host("::1", self.at[25])
        except OSError:
            self.skipTest("this machine has none")
        self.addCleanup(host.stop)
        self.assertEqual(self.simple("::1")["port"], 25)
        self.assertEqual(self.simple("[::1]:25")["port"], 25)

    def test_no_such_host(self):
        _, err = self.send("--server", "smtp://a%20host", *self.SIMPLE, status=USAGE)
        self.assertIn("no name of a host", err)


class OneHost(SendTestCase):
    """Without TLS; another one is behind port 587, and must never be tried."""

    def setUp(self):
        self.host = Host("127.0.0.1", free_ports(1)[0], extensions=(*MODERN, "SMTPUTF8", "DSN", "SIZE 100000000", "FUTURERELEASE 86400 2038-01-01T00:00:00Z"))
        self.addCleanup(self.host.stop)
        self.other = Host("127.0.0.1", free_ports(1)[0])
        self.addCleanup(self.other.stop)
        self.server = ("--server", f"smtp://127.0.0.1:{self.host.server.server_address[1]}", "--map", f"465={free_ports(1)[0]}",
                       "--map", f"587={self.other.server.server_address[1]}", "--allow-plaintext")
        self.simple = (*self.server, "--from", "joe@here.test", "--subject", "x", "--body", "y")


class Told(OneHost):
    def test_recipients_one_by_one(self):
        self.host.says["RCPT"] = ["250 2.1.5 ok", "550 5.1.1 no such user", "450 4.2.1 come back later"]
        answer = self.send_json(*self.simple, "--to", "ann@t.test, bob@t.test", "--cc", "Cid <cid@t.test>", status=NO_USER)
        self.assertEqual([(r["address"], r["state"], r.get("reply")) for r in answer["recipients"]],
                         [("ann@t.test", "accepted", "250 2.0.0 taken"), ("bob@t.test", "refused", "550 5.1.1 no such user"),
                          ("cid@t.test", "refused", "450 4.2.1 come back later")])
        self.assertEqual(self.host.messages[0].recipients, ["ann@t.test"])
        self.send(*self.simple, "--to", "ann@t.test, Ann@t.test", "--cc", "ann@T.Test", "--bcc", "ann@t.test")  # local parts may differ, domains do not
        self.assertEqual(self.host.messages[-1].recipients, ["ann@t.test", "Ann@t.test"])
        self.host.says["RCPT"] = ["250 ok", "450 4.2.1 later"]
        out, err = self.send(*self.simple, "--to", "ann@t.test", "--to", "bob@t.test", status=TEMPORARY)
        self.assertEqual((out, err), ("", "posthorn send: bob@t.test: refused for now: 450 4.2.1 later\n"))

    def test_exit_codes(self):
        for verb, reply, status in (("RCPT", "550 5.7.1 relaying denied", UNAVAILABLE), ("RCPT", "553 no", NO_USER), ("MAIL", "530 5.7.0 sign in", NO_PERMISSION),
                                    ("MAIL", "451 4.3.0 no", TEMPORARY), ("DATA", "554 5.3.4 no", UNAVAILABLE), ("DOT", "554 5.6.0 no", UNAVAILABLE),
                                    ("DOT", "452 4.3.1 full", TEMPORARY), ("CONNECT", "554 5.3.2 go away", UNAVAILABLE), ("CONNECT", "421 4.3.2 busy", TEMPORARY)):
            with self.subTest(reply):
                self.host.says = {verb: reply}
                _, err = self.send(*self.simple, "--to", "ann@t.test", status=status)
                self.assertIn(reply.split(" ", 1)[1].split(" ")[-1], err)
        self.assertEqual((len(self.host.messages), self.other.connections), (0, 0))

    def test_nobody_knows_what_became_of_it(self):
        self.host.at["DOT"] = "drop"
        answer = self.send_json(*self.simple, "--to", "ann@t.test", status=TEMPORARY)
        self.assertEqual([r["state"] for r in answer["recipients"]], ["unknown"])
        _, err = self.send(*self.simple, "--to", "ann@t.test", status=TEMPORARY)
        self.assertIn("may double it", err)
        self.assertEqual((self.host.connections, self.other.connections), (2, 0))

    def test_lost_in_the_middle(self):
        for at, stage in (({"MAIL": "drop"}, "MAIL"), ({"DATA": "drop"}, "DATA"), ({"BODY": ["drop"]}, None)):
            self.host.at = at
            answer = self.send_json(*self.server, "--from", "joe@here.test", "--to", "ann@t.test", self.path("long", b"Subject: x\n\n" + b"line of text\n" * 500_000), status=TEMPORARY)
            self.assertEqual([r["state"] for r in answer["recipients"]], ["not tried"])
            self.assertEqual(stage or answer["failure"]["stage"], answer["failure"]["stage"])
        self.assertEqual((self.host.messages, self.other.connections), ([], 0))

    def test_too_many_recipients_for_one_message(self):
        self.host.says["RCPT"] = ["250 ok", "452 4.5.3 too many", "250 ok"]
        answer = self.send_json(*self.simple, "--to", "ann@t.test", "--to", "bob@t.test")
        self.assertEqual([r["state"] for r in answer["recipients"]], ["accepted", "accepted"])
        self.assertEqual([m.recipients for m in self.host.messages], [["ann@t.test"], ["bob@t.test"]])
        self.assertEqual(self.host.messages[0].content, self.host.messages[1].content)

    def test_wishes(self):
        self.send(*self.simple, "--to", "ann@t.test", "--notify", "success,delay", "--ret", "hdrs", "--envid", "my id", "--hold-for", "2 h")
        mail, rcpt = (next(c for c in self.host.commands if c.startswith(verb)) for verb in ("MAIL", "RCPT"))
        for word in ("RET=HDRS", "ENVID=my+20id", "HOLDFOR=7200"):
            self.assertIn(word, mail.split())
        self.assertIn("NOTIFY=SUCCESS,DELAY", rcpt.split())
        self.assertIn("ORCPT=rfc822;ann@t.test", rcpt.split())
        self.send(*self.simple, "--to", "ann@t.test", "--hold-until", "2030-01-31T08:00:00+01:00")
        self.assertIn("HOLDUNTIL=2030-01-31T07:00:00Z", [c for c in self.host.commands if c.startswith("MAIL")][-1].split())
        self.host.extensions = list(MODERN)
        self.send(*self.simple, "--to", "ann@t.test", "--hold-for", "2 h", status=UNAVAILABLE)
        _, err = self.send(*self.simple, "--to", "ann@t.test", "--notify", "failure")
        self.assertIn("knows no delivery notices", err)
        for wrong in (("--notify", "never,success"), ("--notify", "often"), ("--hold-for", "soon"), ("--hold-until", "x"), ("--ret", "x"), ("--envid", "ü"), ("--no-such-option",)):
            self.send(*self.simple, "--to", "ann@t.test", *wrong, status=USAGE)

    def test_tls_is_required(self):
        self.host.extensions.append("REQUIRETLS")
        answer = self.send_json("--server", self.server[1], "--no-fallback", *self.simple[-6:], "--to", "ann@t.test", "--require-tls", status=PROTOCOL)
        self.assertEqual(answer["attempts"][0]["cause"], "TLS not offered")
        self.assertEqual(self.host.messages, [])
        (self.host.certificate, digest) = certificate(self.folder, "localhost")
        words = ("--server", self.server[1], "--pin", "sha256:" + digest, *self.simple[-6:], "--to", "ann@t.test", "--require-tls")
        self.send(*words)
        self.assertIn("REQUIRETLS", [c for c in self.host.commands if c.startswith("MAIL")][-1].split())
        self.host.extensions.remove("REQUIRETLS")
        self.send(*words, status=UNAVAILABLE)

    def test_the_dialogue(self):
        _, err = self.send(*self.simple, "--to", "ann@t.test", "--verbose")
        self.assertRegex(err, r"S: 220 host.test[^\n]*\nC: EHLO ")
        self.assertIn("C: MAIL FROM:<joe@here.test>", err)

    def test_a_reply_cannot_write_to_the_terminal(self):
        self.host.says["RCPT"] = "550 5.1.1 \x1b[31mred\x07"
        _, err = self.send(*self.simple, "--to", "ann@t.test", "--verbose", status=NO_USER)
        self.assertNotRegex(err, "[\x00-\x09\x0b-\x1f\x7f]")


class Content(OneHost):
    def got(self):
        return email.message_from_bytes(self.host.messages[-1].content, policy=email.policy.default)

    def test_text(self):
        text = "Grüße,\n.\n..dots\nFrom here\n" + "x" * 1500 + "\n"
        self.send(*self.server, "--from", "Jörg Müller <joe@here.test>", "--to", '"Doe, Ann" <ann@t.test>', "--bcc", "bob@t.test",
                  "--subject", ("Grüße 日本 " * 20).strip(), "--header", "X-Test: ä", stdin=text.encode())
        got = self.got()
        self.assertEqual(got.get_content().replace("\r\n", "\n"), text)
        self.assertEqual(got["subject"], ("Grüße 日本 " * 20).strip())
        self.assertEqual((str(got["from"]), got["x-test"], got["bcc"]), ("Jörg Müller <joe@here.test>", "ä", None))
        self.assertEqual([(a.display_name, a.addr_spec) for a in got["to"].addresses], [("Doe, Ann", "ann@t.test")])
        self.assertIsNotNone(got["date"].datetime)
        self.assertRegex(got["message-id"], r"^<[0-9a-f]{32}@here.test>$")
        self.assertEqual(self.host.messages[-1].recipients, ["ann@t.test", "bob@t.test"])
        self.assertTrue(self.host.messages[-1].content.isascii())

    def test_attachments(self):
        big = os.urandom(1_000_000)
        names = {"ein Bild.png": b"\x89PNG\r\n\x00", "Entwürfe 日本.pdf": big, "leer": b"", 'a "b"; c.txt': b"text\n"}
        paths = [word for name, content in names.items() for word in ("--attach", self.path(name, content))]
        answer = self.send_json(*self.simple, "--to", "ann@t.test", *paths)
        got = self.got()
        self.assertEqual({part.get_filename(): part.get_content() if part.get_content_maintype() != "text" else part.get_content().encode()
                          for part in got.iter_attachments()}, names)
        self.assertEqual([part.get_content_type() for part in got.iter_attachments()], ["image/png", "application/pdf", "application/octet-stream", "text/plain"])
        self.assertEqual(got.get_body().get_content(), "y\r\n")
        self.assertEqual(got.defects, [])
        self.assertEqual(answer["size"], len(self.host.messages[-1].content))
        self.send(*self.simple, "--to", "ann@t.test", "--attach", "/proc/version")  # says that it is empty
        with open("/proc/version", "rb") as f:
            self.assertEqual([part.get_content() for part in self.got().iter_attachments()], [f.read()])
        self.send(*self.simple, "--to", "ann@t.test", "--attach", "/nonexistent", status=NO_INPUT)
        self.send(*self.simple, "--to", "ann@t.test", "--attach", self.folder, status=USAGE)

    def test_text_and_html(self):
        html = self.path("page.html", "<p>Grüße</p>\n")
        self.send(*self.server, "--from", "joe@here.test", "--to", "ann@t.test", "--subject", "x", "--body", "Grüße", "--html", html, "--attach", self.path("a.bin", b"a"))
        got = self.got()
        self.assertEqual([part.get_content_type() for part in got.walk()],
                         ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "application/octet-stream"])
        self.assertEqual([got.get_body((kind,)).get_content().strip() for kind in ("plain", "html")], ["Grüße", "<p>Grüße</p>"])
        self.send(*self.server, "--from", "joe@here.test", "--to", "ann@t.test", "--html", "-", stdin=b"<p>x</p>")
        self.assertEqual((self.got().get_content_type(), self.got().get_content().strip()), ("text/html", "<p>x</p>"))
        self.send(*self.server, "--to", "ann@t.test", "--html", html, self.path("message", b"From: joe@here.test\n\nx\n"), status=USAGE)

    def test_no_field_by_the_back_door(self):
        author = ("--from", "joe@here.test")
        for option in (("--subject", "x\r\nBcc: eve@t.test", *author), ("--to", "ann@t.test\nBcc: eve@t.test", *author), ("--header", "X: y\nBcc: eve@t.test", *author),
                       ("--header", "Bcc: eve@t.test", *author), ("--header", "X\r\nY: z", *author), ("--from", "joe@here.test\r\nX: y")):
            self.send(*self.server, "--to", "ann@t.test", "--body", "y", *option, status=USAGE)
        self.assertEqual(self.host.messages, [])

    def test_a_whole_message(self):
        text = b"From ann Thu Jan  1\nFrom: Joe <joe@here.test>\nTo: ann@t.test, Bob <bob@t.test>\nBcc: eve@t.test,\n cid@t.test\nSubject: x\n\n.\nbody\n"
        self.send(*self.server, "-t", stdin=text)
        got = self.host.messages[-1]
        self.assertEqual((got.sender, sorted(got.recipients)), ("joe@here.test", ["ann@t.test", "bob@t.test", "cid@t.test", "eve@t.test"]))
        self.assertNotIn(b"eve", got.content)
        self.assertRegex(got.content, rb"^Date: [^\r]+\r\nMessage-ID: <[^\r]+@here.test>\r\nFrom: Joe")
        self.assertTrue(got.content.endswith(b"\r\n\r\n.\r\nbody\r\n"))
        self.send(*self.server, "--as-is", "--from", "<>", "--to", "dan@t.test", self.path("message", text))
        got = self.host.messages[-1]
        self.assertEqual((got.sender, got.recipients), ("", ["dan@t.test"]))
        self.assertTrue(got.content.startswith(b"From: Joe"))
        self.send(*self.server, "--to", "dan@t.test", stdin=b"no header\nat all\n", status=DATA)
        _, err = self.send(*self.server, "--to", "dan@t.test", stdin=b"From: joe@here.test\n\n" + b"x" * 1000 + b"\n")
        self.assertIn("a line of the message is 1000 octets long", err)
        _, err = self.send(*self.server, "-t", stdin=b"From: joe@here.test\nTo: root\n\nbody\n", status=DATA)
        self.assertIn("send: a recipient of the message: 'root' is no address", err)
        self.send(*self.server, "--to", "dan@t.test", "/nonexistent", status=NO_INPUT)
        self.send(*self.server, "--to", "dan@t.test", stdin=b"Subject: x\rBcc: eve@t.test\n\nbody\n", status=DATA)  # a field behind a bare CR
        self.send(*self.server, self.path("message"), status=USAGE)  # to whom?

    def test_beyond_ascii(self):
        self.send(*self.server, "--from", "joe@here.test", "--to", "ann@bücher.test", "--subject", "x", "--body", "y")
        self.assertEqual(self.host.messages[-1].recipients, ["ann@xn--bcher-kva.test"])
        self.assertNotIn("SMTPUTF8", "".join(self.host.commands))
        self.send(*self.server, "--from", "jörg@here.test", "--to", "änn@bücher.test", "--subject", "x", "--body", "y")
        mail = [c for c in self.host.commands if c.startswith("MAIL")][-1]
        self.assertIn("SMTPUTF8", mail)
        self.assertIn("To: änn@bücher.test\r\n".encode(), self.host.messages[-1].content)
        self.host.extensions = list(MODERN)
        self.send(*self.server, "--from", "joe@here.test", "--to", "änn@t.test", "--subject", "x", "--body", "y", status=UNAVAILABLE)

    def test_a_bar_only_on_a_terminal(self):
        path = self.path("big", b"From: joe@here.test\nSubject: x\n\n" + b"line of text\n" * 100_000)
        words = (*self.server, "--to", "ann@t.test", path)
        self.assertEqual(self.send(*words), ("", ""))
        for columns in (40, 120):
            shown = self.on_terminal(columns, *words)
            bars = [part for part in shown.split("\r") if "posthorn send: [" in part]
            self.assertTrue(bars, shown)
            self.assertRegex(bars[-1], r"\] (\d+%|[^/]+/1.3 MiB)")
            for bar in bars:
                self.assertLess(len(bar.replace("\x1b[K", "")), columns)
            self.assertTrue(shown.endswith("\r\x1b[K") or "\r\x1b[KAccepted for 1 recipient" in shown, repr(shown[-200:]))
            self.assertNotIn("posthorn send: [", self.on_terminal(columns, *words, "--quiet"))

    def on_terminal(self, columns, *words):
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen([BINARY, "send", *words], stdin=slave, stdout=slave, stderr=slave, env={**os.environ, "HOME": self.folder, "TERM": "xterm"})
        os.close(slave)
        shown = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:
                break
            if not piece:
                break
            shown += piece
        os.close(master)
        self.assertEqual(process.wait(60), 0, shown)
        return shown.decode()


class OwnServer(SendTestCase):
    """Signing in, and what an account may say."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        (cls.crt, key), _ = certificate(cls.folder, "localhost")
        cls.socket = cls.folder + "/lmtp socket"
        cls.server = Server(f'[tls]\ncertificate = "{cls.crt}"\nkey = "{key}"\n[[listen]]\nprotocol = "lmtp"\naddress = "{cls.socket}"\n')
        cls.addClassCleanup(cls.server.remove)
        cls.server.create_accounts()
        cls.server.start()
        cls.addClassCleanup(cls.server.stop)
        cls.arrived = 0

    def url(self, name, user="alice%40example.test@", scheme=None):
        return f"{scheme or name}://{user}localhost:{self.server.ports[name]}"

    def letter(self, server, *more, status=0, body=("--body", "y"), **how):
        answer = self.send_json("--server", server, "--ca", self.crt, "--from", ALICE, "--to", f"bob@{DOMAIN}", "--subject", "x", *body, *more, status=status, **how)
        if status == 0:
            type(self).arrived += 1
            self.assertEqual(len(wait_for_inbox(self.server, self.arrived, "bob")), self.arrived)
        return answer

    def test_passwords(self):
        secret = self.path("secret", PASSWORD + "\nnotes\n")
        for option in (("--password-file", secret), ("--password-file", "-"), ("--password-env", "SECRET"), ("--password-command", f"cat '{secret}'")):
            answer = self.letter(self.url("submissions"), *option, stdin=PASSWORD.encode() + b"\n", env={"SECRET": PASSWORD})
            self.assertTrue(answer["signed_in_by"].startswith("SCRAM-SHA-256"), answer)
        for option, status in ((("--password-command", "echo wrong"), NO_PERMISSION), (("--password-command", "echo x; exit 3"), NO_PERMISSION),
                               (("--password-env", "UNSET"), NO_PERMISSION), (("--password-file", "/nonexistent"), NO_PERMISSION), (("--password-file", "/dev/zero"), NO_PERMISSION),
                               (("--password-command", "yes | tr -d '\\n'"), NO_PERMISSION), ((), USAGE)):
            _, err = self.send("--server", self.url("submissions"), "--ca", self.crt, "--from", ALICE, "--to", f"bob@{DOMAIN}", "--body", "y", *option, status=status)
            self.assertNotIn("PLAIN", err)
        self.letter(self.url("submissions"), "--password-file", "-", "--body-file", self.path("text", "y"), stdin=PASSWORD.encode(), body=())
        # Neither a command without an end nor one that leaves somebody behind who holds its output.
        for command in ("exec sleep 600", "exec >&-; exec sleep 600", "while :; do echo; sleep 0.01; done"):
            _, err = self.send("--server", self.url("submissions"), "--from", ALICE, "--to", f"bob@{DOMAIN}", "--body", "y", "--password-command", command,
                               "--password-timeout", "1", status=TEMPORARY)
            self.assertIn("the command for the password does not end", err)
        begun = time.monotonic()
        self.letter(self.url("submissions"), "--password-command", f"sleep 40 2>/dev/null & cat '{secret}'")
        self.assertLess(time.monotonic() - begun, 40)
        _, err = self.send("--server", self.url("submissions"), "--ca", self.crt, "--to", f"bob@{DOMAIN}", "--body", "y", "--verbose", "--password-file", secret)
        type(self).arrived += 1
        self.assertNotIn(PASSWORD, err)
        self.send("--server", "submissions://alice:secret@localhost", "--to", f"bob@{DOMAIN}", "--body", "y", status=USAGE)

    def test_the_terminal_is_asked(self):
        """Also while standard input is the message."""
        master, slave = pty.openpty()

        def own_terminal():
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        process = subprocess.Popen([BINARY, "send", "-t", "--server", self.url("submissions"), "--ca", self.crt], stdin=subprocess.PIPE, stdout=slave, stderr=slave,
                                   preexec_fn=own_terminal, env={**os.environ, "HOME": self.folder, "TERM": "xterm"})
        process.stdin.write(message("asked"))
        process.stdin.close()
        shown = b""
        while b"Password for alice@example.test at localhost: " not in shown:
            shown += os.read(master, 1000)
        os.write(master, PASSWORD.encode() + b"\n")
        while b"Accepted for 1 recipient by localhost" not in shown:
            shown += os.read(master, 1000)
        self.assertEqual(process.wait(60), 0, shown)
        self.assertNotIn(PASSWORD.encode(), shown)
        self.assertTrue(termios.tcgetattr(slave)[3] & termios.ECHO)
        os.close(slave)
        os.close(master)
        type(self).arrived += 1

    def test_nobody_answers_the_terminal(self):
        master, slave = pty.openpty()
        process = subprocess.Popen([BINARY, "send", "--server", self.url("submissions"), "--from", ALICE, "--to", ALICE, "--body", "y", "--password-timeout", "1"],
                                   stdin=slave, stdout=slave, stderr=slave, env={**os.environ, "HOME": self.folder, "TERM": "xterm"},
                                   preexec_fn=lambda: (os.setsid(), fcntl.ioctl(slave, termios.TIOCSCTTY, 0)))
        self.assertEqual(process.wait(60), TEMPORARY)
        self.assertTrue(termios.tcgetattr(slave)[3] & termios.ECHO)
        self.assertIn(b"nobody typed the password within 1 s", os.read(master, 1000))
        os.close(slave)
        os.close(master)

    def test_starttls_and_lmtp(self):
        self.assertTrue(self.letter(self.url("submission"), "--password-env", "SECRET", env={"SECRET": PASSWORD})["tls"].startswith("TLSv1"))
        answer = self.letter(self.url("lmtp", user=""))
        self.assertEqual(answer["recipients"][0]["state"], "accepted")
        self.assertEqual(answer["tls"], "")
        answer = self.letter("lmtp:" + self.socket.replace(" ", "%20"))
        self.assertEqual((answer["server"], answer["port"]), (self.socket, 0))
        answer = self.letter(self.url("lmtp", user=""), "--to", f"nobody@{DOMAIN}", status=NO_USER)
        self.assertEqual([r["state"] for r in answer["recipients"]], ["accepted", "refused"])
        type(self).arrived += 1

    def test_accounts(self):
        secret = self.path("secret", PASSWORD + "\n")
        good = f'[work]\nurl = "imaps://alice@localhost"\nsend_url = "{self.url("submissions")}"\npassword_file = "{secret}"\nca = "{self.crt}"\n'
        words = ("--to", f"bob@{DOMAIN}", "--subject", "x", "--body", "y")
        os.makedirs(self.path(".config/posthorn"), exist_ok=True)
        self.path(".config/posthorn/accounts.toml", good, 0o644)
        self.send("--server", "work", *words)  # the author is who signs in
        self.path("named.toml", good.replace("[work]", "[default]"), 0o644)
        self.send("--accounts", self.path("named.toml"), *words)
        type(self).arrived += 2
        self.assertIn(b"From: alice@example.test", wait_for_inbox(self.server, self.arrived, "bob")[-1])
        in_clear = good.replace(f'password_file = "{secret}"', f'password = "{PASSWORD}"')
        _, err = self.send("--accounts", self.path("open.toml", in_clear, 0o644), "--server", "work", *words, status=NO_PERMISSION)
        self.assertIn("others can read", err)
        self.assertNotIn(PASSWORD, err)
        self.send("--accounts", self.path("closed.toml", in_clear), "--server", "work", *words)
        type(self).arrived += 1
        for text, said in ((good + 'colour = "red"\n', ":6: 'colour': is unknown"), ("[work]\n", ":1: the account 'work' has no 'url'"),
                           (good + "insecure = 1\n", ":6: 'insecure': must be true or false"), ('work = "x"\n', ":1: 'work' is no account"), ("[work\n", "this is not TOML"),
                           (good.replace("imaps://alice", "imaps://alice:x"), ":2: 'url': "), (good + 'pin = "x"\n', ":6: 'pin': ")):
            _, err = self.send("--accounts", self.path("bad.toml", text), "--server", "work", *words, status=CONFIG)
            self.assertIn(said, err)
        self.send("--accounts", "/nonexistent", "--server", "work", *words, status=USAGE)
        self.send("--server", "imaps://localhost", *words, status=USAGE)


class ToPostfix(SendTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mta = Postfix(relay_port=9)
        cls.addClassCleanup(cls.mta.stop)
        cls.mta.start()

    def test_it_takes_mail(self):
        answer = self.send_json("--server", f"smtp://127.0.0.1:{self.mta.port}", "--insecure", "--from", "joe@here.test", "--to", "bob@far.test, nobody@far.test",
                                "--cc", "later@far.test", "--subject", "Grüße", "--attach", self.path("ü.bin", os.urandom(200_000)), "--notify", "failure",
                                stdin="Hallo Bob\n".encode(), status=NO_USER)
        self.assertEqual([r["state"] for r in answer["recipients"]], ["accepted", "refused", "refused"])
        self.assertTrue(answer["tls"].startswith("TLSv1"))
        got = email.message_from_bytes(self.mta.wait_for(1)[0], policy=email.policy.default)
        self.assertEqual((got["subject"], got.get_body().get_content()), ("Grüße", "Hallo Bob\n"))
        with open(self.path("ü.bin"), "rb") as f:
            self.assertEqual([(a.get_filename(), a.get_content()) for a in got.iter_attachments()], [("ü.bin", f.read())])


if __name__ == "__main__":
    unittest.main()
