"""Several certificates: every protocol shows the one that is for the name a client asks for, and a reload changes them."""

import imaplib
import os
import poplib
import shutil
import signal
import smtplib
import socket
import ssl
import tempfile
import time
import unittest

from harness import Server
from test_relay import certificate

NAMES = {"mail.example.test": "first", "second.test": "second", "SECOND.test": "second", "third.test": "first", None: "first"}


class NamedTls(ssl.SSLContext):
    """Asks for one name, whatever name the library would ask for."""

    def __new__(cls, name):
        context = super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.asks_for = name
        return context

    def __init__(self, name):
        pass

    def wrap_socket(self, sock, **how):
        return super().wrap_socket(sock, **{**how, "server_hostname": self.asks_for})


class Certificates(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="posthorn-certificates-")
        cls.addClassCleanup(shutil.rmtree, cls.directory)
        cls.bytes = {}
        tables = ""
        for short, name in (("first", "mail.example.test"), ("second", "second.test"), ("changed", "changed.test")):
            (crt, key), _ = certificate(cls.directory, name)
            cls.bytes[short] = cls.der(crt)
            if short != "changed":
                tables += f'[[tls]]\ncertificate = "{crt}"\nkey = "{key}"\n'
        cls.server = Server(tables)
        cls.addClassCleanup(cls.server.remove)
        cls.server.create_accounts()
        cls.server.start()
        cls.addClassCleanup(cls.server.stop)

    @staticmethod
    def der(path):
        with open(path, encoding="ascii") as f:
            return ssl.PEM_cert_to_DER_cert(f.read())

    def shown(self, stream):
        found = [short for short, der in self.bytes.items() if der == stream.getpeercert(binary_form=True)]
        return found[0] if found else None

    def protocols(self, name):
        ports, tls = self.server.ports, NamedTls(name)
        with socket.create_connection(("127.0.0.1", ports["imaps"]), 30) as plain, tls.wrap_socket(plain) as stream:
            yield "imaps", self.shown(stream)
        with smtplib.SMTP("127.0.0.1", ports["smtp"], timeout=30) as smtp:
            smtp.starttls(context=tls)
            yield "smtp", self.shown(smtp.sock)
        with imaplib.IMAP4("127.0.0.1", ports["imap"], timeout=30) as imap:
            imap.starttls(ssl_context=tls)
            yield "imap", self.shown(imap.sock)
        pop3 = poplib.POP3("127.0.0.1", ports["pop3"], timeout=30)
        pop3.stls(context=tls)
        yield "pop3", self.shown(pop3.sock)
        pop3.quit()

    def test_by_name(self):
        for name, short in NAMES.items():
            for protocol, shown in self.protocols(name):
                self.assertEqual(shown, short, (protocol, name))

    def visit(self, tls, session=None):
        """Some commands over TLS: was the session resumed, and what resumes it next time?"""
        with socket.create_connection(("127.0.0.1", self.server.ports["imaps"]), 30) as plain:
            with ssl.SSLContext.wrap_socket(tls, plain, server_hostname=tls.asks_for, session=session) as stream:
                answers = stream.makefile("rb")
                self.assertTrue(answers.readline().startswith(b"* OK"))
                for tag in (b"1", b"2", b"3", b"4"):
                    stream.sendall(tag + b" NOOP\r\n")
                    self.assertTrue(answers.readline().startswith(tag + b" OK"))
                return stream.session_reused, stream.session

    def test_who_comes_back_resumes_the_session(self):
        for name in ("mail.example.test", "second.test"):
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                tls = NamedTls(name)
                tls.maximum_version = version
                reused, session = self.visit(tls)
                self.assertFalse(reused)
                self.assertTrue(session.has_ticket, (name, version))
                for _ in range(2):
                    reused, session = self.visit(tls, session)
                    self.assertTrue(reused, (name, version))

    def test_reload(self):
        for end in (".crt", ".key"):
            shutil.copy(os.path.join(self.directory, "changed.test" + end), os.path.join(self.directory, "second.test" + end))
        self.server.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 60
        while dict(self.protocols("changed.test"))["imaps"] != "changed" and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(set(dict(self.protocols("changed.test")).values()), {"changed"}, self.server.log(20))
        self.assertEqual(set(dict(self.protocols("second.test")).values()), {"first"})


if __name__ == "__main__":
    unittest.main()
