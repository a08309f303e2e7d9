"""Mailboxes to begin with, and a certificate, for the benchmarks of clients."""
import os
import subprocess
import time

from . import dovecot


def put_mail(maildir, count, size, rng):
    """Messages as Dovecot would have stored them."""
    for part in ("cur", "new", "tmp"):
        os.makedirs(os.path.join(maildir, part), exist_ok=True)
    for _ in range(count):
        i = rng.getrandbits(64)
        body = f"{i:016x} some words of a message that says not much in its lines\n" * (size // 78)
        text = f"From: a@example.test\nTo: b@example.test\nSubject: number {i}\nMessage-ID: <{i}@example.test>\n\n{body}"
        name = f"{int(time.time())}.M{i}.bench,S={len(text)},W={len(text) + text.count(chr(10))}:2,"
        with open(os.path.join(maildir, "cur", name), "w", encoding="ascii") as f:
            f.write(text)
    for root, folders, files in os.walk(os.path.dirname(maildir)):
        for one in (root, *(os.path.join(root, f) for f in folders + files)):
            os.chown(one, dovecot.MAIL_OWNER, dovecot.MAIL_OWNER)


def certificate_for_localhost(folder):
    cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert], check=True, capture_output=True)
    os.chmod(key, 0o600)
    return cert, key
