"""The ugly messages of tests/corpus: what Posthorn makes of each, beside Dovecot and Python's `email`; every difference is explained.

POSTHORN_CORPUS_SEED=N begins the generated ones at another seed, POSTHORN_CORPUS_COUNT=N takes another number of them."""

import os
import re
import sys
import unittest

import harness
from harness import DOMAIN, PASSWORD, ServerTestCase

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "corpus"))
import compare  # noqa: E402
import corpus  # noqa: E402
import differences  # noqa: E402
import generate  # noqa: E402
import imap_client  # noqa: E402
import imap_response  # noqa: E402
import third_opinion  # noqa: E402

FIRST_SEED = int(os.environ.get("POSTHORN_CORPUS_SEED", "1"))
GENERATED = int(os.environ.get("POSTHORN_CORPUS_COUNT", "2500"))


class Generated:
    area = "generated"

    def __init__(self, seed):
        self.name = f"seed {seed}"
        self.bytes = generate.generate(seed)

    def __repr__(self):
        return self.name


class Answers:
    """What a server says of one message."""

    def __init__(self):
        self.items, self.sections, self.error = {}, {}, None


def fetch_all(client, messages, items):
    """FETCHes the items of all messages of the selected mailbox."""
    out = [Answers() for _ in messages]
    for response in client.do(b"FETCH 1:* (%s)" % items):
        try:
            number, values = imap_response.parse_fetch(response)
            out[number - 1].items = values
        except imap_response.GrammarError as e:
            out[int(response.split()[1]) - 1].error = e
    return out


def fetch_sections(client, answers, wanted):
    """FETCHes for every message the sections that its row of `wanted` names."""
    commands, of = [], []
    for n, (answer, sections) in enumerate(zip(answers, wanted), 1):
        for start in range(0, len(sections), 100):
            commands.append(b"FETCH %d (%s)" % (n, b" ".join(b"BODY.PEEK" + s[4:].encode() for s in sections[start:start + 100])))
            of.append(answer)
    for answer, (status, untagged) in zip(of, client.run(commands)):
        if not status.startswith(b"OK"):
            answer.error = answer.error or status
        for response in untagged:
            if b" FETCH (" in response[:40]:
                number, values = imap_response.parse_fetch(response)
                answers[number - 1].sections.update(values)


class Explanations:
    """Finds the explanation of a difference, and those that explain nothing."""

    def __init__(self, rules, one_by_one):
        self.rules, self.one_by_one = rules, one_by_one
        self.used, self.unexplained = set(), []

    def take(self, difference):
        row = self.one_by_one.get(repr(difference.message))
        if row and difference.field in row[0]:
            self.used.add((repr(difference.message), difference.field))
            return
        for rule in self.rules:
            if rule.applies(difference):
                self.used.add(rule.name)
                return
        self.unexplained.append(difference)

    def idle(self):
        return ([f"rule {r.name!r}" for r in self.rules if r.name not in self.used]
                + [f"{name}: {f}" for name, row in self.one_by_one.items() for f in row[0] if (name, f) not in self.used])


class Corpus(ServerTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = cls.dovecot = None
        try:
            if not os.path.exists(imap_client.DOVECOT):
                raise AssertionError("dovecot-imapd is not installed; tools/packages.sh names it")
            cls.messages = corpus.load()
            cls.client = imap_client.connect(cls.server.ports["imap_plain"], f"alice@{DOMAIN}", PASSWORD)
            cls.dovecot = imap_client.DovecotChild()
            cls.ours = cls.append_and_fetch(cls.client)
            cls.theirs = cls.append_and_fetch(cls.dovecot.client)
            # Every section that either has, and some that there cannot be.
            sections = []
            for a, b in zip(cls.ours, cls.theirs):
                names = ["BODY[HEADER.FIELDS (SUBJECT FROM)]", "BODY[HEADER.FIELDS.NOT (SUBJECT)]", "BODY[9999]"]
                for answer in (a, b):
                    if answer.items:
                        names += compare.section_names(answer.items["BODYSTRUCTURE"])
                sections.append(sorted(set(names)))
            fetch_sections(cls.client, cls.ours, sections)
            fetch_sections(cls.dovecot.client, cls.theirs, sections)
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        if cls.dovecot:
            cls.dovecot.stop()
        if cls.client:
            cls.client.socket.close()
        super().tearDownClass()

    @classmethod
    def append_and_fetch(cls, client):
        client.do(b"CREATE corpus")
        statuses = client.append_all(b"corpus", [m.bytes for m in cls.messages])
        refused = [(m, s) for m, s in zip(cls.messages, statuses) if not s.startswith(b"OK")]
        assert not refused, f"refused: {refused}"
        client.do(b"SELECT corpus")
        return fetch_all(client, cls.messages, b"RFC822.SIZE ENVELOPE BODY BODYSTRUCTURE")

    def test_there_are_enough(self):
        self.assertGreaterEqual(len(self.messages), 300)

    def test_every_answer_is_of_the_grammar(self):
        for message, answer in zip(self.messages, self.ours):
            with self.subTest(message=repr(message)):
                self.assertIsNone(answer.error, message.idea)

    def test_body_is_bodystructure_without_extension_data(self):
        for message, answer in zip(self.messages, self.ours):
            with self.subTest(message=repr(message)):
                self.assert_same_but_extension(answer.items["BODY"], answer.items["BODYSTRUCTURE"])

    def assert_same_but_extension(self, short, full):
        names = ["type", "subtype", "id", "description", "encoding", "size", "lines", "envelope"]
        if full.type != "multipart":
            names.append("params")
        for name in names:
            self.assertEqual(getattr(short, name), getattr(full, name), name)
        self.assertEqual(len(short.children), len(full.children))
        for a, b in zip(short.children, full.children):
            self.assert_same_but_extension(a, b)

    def test_sections_add_up(self):
        for message, answer in zip(self.messages, self.ours):
            with self.subTest(message=repr(message)):
                self.check_sections(message, answer)

    def check_sections(self, message, answer):
        sections, size = answer.sections, answer.items["RFC822.SIZE"]
        whole = message.bytes.replace(b"\0", b"\x80")  # [RFC3501 9] no literal has NUL
        self.assertEqual(sections["BODY[]"], whole, "the message is given back as it was")
        self.assertEqual(size, len(whole))
        self.assertEqual(sections["BODY[HEADER]"] + sections["BODY[TEXT]"], whole)
        self.assertIsNone(sections["BODY[9999]"])
        for number, part in answer.items["BODYSTRUCTURE"].sections():
            body, mime = sections[f"BODY[{number}]"], sections[f"BODY[{number}.MIME]"]
            self.assertIsNotNone(body, number)
            if part.size is not None:
                self.assertEqual(len(body), part.size, number)
            if part.lines is not None:
                self.assertEqual(body.count(b"\n"), part.lines, number)
            parent = number.rpartition(".")[0]
            self.assertIn(mime + body, sections[f"BODY[{parent}]"] if parent else whole, number)
            if part.envelope:
                self.assertEqual(sections[f"BODY[{number}.HEADER]"] + sections[f"BODY[{number}.TEXT]"], body, number)

    def test_differences_from_dovecot_are_explained(self):
        explanations = Explanations(differences.RULES, differences.ONE_BY_ONE)
        for message, ours, theirs in zip(self.messages, self.ours, self.theirs):
            self.assertIsNone(theirs.error, f"{message}: Dovecot's answer")
            comparison = compare.Comparison(message)
            comparison.note("", "size", ours.items["RFC822.SIZE"], theirs.items["RFC822.SIZE"])
            comparison.envelopes("", ours.items["ENVELOPE"], theirs.items["ENVELOPE"])
            comparison.bodies("", ours.items["BODYSTRUCTURE"], theirs.items["BODYSTRUCTURE"])
            comparison.sections(ours.sections, theirs.sections)
            for difference in comparison.found:
                explanations.take(difference)
        self.check_explanations(explanations)

    def check_explanations(self, explanations):
        if explanations.unexplained:
            self.fail(f"{len(explanations.unexplained)} unexplained:\n" + "\n".join(map(str, explanations.unexplained)))
        self.assertEqual(explanations.idle(), [], "explanations of nothing")

    def test_differences_from_python_are_explained(self):
        explanations = Explanations(differences.PYTHON_RULES, differences.PYTHON_ONE_BY_ONE)
        for message, ours in zip(self.messages, self.ours):
            comparison = compare.Comparison(message)
            third_opinion.compare_with_python(comparison, message.bytes, ours.items)
            for difference in comparison.found:
                explanations.take(difference)
        self.check_explanations(explanations)

    def test_search(self):
        """The lines "+ KEY" and "- KEY" of the corpus."""
        wanted = [(n, m, key, found) for n, m in enumerate(self.messages, 1)
                  for found, keys in ((True, m.found), (False, m.not_found)) for key in keys]
        self.assertGreater(len(wanted), 200)
        answers = self.client.run([search_command(n, key) for n, _, key, _ in wanted])
        wrong = []
        for (number, message, key, found), (status, untagged) in zip(wanted, answers):
            self.assertTrue(status.startswith(b"OK"), f"{message} {key}: {status}")
            numbers = b"".join(untagged).split()[2:]
            self.assertIn(numbers, ([], [b"%d" % number]))
            if (numbers != []) != found:
                wrong.append(f"{message}: {key} is {'not ' if found else ''}found")
        self.assertFalse(wrong, "\n".join(wrong))

    def test_nothing_is_found_by_dovecot_only(self):
        """It decodes less, so that we may find more."""
        keys = ("TEXT", "BODY", "SUBJECT", "FROM", "TO", "HEADER Content-Type", "HEADER Content-Disposition")
        words = ("x", "one", "example.org", "Grüße", "subject:", "content-type", "=?", "a", "behind", "%C3")
        used, unexplained = set(), []
        for key in keys:
            for word in words:
                ours, theirs = (self.found_by(c, f'{key} "{word}"') for c in (self.client, self.dovecot.client))
                only_theirs = {repr(self.messages[n - 1]) for n in theirs - ours}
                unexplained += [f"{m}: {key} {word}" for m in only_theirs - differences.SEARCH.keys()]
                used |= only_theirs
        self.assertFalse(unexplained)
        self.assertEqual(differences.SEARCH.keys() - used, set(), "explanations of nothing")

    def found_by(self, client, key):
        return {int(n) for n in b"".join(client.do(search_command("1:*", key))).split()[2:]}


def search_command(numbers, key):
    """SEARCH of some messages. Strings are sent as literals, for they may be anything."""
    def literal(text):
        raw = re.sub(r"\\(.)", r"\1", text[1]).encode()
        return "{%d+}\r\n%s" % (len(raw), raw.decode())
    key = re.sub(r'"((?:[^"\\]|\\.)*)"', literal, key)
    return f"SEARCH CHARSET UTF-8 {numbers} {key}".encode()


class GeneratedCorpus(ServerTestCase):
    """Random trees with random damage: the structure is the same for Dovecot, or the reason is known."""

    def test_structure(self):
        messages = [Generated(FIRST_SEED + i) for i in range(GENERATED)]
        client = imap_client.connect(self.port("imap_plain"), f"bob@{DOMAIN}", PASSWORD)
        dovecot = imap_client.DovecotChild()
        try:
            ours, theirs = (self.append_and_fetch(c, messages) for c in (client, dovecot.client))
            fetch_sections(client, ours, [[f"BODY[{number}]" for number, _ in a.items["BODYSTRUCTURE"].sections()] + ["BODY[]"]
                                          for a in ours])
        finally:
            dovecot.stop()
            client.socket.close()
        explanations = Explanations(differences.RULES, {})
        for message, a, b in zip(messages, ours, theirs):
            with self.subTest(message=repr(message)):
                self.assertEqual(a.sections["BODY[]"], message.bytes)
                for number, part in a.items["BODYSTRUCTURE"].sections():
                    if part.size is not None:
                        self.assertEqual(len(a.sections[f"BODY[{number}]"]), part.size, number)
                comparison = compare.Comparison(message, structure_only=True)
                comparison.note("", "size", a.items["RFC822.SIZE"], b.items["RFC822.SIZE"])
                comparison.bodies("", a.items["BODYSTRUCTURE"], b.items["BODYSTRUCTURE"])
                for difference in comparison.found:
                    explanations.take(difference)
        self.assertFalse(explanations.unexplained, "\n".join(map(str, explanations.unexplained[:20])) + "\ntests/corpus/generate.py SEED shows a message")

    def append_and_fetch(self, client, messages):
        client.do(b"CREATE generated")
        for message, status in zip(messages, client.append_all(b"generated", [m.bytes for m in messages])):
            self.assertTrue(status.startswith(b"OK"), f"{message}: {status}")
        client.do(b"SELECT generated")
        answers = fetch_all(client, messages, b"RFC822.SIZE ENVELOPE BODYSTRUCTURE")
        for message, answer in zip(messages, answers):
            self.assertIsNone(answer.error, message)
        return answers


if __name__ == "__main__":
    unittest.main()
