"""Python's smtplib, imaplib and poplib, several sessions at once."""

import imaplib
import poplib
import smtplib
import socket
import threading
import time

from harness import DOMAIN, PASSWORD, ServerTestCase, insecure_tls, message

ALICE, BOB = f"alice@{DOMAIN}", f"bob@{DOMAIN}"


class PythonClients(ServerTestCase):
    def imap(self, user=BOB):
        client = imaplib.IMAP4_SSL("127.0.0.1", self.port("imaps"), ssl_context=insecure_tls(), timeout=60)
        client.login(user, PASSWORD)
        self.addCleanup(self.quietly, client.logout)
        return client

    def pop(self, user=BOB):
        client = poplib.POP3_SSL("127.0.0.1", self.port("pop3s"), context=insecure_tls(), timeout=60)
        client.user(user)
        client.pass_(PASSWORD)
        self.addCleanup(self.quietly, client.quit)
        return client

    @staticmethod
    def quietly(f):
        try:
            f()
        except (OSError, AttributeError, imaplib.IMAP4.error, poplib.error_proto):
            pass

    def test_smtp_starttls_login_and_utf8(self):
        with smtplib.SMTP("127.0.0.1", self.port("submission"), timeout=60) as smtp:
            smtp.ehlo()
            self.assertFalse(smtp.has_extn("auth"))
            smtp.starttls(context=insecure_tls())
            smtp.ehlo()
            for keyword in ("auth", "size", "8bitmime", "smtputf8", "pipelining", "chunking", "binarymime", "enhancedstatuscodes", "limits"):
                self.assertTrue(smtp.has_extn(keyword), keyword)
            smtp.login(ALICE, PASSWORD)
            smtp.sendmail(ALICE, [BOB], "Subject: Grüße\r\n\r\nüöä\r\n".encode(), mail_options=["BODY=8BITMIME", "SMTPUTF8"])
        imap = self.imap()
        imap.select()
        imap.literal = "Grüße".encode()
        self.assertTrue(imap.uid("SEARCH", "CHARSET", "UTF-8", "SUBJECT")[1][0].split())

    def test_partial_refusal_keeps_the_others(self):
        refused = self.server.send(message("partly"), [BOB, f"nobody@{DOMAIN}"])
        self.assertEqual(list(refused), [f"nobody@{DOMAIN}"])
        self.assertEqual(refused[f"nobody@{DOMAIN}"][0], 550)

    def test_wrong_password(self):
        with smtplib.SMTP_SSL("127.0.0.1", self.port("submissions"), context=insecure_tls(), timeout=60) as smtp:
            with self.assertRaises(smtplib.SMTPAuthenticationError) as caught:
                smtp.login(ALICE, "wrong")
            self.assertEqual(caught.exception.smtp_code, 535)
        imap = imaplib.IMAP4_SSL("127.0.0.1", self.port("imaps"), ssl_context=insecure_tls(), timeout=60)
        with self.assertRaisesRegex(imaplib.IMAP4.error, "AUTHENTICATIONFAILED"):
            imap.login(ALICE, "wrong")
        self.assertNotIn("wrong", self.server.log(1000))
        self.assertNotIn(PASSWORD, self.server.log(1000))

    def test_append_flags_copy_move_expunge(self):
        imap = self.imap()
        self.assertEqual(imap.create("Work")[0], "OK")
        for i in range(3):
            status, data = imap.append("Work", r"(\Seen)" if i == 1 else None, None, message(f"append-{i}"))
            self.assertEqual(status, "OK")
            self.assertIn(b"APPENDUID", data[0])
        self.assertEqual(imap.select("Work")[1], [b"3"])
        self.assertEqual(imap.search(None, "UNSEEN")[1], [b"1 3"])
        self.assertIn(b"COPYUID", imap.copy("1", "Archive")[1][0])
        self.assertEqual(imap.store("2", "+FLAGS", r"(\Deleted $Label)")[0], "OK")
        self.assertEqual(imap.expunge()[1], [b"2"])
        self.assertEqual(imap.uid("MOVE", "3", "Archive")[0], "OK")
        self.assertEqual(imap.status("Work", "(MESSAGES UIDNEXT)")[1], [b'"Work" (MESSAGES 1 UIDNEXT 4)'])
        self.assertEqual(imap.close()[0], "OK")
        self.assertEqual(imap.delete("Work")[0], "OK")

    def test_two_sessions_on_one_mailbox(self):
        one, two = self.imap(ALICE), self.imap(ALICE)
        one.select()
        before = int(two.select()[1][0])
        self.server.send(message("seen-by-both"), [ALICE])
        two.response("EXISTS")  # what SELECT said
        two.noop()
        self.assertEqual(two.response("EXISTS")[1], [str(before + 1).encode()])
        one.noop()
        one.store(str(before + 1), "+FLAGS", r"(\Flagged)")
        two.noop()
        self.assertIn(b"\\Flagged", two.response("FETCH")[1][0])
        one.store(str(before + 1), "+FLAGS", r"(\Deleted)")
        one.expunge()
        two.noop()
        self.assertEqual(two.response("EXPUNGE")[1], [str(before + 1).encode()])

    def test_idle_hears_of_new_mail(self):
        imap = self.imap(ALICE)
        imap.select()
        imap.send(b"i1 IDLE\r\n")
        self.assertTrue(imap.readline().startswith(b"+"))
        self.server.send(message("idle"), [ALICE])
        imap.sock.settimeout(30)
        line = b""
        while b"EXISTS" not in line:
            line = imap.readline()
            self.assertTrue(line)
        imap.send(b"DONE\r\n")
        while not line.startswith(b"i1 "):
            line = imap.readline()
        self.assertIn(b"OK", line)

    def test_pop3_deletes_at_quit_only(self):
        self.server.send(message("pop-a"), [BOB])
        self.server.send(message("pop-b"), [BOB])
        pop = self.pop()
        count, size = pop.stat()
        uidls = pop.uidl()[1]
        self.assertEqual(len(uidls), count)
        self.assertEqual(sum(int(line.split()[1]) for line in pop.list()[1]), size)
        self.assertTrue(any(b"pop-b" in line for line in pop.top(count, 0)[1]))
        pop.dele(count)
        pop.rset()
        pop.dele(count)
        pop.sock.shutdown(socket.SHUT_RDWR)  # gone without QUIT: nothing is deleted
        pop = self.pop()
        self.assertEqual(pop.uidl()[1], uidls)
        pop.dele(count)
        pop.quit()
        pop = self.pop()
        self.assertEqual(pop.uidl()[1], uidls[:-1])

    def test_many_senders_and_a_reader_at_once(self):
        imap = self.imap(ALICE)
        before = int(imap.select()[1][0])
        errors = []

        def deliver(number):
            try:
                for i in range(10):
                    self.server.send(message(f"many-{number}-{i}"), [ALICE])
            except (OSError, smtplib.SMTPException) as e:
                errors.append(e)

        threads = [threading.Thread(target=deliver, args=(n,)) for n in range(6)]
        for t in threads:
            t.start()
        while any(t.is_alive() for t in threads):
            imap.noop()
            time.sleep(0.02)
        self.assertEqual(errors, [])
        imap.noop()
        found = imap.search(None, "SUBJECT", "many-")[1][0].split()
        self.assertEqual(len(found), 60)
        self.assertEqual(int(imap.select()[1][0]), before + 60)
