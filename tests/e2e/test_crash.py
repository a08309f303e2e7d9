"""kill -9 under load: every acknowledged message is there, once, and the store is clean."""

import imaplib
import os
import random
import smtplib
import threading
import time
import unittest

from harness import DOMAIN, PASSWORD, Server, insecure_tls

ROUNDS = int(os.environ.get("POSTHORN_KILL_ROUNDS", "20"))
ALICE, BOB = f"alice@{DOMAIN}", f"bob@{DOMAIN}"


class Load:
    """Senders that note what was acknowledged, and what was in flight when the server went."""

    def __init__(self, server, round_number):
        self.server = server
        self.round = round_number
        self.acknowledged, self.in_flight, self.lock = set(), set(), threading.Lock()
        self.ended = False
        self.threads = [threading.Thread(target=self.smtp, args=(n,)) for n in range(3)]
        self.threads += [threading.Thread(target=self.append, args=(n,)) for n in range(3, 5)]

    def note(self, mark, is_acknowledged):
        with self.lock:
            (self.acknowledged if is_acknowledged else self.in_flight).add(mark)

    def smtp(self, number):
        try:
            with smtplib.SMTP("127.0.0.1", self.server.ports["smtp_plain"], timeout=30) as client:
                for i in range(100_000):
                    if self.ended:
                        return
                    mark = f"mark-{self.round}-{number}-{i}"
                    body = "x" * random.choice((10, 5_000, 400_000 if i % 7 == 0 else 100))
                    lines = "\r\n".join(body[p:p + 900] for p in range(0, len(body), 900))
                    self.note(mark, False)
                    client.sendmail("load@elsewhere.test", [ALICE, BOB], f"Subject: {mark}\r\n\r\n{lines}\r\n")
                    self.note(mark, True)
        except (OSError, smtplib.SMTPException):
            pass

    def append(self, number):
        try:
            client = imaplib.IMAP4_SSL("127.0.0.1", self.server.ports["imaps"], ssl_context=insecure_tls(), timeout=30)
            client.login(ALICE, PASSWORD)
            client.select()
            for i in range(100_000):
                if self.ended:
                    return
                mark = f"mark-{self.round}-{number}-{i}"
                self.note(mark, False)
                if client.append("INBOX", None, None, f"Subject: {mark}\r\n\r\nappended\r\n".encode())[0] == "OK":
                    self.note(mark, True)
                if i % 5 == 4:  # flags and removal go on at the same time, in another mailbox
                    client.copy("1", "Trash")
        except (OSError, imaplib.IMAP4.error):
            pass


class KillNine(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.remove)
        self.server.create_accounts()

    def subjects(self, user):
        client = imaplib.IMAP4_SSL("127.0.0.1", self.server.ports["imaps"], ssl_context=insecure_tls(), timeout=120)
        client.login(user, PASSWORD)
        count = int(client.select(readonly=True)[1][0])
        out = []
        if count:
            for row in client.fetch(f"1:{count}", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]:
                if isinstance(row, tuple):
                    out.append(row[1].decode().split(":", 1)[1].strip())
        client.logout()
        return out

    def test_every_acknowledged_message_is_there_once(self):
        acknowledged, in_flight = set(), set()
        for round_number in range(ROUNDS):
            self.server.start()
            load = Load(self.server, round_number)
            for t in load.threads:
                t.start()
            time.sleep(random.uniform(0.3, 1.2))
            self.server.kill()
            load.ended = True
            for t in load.threads:
                t.join(60)
            acknowledged |= load.acknowledged
            in_flight |= load.in_flight
            self.server.check_store()
        self.server.start()
        self.assertGreater(len(acknowledged), ROUNDS)
        for user in (ALICE, BOB):
            found = self.subjects(user)
            # What only IMAP appended is Alice's alone.
            expected = {m for m in acknowledged if user == ALICE or int(m.split("-")[2]) < 3}
            self.assertEqual(expected - set(found), set(), "acknowledged, but lost")
            self.assertEqual(len(found), len(set(found)), "stored twice")
            self.assertEqual(set(found) - in_flight, set(), "from nowhere")
        self.server.stop()
        self.server.check_store()
        print(f"{len(acknowledged)} messages acknowledged in {ROUNDS} rounds of kill -9", end=" ... ")
