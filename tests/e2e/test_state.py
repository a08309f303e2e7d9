"""Several IMAP sessions, of the owner and of somebody it is shared with, change the same mailboxes at random; what each has been told must be
what is there. [RFC3501 5.2, 7.4] [RFC7162] [RFC9051]

POSTHORN_STATE_SECONDS says for how long (./test soak: ten minutes), POSTHORN_STATE_SEED repeats a run's choices."""

import os
import random
import re
import socket
import threading
import time
import unittest

from harness import DOMAIN, PASSWORD, ServerTestCase, message

USER = f"alice@{DOMAIN}"
GUEST = f"bob@{DOMAIN}"
SECONDS = float(os.environ.get("POSTHORN_STATE_SECONDS") or 30)
MAILBOXES = ("INBOX", "Other")
FLAGS = (r"\Seen", r"\Flagged", r"\Answered", r"\Deleted", r"\Draft", "$One", "two")
LITERAL = re.compile(rb"\{(\d+)\}$")


class Wrong(AssertionError):
    """The server said what it must not, or the model and the mailbox differ."""


class Message:
    def __init__(self):
        self.uid = None    # not told yet
        self.flags = None  # not told yet; without \Recent


def quoted(mailbox):
    return f'"{mailbox}"'


def numbers_of(text):
    """The numbers of "1:3,7", ascending."""
    out = []
    for item in text.split(","):
        first, _, last = item.partition(":")
        out += range(int(first), int(last or first) + 1)
    return out


class Session:
    """A client that knows of its mailbox what untagged responses say, and keeps a transcript."""

    def __init__(self, port, rng, kind="plain", user=USER):
        self.rng = rng
        self.kind = kind  # plain, condstore, qresync or rev2
        self.condstore = kind in ("condstore", "qresync")
        self.prefix = "" if user == USER else f"Other Users/{USER}/"  # the guest's name for what is ours
        self.log = []
        self.model = []        # sequence number n is model[n - 1]
        self.mod_seq = 0       # the highest told
        self.told_flags = set()  # messages whose flags this command has told
        self.searched = []
        self.recent = 0
        self.count = 0
        self.selected = None
        self.may_expunge = True
        self.buffer = b""
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.read()
        self.run(f'LOGIN {user} "{PASSWORD}"')
        if kind == "qresync":
            self.run("ENABLE QRESYNC")
        if kind == "rev2":
            self.run("ENABLE IMAP4rev2")

    def close(self):
        self.socket.close()

    # --- the wire
    def send(self, data):
        self.log.append(b"C: " + data)
        self.socket.sendall(data)

    def fill(self):
        data = self.socket.recv(65536)
        if not data:
            raise Wrong("the server closed the connection")
        self.buffer += data

    def read(self):
        """One response, with its literals."""
        out = b""
        while True:
            while b"\r\n" not in self.buffer:
                self.fill()
            line, _, self.buffer = self.buffer.partition(b"\r\n")
            out += line
            literal = LITERAL.search(line)
            if literal is None:
                self.log.append(b"S: " + out)
                return out.decode("latin-1")
            size = int(literal[1])
            while len(self.buffer) < size:
                self.fill()
            out += b"\r\n" + self.buffer[:size]
            self.buffer = self.buffer[size:]

    def run(self, *commands):
        """Sends them in one write; the text of the last tagged answer."""
        tags = []
        data = b""
        for command in commands:
            self.count += 1
            tags.append(f"t{self.count}")
            data += f"t{self.count} ".encode() + (command if isinstance(command, bytes) else command.encode()) + b"\r\n"
        self.told_flags = set()
        self.send(data)
        answer = ""
        for tag, command in zip(tags, commands):
            name = command.split()[0]
            # [RFC3501 7.4.1]
            self.may_expunge = name not in ("FETCH", "STORE", "SEARCH")
            answer = self.until(tag)
            if answer.startswith("BAD"):
                raise Wrong(f"{command!r}: {answer}")
        return answer

    def until(self, tag):
        while True:
            line = self.read()
            if line.startswith(tag + " "):
                return line[len(tag) + 1:]
            self.untagged(line)

    def untagged(self, line):
        if line.startswith("* BYE"):
            raise Wrong(line)
        search = re.match(r"\* SEARCH((?: \d+)*)", line)
        if search:
            self.searched = [int(n) for n in search[1].split()]
            return
        search = re.match(r"\* ESEARCH \(TAG \S+\)(?: UID)?(?: ALL ([\d:,]+))?", line)
        if search:
            self.searched = numbers_of(search[1]) if search[1] else []
            return
        if line.startswith("* VANISHED"):
            self.vanished(line)
            return
        found = re.match(r"\* (\d+) (EXISTS|EXPUNGE|RECENT|FETCH)(?: (.*))?$", line, re.S)
        if not found:
            return
        number, what = int(found[1]), found[2]
        if what == "EXISTS":
            if number < len(self.model):
                raise Wrong(f"{line}: but {len(self.model)} are known")
            self.model += [Message() for _ in range(number - len(self.model))]
        elif what == "RECENT":
            if self.kind == "rev2":
                raise Wrong(f"{line}: with IMAP4rev2")
            if number > len(self.model):
                raise Wrong(f"{line}: but {len(self.model)} exist")
            self.recent = number
        else:
            if not 1 <= number <= len(self.model):
                raise Wrong(f"{line}: but {len(self.model)} exist")
            if what == "EXPUNGE" and self.kind == "qresync":
                raise Wrong(f"{line}: with QRESYNC")
            if what == "FETCH":
                self.fetched(self.model[number - 1], found[3])
            elif not self.may_expunge:
                raise Wrong(f"{line}: not during this command")
            else:
                del self.model[number - 1]

    def vanished(self, line):
        if self.kind != "qresync":
            raise Wrong(f"{line}: not enabled")
        found = re.match(r"\* VANISHED (\(EARLIER\) )?([\d:,]+)$", line)
        if found[1]:
            self.earlier.update(numbers_of(found[2]))
            return
        if not self.may_expunge:
            raise Wrong(f"{line}: not during this command")
        for uid in numbers_of(found[2]):
            place = next((i for i, m in enumerate(self.model) if m.uid == uid), None)
            if place is None:  # one whose UID we have not been told: it stands between those that are known
                begin = max((i + 1 for i, m in enumerate(self.model) if m.uid and m.uid < uid), default=0)
                end = min((i for i, m in enumerate(self.model) if m.uid and m.uid > uid), default=len(self.model))
                place = begin if begin < end else None
                for m in self.model[begin:end]:  # which of them has gone is not known
                    m.flags = None
            if place is None:
                raise Wrong(f"{line}: {uid} is not known")
            del self.model[place]

    def fetched(self, known, items):
        uid = re.search(r"\bUID (\d+)", items)
        if uid:
            if known.uid not in (None, int(uid[1])):
                raise Wrong(f"{items}: the UID was {known.uid}")
            known.uid = int(uid[1])
        flags = re.search(r"\bFLAGS \(([^)]*)\)", items)
        if flags:
            known.flags = frozenset(flags[1].split()) - {r"\Recent"}
            self.told_flags.add(known)
        mod_seq = re.search(r"\bMODSEQ \((\d+)\)", items)
        if mod_seq:
            self.mod_seq = max(self.mod_seq, int(mod_seq[1]))

    # --- what it does
    def select(self, mailbox, parameters=""):
        self.model = []
        self.earlier = set()
        self.selected = mailbox
        parameters = parameters or (" (CONDSTORE)" if self.condstore else "")
        answer = self.run(f"SELECT {quoted(self.prefix + mailbox)}{parameters}")
        if not answer.startswith("OK [READ-WRITE]"):
            raise Wrong(answer)

    def some(self):
        """A set: sequence numbers or UIDs, the messages meant, and the prefix of the command."""
        chosen = sorted(self.rng.sample(range(len(self.model)), min(len(self.model), self.rng.randint(1, 6))))
        messages = [self.model[i] for i in chosen]
        if self.rng.random() < 0.5 and all(m.uid for m in messages):
            return ",".join(str(m.uid) for m in messages), messages, "UID "
        return ",".join(str(i + 1) for i in chosen), messages, ""

    def store(self):
        numbers, messages, uid = self.some()
        flags = frozenset(self.rng.sample(FLAGS, self.rng.randint(0, 3)))
        sign = self.rng.choice(("+", "-", ""))
        silent = self.rng.random() < 0.5
        since = f"(UNCHANGEDSINCE {max(1, self.mod_seq - self.rng.randint(0, 5))}) " if self.condstore and self.rng.random() < 0.4 else ""
        by_number = dict(zip(numbers_of(numbers), messages)) if messages else {}
        answer = self.run(f"{uid}STORE {numbers} {since}{sign}FLAGS{'.SILENT' if silent else ''} ({' '.join(flags)})")
        modified = re.search(r"\[MODIFIED ([\d:,]+)\]", answer)
        held_back = {by_number[n] for n in numbers_of(modified[1])} if modified else set()
        if not silent:
            return
        for m in set(messages) - held_back - self.told_flags:  # what the client computes itself
            if m.flags is not None:
                m.flags = m.flags | flags if sign == "+" else m.flags - flags if sign == "-" else flags

    def fetch(self):
        numbers, _, uid = self.some()
        self.run(f"{uid}FETCH {numbers} {self.rng.choice(('(FLAGS UID)', 'BODY[]', '(BODY.PEEK[HEADER.FIELDS (SUBJECT)] UID)', 'ALL', '(ENVELOPE FLAGS)'))}")

    def search(self):
        uid = self.rng.choice(("", "UID "))
        self.run(f"{uid}SEARCH {self.rng.choice(('ALL', 'UNSEEN', 'SUBJECT random', 'OR SEEN NOT FLAGGED', 'NOT DELETED KEYWORD two'))}")
        if not uid and any(n > len(self.model) for n in self.searched):
            raise Wrong(f"SEARCH found {self.searched}, {len(self.model)} exist")

    def append(self, mailbox=None):
        text = message(f"random {self.rng.random()}")
        flags = " ".join(self.rng.sample(FLAGS, self.rng.randint(0, 2)))
        self.run(f"APPEND {quoted(self.prefix + (mailbox or self.rng.choice(MAILBOXES)))} ({flags}) {{{len(text)}+}}\r\n".encode() + text)

    def transfer(self):
        numbers, _, uid = self.some()
        self.run(f"{uid}{self.rng.choice(('COPY', 'MOVE', 'MOVE'))} {numbers} {quoted(self.prefix + self.rng.choice(MAILBOXES))}")

    def replace(self):
        numbers, messages, uid = self.some()
        text = message(f"random {self.rng.random()}")
        mailbox = quoted(self.prefix + self.rng.choice(MAILBOXES))
        self.run(f"{uid}REPLACE {numbers.split(',')[0]} {mailbox} {{{len(text)}+}}\r\n".encode() + text)

    def expunge(self):
        numbers, _, uid = self.some()
        self.run(f"UID EXPUNGE {numbers}" if uid else "EXPUNGE")

    def pipeline(self):
        known = [m.uid for m in self.model if m.uid] or [1]
        self.run(f"UID STORE {self.rng.choice(known)} +FLAGS (two)", "NOOP", f"UID FETCH {self.rng.choice(known)} FLAGS", "CHECK",
                 f"UID SEARCH UID {self.rng.choice(known)}:*")

    def idle(self):
        self.count += 1
        self.may_expunge = True
        self.send(f"t{self.count} IDLE\r\n".encode())
        while not (line := self.read()).startswith("+"):
            self.untagged(line)
        self.socket.settimeout(self.rng.random() * 0.05 + 0.001)
        try:
            while True:
                self.untagged(self.read())
        except TimeoutError:
            pass
        self.socket.settimeout(60)
        self.send(b"DONE\r\n")
        self.until(f"t{self.count}")

    def step(self):
        if len(self.model) > 40:
            self.run(f"UID STORE {','.join(str(m.uid or 1) for m in self.model[5:])} +FLAGS (\\Deleted)", "EXPUNGE")
        actions = [self.append, self.idle, self.search, self.pipeline, lambda: self.run("NOOP")]
        if self.model:
            actions += [self.store] * 4 + [self.fetch] * 2 + [self.transfer, self.expunge, self.replace]
        if self.rng.random() < 0.05:
            actions = [lambda: self.select(self.rng.choice(MAILBOXES)), lambda: self.run("UNSELECT") and self.select(self.selected)]
        self.rng.choice(actions)()

    # --- when nobody changes anything
    def check(self):
        """Compares the model with the mailbox; returns the mailbox as {uid: flags}."""
        self.run("NOOP")
        before = [(m.uid, m.flags) for m in self.model]
        self.told_flags = set()
        self.run("UID FETCH 1:* (FLAGS)")
        if len(self.model) != len(before) or len(self.told_flags) != len(before):
            raise Wrong(f"{len(before)} known, {len(self.told_flags)} fetched, {len(self.model)} now")
        for number, ((uid, flags), m) in enumerate(zip(before, self.model), 1):
            if flags not in (None, m.flags):
                raise Wrong(f"message {number} (UID {uid}): known {sorted(flags)}, there {sorted(m.flags)}")
        self.run("UID SEARCH ALL")
        if self.searched != [m.uid for m in self.model]:
            raise Wrong(f"UID SEARCH ALL says {self.searched}")
        self.run("SEARCH RECENT")
        if self.kind != "rev2" and len(self.searched) != self.recent:
            raise Wrong(f"{self.recent} are recent, SEARCH RECENT says {self.searched}")
        return {m.uid: m.flags for m in self.model}


class Synchroniser(Session):
    """Keeps a copy as [RFC7162 6] says: what has changed since the last visit, and which UIDs are left."""

    def __init__(self, port, rng, kind="condstore"):
        super().__init__(port, rng, kind)
        self.copies = {name: {} for name in MAILBOXES}
        self.since = dict.fromkeys(MAILBOXES, 1)

    def untagged(self, line):
        super().untagged(line)
        if found := re.match(r"\* OK \[(HIGHESTMODSEQ|UIDVALIDITY) (\d+)\]", line):
            setattr(self, found[1], int(found[2]))

    def visit(self, mailbox):
        self.select(mailbox)
        copy = self.copies[mailbox]
        self.run(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {self.since[mailbox]})")
        copy.update({m.uid: m.flags for m in self.told_flags})
        self.run("UID SEARCH ALL")
        self.copies[mailbox] = {uid: copy[uid] for uid in self.searched}
        self.since[mailbox] = self.HIGHESTMODSEQ
        return self.copies[mailbox]


class Returner(Synchroniser):
    """Keeps a copy by what SELECT (QRESYNC ...) tells it. [RFC7162 3.2.5]"""

    def __init__(self, port, rng):
        super().__init__(port, rng, "qresync")

    def visit(self, mailbox):
        copy = self.copies[mailbox]
        if self.since[mailbox] == 1:
            self.select(mailbox)
            self.run("UID FETCH 1:* (FLAGS)")
        else:
            known = f" {','.join(map(str, sorted(copy)))}" if copy and self.rng.random() < 0.5 else ""
            self.select(mailbox, f" (QRESYNC ({self.UIDVALIDITY_of[mailbox]} {self.since[mailbox]}{known}))")
        told = set(self.told_flags)
        if self.since[mailbox] > 1 and known:  # nothing was said of others
            self.run(f"UID FETCH {max(copy) + 1}:* (FLAGS)")
            told |= self.told_flags
        for uid in self.earlier & set(copy):
            del copy[uid]
        copy.update({m.uid: m.flags for m in told})
        self.run("UID SEARCH ALL")
        if sorted(copy) != self.searched:
            raise Wrong(f"{mailbox}: the copy has {sorted(copy)}, there are {self.searched}")
        self.since[mailbox] = self.HIGHESTMODSEQ
        self.UIDVALIDITY_of = {**getattr(self, "UIDVALIDITY_of", {}), mailbox: self.UIDVALIDITY}
        return dict(copy)


class State(ServerTestCase):
    def test_what_sessions_are_told_is_what_is_there(self):
        seed = int(os.environ.get("POSTHORN_STATE_SEED") or random.randrange(1 << 32))
        rng = random.Random(seed)
        port = self.port("imap_plain")
        sessions = []
        synchronisers = [Synchroniser(port, rng), Returner(port, rng)]
        synchronisers[0].run("CREATE Other")
        for name in MAILBOXES:
            synchronisers[0].run(f"SETACL {name} {GUEST} lrswite")
        for kind, user in (("plain", USER), ("condstore", USER), ("qresync", USER), ("rev2", USER), ("plain", GUEST), ("qresync", GUEST)):
            sessions.append(Session(port, random.Random(rng.random()), kind, user))
        for session in (*sessions, *synchronisers):
            self.addCleanup(session.close)
        for i, session in enumerate(sessions):
            session.append("INBOX")
            session.select(MAILBOXES[i == 3])
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            self.one_round(sessions, seed)
            self.server.send(message("random delivery"), [USER])
            self.compare(sessions, synchronisers, seed)

    def one_round(self, sessions, seed):
        failures = []

        def work(session):
            try:
                for _ in range(15):
                    session.step()
            except (OSError, Wrong, KeyError) as e:
                failures.append((session, e))

        threads = [threading.Thread(target=work, args=(s,)) for s in sessions]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        for session, failure in failures:
            self.give_up(session, failure, seed)

    def compare(self, sessions, synchronisers, seed):
        there = {}
        for session in (*sessions, *synchronisers):
            try:
                if session in synchronisers:
                    found = {name: session.visit(name) for name in MAILBOXES}
                else:
                    found = {session.selected: session.check()}
                for name, messages in found.items():
                    if there.setdefault(name, messages) != messages:
                        raise Wrong(f"{name} is {messages}, another session says {there[name]}")
            except (OSError, Wrong, KeyError) as e:
                self.give_up(session, e, seed)

    def give_up(self, session, failure, seed):
        transcript = b"\n".join(session.log[-80:]).decode("latin-1")
        self.fail(f"seed {seed}: {failure!r}\n{transcript}\n--- server log:\n{self.server.log(10)}")


if __name__ == "__main__":
    unittest.main()
