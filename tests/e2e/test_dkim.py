"""Our DKIM signatures, verified by dkimpy and OpenDKIM: the messages of tests/corpus, generated ones, and real mail where there is some."""

import base64
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import harness

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir, "corpus"))
import corpus  # noqa: E402
import generate  # noqa: E402

TOOL = os.path.join(os.path.dirname(os.path.abspath(harness.BINARY)), "mailauth_tool")
DEBIANS_PYTHON = "/usr/bin/python3"  # the one that has Debian's python3-dkim
REAL_MAIL = "/work/shared/corpus/real-mail-2000.tar.zst"
REAL_COUNT = int(os.environ.get("POSTHORN_DKIM_REAL", "200"))  # of them at most
DOMAIN = "example.test"
FORMS = ("relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple")
UNREADABLE = "unreadable"  # what a verifier says of a message that is none, for it


def as_received(message):
    """As it could have come by SMTP: lines end with CRLF, no CR or LF is by itself, and there is a From."""
    message = re.sub(rb"\r\n|\r|\n", b"\r\n", message)
    if not message.endswith(b"\r\n"):
        message += b"\r\n"
    if not re.search(rb"(?im)^from[ \t]*:", message.split(b"\r\n\r\n", 1)[0]):
        message = b"From: author@example.test\r\n" + message
    return message


def real_messages(folder):
    if not os.path.exists(REAL_MAIL) or REAL_COUNT == 0:
        return {}
    subprocess.run(["tar", "--zstd", "-xf", REAL_MAIL, "-C", folder], check=True)
    paths = sorted(p for p in glob.glob(os.path.join(folder, "**"), recursive=True) if os.path.isfile(p))
    out = {}
    for n, path in enumerate(paths[:: max(1, len(paths) // REAL_COUNT)]):
        with open(path, "rb") as f:
            message = f.read()
        if message.startswith(b"From "):
            message = message.split(b"\n", 1)[1]
        out[f"real-{n}"] = message
    return out


class Signatures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="posthorn-dkim-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.make_keys()
        messages = {f"corpus-{n}": m.bytes for n, m in enumerate(corpus.load())}
        messages |= {f"generated-{seed}": generate.generate(seed) for seed in range(150)}
        messages |= real_messages(cls.path("real"))
        cls.messages = {name: as_received(message) for name, message in messages.items()}
        for name, message in cls.messages.items():
            with open(os.path.join(cls.path("in"), name), "wb") as f:
                f.write(message)

    @classmethod
    def path(cls, name):
        """A folder of this name."""
        path = os.path.join(cls.folder, name)
        os.makedirs(path, exist_ok=True)
        return path

    @classmethod
    def make_keys(cls):
        keys = {}
        for algorithm, last in (("rsa", None), ("ed25519", 32)):
            pem = os.path.join(cls.folder, algorithm + ".pem")
            options = ["-pkeyopt", "rsa_keygen_bits:2048"] if algorithm == "rsa" else []
            subprocess.run(["openssl", "genpkey", "-algorithm", algorithm, *options, "-out", pem], check=True, capture_output=True)
            public = subprocess.run(["openssl", "pkey", "-in", pem, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
            text = base64.b64encode(public[-last:] if last else public).decode()
            keys[f"{algorithm}._domainkey.{DOMAIN}"] = f"v=DKIM1; k={algorithm}; p={text}"
        with open(os.path.join(cls.folder, "keys.json"), "w", encoding="utf-8") as f:
            json.dump(keys, f)
        with open(os.path.join(cls.folder, "keys.txt"), "w", encoding="utf-8") as f:
            f.writelines(f"{name} {text}\n" for name, text in keys.items())
        with open(os.path.join(cls.folder, "opendkim.conf"), "w", encoding="utf-8") as f:
            f.write(f"TestPublicKeys {cls.folder}/keys.txt\nMode v\nSyslog no\nAlwaysAddARHeader yes\n")

    def sign(self, form, names=None):
        """Signs messages; returns the folder and the names of those that could be."""
        names = sorted(names or self.messages)
        out = self.path("signed-" + form.replace("/", "-"))
        done = subprocess.run([TOOL, "dkim-sign", DOMAIN, os.path.join(self.folder, "rsa.pem"), os.path.join(self.folder, "ed25519.pem"), form, "1", out,
                               *(os.path.join(self.path("in"), name) for name in names)], capture_output=True, text=True, timeout=600)
        self.assertEqual(done.returncode, 0, done.stderr)
        refused = dict(line.split(": ", 1) for line in done.stdout.splitlines())
        return out, [name for name in names if name not in refused], refused

    def ask_dkimpy(self, folder, names):
        done = subprocess.run([DEBIANS_PYTHON, os.path.join(HERE, "dkimpy_verify.py"), os.path.join(self.folder, "keys.json"),
                               *(os.path.join(folder, name) for name in names)], capture_output=True, text=True, timeout=1200)
        self.assertEqual(done.returncode, 0, done.stderr)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        # It takes no header with a line that is no field, or with blanks before a colon.
        return {name: UNREADABLE if str(a).startswith("MessageFormatError") else a for name, a in zip(names, answers, strict=True)}

    def ask_opendkim(self, folder, names):
        """It stops at a file that it cannot read."""
        answers, rest = {}, list(names)
        while rest:
            batch = rest[:100]
            done = subprocess.run(["/usr/sbin/opendkim", "-x", os.path.join(self.folder, "opendkim.conf"), "-v", "-v", "-t",
                                   ",".join(os.path.join(folder, name) for name in batch)], capture_output=True, timeout=600)
            verdicts = []
            for line in done.stdout.decode(errors="replace").splitlines():
                verdicts += re.findall(r"\bdkim=(\w+)", line)
                if found := re.match(r"opendkim: (\S+): (?:verification|message)", line):
                    answers[os.path.basename(found[1])] = UNREADABLE if verdicts == ["permerror"] else [v == "pass" for v in verdicts]
                    verdicts = []
            stopped_at = next((name for name in batch if name not in answers), None)
            if stopped_at is None:
                rest = rest[len(batch):]
                continue
            self.assertNotEqual(done.returncode, 0, done.stdout[-2000:])
            answers[stopped_at] = UNREADABLE
            rest = rest[batch.index(stopped_at) + 1:]
        return answers

    def check(self, answers):
        wrong = {name: a for name, a in answers.items() if a not in ([True, True], UNREADABLE)}
        self.assertEqual(wrong, {})
        unread = sum(a == UNREADABLE for a in answers.values())
        self.assertLess(unread, len(answers) / 8, [name for name, a in answers.items() if a == UNREADABLE])
        for name, a in answers.items():
            if name.startswith("real-"):
                self.assertNotEqual(a, UNREADABLE, name)

    def test_dkimpy(self):
        for form in FORMS:
            with self.subTest(form):
                folder, names, refused = self.sign(form)
                self.assertEqual(refused, {})
                self.check(self.ask_dkimpy(folder, names))

    def test_opendkim(self):
        # A text ends at a NUL for it, and vertical tabs and form feeds are blanks, which [RFC6376 2.8] they are not.
        good = [name for name, message in self.messages.items() if not re.search(rb"[\0\v\f]", message)]
        # As a milter it does not see the blanks behind a colon, which "simple" headers keep.
        for form in FORMS[:2]:
            with self.subTest(form):
                folder, names, refused = self.sign(form, good)
                self.assertEqual(refused, {})
                self.check(self.ask_opendkim(folder, names))

    def test_a_change_is_seen(self):
        names = ["corpus-0", "generated-1"]
        folder, signed, _ = self.sign("relaxed/relaxed", names)
        self.assertEqual(signed, names)
        for change in (lambda m: m + b"more\r\n", lambda m: m.replace(b"\r\nFrom:", b"\r\nFrom: x", 1), lambda m: b"Subject: other\r\n" + m,
                       lambda m: b"From: other@example.test\r\n" + m):
            changed = self.path("changed")
            for name in names:
                with open(os.path.join(folder, name), "rb") as f:
                    message = f.read()
                with open(os.path.join(changed, name), "wb") as f:
                    f.write(change(message))
            for answers in (self.ask_dkimpy(changed, names), self.ask_opendkim(changed, names)):
                for name in names:
                    self.assertNotIn(answers[name], ([True, True],), (name, answers))

    def test_what_is_refused(self):
        cases = {"no-from": b"To: a@example.test\r\n\r\nx\r\n", "bare-lf": b"From: a@example.test\nTo: b\r\n\r\nx\r\n",
                 "long": b"From: a@example.test\r\n" + b"X: " + b"y" * 300_000 + b"\r\n\r\nx\r\n"}
        for name, message in cases.items():
            with open(os.path.join(self.path("in"), name), "wb") as f:
                f.write(message)
        _, signed, refused = self.sign("relaxed/relaxed", cases)
        self.assertEqual(signed, [])
        self.assertEqual(set(refused), set(cases))


if __name__ == "__main__":
    unittest.main()
